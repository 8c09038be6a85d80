//! The changes that a server reports, by subscriptions and by queries.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrollback_source::{DirtyScope, Source};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use watchman_client::prelude::*;
use watchman_client::{Subscription, SubscriptionData};

use super::protocol::{ChangedFile, SinceQuery};
use crate::dirty::DirtyTracker;
use crate::feed::clock::FeedClock;
use crate::feed::context::IndexedRecords;
use crate::feed::error::FeedError;

/// The state that the listeners fill and the feed reads.
pub(super) struct Shared {
    pub(super) source: Arc<dyn Source>,
    pub(super) indexed: IndexedRecords,
    pub(super) dirty: DirtyTracker<DirtyScope>,
    pub(super) state: Mutex<State>,
    pub(super) wake: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// The clock of the server for each root.
    pub(super) clocks: Vec<String>,
    /// The reason why the server reports nothing more.
    pub(super) failure: Option<String>,
    pub(super) events: u64,
    /// The number of reported files that the index already had.
    pub(super) already_indexed: u64,
}

/// The shortest and the longest interval between queries: during changes, and without changes.
const QUERY_INTERVALS: (Duration, Duration) =
    (Duration::from_millis(50), Duration::from_millis(250));

/// The prefix of server clocks.
pub(super) const CLOCK_PREFIX: &str = "watchman:";

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the clocks of all roots as one clock.
    pub(super) fn clock(&self) -> FeedClock {
        let state = self.state();
        FeedClock(format!("{CLOCK_PREFIX}{}", state.clocks.join("|")).into())
    }

    /// Marks the scopes of the files that the server reported for a root.
    pub(super) fn apply_changes(
        &self,
        base: &Path,
        root_index: usize,
        changes: QueryResult<ChangedFile>,
    ) -> Result<(), FeedError> {
        // The server has lost its history, for example after a restart: anything may have changed.
        if changes.is_fresh_instance {
            self.dirty.mark(DirtyScope::Store)?;
        }
        let files = changes.files.unwrap_or_default();
        self.state().events += files.len() as u64;
        for file in files {
            // The server also reports every file of a directory that appears or disappears, so the
            // directory itself adds nothing.
            if matches!(file.kind, FileType::Directory) {
                continue;
            }
            let path = base.join(&file.name);
            let scope = self.source.scope_of_path(&path).filter(|_| self.is_watched_file(&path));
            match (scope, file.stamp()) {
                // The reported stamp is the indexed stamp, so the index already has this write.
                // This is common after a start: the server repeats changes that the refresh has
                // read.
                (Some(DirtyScope::Entity(key)), Some(stamp))
                    if self.indexed.contains(&key, &stamp) =>
                {
                    self.state().already_indexed += 1;
                }
                (Some(scope), _) => drop(self.dirty.mark(scope)?),
                (None, _) => {}
            }
        }
        self.set_clock(root_index, changes.clock);
        Ok(())
    }

    /// Stores the server's clock for a root. All changes up to it are marked before this call.
    fn set_clock(&self, root_index: usize, clock: Clock) {
        if let Clock::Spec(ClockSpec::StringClock(clock)) = clock {
            self.state().clocks[root_index] = clock;
        }
    }

    /// Checks whether a root of the watch plan includes this file.
    fn is_watched_file(&self, path: &Path) -> bool {
        let Some(name) = path.file_name() else { return true };
        let mut roots = self.source.watch_plan().into_iter();
        roots.any(|root| path.starts_with(&root.path) && root.files.include(name))
    }

    /// Asks the server for the changes of a root since its last clock.
    ///
    /// # Errors
    /// [`FeedError::Server`], or [`FeedError::Silent`] if no answer comes in time.
    async fn query(
        &self,
        client: &Client,
        (root, base): &(ResolvedRoot, PathBuf),
        root_index: usize,
        time_limit: Duration,
    ) -> Result<(), FeedError> {
        let clock = ClockSpec::StringClock(self.state().clocks[root_index].clone());
        let answer = client.generic_request(SinceQuery::new(root, clock));
        match timeout(time_limit, answer).await {
            Ok(Ok(changes)) => self.apply_changes(base, root_index, changes),
            Ok(Err(error)) => Err(FeedError::Server(error.to_string())),
            Err(_) => Err(FeedError::Silent(time_limit)),
        }
    }
}

/// Marks the changes that a subscription reports. A server reports only after a pause in the writes.
pub(super) async fn listen(
    mut subscription: Subscription<ChangedFile>,
    shared: Arc<Shared>,
    base: PathBuf,
    root_index: usize,
) {
    loop {
        let failure = match subscription.next().await {
            Ok(SubscriptionData::FilesChanged(changes)) => shared
                .apply_changes(&base, root_index, changes)
                .err()
                .map(|error| error.to_string()),
            Ok(SubscriptionData::Canceled) => {
                Some("the server has stopped watching the store".to_owned())
            }
            Ok(_) => None, // states of other tools
            Err(error) => Some(error.to_string()),
        };
        let has_ended = failure.is_some();
        if has_ended {
            shared.state().failure = failure;
        }
        shared.wake.notify_one();
        if has_ended {
            return;
        }
    }
}

/// Asks the server for changes at regular intervals, because a subscription stays silent while writes
/// go on. Reports a failure if no answer comes in time: a server that hangs would otherwise seem
/// quiet for ever.
pub(super) async fn query_changes(
    client: Arc<Client>,
    roots: Vec<(ResolvedRoot, PathBuf)>,
    shared: Arc<Shared>,
    time_limit: Duration,
) {
    let (shortest, longest) = QUERY_INTERVALS;
    let mut interval = shortest;
    loop {
        let events_before = shared.state().events;
        sleep(interval).await;
        for (root_index, root) in roots.iter().enumerate() {
            if let Err(error) = shared.query(&client, root, root_index, time_limit).await {
                let reason = match error {
                    FeedError::Server(reason) => reason,
                    error => error.to_string(),
                };
                shared.state().failure = Some(reason);
                shared.wake.notify_one();
                return;
            }
        }
        // Subscriptions count as well: a burst that they report may be the first of many.
        interval = match shared.state().events == events_before {
            true => (interval * 2).min(longest),
            false => shortest,
        };
        if !shared.dirty.is_empty() {
            shared.wake.notify_one();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}
