//! The native feed: the system's watches on the directories of a store.

use std::path::PathBuf;

use scrollback_source::DirtyScope;

use super::backend::{Backend, BackendReady};
use super::clock::{FeedClock, unique_clock_prefix};
use super::context::FeedContext;
use super::contract::{BatchFuture, Feed, FeedBatch, FeedStats};
use super::error::FeedError;
use super::kind::FeedKind;
use super::notify::Notify;
use super::outstanding_batch::OutstandingBatch;
use super::tree::Tree;
use crate::dirty::DirtyTracker;
use crate::tick::ClockExhausted;

/// A feed that watches the directories of a store: all directories of sessions and messages, and
/// the directories of parts while they are hot.
///
/// Needs a tokio runtime.
#[derive(Debug)]
pub struct NativeFeed {
    context: FeedContext,
    kind: FeedKind,
    backend: Box<dyn Backend>,
    tree: Tree,
    dirty: DirtyTracker<DirtyScope>,
    /// The last batch, until its clock comes back.
    outstanding: OutstandingBatch,
    /// The prefix of this feed's clocks. A clock with another prefix belongs to another feed.
    clock_prefix: String,
    has_begun: bool,
    stats: FeedStats,
}

impl NativeFeed {
    /// Creates a feed on inotify.
    ///
    /// # Errors
    /// [`FeedError::System`] if the system gives no queue.
    #[cfg(target_os = "linux")]
    pub fn inotify(context: FeedContext) -> Result<Self, FeedError> {
        let backend = super::inotify::Inotify::new()?;
        Ok(Self::with_backend(context, FeedKind::Inotify, Box::new(backend)))
    }

    /// Creates a feed on the crate notify, which supports every system.
    ///
    /// # Errors
    /// [`FeedError::System`] if the system gives no watcher.
    pub fn notify(context: FeedContext) -> Result<Self, FeedError> {
        let backend = Notify::new()?;
        Ok(Self::with_backend(context, FeedKind::Notify, Box::new(backend)))
    }

    fn with_backend(context: FeedContext, kind: FeedKind, backend: Box<dyn Backend>) -> Self {
        Self {
            kind,
            backend,
            tree: Tree::new(context.max_hot_directories, context.max_watches),
            dirty: DirtyTracker::new(context.max_scopes),
            outstanding: OutstandingBatch::default(),
            clock_prefix: unique_clock_prefix(),
            has_begun: false,
            stats: FeedStats::default(),
            context,
        }
    }

    /// Marks the scopes of all pending events as dirty.
    fn mark_events(&mut self) -> Result<(), FeedError> {
        let Self { context, backend, tree, dirty, stats, .. } = self;
        let mut events = Vec::new();
        backend.drain(&mut |event| events.push(event))?;
        let (mut exhausted, mut is_stale) = (None, false);
        let mut mark = |scope: DirtyScope| {
            if let Err(error) = dirty.mark(scope) {
                exhausted = Some(error);
            }
        };
        for event in events {
            stats.events += 1;
            is_stale |= tree.handle_event(event, &context.source, &mut **backend, &mut mark)?;
        }
        // A root was replaced or events were lost, so the watches may be on the wrong directories.
        // All of them are set again.
        if is_stale {
            tree.subscribe(&context.source, &mut **backend)?;
            mark(DirtyScope::Store); // after the watches are set, so that the rescan misses nothing
        }
        exhausted.map_or(Ok(()), |error: ClockExhausted| Err(error.into()))
    }

    fn begin(&mut self) -> Result<FeedBatch, FeedError> {
        self.tree.subscribe(&self.context.source, &mut *self.backend)?;
        self.has_begun = true;
        self.dirty.mark(DirtyScope::Store)?;
        Ok(self.take_batch())
    }

    /// Returns a batch of all dirty scopes.
    fn take_batch(&mut self) -> FeedBatch {
        let clock_prefix = &self.clock_prefix;
        self.outstanding
            .take_batch(&self.dirty, |tick| FeedClock(format!("{clock_prefix}{tick}").into()))
    }
}

impl Feed for NativeFeed {
    fn kind(&self) -> FeedKind {
        self.kind
    }

    fn next<'f>(&'f mut self, clock: Option<&'f FeedClock>) -> BatchFuture<'f> {
        Box::pin(async move {
            let is_own =
                |clock: &FeedClock| self.has_begun && clock.0.starts_with(&self.clock_prefix);
            let Some(clock) = clock.filter(|clock| is_own(clock)) else {
                return self.begin();
            };
            self.outstanding.settle(&self.dirty, Some(clock));
            loop {
                self.mark_events()?;
                if !self.dirty.is_empty() {
                    return Ok(self.take_batch());
                }
                BackendReady(&mut *self.backend).await?;
            }
        })
    }

    fn watch_hot_directories(
        &mut self,
        directories: &mut dyn Iterator<Item = PathBuf>,
    ) -> Result<(), FeedError> {
        for path in directories.take(self.context.max_hot_directories) {
            // A write may have preceded the new watch, so the directory is verified once.
            if self.tree.watch_hot(&path, &mut *self.backend)?
                && let Some(scope) = self.context.source.scope_of_path(&path)
            {
                self.dirty.mark(scope)?;
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), FeedError> {
        if self.has_begun && self.tree.is_stale() {
            self.tree.subscribe(&self.context.source, &mut *self.backend)?;
            self.dirty.mark(DirtyScope::Store)?;
        }
        Ok(())
    }

    fn stats(&self) -> FeedStats {
        let (watches, hot) = self.tree.counts();
        FeedStats { watches, hot_directories: hot, rescans: self.outstanding.rescans, ..self.stats }
    }
}
