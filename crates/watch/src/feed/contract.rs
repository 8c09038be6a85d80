//! What a feed does: the trait, and what goes through it.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use scrollback_source::DirtyScope;

use super::clock::FeedClock;
use super::error::FeedError;
use super::kind::FeedKind;

/// What a feed says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedBatch {
    /// What may have changed since the clock that was asked with.
    pub scopes: Vec<DirtyScope>,
    /// What to ask with next, once that was looked at.
    pub clock: FeedClock,
    /// Whether that is all.
    pub coverage: BatchCoverage,
}

/// Whether a feed knows all that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchCoverage {
    /// The scopes are all that may have changed.
    Complete,
    /// Anything may have changed: it began just now, or it lost something.
    Rescan,
}

/// What a feed does all day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedStats {
    /// Watches that are set.
    pub watches: usize,
    /// Those of them on directories that come and go.
    pub hot_directories: usize,
    /// What it was told.
    pub events: u64,
    /// Of what it was told: how much was of files that are known as they are.
    pub already_indexed: u64,
    /// How often all of the store was to be looked at: it began, or lost something.
    pub rescans: u64,
}

/// What a feed's answer will be.
pub type BatchFuture<'f> = Pin<Box<dyn Future<Output = Result<FeedBatch, FeedError>> + Send + 'f>>;

/// Says where to look.
///
/// Nothing is said once: what was handed out is handed out again, until a clock comes back that
/// covers it. So whoever drops an answer, or the future of one, loses nothing.
pub trait Feed: Send + fmt::Debug {
    /// Which kind it is.
    fn kind(&self) -> FeedKind;

    /// Waits until something may have changed since `clock`, all of which was looked at. Without
    /// a clock, and with one that is not its own, the feed begins: it watches, and answers
    /// [`BatchCoverage::Rescan`] at once, so that whoever looks then misses nothing.
    fn next<'f>(&'f mut self, clock: Option<&'f FeedClock>) -> BatchFuture<'f>;

    /// Directories of these entities are being written, and worth a watch of their own.
    ///
    /// # Errors
    /// If none is left.
    fn watch_hot_directories(
        &mut self,
        directories: &mut dyn Iterator<Item = PathBuf>,
    ) -> Result<(), FeedError> {
        let _ = directories;
        Ok(())
    }

    /// Whether looking at all of the store found something that this feed had not said.
    fn note_refresh_result(&mut self, found_changes: bool) {
        let _ = found_changes;
    }

    /// Makes sure that what is watched is what is there: to be called every second or so.
    ///
    /// # Errors
    /// If it cannot go on.
    fn check(&mut self) -> Result<(), FeedError> {
        Ok(())
    }

    /// What it does.
    fn stats(&self) -> FeedStats;
}
