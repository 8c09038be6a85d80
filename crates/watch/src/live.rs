//! The live index: a driver, on a thread or as a task, and the handle that its users hold.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use scrollback_core_id::{Cursor, SessionKey};
use scrollback_core_type::StageIssue;
use scrollback_flow::{OnProgress, SessionMaterializer, Snapshots};
use scrollback_index::SessionIndex;
use scrollback_source::Source;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::driver::Driver;
use crate::error::LiveError;
use crate::feed::FeedClock;
use crate::follow::{EventCursor, Follower};
use crate::options::LiveOptions;
use crate::shared::Shared;
use crate::stats::LiveStats;
use crate::tracked::TrackedMappedFileCache;

/// An index that a driver keeps equal to its store. Dropping it ends the driver, its thread and its
/// watches.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
///
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_stor_read::FileReader;
/// use scrollback_watch::{Live, LiveOptions};
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let options = LiveOptions::default();
/// let live = Live::start(Arc::new(store), None, options, &|_| ControlFlow::Continue(()))?;
/// for session in live.index().view().sessions() {
///     println!("{}", session.title.as_deref().unwrap_or("untitled"));
/// }
/// println!("changes come from the feed {}", live.stats().feed);
/// live.stop();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Live {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    driver: Option<DriverHandle>,
}

/// The place where the driver runs.
enum DriverHandle {
    Thread(JoinHandle<()>),
    Task(tokio::task::JoinHandle<()>),
}

impl Live {
    /// Starts a driver on a thread of its own: subscribes to a feed, brings the index up to date,
    /// and follows the store from then on. Returns when the index equals the store. One exception:
    /// records of cold sessions that were rewritten in place since the snapshot was saved. The
    /// sweep finds them later; a watchman server reports them at once if [`LiveOptions::since`] is
    /// set.
    ///
    /// A missing store is not an error: it becomes a pending store, and is followed when it
    /// appears.
    ///
    /// # Errors
    /// * [`LiveError::Store`] if the store exists and cannot be read.
    /// * [`LiveError::Feed`] if the chosen feed cannot start.
    /// * [`LiveError::Stopped`] if `progress` breaks off.
    /// * [`LiveError::Thread`] if the system has no thread left.
    pub fn start(
        source: Arc<dyn Source>,
        snapshots: Option<Snapshots>,
        options: LiveOptions,
        progress: &OnProgress<'_>,
    ) -> Result<Self, LiveError> {
        let (stop, stop_receiver) = watch::channel(false);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let begin_driver = || runtime.block_on(Driver::begin(source, snapshots, options, progress));
        // Inside a runtime the start runs on a scoped thread, because tokio refuses to block on a
        // second runtime on the same thread.
        let started = match Handle::try_current() {
            Err(_) => begin_driver(),
            Ok(_) => thread::scope(|scope| {
                let handle = thread::Builder::new().spawn_scoped(scope, begin_driver)?;
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }),
        };
        let driver = match started {
            Ok(driver) => driver,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let shared = Arc::clone(driver.shared());
        let thread = thread::Builder::new()
            .name("scrollback-watch".to_owned())
            .spawn(move || runtime.block_on(driver.run(stop_receiver)))?;
        Ok(Self { shared, stop, driver: Some(DriverHandle::Thread(thread)) })
    }

    /// Starts a driver as a task of the present runtime, which must have its I/O and time drivers
    /// enabled. No second thread is involved. Each refresh blocks the other tasks of the same
    /// thread, usually for about 50 µs.
    ///
    /// # Errors
    /// The errors of [`Live::start`].
    pub async fn spawn(
        source: Arc<dyn Source>,
        snapshots: Option<Snapshots>,
        options: LiveOptions,
        progress: &OnProgress<'_>,
    ) -> Result<Self, LiveError> {
        let (stop, stop_receiver) = watch::channel(false);
        let driver = Driver::begin(source, snapshots, options, progress).await?;
        let shared = Arc::clone(driver.shared());
        let task = tokio::spawn(driver.run(stop_receiver));
        Ok(Self { shared, stop, driver: Some(DriverHandle::Task(task)) })
    }

    /// Returns the materializer, which reads the store and keeps the index.
    pub fn materializer(&self) -> &SessionMaterializer {
        &self.shared.materializer
    }

    /// Returns the index.
    pub fn index(&self) -> &SessionIndex {
        self.shared.materializer.index()
    }

    /// Returns a receiver that reports each new cursor of the index. Ask the index for the changes;
    /// a late reader misses nothing.
    pub fn cursor_updates(&self) -> watch::Receiver<Cursor> {
        self.shared.cursor_updates.clone()
    }

    /// Returns a follower that continues from a cursor, or starts with the whole state. `only`
    /// limits it to one session.
    pub fn follow(&self, from: Option<EventCursor>, session: Option<SessionKey>) -> Follower {
        Follower::new(Arc::clone(&self.shared), from, session)
    }

    /// Returns the cache of the record bytes that the driver reads.
    pub fn cache(&self) -> TrackedMappedFileCache {
        let (materializer, weak_shared) = (&self.shared.materializer, Arc::downgrade(&self.shared));
        TrackedMappedFileCache::new(
            Arc::clone(materializer.cache()),
            Arc::clone(&self.shared.dirty),
            materializer.source().id().clone(),
            move |key, stamp| {
                weak_shared.upgrade().is_some_and(|shared| shared.is_indexed(key, stamp))
            },
        )
    }

    /// Returns the clock of the last feed batch that was verified completely, or `None` while
    /// changes are still to be verified. Take the clock before you save a snapshot, keep it with
    /// the snapshot, and pass it as [`LiveOptions::since`].
    pub fn clock(&self) -> Option<FeedClock> {
        self.shared.checked_clock().clone()
    }

    /// Returns the counters of the driver.
    pub fn stats(&self) -> LiveStats {
        self.shared.stats().clone()
    }

    /// Takes the issues that were found since the last call, each once: records that could not be
    /// read, which the index keeps as they were, and the issues that the index shows.
    pub fn take_issues(&self) -> Vec<StageIssue> {
        // Take the cursor before the issues: a later commit is then found by the next call.
        let cursor = self.shared.materializer.index().cursor();
        if self.shared.issues().is_new_state(cursor) {
            let issues = self.shared.materializer.issues();
            self.shared.issues().add(issues);
        }
        self.shared.issues().take()
    }

    /// Ends the driver. Waits for the end of a thread; a task ends when its runtime runs next.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        match self.driver.take() {
            // A panic of the driver does not matter here: its thread has ended in both cases.
            Some(DriverHandle::Thread(thread)) => drop(thread.join()),
            Some(DriverHandle::Task(task)) => task.abort(),
            None => {}
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
