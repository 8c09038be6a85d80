//! Followers: a stream of what happened, from whatever was taken last.

mod cursor;
mod event;
mod text;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use scrollback_core_id::{
    Cursor, EntityKey, MessageKey, PartId, PartKey, Revision, SessionId, SessionKey, Stamp,
};
use scrollback_core_type::{Parse, Part};
use scrollback_index::{
    Change, Changes, MessageMeta, Observed, PartRef, SessionMeta, Since, Value, View,
};
use scrollback_stor_mmap::MappedSpan;
use scrollback_stor_read::Result;
use tokio::sync::watch;

pub use cursor::{EventCursor, EventCursorError, Within};
pub use event::{Event, Of, What};
pub use text::TextEdit;

use self::text::Texts;
use crate::live::Shared;

/// What was written so shortly before a session was looked at may not have been seen then.
const MARGIN: Duration = Duration::from_millis(100);

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
    /// What was seen last; none at the beginning.
    last: Option<View>,
    telling: Option<Telling>,
    texts: Texts,
    only: Option<SessionKey>,
    with_parts: bool,
}

/// What is being told, from one pull to the next.
struct Telling {
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
        let (moved, texts) = (shared.moved.clone(), Texts::default());
        let (last, telling, with_parts) = (None, None, true);
        Self { shared, moved, cursor, last, telling, texts, only, with_parts }
    }

    /// The same without events of parts, which are not read then.
    #[must_use]
    pub fn without_parts(self) -> Self {
        Self { with_parts: false, ..self }
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
        while events.len() < MOST
            && bytes < MOST_BYTES
            && let Some(change) = telling.left.pop_front()
        {
            let told = events.len();
            let behind = telling.view.cursor();
            if let Err(error) = self.tell(&change, telling.since, behind, &mut events) {
                telling.left.push_front(change);
                self.telling = Some(telling);
                return if events.is_empty() { Err(error) } else { Ok(events) };
            }
            bytes += events[told..].iter().map(Event::bytes).sum::<usize>();
        }
        if !telling.left.is_empty() {
            self.telling = Some(telling);
            return Ok(events);
        }
        self.cursor = Some(telling.view.cursor().into());
        self.last = Some(telling.view);
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

    /// What is to be told now.
    fn begin(&mut self, events: &mut Vec<Event>) -> Telling {
        let index = self.shared.materializer.index();
        let since = self.cursor.filter(|cursor| cursor.is_known_to(index));
        let Changes { view, since: changes, .. } = index.changes(since.as_ref().map(|it| &it.at));
        match (changes, since) {
            (Since::Changed(changes), Some(_)) => Telling { left: changes.into(), since, view },
            _ => {
                (self.cursor, self.last) = (None, None);
                self.texts.clear();
                events.push(Event { cursor: None, what: What::Present, of: Of::Fresh });
                Telling { left: state(&view), since: None, view }
            }
        }
    }

    /// The events of one change. All that is told at once is behind one state: that a message
    /// changed is told once, with its last change, and which of its parts did is known since that
    /// state alone.
    fn tell(
        &mut self,
        change: &Change,
        since: Option<EventCursor>,
        behind: Cursor,
        events: &mut Vec<Event>,
    ) -> Result<()> {
        // What was taken before, if it was not changed again since.
        let taken = match since.and_then(|since| since.within) {
            Some(within) if change.revision < within.change.revision => return Ok(()),
            Some(within) if change.revision == within.change.revision => within.events,
            _ => 0,
        };
        if self.only.as_ref().is_some_and(|only| session_of(&change.key) != Some(&only.session)) {
            return Ok(());
        }
        let all = self.of(change, since.map(|since| since.at.revision))?;
        for (number, told) in all.into_iter().enumerate() {
            let Some((what, of)) = told else { continue };
            if number < taken {
                if let Of::Part { key, .. } = &of {
                    self.texts.forget(key); // told by another, who knows what it was then
                }
                continue;
            }
            let within = Within {
                change: Cursor { revision: change.revision, ..behind },
                events: number + 1,
                behind: behind.revision,
            };
            let cursor = since.map(|since| EventCursor { at: since.at, within: Some(within) });
            let what = if since.is_some() { what } else { What::Present };
            events.push(Event { cursor, what, of });
            self.cursor = cursor;
        }
        Ok(())
    }

    /// What is to be told of a change, each at its place; none where nothing is, to whoever saw what
    /// was before.
    fn of(&mut self, change: &Change, since: Option<Revision>) -> Result<Vec<Option<(What, Of)>>> {
        let is_known = self.last.is_some();
        let last = self.last.as_ref();
        Ok(match (&change.key, &change.value) {
            (EntityKey::Project(id), value) => {
                let now = match value {
                    Some(Value::Project(meta)) => Some(Arc::clone(meta)),
                    _ => None,
                };
                let old = last.and_then(|last| last.project(id));
                let what = What::of(now.as_ref(), old.as_ref(), is_known);
                vec![Some((what, Of::Project { now, old, key: change.key.clone() }))]
            }
            (EntityKey::Session(key), value) => {
                let now = match value {
                    Some(Value::Session(meta)) => Some(Arc::clone(meta)),
                    _ => None,
                };
                let old = last.and_then(|last| last.session(&key.session));
                let what = What::of(now.as_ref(), old.as_ref(), is_known);
                let is_same = is_same_session(now.as_deref(), old.as_deref());
                vec![(!is_same).then(|| (what, Of::Session { now, old, key: key.clone() }))]
            }
            (EntityKey::Message(key), value) => {
                let now = match value {
                    Some(Value::Message(meta)) => Some(Arc::clone(meta)),
                    _ => None,
                };
                let old = last.and_then(|last| last.message_at(key));
                let what = What::of(now.as_ref(), old.as_ref(), is_known);
                let parts = match self.with_parts {
                    true => self.parts(key, now.as_deref(), old.as_deref(), since)?,
                    false => Vec::new(),
                };
                let is_same = is_same_message(now.as_deref(), old.as_deref());
                let own = (!is_same).then(|| (what, Of::Message { now, old, key: key.clone() }));
                let mut all = vec![own];
                all.extend(parts);
                all
            }
            _ => Vec::new(),
        })
    }

    /// What happened to the parts of a message.
    fn parts(
        &mut self,
        message: &MessageKey,
        now: Option<&MessageMeta>,
        old: Option<&MessageMeta>,
        since: Option<Revision>,
    ) -> Result<Vec<Option<(What, Of)>>> {
        let (is_new, is_known) = (old.is_none(), self.last.is_some());
        let was_listed = old.is_some_and(|old| old.parts.is_some());
        // What was there before its message was looked into did not change: it is told as it is.
        let horizon = match (&self.last, old) {
            (Some(last), Some(_)) if !was_listed => last.upkeep(&message.session),
            _ => None,
        };
        let was_there = |part: &PartRef| match (&horizon, part.observed) {
            (Some((_, upkeep)), Some(it)) => it.stamp.is_settled_at(upkeep.checked, MARGIN),
            _ => false,
        };
        let refs = |meta: Option<&MessageMeta>| {
            let list = meta.and_then(|meta| meta.parts.as_ref());
            list.map(|list| Arc::clone(&list.refs)).unwrap_or_default()
        };
        let (now, old) = (refs(now), refs(old));
        let mut known: HashMap<&PartId, &PartRef> =
            old.iter().map(|part| (&part.id, part)).collect();
        let mut news = Vec::new();
        for part in now.iter() {
            let was = known.remove(&part.id);
            let what = match was_there(part) {
                true => What::Present,
                false => What::of(Some(part), was, is_known && (was_listed || is_new)),
            };
            if since.is_none_or(|since| part.changed() > since) {
                news.push((what, part.clone(), was.cloned()));
            }
        }
        let mut all = self.read(message, news)?;
        let mut gone: Vec<&PartRef> = known.into_values().collect();
        gone.sort_by(|a, b| a.id.cmp(&b.id));
        for was in gone {
            let (key, message) = (part_key(message, was), message.clone());
            self.texts.forget(&key);
            let old = Some(was.clone());
            let of = Of::Part { now: None, old, key, message, span: None, text: None };
            all.push(Some((What::Removed, of)));
        }
        Ok(all)
    }

    /// Parts with their bytes, those that the driver just read where they are as the index says;
    /// each with what happened to it, and as it was.
    fn read(
        &mut self,
        message: &MessageKey,
        parts: Vec<(What, PartRef, Option<PartRef>)>,
    ) -> Result<Vec<Option<(What, Of)>>> {
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<_> = parts
            .iter()
            .map(|(_, part, _)| (part_key(message, part).into(), part.observed.map(|it| it.stamp)))
            .collect();
        let spans = self.shared.materializer.current_spans(&wanted)?;
        let told = parts.into_iter().zip(spans).map(|((what, part, old), span)| {
            let key = part_key(message, &part);
            let text = span.as_ref().and_then(text_of).map(|text| self.texts.edit(&key, &text));
            // It was looked at again, and is as it was.
            let is_same = text.as_ref().is_some_and(TextEdit::is_empty)
                && old.as_ref().is_some_and(|old| stamp(old.observed) == stamp(part.observed));
            let message = message.clone();
            let of = Of::Part { now: Some(part), old, key, message, span, text };
            (!is_same).then_some((what, of))
        });
        Ok(told.collect())
    }
}

