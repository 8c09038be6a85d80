//! A follower: pulls what happened since it pulled last.

use std::collections::VecDeque;
use std::sync::Arc;

use scrollback_core_id::{Cursor, EntityKey, SessionId, SessionKey};
use scrollback_index::{Change, Changes, Delta, EntityValue, View};
use scrollback_source::Result;
use tokio::sync::watch;

use super::cursor::{EventCursor, EventOffset};
use super::event::{ChangeKind, Event, Subject};
use super::pending::{EventBuilder, PendingEvent, PendingEvents, text_key};
use crate::shared::Shared;

/// A pull gives about so many events at most; the next gives the rest.
const MAX_EVENTS_PER_PULL: usize = 1024;

/// And about so many bytes of parts.
const MAX_BYTES_PER_PULL: usize = 8 << 20;

/// Pulls what happened. However late it comes it gets the latest state of each key once, and holds
/// nobody up.
///
/// Between two pulls a follower keeps a view of what it saw last, so that events can say what was
/// before; the index keeps what that view shows.
pub struct Follower {
    shared: Arc<Shared>,
    cursor_updates: watch::Receiver<Cursor>,
    cursor: Option<EventCursor>,
    delivery: Option<Delivery>,
    event_builder: EventBuilder,
    session_filter: Option<SessionKey>,
}

/// What is being told, from one pull to the next.
struct Delivery {
    /// What is left of one change.
    current: Option<PendingEvents>,
    remaining: VecDeque<Change>,
    /// What these are the changes since; none if they are the whole state.
    since: Option<EventCursor>,
    /// What is known when all of them were told.
    view: View,
}

impl Follower {
    pub(crate) fn new(
        shared: Arc<Shared>,
        cursor: Option<EventCursor>,
        session_filter: Option<SessionKey>,
    ) -> Self {
        let (cursor_updates, event_builder) =
            (shared.cursor_updates.clone(), EventBuilder::new(Arc::clone(&shared)));
        Self { shared, cursor_updates, cursor, delivery: None, event_builder, session_filter }
    }

    /// The same without events of parts, which are not read then.
    #[must_use]
    pub fn without_parts(mut self) -> Self {
        self.event_builder.with_parts = false;
        self
    }

    /// Where the stream is. None before the first event, and in the middle of the whole state.
    pub fn cursor(&self) -> Option<&EventCursor> {
        self.cursor.as_ref()
    }

    /// What happened since the last pull, at once, or the first of it; nothing if nothing did. The
    /// first answer to whoever comes without a cursor, or with one that cannot be continued, is
    /// [`Subject::Fresh`] and then the whole state: projects, sessions and messages, each with its parts
    /// as far as they were listed. Those that are listed later are told then.
    ///
    /// # Errors
    /// If parts cannot be read; they are not taken then, and the next pull tells of them again.
    pub fn pull(&mut self) -> Result<Vec<Event>> {
        self.cursor_updates.mark_unchanged();
        let mut events = Vec::new();
        let mut telling = match self.delivery.take() {
            Some(telling) => telling,
            None => self.begin_delivery(&mut events),
        };
        let mut bytes = 0;
        while events.len() < MAX_EVENTS_PER_PULL && bytes < MAX_BYTES_PER_PULL {
            if telling.current.is_none() {
                let Some(change) = telling.remaining.pop_front() else { break };
                telling.current = self.pending_events(&change, telling.since);
                continue;
            }
            let told = events.len();
            let room = (MAX_EVENTS_PER_PULL - events.len(), MAX_BYTES_PER_PULL - bytes);
            if let Err(error) = self.deliver(&mut telling, room, &mut events) {
                self.delivery = Some(telling);
                return if events.is_empty() { Err(error) } else { Ok(events) };
            }
            bytes += events[told..].iter().map(Event::bytes).sum::<usize>();
        }
        if !telling.remaining.is_empty() || telling.current.is_some() {
            self.delivery = Some(telling);
            return Ok(events);
        }
        self.cursor = Some(telling.view.cursor().into());
        self.event_builder.last_view = Some(telling.view);
        if let Some(last) = events.last_mut() {
            last.cursor = self.cursor;
        }
        Ok(events)
    }

    /// Waits until something happened, and says what; nothing once the driver has ended and all of it
    /// was told.
    ///
    /// # Errors
    /// As [`Follower::pull`].
    pub async fn next(&mut self) -> Result<Vec<Event>> {
        loop {
            let events = self.pull()?;
            if !events.is_empty() {
                return Ok(events);
            }
            if self.cursor_updates.changed().await.is_err() {
                return self.pull(); // nobody keeps the index any more
            }
        }
    }

