//! Starts to follow a store: which feed, which events, and from which position.

use std::sync::Arc;
use std::time::Duration;

use scrollback_core_id::SessionKey;
use scrollback_flow::{PartDetail, RefreshOptions};
use scrollback_watch::{EventCursor, FeedChoice, FeedKind, Live, LiveOptions, OnSlowStart};

use super::cursor::{RootTag, StoreCursor};
use super::events::{Events, FollowedRoot};
use crate::Result;
use crate::root::{Index, Root};
use crate::session::Session;
use crate::store::Store;

/// A builder of a stream of events. Call [`WatchBuilder::from_now`], [`WatchBuilder::since`] or
/// [`WatchBuilder::from_start`] to start the stream.
///
/// ```
/// use scrollback::{Store, Subject};
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let store = Store::builder().path(path).without_cache().build()?;
/// let session = store.session("latest")?;
/// let events = store.watch().session(&session).without_parts().from_start()?;
/// for event in events.take(3) {
///     let event = event?;
///     println!("{} {}", event.change.name(), event.subject.name());
/// }
/// # Ok::<(), scrollback::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "call `from_now`, `since` or `from_start` to start the stream"]
pub struct WatchBuilder<'s> {
    store: &'s Store,
    feed: FeedChoice,
    only_session: Option<(usize, SessionKey)>,
    with_parts: bool,
    on_slow_start: Option<OnSlowStart>,
}

impl Store {
    /// Returns a builder of a stream of events. The indexes then follow the stores while agents write.
    pub fn watch(&self) -> WatchBuilder<'_> {
        WatchBuilder::new(self)
    }
}

/// The position where a stream starts.
enum StartPoint<'c> {
    Now,
    Start,
    Cursor(&'c StoreCursor),
}

impl<'s> WatchBuilder<'s> {
    fn new(store: &'s Store) -> Self {
        Self {
            store,
            feed: FeedChoice::Best,
            only_session: None,
            with_parts: true,
            on_slow_start: None,
        }
    }

    /// Uses this feed to detect changes, instead of the best available feed.
    pub fn feed(self, feed: FeedChoice) -> Self {
        Self { feed, ..self }
    }

    /// Limits the stream to events of one session.
    pub fn session(self, session: &Session<'s>) -> Self {
        let root = self.store.roots().iter().position(|root| std::ptr::eq(root, session.root()));
        let only = root.map(|root| (root, session.key().clone()));
        Self { only_session: only, ..self }
    }

    /// Leaves out events of parts. Parts are then not read.
    pub fn without_parts(self) -> Self {
        Self { with_parts: false, ..self }
    }

    /// Calls `callback` if the feed that [`WatchBuilder::feed`] chose by name has not started after 1 s,
    /// for example because a watchman server reads the store first. The start goes on.
    pub fn on_slow_start(self, callback: impl Fn(FeedKind) + Send + Sync + 'static) -> Self {
        Self { on_slow_start: Some(OnSlowStart::new(callback)), ..self }
    }

    /// Starts a stream of the events from now on.
    ///
    /// # Errors
    /// [`Error::Watch`](crate::Error::Watch) or [`Error::Store`](crate::Error::Store) if a root exists but
    /// cannot be read; [`Error::Watch`](crate::Error::Watch) if the chosen feed cannot start.
    pub fn from_now(self) -> Result<Events> {
        self.begin(&StartPoint::Now)
    }

    /// Starts a stream of the whole state, followed by new events. The first event of each root is
    /// [`Subject::Fresh`](crate::Subject::Fresh).
    ///
    /// # Errors
    /// The errors of [`WatchBuilder::from_now`].
    pub fn from_start(self) -> Result<Events> {
        self.begin(&StartPoint::Start)
    }

    /// Starts a stream of the events since a cursor, followed by new events. A root that cannot continue
    /// without a gap starts with [`Subject::Fresh`](crate::Subject::Fresh) and its whole state.
    ///
    /// # Errors
    /// The errors of [`WatchBuilder::from_now`].
    pub fn since(self, cursor: &StoreCursor) -> Result<Events> {
        self.begin(&StartPoint::Cursor(cursor))
    }

    /// Brings the indexes of the roots up to date, and keeps them up to date while the store exists.
    ///
    /// # Errors
    /// The errors of [`WatchBuilder::from_now`].
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
                live.materializer().load_session_tree(key)?; // adds the parts of the session to the index, so that they are part of the state
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
                follower.pull()?; // drops the events of the present state
            }
            followed.push(FollowedRoot::new(number, tag, Arc::clone(&index), follower, since));
        }
        Ok(Events::new(followed))
    }

    /// Returns the live index of a root. Creates it, or replaces an index that does not follow the root.
    fn live_index(&self, number: usize, root: &Root) -> Result<Arc<Index>> {
        let _opening = root.lock_opening();
        if let Some(index) = root.index()
            && matches!(*index, Index::Live(_))
        {
            return Ok(index);
        }
        // List all parts now: a part that the index does not know cannot have a change event.
        let is_whole = self.only_session.as_ref().is_none_or(|(only, _)| *only != number);
        let parts =
            if is_whole && self.with_parts { PartDetail::Stamps } else { PartDetail::Later };
        let defaults = LiveOptions::default();
        let parts_of_dirty = defaults.refresh.parts_of_dirty;
        let refresh = RefreshOptions { parts_of_dirty, parts, ..root.refresh };
        let snapshots = root.snapshots.clone().map(|snapshots| {
            // Try for 100 ms: a process that is writing the snapshot releases the lock soon.
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
        let (feed, on_slow_start) = (self.feed.clone(), self.on_slow_start.clone());
        let options = LiveOptions { feed, on_slow_start, refresh, ..defaults };
        let live = Live::start(Arc::clone(&root.source), snapshots, options, &*root.progress)?;
        // Save before the first cursor is given out, so that the snapshot file can continue every cursor.
        let _ = live.materializer().save_cursors();
        let index = Arc::new(Index::Live(live));
        root.set_index(Arc::clone(&index));
        Ok(index)
    }
}
