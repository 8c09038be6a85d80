//! The stream of events: an iterator that blocks, and a `Stream`.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use scrollback_watch::{EventCursor, Follower, LiveStats};
use tokio::runtime::Runtime;

use super::cursor::{RootTag, StoreCursor};
use super::event::Event;
use crate::root::Index;
use crate::{Error, Result};

/// What happens in a store, as it happens. As an iterator it blocks until something does; as a
/// [`Stream`] it is polled. It ends when the indexes of all roots are no longer kept.
///
/// Nothing is lost however late it is asked: it gives the latest state of whatever changed.
pub struct Events {
    state: State,
    ready: VecDeque<Event>,
    /// For the iterator; made when it is first asked.
    runtime: Option<Runtime>,
    indexes: Vec<Arc<Index>>,
}

enum State {
    Idle(Box<Followers>),
    Waiting(Wait),
    Done,
}

/// What happens next; none once nobody keeps any of the indexes.
type Batch = Option<Result<Vec<Event>>>;

/// A wait for events, which gives the followers back.
type Wait = Pin<Box<dyn Future<Output = (Box<Followers>, Batch)> + Send>>;

/// The followers of all roots, and how far each was taken.
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

    /// What happened since the last call, at once.
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
    /// Waits until something happened, and says what. None once nobody keeps any of the indexes.
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

    /// What the drivers of the followed roots did, one for each.
    pub fn stats(&self) -> Vec<LiveStats> {
        let live = |index: &Arc<Index>| match &**index {
            Index::Live(live) => Some(live.stats()),
            Index::Opened(_) => None,
        };
        self.indexes.iter().filter_map(live).collect()
    }

    /// The next events, as many as are ready; none once the indexes are no longer kept. Dropping the
    /// future loses nothing.
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

    /// Blocks until something happens. Not to be called where a runtime of tokio runs: poll the
    /// [`Stream`] there.
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
