//! The watchman feed: a watchman server records changes, also while no program listens.
//!
//! The server never waits for a cookie (`sync_timeout`): it would write a cookie file into the
//! store, and this program writes to no store. A subscription needs no cookie.

mod protocol;
mod reports;

use std::env;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scrollback_source::{DirtyScope, Source, WatchedFiles};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use watchman_client::prelude::*;

use self::protocol::{ChangedFile, SinceQuery, running_server_socket};
use self::reports::{CLOCK_PREFIX, Shared, State, listen, query_changes};
use crate::dirty::DirtyTracker;
use crate::feed::clock::FeedClock;
use crate::feed::context::FeedContext;
use crate::feed::contract::{BatchFuture, Feed, FeedBatch, FeedStats};
use crate::feed::error::FeedError;
use crate::feed::kind::FeedKind;
use crate::feed::outstanding_batch::OutstandingBatch;

/// A feed on a watchman server. Needs a tokio runtime.
pub struct WatchmanFeed {
    client: Arc<Client>,
    /// The directories that contain the whole store.
    roots: Vec<ResolvedRoot>,
    shared: Arc<Shared>,
    listeners: Vec<JoinHandle<()>>,
    outstanding: OutstandingBatch,
    has_begun: bool,
    /// The longest time for an answer of the server.
    timeout: Duration,
}

impl WatchmanFeed {
    /// Checks whether a clock belongs to a watchman server, which knows the changes since then.
    pub fn is_server_clock(clock: &FeedClock) -> bool {
        clock.0.starts_with(CLOCK_PREFIX)
    }

    /// Connects to this user's server. With `may_watch` a missing server is started, and the server
    /// is asked to watch the store. Without `may_watch` the server must already watch the store.
    ///
    /// # Errors
    /// * [`FeedError::Server`] if no server runs, the server fails, or it does not watch the store.
    /// * [`FeedError::Watch`] if a directory of the store does not exist.
    /// * [`FeedError::Silent`] or [`FeedError::System`] if the command `watchman` does not answer
    ///   or cannot run.
    pub async fn connect(context: FeedContext, may_watch: bool) -> Result<Self, FeedError> {
        let mut connector = Connector::new();
        let environment_socket = env::var_os("WATCHMAN_SOCK").map(PathBuf::from);
        if let Some(socket) = context.server_socket.clone().or(environment_socket) {
            connector = connector.unix_domain_socket(socket);
        } else if !may_watch {
            // The client would start a server to learn the socket. An optional server must not be
            // started, so this call asks for the socket with `--no-spawn`.
            connector = connector.unix_domain_socket(running_server_socket().await?);
        }
        let client = Arc::new(connector.connect().await.map_err(server_error)?);
        let watched_roots = client.watch_list().await.map_err(server_error)?.roots;
        let mut roots = Vec::new();
        for base in base_directories(&*context.source) {
            let base = CanonicalPath::canonicalize(&base)
                .map_err(|source| FeedError::Watch { path: base.clone(), source })?;
            let path = base.clone().into_path_buf();
            if !may_watch && !watched_roots.iter().any(|root| path.starts_with(root)) {
                let reason = format!("the server does not watch {}", path.display());
                return Err(FeedError::Server(reason));
            }
            roots.push(client.resolve_root(base).await.map_err(server_error)?);
        }
        let state =
            Mutex::new(State { clocks: vec![String::new(); roots.len()], ..State::default() });
        let dirty = DirtyTracker::new(context.max_scopes);
        let FeedContext { source, indexed, timeout: time_limit, .. } = context;
        let shared = Shared { source, indexed, dirty, state, wake: Notify::new() };
        let shared = Arc::new(shared);
        Ok(Self {
            client,
            roots,
            shared,
            listeners: Vec::new(),
            outstanding: OutstandingBatch::default(),
            has_begun: false,
            timeout: time_limit,
        })
    }