/// The whole state, as if all of it had changed.
fn state(view: &View) -> VecDeque<Change> {
    let change = |key, value| Change { key, revision: view.cursor().revision, value: Some(value) };
    let projects = view.projects().into_iter();
    let mut all: VecDeque<Change> = projects
        .map(|meta| change(EntityKey::Project(meta.id.clone()), Value::Project(meta)))
        .collect();
    for id in view.known_sessions() {
        let record = view.session(&id);
        all.extend(record.map(|meta| change(meta.key.clone().into(), Value::Session(meta))));
        let messages = view.by_session(&id).into_iter();
        all.extend(messages.map(|meta| change(meta.key.clone().into(), Value::Message(meta))));
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

fn part_key(message: &MessageKey, part: &PartRef) -> PartKey {
    PartKey { message: message.message.clone(), part: part.id.clone() }
}

fn stamp(observed: Option<Observed>) -> Option<Stamp> {
    observed.map(|observed| observed.stamp)
}

/// Whether a session's record is as it was, however often it was looked at.
fn is_same_session(now: Option<&SessionMeta>, old: Option<&SessionMeta>) -> bool {
    let (Some(now), Some(old)) = (now, old) else { return false };
    *now == SessionMeta { observed: now.observed, ..old.clone() }
        && now.observed.stamp == old.observed.stamp
}

/// The same of a message's own record: that its parts changed is told of them.
fn is_same_message(now: Option<&MessageMeta>, old: Option<&MessageMeta>) -> bool {
    let (Some(now), Some(old)) = (now, old) else { return false };
    *now == MessageMeta { observed: now.observed, parts: now.parts.clone(), ..old.clone() }
        && now.observed.stamp == old.observed.stamp
}

fn text_of(span: &MappedSpan) -> Option<String> {
    match Part::parse(span).ok()?.value {
        Part::Text(part) => part.text.map(|text| text.get().into_owned()),
        Part::Reasoning(part) => part.text.map(|text| text.get().into_owned()),
        _ => None,
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
