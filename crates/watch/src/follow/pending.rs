//! The pending events of a change: the event of its record, and for a message the events of its
//! parts.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use scrollback_core_id::{EntityKey, MessageKey, PartId, PartKey, Revision, Stamp};
use scrollback_core_type::{Parse, Part};
use scrollback_index::{
    Change, EntityValue, MessageMeta, ObservedStamp, PartRef, SessionMeta, View,
};
use scrollback_source::Result;
use scrollback_stor_mmap::MappedSpan;

use super::event::{ChangeKind, Subject};
use super::text::{TextCache, TextEdit, TextKey};
use crate::shared::Shared;

/// The age below which a write may have been missed by the check of its session.
const WRITE_MARGIN: Duration = Duration::from_millis(100);

/// The events of a change that are still to be delivered.
pub(super) struct PendingEvents {
    /// The revision of the change.
    pub(super) revision: Revision,
    /// The number of events that were delivered.
    pub(super) taken_count: usize,
    pub(super) remaining: VecDeque<PendingEvent>,
}

/// An event of a change. Its position among the events of the change is fixed, because cursors
/// count it.
pub(super) enum PendingEvent {
    /// No event: the record is as the follower knew it.
    Nothing,
    Ready(ChangeKind, Subject),
    /// An event of a part whose bytes are still to be read.
    Part {
        kind: ChangeKind,
        message: MessageKey,
        part: PartRef,
        old: Option<PartRef>,
    },
}

/// Builds events for one follower, from the view of its last pull.
pub(super) struct EventBuilder {
    shared: Arc<Shared>,
    /// The view of the last pull; `None` at the start.
    pub(super) last_view: Option<View>,
    pub(super) texts: TextCache,
    pub(super) with_parts: bool,
}

impl EventBuilder {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, last_view: None, texts: TextCache::default(), with_parts: true }
    }

    /// Returns the events of a change.
    pub(super) fn pending_for_change(
        &mut self,
        change: &Change,
        since: Option<Revision>,
    ) -> VecDeque<PendingEvent> {
        let is_known = self.last_view.is_some();
        let last = self.last_view.as_ref();
        let record_event = |is_same: bool, kind, subject| {
            if is_same { PendingEvent::Nothing } else { PendingEvent::Ready(kind, subject) }
        };
        let events = match (&change.key, &change.value) {
            (EntityKey::Project(id), value) => {
                let now = match value {
                    Some(EntityValue::Project(meta)) => Some(Arc::clone(meta)),
                    _ => None,
                };
                let old = last.and_then(|last| last.project(id));
                let kind = ChangeKind::from_states(now.as_ref(), old.as_ref(), is_known);
                vec![PendingEvent::Ready(
                    kind,
                    Subject::Project { now, old, key: change.key.clone() },
                )]
            }
            (EntityKey::Session(key), value) => {
                let now = match value {
                    Some(EntityValue::Session(meta)) => Some(Arc::clone(meta)),
                    _ => None,
                };
                let old = last.and_then(|last| last.session(&key.session));
                let kind = ChangeKind::from_states(now.as_ref(), old.as_ref(), is_known);
                let is_same = is_same_session(now.as_deref(), old.as_deref());
                vec![record_event(is_same, kind, Subject::Session { now, old, key: key.clone() })]
            }
            (EntityKey::Message(key), value) => {
                let now = match value {
                    Some(EntityValue::Message(meta)) => Some(Arc::clone(meta)),
                    _ => None,
                };
                let old = last.and_then(|last| last.message_by_key(key));
                let kind = ChangeKind::from_states(now.as_ref(), old.as_ref(), is_known);
                let parts = match self.with_parts {
                    true => self.part_events(key, now.as_deref(), old.as_deref(), since),
                    false => Vec::new(),
                };
                // A follower that continues after this event learns of removed parts from the
                // message's list alone, so the message must not be left out.
                let has_removed_part = parts
                    .iter()
                    .any(|event| matches!(event, PendingEvent::Ready(ChangeKind::Removed, _)));
                let is_same = !has_removed_part && is_same_message(now.as_deref(), old.as_deref());
                let mut events = vec![record_event(
                    is_same,
                    kind,
                    Subject::Message { now, old, key: key.clone() },
                )];
                events.extend(parts);
                events
            }
            _ => Vec::new(),
        };
        events.into()
    }

    /// Returns the events of the parts of a message. Parts without a change after `since` are left
    /// out.
    fn part_events(
        &mut self,
        message: &MessageKey,
        now: Option<&MessageMeta>,
        old: Option<&MessageMeta>,
        since: Option<Revision>,
    ) -> Vec<PendingEvent> {
        let (is_new, is_known) = (old.is_none(), self.last_view.is_some());
        let was_listed = old.is_some_and(|old| old.parts.is_some());
        // An older part that is listed for the first time did not change: its kind is `Present`.
        // The part is older if its stamp was settled when its session was last checked.
        let horizon = match (&self.last_view, old) {
            (Some(last), Some(_)) if !was_listed => last.refresh_state(&message.session),
            _ => None,
        };
        let existed_before = |part: &PartRef| match (&horizon, part.observed) {
            (Some((_, state)), Some(it)) => it.stamp.is_settled_at(state.checked_at, WRITE_MARGIN),
            _ => false,
        };
        let refs = |meta: Option<&MessageMeta>| {
            let list = meta.and_then(|meta| meta.parts.as_ref());
            list.map(|list| Arc::clone(&list.refs)).unwrap_or_default()
        };
        let (now, old) = (refs(now), refs(old));
        let mut old_by_id: HashMap<&PartId, &PartRef> =
            old.iter().map(|part| (&part.id, part)).collect();
        let mut events = Vec::new();
        for part in now.iter() {
            let old_part = old_by_id.remove(&part.id);
            let kind = match existed_before(part) {
                true => ChangeKind::Present,
                false => ChangeKind::from_states(
                    Some(part),
                    old_part,
                    is_known && (was_listed || is_new),
                ),
            };
            if since.is_none_or(|since| part.last_change() > since) {
                let (message, part, old) = (message.clone(), part.clone(), old_part.cloned());
                events.push(PendingEvent::Part { kind, message, part, old });
            }
        }
        let mut removed: Vec<&PartRef> = old_by_id.into_values().collect();
        removed.sort_by(|a, b| a.id.cmp(&b.id));
        for old_part in removed {
            self.texts.remove(&text_key(message, old_part));
            let (key, message) = (part_key(message, old_part), message.clone());
            let old = Some(old_part.clone());
            let subject = Subject::Part { now: None, old, key, message, span: None, text: None };
            events.push(PendingEvent::Ready(ChangeKind::Removed, subject));
        }
        events
    }

    /// Takes the next events: one record, or as many parts as `room` allows. `None` stands for a
    /// position without an event.
    pub(super) fn take_next(
        &mut self,
        remaining: &mut VecDeque<PendingEvent>,
        (max_events, max_bytes): (usize, usize),
    ) -> Result<Vec<Option<(ChangeKind, Subject)>>> {
        let mut bytes = 0;
        let fits = |item: &&PendingEvent| match item {
            PendingEvent::Part { part, .. } => {
                let is_first = bytes == 0;
                bytes += part.observed.map_or(1, |observed| observed.stamp.size.max(1) as usize);
                is_first || bytes <= max_bytes
            }
            _ => false,
        };
        let parts = remaining.iter().take(max_events).take_while(fits).count();
        if parts > 0 {
            return self.read_parts(remaining, parts);
        }
        Ok(remaining.pop_front().into_iter().map(PendingEvent::into_ready).collect())
    }

    /// Takes and reads a number of parts. The bytes come from the driver's cache if they still have
    /// the indexed stamp.
    fn read_parts(
        &mut self,
        remaining: &mut VecDeque<PendingEvent>,
        parts: usize,
    ) -> Result<Vec<Option<(ChangeKind, Subject)>>> {
        let requests: Vec<(EntityKey, Option<Stamp>)> = remaining
            .iter()
            .take(parts)
            .filter_map(|item| match item {
                PendingEvent::Part { message, part, .. } => {
                    Some((part_key(message, part).into(), stamp(part.observed)))
                }
                _ => None,
            })
            .collect();
        let mut spans = self.shared.materializer.current_spans(&requests)?.into_iter();
        let events = remaining.drain(..parts).map(|item| {
            let PendingEvent::Part { kind, message, part, old } = item else {
                return item.into_ready();
            };
            let span = spans.next().flatten();
            let text_key = text_key(&message, &part);
            let text = match span.as_ref().and_then(parse_text) {
                Some(text) => Some(self.texts.replace_and_diff(&text_key, &text)),
                // The event has no text, for example because the record is damaged. The next text
                // is delivered whole.
                None => {
                    self.texts.remove(&text_key);
                    None
                }
            };
            // A retry has read the part again, and nothing changed.
            let is_same = text.as_ref().is_some_and(TextEdit::is_empty)
                && old.as_ref().is_some_and(|old| stamp(old.observed) == stamp(part.observed));
            let key = part_key(&message, &part);
            let subject = Subject::Part { now: Some(part), old, key, message, span, text };
            (!is_same).then_some((kind, subject))
        });
        Ok(events.collect())
    }
}

