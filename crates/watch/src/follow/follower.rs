//! The follower: turns the changes of the index into events, from a cursor on.

use std::collections::VecDeque;
use std::sync::Arc;

use scrollback_core_id::{Cursor, EntityKey, SessionId, SessionKey};
use scrollback_index::{Change, Changes, Delta, EntityValue, ProjectMeta, View};
use scrollback_source::Result;
use tokio::sync::watch;

use super::cursor::{EventCursor, EventOffset};
use super::event::{ChangeKind, Event, Subject};
use super::pending::{EventBuilder, PendingEvent, PendingEvents, text_key};
use crate::shared::Shared;

/// The approximate number of events of one pull; the next pull returns the rest.
const MAX_EVENTS_PER_PULL: usize = 1024;

/// The approximate number of bytes of parts of one pull.
const MAX_BYTES_PER_PULL: usize = 8 << 20;

/// A stream of events that its owner pulls. A late pull returns the latest state of each changed
/// record once. A follower never delays the driver.
///
/// Between two pulls a follower keeps the view of its last pull, so that an event can include the
/// earlier state. The index keeps the records of that view.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
///
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_stor_read::FileReader;
/// use scrollback_watch::{EventCursor, Live, LiveOptions, Subject};
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let options = LiveOptions::default();
/// let live = Live::start(Arc::new(store), None, options, &|_| ControlFlow::Continue(()))?;
///
/// let mut follower = live.follow(None, None).without_parts();
/// let events = follower.pull()?;
/// assert!(matches!(events[0].subject, Subject::Fresh)); // the whole state follows
/// for event in &events[1..] {
///     println!("{} {}", event.kind.name(), event.subject.name());
/// }
///
/// // Keep the text of the cursor, and continue from it later.
/// let text = follower.cursor().map(ToString::to_string);
/// let cursor: Option<EventCursor> = text.map(|text| text.parse()).transpose()?;
/// let mut resumed = live.follow(cursor, None);
/// assert!(resumed.pull()?.iter().all(|event| !matches!(event.subject, Subject::Fresh)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Follower {
    shared: Arc<Shared>,
    cursor_updates: watch::Receiver<Cursor>,
    cursor: Option<EventCursor>,
    delivery: Option<Delivery>,
    event_builder: EventBuilder,
    session_filter: Option<SessionKey>,
}

/// The changes between two states, while pulls deliver them.
struct Delivery {
    /// The rest of the change that is being delivered.
    current: Option<PendingEvents>,
    remaining: VecDeque<Change>,
    /// The sessions of the whole state whose records are still to be added to `remaining`. One
    /// session at a time: the records of all sessions would fill the memory.
    sessions: VecDeque<SessionId>,
    /// The cursor before these changes; `None` if they are the whole state.
    since: Option<EventCursor>,
    /// The state after these changes.
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

    /// Leaves out the events of parts. Their bytes are then not read.
    #[must_use]
    pub fn without_parts(mut self) -> Self {
        self.event_builder.with_parts = false;
        self
    }

    /// Returns the position of the stream. `None` before the first event, and within the whole
    /// state.
    pub fn cursor(&self) -> Option<&EventCursor> {
        self.cursor.as_ref()
    }