    /// Waits until the index moves on from what was pulled last. Returns `false` once the driver has
    /// ended, so that it moves no more. Dropping the future loses nothing.
    pub async fn changed(&mut self) -> bool {
        self.cursor_updates.changed().await.is_ok()
    }

    /// What is to be told now.
    fn begin_delivery(&mut self, events: &mut Vec<Event>) -> Delivery {
        let index = self.shared.materializer.index();
        let since = self.cursor.filter(|cursor| cursor.is_known_to(index));
        let Changes { view, delta: changes, .. } =
            index.changes(since.as_ref().map(|it| &it.index_cursor));
        match (changes, since) {
            (Delta::Changed(changes), Some(_)) => {
                Delivery { current: None, remaining: changes.into(), since, view }
            }
            _ => {
                (self.cursor, self.event_builder.last_view) = (None, None);
                self.event_builder.texts.clear();
                events.push(Event {
                    cursor: None,
                    kind: ChangeKind::Present,
                    subject: Subject::Fresh,
                });
                Delivery { current: None, remaining: full_state_changes(&view), since: None, view }
            }
        }
    }

    /// What is to be told of one change, less what was taken of it. All that is told at once is behind
    /// one state: that a message changed is told once, with its last change, and which of its parts
    /// did is known since that state alone.
    fn pending_events(
        &mut self,
        change: &Change,
        since: Option<EventCursor>,
    ) -> Option<PendingEvents> {
        // What was taken before, if it was not changed again since.
        let taken = match since.and_then(|since| since.offset) {
            Some(within) if change.revision < within.change.revision => return None,
            Some(within) if change.revision == within.change.revision => within.events,
            _ => 0,
        };
        if self
            .session_filter
            .as_ref()
            .is_some_and(|only| session_of(&change.key) != Some(&only.session))
        {
            return None;
        }
        let mut left = self
            .event_builder
            .pending_for_change(change, since.map(|since| since.index_cursor.revision));
        for item in left.drain(..taken.min(left.len())) {
            if let PendingEvent::Part { part, message, .. } = item {
                self.event_builder.texts.remove(&text_key(&message, &part)); // another was told of it
            }
        }
        (!left.is_empty()).then_some(PendingEvents {
            revision: change.revision,
            taken_count: taken,
            remaining: left,
        })
    }

    /// Tells the next of what is left of a change: so many events of so many bytes, about.
    fn deliver(
        &mut self,
        telling: &mut Delivery,
        room: (usize, usize),
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let Some(now) = &mut telling.current else { return Ok(()) };
        for told in self.event_builder.take_next(&mut now.remaining, room)? {
            now.taken_count += 1;
            let Some((what, of)) = told else { continue };
            let behind = telling.view.cursor();
            let within = EventOffset {
                change: Cursor { revision: now.revision, ..behind },
                events: now.taken_count,
                target: behind.revision,
            };
            let since = telling.since;
            let cursor = since.map(|since| EventCursor {
                index_cursor: since.index_cursor,
                offset: Some(within),
            });
            let what = if since.is_some() { what } else { ChangeKind::Present };
            events.push(Event { cursor, kind: what, subject: of });
            self.cursor = cursor;
        }
        telling.current.take_if(|now| now.remaining.is_empty());
        Ok(())
    }
}

/// The whole state, as if all of it had changed.
fn full_state_changes(view: &View) -> VecDeque<Change> {
    let change = |key, value| Change { key, revision: view.cursor().revision, value: Some(value) };
    let projects = view.projects().into_iter();
    let mut all: VecDeque<Change> = projects
        .map(|meta| change(EntityKey::Project(meta.id.clone()), EntityValue::Project(meta)))
        .collect();
    for id in view.session_ids() {
        let record = view.session(&id);
        all.extend(record.map(|meta| change(meta.key.clone().into(), EntityValue::Session(meta))));
        let messages = view.by_session(&id).into_iter();
        all.extend(
            messages.map(|meta| change(meta.key.clone().into(), EntityValue::Message(meta))),
        );
    }
    all
}

fn session_of(key: &EntityKey) -> Option<&SessionId> {
    match key {
        EntityKey::Session(key) => Some(&key.session),
        EntityKey::Message(key) => Some(&key.session),
        _ => None,
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