    /// Subscribes to all roots, from a server clock on if the caller has one.
    ///
    /// # Errors
    /// [`FeedError::Server`].
    pub(crate) async fn begin(&mut self, since: Option<&FeedClock>) -> Result<(), FeedError> {
        self.listeners.drain(..).for_each(|listener| listener.abort());
        let has_clock = since.is_some();
        let since = since.and_then(|clock| clock.0.strip_prefix(CLOCK_PREFIX));
        let since: Vec<&str> = since.map_or(Vec::new(), |clock| clock.split('|').collect());
        let is_known = since.len() == self.roots.len();
        let mut queried_roots = Vec::new();
        for (root_index, root) in self.roots.iter().enumerate() {
            // Without a clock, the subscription covers everything from now on. A rescan that begins
            // after this call misses nothing.
            let clock = match is_known {
                true => ClockSpec::StringClock(since[root_index].to_owned()),
                false => {
                    let current_clock = self.client.clock(root, SyncTimeout::DisableCookie);
                    current_clock.await.map_err(server_error)?
                }
            };
            let request = SubscribeRequest {
                since: Some(Clock::Spec(clock.clone())),
                empty_on_fresh_instance: true,
                ..SubscribeRequest::default()
            };
            let subscribed = self.client.subscribe::<ChangedFile>(root, request).await;
            let (subscription, _) = subscribed.map_err(server_error)?;
            // Paths are spelled as the source spells them. The server resolves symbolic links, and
            // the source would not recognise its paths.
            let shared = Arc::clone(&self.shared);
            let base = base_directories(&*shared.source)
                .into_iter()
                .nth(root_index)
                .unwrap_or_else(|| root.path());
            // Servers up to 4.9 start a subscription with later changes only. An explicit query
            // returns the changes since the clock; a repeated hint is harmless.
            let changes = self.client.generic_request(SinceQuery::new(root, clock)).await;
            shared.apply_changes(&base, root_index, changes.map_err(server_error)?)?;
            queried_roots.push((root.clone(), base.clone()));
            self.listeners.push(tokio::spawn(listen(subscription, shared, base, root_index)));
        }
        let (client, shared) = (Arc::clone(&self.client), Arc::clone(&self.shared));
        let queries = query_changes(client, queried_roots, shared, self.timeout);
        self.listeners.push(tokio::spawn(queries));
        if has_clock && !is_known {
            // the clock belongs to another store or another feed
            self.shared.dirty.mark(DirtyScope::Store)?;
        }
        self.has_begun = true;
        Ok(())
    }

    fn take_batch(&mut self) -> FeedBatch {
        // The clocks are read before the claim. A change in between is in the claim and may be
        // repeated, but is never skipped.
        let clock = self.shared.clock();
        self.outstanding.take_batch(&self.shared.dirty, |_| clock)
    }
}

impl Feed for WatchmanFeed {
    fn kind(&self) -> FeedKind {
        FeedKind::Watchman
    }

    fn next<'f>(&'f mut self, clock: Option<&'f FeedClock>) -> BatchFuture<'f> {
        Box::pin(async move {
            // The first call subscribes. A server clock from the caller continues without a rescan;
            // without a clock the store is rescanned.
            if !self.has_begun {
                self.begin(clock).await?;
                if clock.is_none() {
                    self.shared.dirty.mark(DirtyScope::Store)?;
                    return Ok(self.take_batch());
                }
            }
            if !clock.is_some_and(Self::is_server_clock) {
                // a clock of another feed: start with a rescan
                self.shared.dirty.mark(DirtyScope::Store)?;
            }
            self.outstanding.settle(&self.shared.dirty, clock);
            loop {
                if let Some(failure) = self.shared.state().failure.clone() {
                    return Err(FeedError::Server(failure));
                }
                if !self.shared.dirty.is_empty() {
                    return Ok(self.take_batch());
                }
                self.shared.wake.notified().await;
            }
        })
    }

    fn stats(&self) -> FeedStats {
        let State { events, already_indexed: indexed, .. } = *self.shared.state();
        let rescans = self.outstanding.rescans;
        FeedStats {
            watches: self.roots.len(),
            hot_directories: 0,
            events,
            already_indexed: indexed,
            rescans,
        }
    }
}

impl Drop for WatchmanFeed {
    fn drop(&mut self) {
        self.listeners.iter().for_each(JoinHandle::abort);
    }
}

/// Returns the directories that contain all roots of the watch plan. None of them contains another.
fn base_directories(source: &dyn Source) -> Vec<PathBuf> {
    let mut bases: Vec<PathBuf> = Vec::new();
    for root in source.watch_plan() {
        let base = match root.files {
            WatchedFiles::Named(_) => Some(&*root.path),
            _ => root.path.parent(),
        };
        let Some(base) = base else { continue };
        if !bases.iter().any(|other| base.starts_with(other)) {
            bases.retain(|other| !other.starts_with(base));
            bases.push(base.to_owned());
        }
    }
    bases
}

fn server_error(error: watchman_client::Error) -> FeedError {
    FeedError::Server(error.to_string())
}

impl std::fmt::Debug for WatchmanFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchmanFeed").field("roots", &self.roots).finish_non_exhaustive()
    }
}
