//! The contract of a feed: the trait, its batches and its counters.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use scrollback_source::DirtyScope;

use super::clock::FeedClock;
use super::error::FeedError;
use super::kind::FeedKind;

/// A batch of change hints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedBatch {
    /// The scopes that may have changed since the clock of the call.
    pub scopes: Vec<DirtyScope>,
    /// The clock for the next call, after the scopes were verified.
    pub clock: FeedClock,
    /// Whether the scopes are complete.
    pub coverage: BatchCoverage,
}

/// The coverage of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchCoverage {
    /// The scopes include everything that may have changed.
    Complete,
    /// Anything may have changed: the feed has just started, or it has lost events.
    Rescan,
}

/// The counters of a feed since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedStats {
    /// The number of watches.
    pub watches: usize,
    /// The number of watches on hot directories.
    pub hot_directories: usize,
    /// The number of events that the feed received.
    pub events: u64,
    /// The number of events about records that the index already had.
    pub already_indexed: u64,
    /// The number of batches that asked for a rescan.
    pub rescans: u64,
}

/// The future of [`Feed::next`].
pub type BatchFuture<'f> = Pin<Box<dyn Future<Output = Result<FeedBatch, FeedError>> + Send + 'f>>;

/// A source of change hints.
///
/// A feed repeats its scopes until a clock comes back that covers them. A caller that drops a
/// batch, or the future of a batch, loses nothing.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_stor_read::FileReader;
/// use scrollback_watch::{BatchCoverage, Feed, FeedContext, PollFeed};
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let context = FeedContext::new(Arc::new(store));
/// let (short, long) = (Duration::from_millis(100), Duration::from_secs(1));
/// let mut feed = PollFeed::with_intervals(context, short, long);
///
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// runtime.block_on(async {
///     let batch = feed.next(None).await?;
///     assert_eq!(batch.coverage, BatchCoverage::Rescan); // a feed starts with the whole store
///     println!("verify {:?}, then call next with {}", batch.scopes, batch.clock);
///     Ok::<(), scrollback_watch::FeedError>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Feed: Send + fmt::Debug {
    /// Returns the kind of the feed.
    fn kind(&self) -> FeedKind;

    /// Waits until scopes may have changed since `clock`. Passing a clock confirms that everything
    /// up to it was verified. Without a clock, or with a clock of another feed, the feed starts: it
    /// sets its watches and returns [`BatchCoverage::Rescan`] at once. A rescan that begins after
    /// this answer misses nothing.
    fn next<'f>(&'f mut self, clock: Option<&'f FeedClock>) -> BatchFuture<'f>;

    /// Asks the feed to watch directories with recent writes.
    ///
    /// # Errors
    /// [`FeedError::NoWatchLeft`] if the system or the limit allows no more watches.
    fn watch_hot_directories(
        &mut self,
        directories: &mut dyn Iterator<Item = PathBuf>,
    ) -> Result<(), FeedError> {
        let _ = directories;
        Ok(())
    }

    /// Reports whether the verification of a batch changed the index. A polling feed adapts its
    /// interval.
    fn note_refresh_result(&mut self, found_changes: bool) {
        let _ = found_changes;
    }

    /// Renews the watches if directories of the watch plan were replaced. Call it about once a second.
    ///
    /// # Errors
    /// The error of a feed that cannot continue.
    fn check(&mut self) -> Result<(), FeedError> {
        Ok(())
    }

    /// Returns the counters of the feed.
    fn stats(&self) -> FeedStats;
}
