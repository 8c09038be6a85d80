//! What is to be told of one change: of its record, and of the parts of a message.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use scrollback_core_id::{EntityKey, MessageKey, PartId, PartKey, Revision, Stamp};
use scrollback_core_type::{Parse, Part};
use scrollback_index::{Change, MessageMeta, Observed, PartRef, SessionMeta, Value};
use scrollback_stor_mmap::MappedSpan;
use scrollback_stor_read::Result;

use super::{Follower, Of, TextEdit, What};

/// What was written so shortly before a session was looked at may not have been seen then.
const MARGIN: Duration = Duration::from_millis(100);

impl Follower {
    /// What is to be told of a change, each at its place; none where nothing is, to whoever saw what
    /// was before.
    pub(super) fn of(
        &mut self,
        change: &Change,
        since: Option<Revision>,
    ) -> Result<Vec<Option<(What, Of)>>> {
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
                // Whoever goes on behind it knows of parts that went by this list alone.
                let has_lost = parts.iter().flatten().any(|(what, _)| *what == What::Removed);
                let is_same = !has_lost && is_same_message(now.as_deref(), old.as_deref());
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
