//! A live index: a driver on a thread of its own, and what its users hold.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use scrollback_core_id::{Cursor, SessionKey};
use scrollback_flow::{OnProgress, SessionMaterializer, Snapshots};
use scrollback_index::SessionIndex;
use scrollback_source::Source;
use tokio::sync::watch;

use crate::driver::Driver;
use crate::error::LiveError;
use crate::feed::FeedClock;
use crate::follow::{EventCursor, Follower};
use crate::options::LiveOptions;
use crate::shared::Shared;
use crate::stats::LiveStats;
use crate::tracked::TrackedMappedFileCache;

/// An index that is kept equal to its store while this lives. Dropping it ends the driver, its
/// thread and its watches.
pub struct Live {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    driver: Option<DriverHandle>,
}

/// Where the driver is.
enum DriverHandle {
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
        let (stop, stop_receiver) = watch::channel(false);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        // On a thread of its own: where a runtime runs already, no other may begin.
        let started = thread::scope(|scope| {
            let begin_driver =
                || runtime.block_on(Driver::begin(source, snapshots, options, progress));
            let handle = thread::Builder::new().spawn_scoped(scope, begin_driver)?;
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
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
        let (stop, stop_receiver) = watch::channel(false);
        let driver = Driver::begin(source, snapshots, options, progress).await?;
        let shared = Arc::clone(driver.shared());
        let task = tokio::spawn(driver.run(stop_receiver));
        Ok(Self { shared, stop, driver: Some(DriverHandle::Task(task)) })
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
    pub fn cursor_updates(&self) -> watch::Receiver<Cursor> {
        self.shared.cursor_updates.clone()
    }

    /// A stream of what happens: from a cursor on, of all of the store or of one session.
    pub fn follow(&self, from: Option<EventCursor>, session: Option<SessionKey>) -> Follower {
        Follower::new(Arc::clone(&self.shared), from, session)
    }

    /// The bytes that the driver reads, for whoever wants them too.
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

    /// Where the feed is with all that was looked at: to be asked before a snapshot is kept, and kept
    /// with it ([`LiveOptions::since`]). None while something is still to be looked at.
    pub fn clock(&self) -> Option<FeedClock> {
        self.shared.checked_clock().clone()
    }

    /// What the driver did.
    pub fn stats(&self) -> LiveStats {
        self.shared.stats().clone()
    }

    /// Ends the driver, and waits until it is gone if it is a thread. A task is gone when its runtime
    /// comes to it.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        match self.driver.take() {
            // It does not panic, and if it did all the same it is gone.
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
