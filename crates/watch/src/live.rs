//! A live index: a driver on a thread of its own, and what its users hold.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use scrollback_core_id::{Cursor, EntityKey, SessionKey, Stamp};
use scrollback_flow::{OnProgress, Parts, RefreshOptions, SessionMaterializer, Snapshots};
use scrollback_index::SessionIndex;
use scrollback_source::{DirtyScope, Source};
use tokio::sync::watch;

use crate::dirty::DirtyTracker;
use crate::driver::Driver;
use crate::feed::{self, FeedClock, FeedError, FeedKind};
use crate::follow::{EventCursor, Follower};
use crate::stats::LiveStats;
use crate::tracked::TrackedMappedFileCache;

/// How a store is followed.
#[derive(Debug, Clone)]
pub struct LiveOptions {
    /// By which feed.
    pub feed: FeedChoice,
    /// How long it has to be quiet before what changed is looked at. Nothing: at once.
    pub quiet: Duration,
    /// How long what changed may wait at most.
    pub dirty: Duration,
    /// Within which time every record is looked at, whether a feed spoke of it or not.
    pub sweep: Duration,
    /// How long the poll feed waits, while something happens and while nothing does.
    pub poll: (Duration, Duration),
    /// How many scopes are kept apart before they join.
    pub scopes: usize,
    /// How many directories are watched while they are hot.
    pub hot: usize,
    /// How many watches there may be at all.
    pub watches: Option<usize>,
    /// The socket of the watchman server; none for where this user's is.
    pub server: Option<PathBuf>,
    /// How long a feed may take to begin, and a server to answer.
    pub patience: Duration,
    /// How long a feed that could not go on is left alone, at first; then ever longer.
    pub retry: Duration,
    /// What [`Live::clock`] said when a snapshot was about to be kept, that is opened now: a server
    /// that ran all the time says what was written since, also in place.
    pub since: Option<FeedClock>,
    /// How the index is kept.
    pub refresh: RefreshOptions,
}

/// Which feed is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedChoice {
    /// The best there is: a watchman server that watches the store already, the system's watches,
    /// else polling. One that cannot go on is replaced by the next.
    Best,
    /// This one; polling takes its place if it cannot go on.
    Only(FeedKind),
}

/// Why nothing can be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] scrollback_source::Error),
    /// The feed that was asked for cannot begin.
    #[error("the feed {kind} cannot begin: {why}")]
    Feed {
        /// Which.
        kind: FeedKind,
        /// Why.
        why: FeedError,
    },
    /// Whoever was told how far it is said that it is enough.
    #[error("it was stopped before it began")]
    Stopped,
    /// The system has no thread for it.
    #[error("no thread for the driver: {0}")]
    Thread(#[from] std::io::Error),
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            feed: FeedChoice::Best,
            quiet: Duration::ZERO,
            dirty: Duration::from_millis(200),
            sweep: Duration::from_secs(60),
            poll: (Duration::from_millis(100), Duration::from_secs(1)),
            scopes: feed::SCOPES,
            hot: feed::HOT,
            watches: None,
            server: None,
            patience: feed::PATIENCE,
            retry: Duration::from_secs(30),
            since: None,
            refresh: RefreshOptions { parts_of_dirty: Parts::Stamps, ..RefreshOptions::default() },
        }
    }
}

/// What a driver and its users share.
pub(crate) struct Shared {
    pub(crate) materializer: SessionMaterializer,
    pub(crate) dirty: Arc<DirtyTracker<DirtyScope>>,
    /// The state of the index: whoever waits for it to move pulls what changed.
    pub(crate) moved: watch::Receiver<Cursor>,
    pub(crate) stats: Mutex<LiveStats>,
    /// Where the feed was when all that it had said was looked at.
    pub(crate) looked: Mutex<Option<FeedClock>>,
    /// Whether a look that takes long is to end.
    pub(crate) is_stopping: AtomicBool,
}

/// An index that is kept equal to its store while this lives. Dropping it ends the driver, its
/// thread and its watches.
pub struct Live {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    driver: Option<Driving>,
}

/// Where the driver is.
enum Driving {
    Thread(JoinHandle<()>),
    Task(tokio::task::JoinHandle<()>),
}

