//! A follower: pulls what happened since it pulled last.

use std::collections::VecDeque;
use std::sync::Arc;

use scrollback_core_id::{Cursor, EntityKey, SessionId, SessionKey};
use scrollback_index::{Change, Changes, Delta, EntityValue, View};
use scrollback_source::Result;
use tokio::sync::watch;

use super::cursor::{EventCursor, Within};
use super::event::{Event, Of, What};
use super::told::{Item, Teller, Untold, text_key};
use crate::shared::Shared;

/// A pull gives about so many events at most; the next gives the rest.
const MOST: usize = 1024;

/// And about so many bytes of parts.
const MOST_BYTES: usize = 8 << 20;

/// Pulls what happened. However late it comes it gets the latest state of each key once, and holds
/// nobody up.
///
/// Between two pulls a follower keeps a view of what it saw last, so that events can say what was
/// before; the index keeps what that view shows.
pub struct Follower {
    shared: Arc<Shared>,
    moved: watch::Receiver<Cursor>,
    cursor: Option<EventCursor>,
    telling: Option<Telling>,
    teller: Teller,
    only: Option<SessionKey>,
}

/// What is being told, from one pull to the next.
struct Telling {
    /// What is left of one change.
    now: Option<Untold>,
    left: VecDeque<Change>,
    /// What these are the changes since; none if they are the whole state.
    since: Option<EventCursor>,
    /// What is known when all of them were told.
    view: View,
}

impl Follower {
    pub(crate) fn new(
        shared: Arc<Shared>,
        cursor: Option<EventCursor>,
        only: Option<SessionKey>,
    ) -> Self {
        let (moved, teller) = (shared.moved.clone(), Teller::new(Arc::clone(&shared)));
        Self { shared, moved, cursor, telling: None, teller, only }
    }

    /// The same without events of parts, which are not read then.
    #[must_use]
    pub fn without_parts(mut self) -> Self {
        self.teller.with_parts = false;
        self
    }

    /// Where the stream is. None before the first event, and in the middle of the whole state.
    pub fn cursor(&self) -> Option<&EventCursor> {
        self.cursor.as_ref()
    }

    /// What happened since the last pull, at once, or the first of it; nothing if nothing did. The
    /// first answer to whoever comes without a cursor, or with one that cannot be continued, is
    /// [`Of::Fresh`] and then the whole state: projects, sessions and messages, each with its parts
    /// as far as they were listed. Those that are listed later are told then.
    ///
    /// # Errors
    /// If parts cannot be read; they are not taken then, and the next pull tells of them again.
    pub fn pull(&mut self) -> Result<Vec<Event>> {
        self.moved.mark_unchanged();
        let mut events = Vec::new();
        let mut telling = match self.telling.take() {
            Some(telling) => telling,
            None => self.begin(&mut events),
        };
        let mut bytes = 0;
        while events.len() < MOST && bytes < MOST_BYTES {
            if telling.now.is_none() {
                let Some(change) = telling.left.pop_front() else { break };
                telling.now = self.untold(&change, telling.since);
                continue;
            }
            let told = events.len();
            let room = (MOST - events.len(), MOST_BYTES - bytes);
            if let Err(error) = self.tell(&mut telling, room, &mut events) {
                self.telling = Some(telling);
                return if events.is_empty() { Err(error) } else { Ok(events) };
            }
            bytes += events[told..].iter().map(Event::bytes).sum::<usize>();
        }
        if !telling.left.is_empty() || telling.now.is_some() {
            self.telling = Some(telling);
            return Ok(events);
        }
        self.cursor = Some(telling.view.cursor().into());
        self.teller.last = Some(telling.view);
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
            if self.moved.changed().await.is_err() {
                return self.pull(); // nobody keeps the index any more
            }
        }
    }

    /// Waits until the index moves on from what was pulled last. Returns `false` once the driver has
    /// ended, so that it moves no more. Dropping the future loses nothing.
    pub async fn changed(&mut self) -> bool {
        self.moved.changed().await.is_ok()
    }

    /// What is to be told now.
    fn begin(&mut self, events: &mut Vec<Event>) -> Telling {
        let index = self.shared.materializer.index();
        let since = self.cursor.filter(|cursor| cursor.is_known_to(index));
        let Changes { view, delta: changes, .. } = index.changes(since.as_ref().map(|it| &it.at));
        match (changes, since) {
            (Delta::Changed(changes), Some(_)) => {
                Telling { now: None, left: changes.into(), since, view }
            }
            _ => {
                (self.cursor, self.teller.last) = (None, None);
                self.teller.texts.clear();
                events.push(Event { cursor: None, what: What::Present, of: Of::Fresh });
                Telling { now: None, left: state(&view), since: None, view }
            }
        }
    }

    /// What is to be told of one change, less what was taken of it. All that is told at once is behind
    /// one state: that a message changed is told once, with its last change, and which of its parts
    /// did is known since that state alone.
    fn untold(&mut self, change: &Change, since: Option<EventCursor>) -> Option<Untold> {
        // What was taken before, if it was not changed again since.
        let taken = match since.and_then(|since| since.within) {
            Some(within) if change.revision < within.change.revision => return None,
            Some(within) if change.revision == within.change.revision => within.events,
            _ => 0,
        };
        if self.only.as_ref().is_some_and(|only| session_of(&change.key) != Some(&only.session)) {
            return None;
        }
        let mut left = self.teller.of(change, since.map(|since| since.at.revision));
        for item in left.drain(..taken.min(left.len())) {
            if let Item::Part { part, message, .. } = item {
                self.teller.texts.forget(&text_key(&message, &part)); // another was told of it
            }
        }
        (!left.is_empty()).then_some(Untold { revision: change.revision, taken, left })
    }

    /// Tells the next of what is left of a change: so many events of so many bytes, about.
    fn tell(
        &mut self,
        telling: &mut Telling,
        room: (usize, usize),
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let Some(now) = &mut telling.now else { return Ok(()) };
        for told in self.teller.next_of(&mut now.left, room)? {
            now.taken += 1;
            let Some((what, of)) = told else { continue };
            let behind = telling.view.cursor();
            let within = Within {
                change: Cursor { revision: now.revision, ..behind },
                events: now.taken,
                behind: behind.revision,
            };
            let since = telling.since;
            let cursor = since.map(|since| EventCursor { at: since.at, within: Some(within) });
            let what = if since.is_some() { what } else { What::Present };
            events.push(Event { cursor, what, of });
            self.cursor = cursor;
        }
        telling.now.take_if(|now| now.left.is_empty());
        Ok(())
    }
}

/// The whole state, as if all of it had changed.
fn state(view: &View) -> VecDeque<Change> {
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