    /// Returns the events since the last pull without waiting: none if nothing changed, and only
    /// the first 1,024 events or 8 MiB of parts if much changed.
    ///
    /// Without a cursor, or with a cursor that cannot be continued, the first event is
    /// [`Subject::Fresh`]. The whole state follows: projects, sessions and messages, and the parts
    /// that are listed so far. Parts that are listed later come as later events.
    ///
    /// # Errors
    /// The error of reading parts. Nothing of them is lost: the next pull returns them again.
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
                let Some(change) = delivery.next_change() else { break };
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
        if !delivery.is_over() {
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

    /// Waits for events and returns them. Returns no events once the driver has ended and
    /// everything was pulled.
    ///
    /// # Errors
    /// The errors of [`Follower::pull`].
    pub async fn next(&mut self) -> Result<Vec<Event>> {
        loop {
            let events = self.pull()?;
            if !events.is_empty() {
                return Ok(events);
            }
            if self.cursor_updates.changed().await.is_err() {
                return self.pull(); // the driver has ended
            }
        }
    }

    /// Waits until the index has changed since the last pull. Returns `false` once the driver has
    /// ended. Dropping the future loses nothing.
    pub async fn changed(&mut self) -> bool {
        self.cursor_updates.changed().await.is_ok()
    }

    /// Starts a delivery: the changes since the cursor, or the whole state.
    fn begin_delivery(&mut self, events: &mut Vec<Event>) -> Delivery {
        let index = self.shared.materializer.index();
        let since = self.cursor.filter(|cursor| cursor.is_known_to(index));
        let Changes { view, delta: changes, .. } =
            index.changes(since.as_ref().map(|cursor| &cursor.index_cursor));
        match (changes, since) {
            (Delta::Changed(changes), Some(_)) => {
                let sessions = VecDeque::new();
                Delivery { current: None, remaining: changes.into(), sessions, since, view }
            }
            _ => {
                (self.cursor, self.event_builder.last_view) = (None, None);
                self.event_builder.texts.clear();
                events.push(Event {
                    cursor: None,
                    kind: ChangeKind::Present,
                    subject: Subject::Fresh,
                });
                Delivery::of_whole_state(view, self.session_filter.as_ref())
            }
        }
    }

    /// Returns the pending events of one change, without the events that were already taken. All
    /// changes of a delivery lead to one state: a message that changed twice comes once, at its
    /// last change, and the changes of its parts are derived from that last state alone.
    fn pending_events(
        &mut self,
        change: &Change,
        since: Option<EventCursor>,
    ) -> Option<PendingEvents> {
        // A record that changed again after the cursor has a later revision here. Its events then
        // count from the start, because they are not the events that were taken.
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
                // an earlier follower received its text, this follower did not
                self.event_builder.texts.remove(&text_key(&message, &part));
            }
        }
        (!pending.is_empty()).then_some(PendingEvents {
            revision: change.revision,
            taken_count,
            remaining: pending,
        })
    }

    /// Delivers the next pending events of a change, up to `room`: a number of events, and a number
    /// of bytes.
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

impl Delivery {
    /// Delivers the whole state, or the state of one session.
    fn of_whole_state(view: View, session_filter: Option<&SessionKey>) -> Self {
        let revision = view.cursor().revision;
        let project = |meta: Arc<ProjectMeta>| Change {
            key: EntityKey::Project(meta.id.clone()),
            revision,
            value: Some(EntityValue::Project(meta)),
        };
        let (remaining, sessions) = match session_filter {
            Some(only) => (VecDeque::new(), VecDeque::from([only.session.clone()])),
            None => (view.projects().into_iter().map(project).collect(), view.session_ids().into()),
        };
        Self { current: None, remaining, sessions, since: None, view }
    }

    /// Takes the next change. Adds the records of the next session of a whole state if necessary.
    fn next_change(&mut self) -> Option<Change> {
        let Self { remaining, sessions, view, .. } = self;
        while remaining.is_empty()
            && let Some(id) = sessions.pop_front()
        {
            let change =
                |key, value| Change { key, revision: view.cursor().revision, value: Some(value) };
            let record = view.session(&id);
            remaining.extend(
                record.map(|meta| change(meta.key.clone().into(), EntityValue::Session(meta))),
            );
            let messages = view.by_session(&id).into_iter();
            remaining.extend(
                messages.map(|meta| change(meta.key.clone().into(), EntityValue::Message(meta))),
            );
        }
        remaining.pop_front()
    }

    fn is_over(&self) -> bool {
        self.current.is_none() && self.remaining.is_empty() && self.sessions.is_empty()
    }
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