impl Live {
    /// Subscribes to a feed, brings the index up to date, and goes on from there. Returns once the
    /// index is as the store is, but for what was written in place in cold sessions since a snapshot
    /// was kept: the sweep comes to that, or a server that remembers it.
    ///
    /// # Errors
    /// If the store is there and cannot be read, or the one feed that is wanted cannot begin. A
    /// store that is not there is waited for.
    pub fn start(
        source: Arc<dyn Source>,
        snapshots: Option<Snapshots>,
        options: LiveOptions,
        progress: &OnProgress<'_>,
    ) -> Result<Self, LiveError> {
        let (stop, stopped) = watch::channel(false);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        // On a thread of its own: where a runtime runs already, no other may begin.
        let begun = thread::scope(|scope| {
            let begin = || runtime.block_on(Driver::begin(source, snapshots, options, progress));
            let begin = thread::Builder::new().spawn_scoped(scope, begin)?;
            begin.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        let driver = match begun {
            Ok(driver) => driver,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let shared = Arc::clone(driver.shared());
        let thread = thread::Builder::new()
            .name("scrollback-watch".to_owned())
            .spawn(move || runtime.block_on(driver.run(stopped)))?;
        Ok(Self { shared, stop, driver: Some(Driving::Thread(thread)) })
    }

    /// The same as a task of the runtime that this is called in, which has to have its I/O and its
    /// clock enabled. So nobody waits for another thread; a look at the store blocks whatever else
    /// runs on the same one, for some 50 µs most often.
    ///
    /// # Errors
    /// As [`Live::start`].
    pub async fn spawn(
        source: Arc<dyn Source>,
        snapshots: Option<Snapshots>,
        options: LiveOptions,
        progress: &OnProgress<'_>,
    ) -> Result<Self, LiveError> {
        let (stop, stopped) = watch::channel(false);
        let driver = Driver::begin(source, snapshots, options, progress).await?;
        let shared = Arc::clone(driver.shared());
        let task = tokio::spawn(driver.run(stopped));
        Ok(Self { shared, stop, driver: Some(Driving::Task(task)) })
    }

    /// The index, with what reads and keeps it.
    pub fn materializer(&self) -> &SessionMaterializer {
        &self.shared.materializer
    }

    /// The index.
    pub fn index(&self) -> &SessionIndex {
        self.shared.materializer.index()
    }

    /// Says when the index moves. Only that it did: what changed is asked of the index, so that
    /// whoever is late misses nothing.
    pub fn moved(&self) -> watch::Receiver<Cursor> {
        self.shared.moved.clone()
    }

    /// A stream of what happens: from a cursor on, of all of the store or of one session.
    pub fn follow(&self, from: Option<EventCursor>, only: Option<SessionKey>) -> Follower {
        Follower::new(Arc::clone(&self.shared), from, only)
    }

    /// The bytes that the driver reads, for whoever wants them too.
    pub fn cache(&self) -> TrackedMappedFileCache {
        let (materializer, known) = (&self.shared.materializer, Arc::downgrade(&self.shared));
        TrackedMappedFileCache::new(
            Arc::clone(materializer.cache()),
            Arc::clone(&self.shared.dirty),
            materializer.source().id().clone(),
            move |key, stamp| known.upgrade().is_some_and(|it| it.is_known(key, stamp)),
        )
    }

    /// Where the feed is with all that was looked at: to be asked before a snapshot is kept, and kept
    /// with it ([`LiveOptions::since`]). None while something is still to be looked at.
    pub fn clock(&self) -> Option<FeedClock> {
        self.shared.looked().clone()
    }

    /// What the driver did.
    pub fn stats(&self) -> LiveStats {
        self.shared.stats().clone()
    }

    /// Ends the driver, and waits until it is gone if it is a thread. A task is gone when its runtime
    /// comes to it.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        match self.driver.take() {
            // It does not panic, and if it did all the same it is gone.
            Some(Driving::Thread(thread)) => drop(thread.join()),
            Some(Driving::Task(task)) => task.abort(),
            None => {}
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    pub(crate) fn stats(&self) -> MutexGuard<'_, LiveStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn looked(&self) -> MutexGuard<'_, Option<FeedClock>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the index has a record as it looks so.
    pub(crate) fn is_known(&self, key: &EntityKey, stamp: &Stamp) -> bool {
        let view = self.materializer.view();
        let observed = match key {
            EntityKey::Session(key) => view.session(&key.session).map(|meta| meta.observed),
            EntityKey::Message(key) => view.message_at(key).map(|meta| meta.observed),
            EntityKey::Part(key) => view.message(&key.message).and_then(|message| {
                let list = message.parts.as_ref()?;
                list.refs.iter().find(|part| part.id == key.part)?.observed
            }),
            _ => None,
        };
        observed.is_some_and(|observed| observed.is_unchanged(stamp))
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