impl PendingEvent {
    /// Returns the event if no bytes have to be read.
    fn into_ready(self) -> Option<(ChangeKind, Subject)> {
        match self {
            Self::Ready(kind, subject) => Some((kind, subject)),
            Self::Nothing | Self::Part { .. } => None,
        }
    }
}

/// Returns the key of a part's text. It includes the session, because two sessions may have parts
/// of the same id.
pub(super) fn text_key(message: &MessageKey, part: &PartRef) -> TextKey {
    (message.session.clone(), part_key(message, part))
}

fn part_key(message: &MessageKey, part: &PartRef) -> PartKey {
    PartKey { message: message.message.clone(), part: part.id.clone() }
}

fn stamp(observed: Option<ObservedStamp>) -> Option<Stamp> {
    observed.map(|observed| observed.stamp)
}

/// Checks whether a session's record is unchanged, apart from the time of its verification.
fn is_same_session(now: Option<&SessionMeta>, old: Option<&SessionMeta>) -> bool {
    let (Some(now), Some(old)) = (now, old) else { return false };
    *now == SessionMeta { observed: now.observed, ..old.clone() }
        && now.observed.stamp == old.observed.stamp
}

/// Checks whether a message's own record is unchanged. Its parts have events of their own.
fn is_same_message(now: Option<&MessageMeta>, old: Option<&MessageMeta>) -> bool {
    let (Some(now), Some(old)) = (now, old) else { return false };
    *now == MessageMeta { observed: now.observed, parts: now.parts.clone(), ..old.clone() }
        && now.observed.stamp == old.observed.stamp
}

fn parse_text(span: &MappedSpan) -> Option<String> {
    match Part::parse(span).ok()?.value {
        Part::Text(part) => part.text.map(|text| text.get().into_owned()),
        Part::Reasoning(part) => part.text.map(|text| text.get().into_owned()),
        Part::File(_)
        | Part::Tool(_)
        | Part::StepStart(_)
        | Part::StepFinish(_)
        | Part::Snapshot(_)
        | Part::Patch(_)
        | Part::Agent(_)
        | Part::Subtask(_)
        | Part::Retry(_)
        | Part::Compaction(_)
        | Part::Unknown(_) => None,
    }
}
