//! How a store is followed, and from where.

use std::sync::Arc;
use std::time::Duration;

use scrollback_core_id::SessionKey;
use scrollback_flow::{PartDetail, RefreshOptions};
use scrollback_watch::{EventCursor, FeedChoice, Live, LiveOptions};

use super::cursor::{RootTag, StoreCursor};
use super::events::{Events, FollowedRoot};
use crate::Result;
use crate::root::{Index, Root};
use crate::session::Session;
use crate::store::Store;

/// How a store is followed. Ends with [`WatchBuilder::from_now`], [`WatchBuilder::since`] or
/// [`WatchBuilder::from_start`].
#[derive(Debug)]
#[must_use = "`from_now`, `since` or `from_start` begins"]
pub struct WatchBuilder<'s> {
    store: &'s Store,
    feed: FeedChoice,
    only_session: Option<(usize, SessionKey)>,
    with_parts: bool,
}

impl Store {
    /// Follows the store while agents write.
    pub fn watch(&self) -> WatchBuilder<'_> {
        WatchBuilder::new(self)
    }
}

/// From where events are wanted.
enum StartPoint<'c> {
    Now,
    Start,
    Cursor(&'c StoreCursor),
}

impl<'s> WatchBuilder<'s> {
    fn new(store: &'s Store) -> Self {
        Self { store, feed: FeedChoice::Best, only_session: None, with_parts: true }
    }

    /// Listens to this feed instead of the best that there is.
    pub fn feed(self, feed: FeedChoice) -> Self {
        Self { feed, ..self }
    }

    /// Only what happens in one session.
    pub fn session(self, session: &Session<'s>) -> Self {
        let root = self.store.roots().iter().position(|root| std::ptr::eq(root, session.root()));
        let only = root.map(|root| (root, session.key().clone()));
        Self { only_session: only, ..self }
    }

    /// Without events of parts, which are then not read.
    pub fn without_parts(self) -> Self {
        Self { with_parts: false, ..self }
    }

    /// What happens from now on.
    ///
    /// # Errors
    /// If a root is there and cannot be read, or the feed that was chosen cannot begin.
    pub fn from_now(self) -> Result<Events> {
        self.begin(&StartPoint::Now)
    }

    /// The whole state, then what happens: the first event of each root is `Of::Fresh`.
    ///
    /// # Errors
    /// As [`WatchBuilder::from_now`].
    pub fn from_start(self) -> Result<Events> {
        self.begin(&StartPoint::Start)
    }

    /// What happened since a cursor, then what happens. A root of which that cannot be told without
    /// a gap begins with `Of::Fresh` and its whole state.
    ///
    /// # Errors
    /// As [`WatchBuilder::from_now`].
    pub fn since(self, cursor: &StoreCursor) -> Result<Events> {
        self.begin(&StartPoint::Cursor(cursor))
    }

    /// Brings the indexes of the roots up to date and keeps them so, as long as the store lives.
    ///
    /// # Errors
    /// As [`WatchBuilder::from_now`].
    pub fn start(&self) -> Result<()> {
        for (number, root) in self.roots() {
            self.live_index(number, root)?;
        }
        Ok(())
    }

    fn roots(&self) -> impl Iterator<Item = (usize, &'s Root)> {
        let only = self.only_session.as_ref().map(|(root, _)| *root);
        let all = self.store.roots().iter().enumerate();
        all.filter(move |(number, _)| only.is_none_or(|only| only == *number))
    }

    fn begin(self, start_point: &StartPoint<'_>) -> Result<Events> {
        let mut followed = Vec::new();
        for (number, root) in self.roots() {
            let index = self.live_index(number, root)?;
            let Index::Live(live) = &*index else { continue };
            let only = self.only_session.as_ref().map(|(_, key)| key.clone());
            if let Some(key) = only.as_ref().filter(|_| self.with_parts) {
                live.materializer().load_session_tree(key)?; // so that its parts are known
            }
            let tag = RootTag::from_id(root.source.id());
            let now = || EventCursor::from(live.index().cursor());
            let since = match start_point {
                StartPoint::Now => Some(now()),
                StartPoint::Start => None,
                StartPoint::Cursor(cursor) => cursor.root_cursor(tag),
            };
            let mut follower = live.follow(since, only);
            if !self.with_parts {
                follower = follower.without_parts();
            }
            if matches!(start_point, StartPoint::Now) {
                follower.pull()?; // skips the present state
            }
            followed.push(FollowedRoot::new(number, tag, Arc::clone(&index), follower, since));
        }
        Ok(Events::new(followed))
    }

    /// The live index of a root, which is made if there is none.
    fn live_index(&self, number: usize, root: &Root) -> Result<Arc<Index>> {
        let _opening = root.lock_opening();
        if let Some(index) = root.index()
            && matches!(*index, Index::Live(_))
        {
            return Ok(index);
        }
        // All parts are listed, so that a later change of a part is an event.
        let is_whole = self.only_session.as_ref().is_none_or(|(only, _)| *only != number);
        let parts =
            if is_whole && self.with_parts { PartDetail::Stamps } else { PartDetail::Later };
        let defaults = LiveOptions::default();
        let parts_of_dirty = defaults.refresh.parts_of_dirty;
        let refresh = RefreshOptions { parts_of_dirty, parts, ..root.refresh };
        let snapshots = root.snapshots.clone().map(|snapshots| {
            // A process that is about to finish a write releases the lock soon.
            let mut tries = 20;
            loop {
                let locked = snapshots.clone().with_lock(root.source.id());
                if tries == 0 || locked.is_locked(root.source.id()) {
                    break locked;
                }
                tries -= 1;
                root.options.clock.pause(Duration::from_millis(5));
            }
        });
        let options = LiveOptions { feed: FeedChoice::clone(&self.feed), refresh, ..defaults };
        let live = Live::start(Arc::clone(&root.source), snapshots, options, &*root.progress)?;
        // Kept before anybody has a cursor: what is in the file by then continues all of them.
        let _ = live.materializer().save_cursors();
        let index = Arc::new(Index::Live(live));
        root.set_index(Arc::clone(&index));
        Ok(index)
    }
}
