//! The stream of events, as a blocking iterator and as a [`Stream`]. It merges the followers of all roots.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use scrollback_core_type::StageIssue;
use scrollback_watch::{EventCursor, Follower, LiveStats};
use tokio::runtime::Runtime;

use super::cursor::{RootTag, StoreCursor};
use super::event::Event;
use crate::root::Index;
use crate::{Error, Result};

/// The events of a store. The iterator blocks until the next event; the [`Stream`] can be polled in an
/// async runtime. Both end when no root is followed any more.
///
/// A slow reader loses no change, but several changes of one record can arrive as one event with the
/// latest state.
///
/// ```
/// use scrollback::{ChangeKind, Store, Subject};
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let store = Store::builder().path(path).without_cache().build()?;
/// let mut events = store.watch().from_start()?;
/// assert!(matches!(events.next().unwrap()?.subject, Subject::Fresh));
/// let event = events.next().unwrap()?;
/// assert_eq!(event.change, ChangeKind::Present);
/// # Ok::<(), scrollback::Error>(())
/// ```
pub struct Events {
    state: State,
    ready: VecDeque<Event>,
    /// The runtime of the iterator, created on first use.
    runtime: Option<Runtime>,
    indexes: Vec<Arc<Index>>,
}

/// The state of the stream. The followers move into the future of a wait and come back with its result.
enum State {
    Idle(Box<Followers>),
    Waiting(Wait),
    Done,
}

/// The next events; `None` when no root is followed any more.
type Batch = Option<Result<Vec<Event>>>;

/// A wait for events. It returns the followers with the batch.
type Wait = Pin<Box<dyn Future<Output = (Box<Followers>, Batch)> + Send>>;

/// The followers of all roots, and the cursor after the last event.
struct Followers {
    roots: Vec<FollowedRoot>,
    cursor: StoreCursor,
}

/// The follower of one root.
pub(super) struct FollowedRoot {
    root: usize,
    tag: RootTag,
    index: Arc<Index>,
    follower: Follower,
    since: Option<EventCursor>,
    is_over: bool,
}

impl FollowedRoot {
    pub(super) fn new(
        root: usize,
        tag: RootTag,
        index: Arc<Index>,
        follower: Follower,
        since: Option<EventCursor>,
    ) -> Self {
        Self { root, tag, index, follower, since, is_over: false }
    }

    /// Returns the events since the last call, without waiting.
    fn pull_events(&mut self, cursor: &mut StoreCursor) -> Result<Vec<Event>> {
        let pulled = self.follower.pull()?;
        let events = pulled.into_iter().map(|event| {
            cursor.set_root_cursor(self.tag, event.cursor);
            let known = (!cursor.is_empty()).then(|| cursor.clone());
            let view = || self.index.materializer().view();
            Event::new(self.root, known, event, view)
        });
        Ok(events.collect())
    }
}

impl Followers {
    /// Waits for events of any root; `None` when no root is followed any more.
    async fn next_events(&mut self) -> Batch {
        loop {
            for followed in &mut self.roots {
                match followed.pull_events(&mut self.cursor) {
                    Ok(events) if events.is_empty() => {}
                    pulled => return Some(pulled),
                }
            }
            let mut waits: Vec<_> = self
                .roots
                .iter_mut()
                .filter(|followed| !followed.is_over)
                .map(|followed| {
                    let FollowedRoot { follower, is_over, .. } = followed;
                    Box::pin(async move { *is_over = !follower.changed().await })
                })
                .collect();
            if waits.is_empty() {
                return None;
            }
            poll_fn(|context| {
                match waits.iter_mut().any(|wait| wait.as_mut().poll(context).is_ready()) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            })
            .await;
        }
    }
}

impl Events {
    pub(super) fn new(followed: Vec<FollowedRoot>) -> Self {
        let mut cursor = StoreCursor::default();
        followed.iter().for_each(|it| cursor.set_root_cursor(it.tag, it.since));
        let indexes = followed.iter().map(|it| Arc::clone(&it.index)).collect();
        let state = State::Idle(Box::new(Followers { roots: followed, cursor }));
        Self { state, ready: VecDeque::new(), runtime: None, indexes }
    }

    /// Returns the statistics of the drivers, one for each followed root.
    pub fn stats(&self) -> Vec<LiveStats> {
        let live = |index: &Arc<Index>| match &**index {
            Index::Live(live) => Some(live.stats()),
            Index::Opened(_) => None,
        };
        self.indexes.iter().filter_map(live).collect()
    }

    /// Takes the issues of the followed roots that were found since the last call, each once.
    pub fn take_issues(&self) -> Vec<StageIssue> {
        let taken = self.indexes.iter().map(|index| match &**index {
            Index::Live(live) => live.take_issues(),
            Index::Opened(_) => Vec::new(),
        });
        taken.flatten().collect()
    }

    /// Waits for the next events and returns all that are ready; `None` when no root is followed any
    /// more. Dropping the future loses no event.
    ///
    /// # Errors
    /// [`Error::Watch`] or [`Error::Store`] if a root cannot be read. The next call tries again.
    pub async fn next_batch(&mut self) -> Option<Result<Vec<Event>>> {
        if !self.ready.is_empty() {
            return Some(Ok(self.ready.drain(..).collect()));
        }
        poll_fn(|context| self.poll_batch(context)).await
    }

    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Batch> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Idle(mut followers) => {
                    self.state = State::Waiting(Box::pin(async move {
                        let batch = followers.next_events().await;
                        (followers, batch)
                    }));
                }
                State::Waiting(mut wait) => match wait.as_mut().poll(context) {
                    Poll::Ready((followers, batch)) => {
                        if batch.is_some() {
                            self.state = State::Idle(followers);
                        }
                        return Poll::Ready(batch);
                    }
                    Poll::Pending => {
                        self.state = State::Waiting(wait);
                        return Poll::Pending;
                    }
                },
                State::Done => return Poll::Ready(None),
            }
        }
    }
}

impl Iterator for Events {
    type Item = Result<Event>;

    /// Blocks until the next event. Do not call it inside a tokio runtime, where blocking panics: poll
    /// the [`Stream`] instead.
    fn next(&mut self) -> Option<Result<Event>> {
        if let Some(event) = self.ready.pop_front() {
            return Some(Ok(event));
        }
        let runtime = match self.runtime.take() {
            Some(runtime) => Ok(runtime),
            None => tokio::runtime::Builder::new_current_thread().build(),
        };
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return Some(Err(Error::System(error))),
        };
        let batch = runtime.block_on(poll_fn(|context| self.poll_batch(context)));
        self.runtime = Some(runtime);
        match batch? {
            Ok(events) => {
                self.ready = events.into();
                self.ready.pop_front().map(Ok)
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl Stream for Events {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(event) = self.ready.pop_front() {
            return Poll::Ready(Some(Ok(event)));
        }
        match self.poll_batch(context) {
            Poll::Ready(Some(Ok(events))) => {
                self.ready = events.into();
                Poll::Ready(self.ready.pop_front().map(Ok))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("roots", &self.indexes.len()).finish_non_exhaustive()
    }
}
