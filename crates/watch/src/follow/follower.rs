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
        let mut delivery = match self.delivery.take() {
            Some(delivery) => delivery,
            None => self.begin_delivery(&mut events),
        };
        let mut bytes = 0;
        while events.len() < MAX_EVENTS_PER_PULL && bytes < MAX_BYTES_PER_PULL {
            if delivery.current.is_none() {
                let Some(change) = delivery.remaining.pop_front() else { break };
                delivery.current = self.pending_events(&change, delivery.since);
                continue;
            }
            let delivered = events.len();
            let room = (MAX_EVENTS_PER_PULL - events.len(), MAX_BYTES_PER_PULL - bytes);
            if let Err(error) = self.deliver(&mut delivery, room, &mut events) {
                self.delivery = Some(delivery);
                return if events.is_empty() { Err(error) } else { Ok(events) };
            }
            bytes += events[delivered..].iter().map(Event::bytes).sum::<usize>();
        }
        if !delivery.remaining.is_empty() || delivery.current.is_some() {
            self.delivery = Some(delivery);
            return Ok(events);
        }
        self.cursor = Some(delivery.view.cursor().into());
        self.event_builder.last_view = Some(delivery.view);
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
            index.changes(since.as_ref().map(|cursor| &cursor.index_cursor));
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
        let taken_count = match since.and_then(|since| since.offset) {
            Some(offset) if change.revision < offset.change.revision => return None,
            Some(offset) if change.revision == offset.change.revision => offset.events,
            _ => 0,
        };
        if self
            .session_filter
            .as_ref()
            .is_some_and(|only| session_id(&change.key) != Some(&only.session))
        {
            return None;
        }
        let mut pending = self
            .event_builder
            .pending_for_change(change, since.map(|since| since.index_cursor.revision));
        for item in pending.drain(..taken_count.min(pending.len())) {
            if let PendingEvent::Part { part, message, .. } = item {
                self.event_builder.texts.remove(&text_key(&message, &part)); // another was told of it
            }
        }
        (!pending.is_empty()).then_some(PendingEvents {
            revision: change.revision,
            taken_count,
            remaining: pending,
        })
    }

    /// Tells the next of what is left of a change: so many events of so many bytes, about.
    fn deliver(
        &mut self,
        delivery: &mut Delivery,
        room: (usize, usize),
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let Some(current) = &mut delivery.current else { return Ok(()) };
        for event in self.event_builder.take_next(&mut current.remaining, room)? {
            current.taken_count += 1;
            let Some((kind, subject)) = event else { continue };
            let target_cursor = delivery.view.cursor();
            let offset = EventOffset {
                change: Cursor { revision: current.revision, ..target_cursor },
                events: current.taken_count,
                target: target_cursor.revision,
            };
            let since = delivery.since;
            let cursor = since.map(|since| EventCursor {
                index_cursor: since.index_cursor,
                offset: Some(offset),
            });
            let kind = if since.is_some() { kind } else { ChangeKind::Present };
            events.push(Event { cursor, kind, subject });
            self.cursor = cursor;
        }
        delivery.current.take_if(|current| current.remaining.is_empty());
        Ok(())
    }
}

/// The whole state, as if all of it had changed.
fn full_state_changes(view: &View) -> VecDeque<Change> {
    let change = |key, value| Change { key, revision: view.cursor().revision, value: Some(value) };
    let projects = view.projects().into_iter();
    let mut changes: VecDeque<Change> = projects
        .map(|meta| change(EntityKey::Project(meta.id.clone()), EntityValue::Project(meta)))
        .collect();
    for id in view.session_ids() {
        let record = view.session(&id);
        changes
            .extend(record.map(|meta| change(meta.key.clone().into(), EntityValue::Session(meta))));
        let messages = view.by_session(&id).into_iter();
        changes.extend(
            messages.map(|meta| change(meta.key.clone().into(), EntityValue::Message(meta))),
        );
    }
    changes
}

fn session_id(key: &EntityKey) -> Option<&SessionId> {
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
