//! A feed on the system's own watches.

use std::path::PathBuf;

use scrollback_source::DirtyScope;

use super::backend::{Backend, Ready};
use super::clock::{FeedClock, life};
use super::contract::{Feed, FeedStats, Heard, Hearing};
use super::error::FeedError;
use super::handover::Handover;
use super::kind::FeedKind;
use super::notify::Notify;
use super::tree::Tree;
use super::watched::Watched;
use crate::dirty::DirtyTracker;
use crate::generation::Exhausted;

/// Follows a store by the system's watches on its directories: on all of those that hold sessions
/// and messages, and on those of parts while they are hot.
///
/// To be used where a runtime of tokio runs.
#[derive(Debug)]
pub struct NativeFeed {
    watched: Watched,
    kind: FeedKind,
    backend: Box<dyn Backend>,
    tree: Tree,
    dirty: DirtyTracker<DirtyScope>,
    /// What was handed out last, until its clock comes back.
    given: Handover,
    /// Names this feed among all, so that another's clock is none of its own.
    life: String,
    has_begun: bool,
    stats: FeedStats,
}

impl NativeFeed {
    /// A feed straight on inotify.
    ///
    /// # Errors
    /// If the system gives no queue.
    #[cfg(target_os = "linux")]
    pub fn inotify(watched: Watched) -> Result<Self, FeedError> {
        let backend = super::inotify::Inotify::new()?;
        Ok(Self::on(watched, FeedKind::Inotify, Box::new(backend)))
    }

    /// A feed on the crate notify, which has a way on every system.
    ///
    /// # Errors
    /// If the system has none.
    pub fn notify(watched: Watched) -> Result<Self, FeedError> {
        let backend = Notify::new()?;
        Ok(Self::on(watched, FeedKind::Notify, Box::new(backend)))
    }

    fn on(watched: Watched, kind: FeedKind, backend: Box<dyn Backend>) -> Self {
        Self {
            kind,
            backend,
            tree: Tree::new(watched.hot, watched.watches),
            dirty: DirtyTracker::new(watched.scopes),
            given: Handover::default(),
            life: life(),
            has_begun: false,
            stats: FeedStats::default(),
            watched,
        }
    }

    /// Marks what was told.
    fn drain(&mut self) -> Result<(), FeedError> {
        let Self { watched, backend, tree, dirty, stats, .. } = self;
        let mut told = Vec::new();
        backend.drain(&mut |it| told.push(it))?;
        let (mut exhausted, mut is_stale) = (None, false);
        let mut mark = |scope: DirtyScope| {
            if let Err(error) = dirty.mark(scope) {
                exhausted = Some(error);
            }
        };
        for told in told {
            stats.events += 1;
            is_stale |= tree.take(told, &watched.source, &mut **backend, &mut mark)?;
        }
        if is_stale {
            tree.subscribe(&watched.source, &mut **backend)?;
            mark(DirtyScope::Store); // after the watches are set
        }
        exhausted.map_or(Ok(()), |error: Exhausted| Err(error.into()))
    }

    fn begin(&mut self) -> Result<Heard, FeedError> {
        self.tree.subscribe(&self.watched.source, &mut *self.backend)?;
        self.has_begun = true;
        self.dirty.mark(DirtyScope::Store)?;
        Ok(self.hand_out())
    }

    /// All that is dirty.
    fn hand_out(&mut self) -> Heard {
        let life = &self.life;
        self.given.hand_out(&self.dirty, |at| FeedClock(format!("{life}{at}").into()))
    }
}

impl Feed for NativeFeed {
    fn kind(&self) -> FeedKind {
        self.kind
    }

    fn next<'f>(&'f mut self, clock: Option<&'f FeedClock>) -> Hearing<'f> {
        Box::pin(async move {
            let is_own = |clock: &FeedClock| self.has_begun && clock.0.starts_with(&self.life);
            let Some(clock) = clock.filter(|clock| is_own(clock)) else {
                return self.begin();
            };
            self.given.settle(&self.dirty, Some(clock));
            loop {
                self.drain()?;
                if !self.dirty.is_empty() {
                    return Ok(self.hand_out());
                }
                Ready(&mut *self.backend).await?;
            }
        })
    }

    fn heat(&mut self, directories: &mut dyn Iterator<Item = PathBuf>) -> Result<(), FeedError> {
        for path in directories.take(self.watched.hot) {
            // What was written in it before the watch was set.
            if self.tree.heat(&path, &mut *self.backend)?
                && let Some(scope) = self.watched.source.scope_of_path(&path)
            {
                self.dirty.mark(scope)?;
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), FeedError> {
        if self.has_begun && self.tree.is_stale() {
            self.tree.subscribe(&self.watched.source, &mut *self.backend)?;
            self.dirty.mark(DirtyScope::Store)?;
        }
        Ok(())
    }

    fn stats(&self) -> FeedStats {
        let (watches, hot) = self.tree.counts();
        FeedStats { watches, hot, rescans: self.given.rescans, ..self.stats }
    }
}
