//! One session, looked at file by file and read where it changed.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageId, MessageKey, PartId, SessionKey, Stamp};
use scrollback_index::{
    Batch, MessageMeta, ObservedStamp, PartList, PartRef, RefreshState, SessionMeta, SessionState,
    View,
};
use scrollback_source::{Entry, Observation, Result, ScanItem, Survey, SurveyItem};

use super::effort::Effort;
use super::metas::{Place, sighted};
use super::options::RefreshOptions;
use super::pool::Worker;
use super::resume::resume;
use super::session::{Messages, Notes, Parts, all_messages, list_parts, message, record, upkeep};
use super::verified::{Verified, is_worth_a_revision};

/// Where a session was sighted: its record, and the set of its messages.
#[derive(Debug, Default)]
pub(crate) struct Sighted {
    pub(crate) records: Vec<Observation>,
    /// None if it was not looked for.
    pub(crate) set: Option<Option<Observation>>,
    /// Whether something is wrong with the record.
    pub(crate) wrong: bool,
}

impl Sighted {
    /// Whether it is known that no message joined or left since.
    pub(crate) fn is_same_set(&self, known: &RefreshState) -> bool {
        match (&known.message_set, &self.set) {
            (None, Some(None)) => true,
            (Some(known), Some(Some(now))) => known.is_unchanged(&now.stamp),
            _ => false,
        }
    }
}

/// Whether every message that is known of looks as it did. Nothing is listed: of a set that is as
/// it was, the names are known.
fn are_unchanged(worker: &mut Worker<'_>, view: &View, key: &SessionKey) -> Result<bool> {
    let Some((ids, looks)) = view.observed_messages(&key.session) else { return Ok(false) };
    worker.files += ids.len() as u64;
    let mut same = 0;
    worker.reader.survey(&Survey::TheseMessages(key, &ids), &mut |seen| match seen {
        SurveyItem::Observation(now) if looks[same].is_unchanged(&now.stamp) => {
            same += 1;
            ControlFlow::Continue(())
        }
        _ => ControlFlow::Break(()),
    })?;
    Ok(same == ids.len())
}

/// Looks at every file of a session, and at its parts as far as the index looked at them or
/// the options want; reads what changed. `seen` is how it was sighted, if it was.
pub(crate) fn verify(
    worker: &mut Worker<'_>,
    view: &View,
    key: &SessionKey,
    seen: Option<&Sighted>,
    options: &RefreshOptions,
) -> Result<Verified> {
    if let Some(resumed) = resume(worker, view, key, options)? {
        return Ok(resumed);
    }
    let checked = worker.reader.clock().now();
    let known = view.session_state(&key.session);
    let mut notes = Notes::default();
    // Of a log that could not be resumed, equal stamps say nothing.
    let is_log = known.as_ref().is_some_and(|known| known.resume.is_some());
    let seen = seen.filter(|_| !is_log);
    let record = verify_record(worker, known.as_deref(), key, seen, &mut notes)?;

    if let (Some(known), Some(seen)) = (&known, seen)
        && notes.issues.is_empty()
        && known.record == record
        && !options.is_hot(&known.refresh_state)
        && options.parts == Parts::Later
        && seen.is_same_set(&known.refresh_state)
        && are_unchanged(worker, view, key)?
    {
        // Nearly always.
        return Ok(Verified { notes, ..Verified::default() });
    }
    let old = view.by_session(&key.session);
    // Of a session that is new all is read, and of a log that could not be resumed too: what is handed
    // out then says where to resume.
    let mut batch = Batch::new();
    let Messages { set, resume, mut messages } = match is_log || known.is_none() {
        true => all_anew(worker, key, &old, &mut batch, &mut notes)?,
        false => changed(worker, key, &old, &mut batch, &mut notes)?,
    };
    let mut effort = Effort { compared: messages.len() as u64, ..Effort::default() };
    effort.cloned += (old.len() as u64).min(effort.compared);
    let wanted = options.parts.max(options.parts_of_dirty);
    verify_parts(worker, &mut messages, wanted, &mut notes)?;

    let upkeep = upkeep(record.as_deref(), set, &messages, checked, &notes);
    let by_id = by_id(&old);
    for message in messages {
        if by_id.get(&message.key.message).is_none_or(|old| ***old != message) {
            batch.put_message(message);
        }
    }
    let is_there = record.is_some() || set.is_some();
    match known {
        Some(_) if !is_there => batch.remove_session(key.clone()),
        None if !is_there => {}
        known => {
            let state = SessionState { record, refresh_state: upkeep, resume };
            if !batch.is_empty() || is_worth_a_revision(known.as_deref(), &state, options) {
                batch.put_session(key.clone(), state);
            }
        }
    }
    let (lost, unsettled) = ((!is_there).then(|| key.clone()), upkeep.unsettled);
    Ok(Verified { batch, notes, lost, unsettled, spans: Vec::new(), effort })
}

fn by_id(messages: &[Arc<MessageMeta>]) -> HashMap<&MessageId, &Arc<MessageMeta>> {
    messages.iter().map(|message| (&message.key.message, message)).collect()
}

/// All messages of a session, read; those that are gone are removed. What was known of their parts
/// stays.
fn all_anew(
    worker: &mut Worker<'_>,
    key: &SessionKey,
    old: &[Arc<MessageMeta>],
    batch: &mut Batch,
    notes: &mut Notes,
) -> Result<Messages> {
    let before = notes.issues.len();
    let mut all = all_messages(worker, key, Vec::new(), notes)?;
    let mut old = by_id(old);
    for message in &mut all.messages {
        let old = old.remove(&message.key.message);
        message.parts = old.and_then(|old| old.parts.clone());
    }
    for issue in &notes.issues[before..] {
        if let Some(EntityKey::Message(unreadable)) = &issue.key {
            old.remove(&unreadable.message); // there all the same
        }
    }
    old.into_values().for_each(|message| batch.remove_message(message.key.clone()));
    Ok(all)
}

/// All messages of a session: those that look as they did as they are known, the others read. Those
/// that are gone are removed.
fn changed(
    worker: &mut Worker<'_>,
    key: &SessionKey,
    old: &[Arc<MessageMeta>],
    batch: &mut Batch,
    notes: &mut Notes,
) -> Result<Messages> {
    let (mut set, mut there) = (None, Vec::new());
    worker.reader.survey(&Survey::Messages(key), &mut |seen| {
        match seen {
            SurveyItem::Observation(sighting) => match sighting.key {
                EntityKey::Message(key) => there.push((key, sighting.stamp)),
                _ => set = Some(sighted(&sighting)),
            },
            SurveyItem::Issue(key, issue) => notes.note(key, issue),
        }
        ControlFlow::Continue(())
    })?;
    worker.files += there.len() as u64;
    let mut sighted_messages: HashMap<MessageId, Stamp> =
        there.into_iter().map(|(key, stamp)| (key.message, stamp)).collect();
    let mut messages = Vec::with_capacity(sighted_messages.len());
    for message in old {
        match sighted_messages.get(&message.key.message) {
            None => batch.remove_message(message.key.clone()),
            Some(now) if message.observed.is_unchanged(now) => {
                sighted_messages.remove(&message.key.message);
                messages.push(MessageMeta::clone(message));
            }
            Some(_) => {} // it is among those to be read
        }
    }
    read_messages(worker, key, sighted_messages.into_keys(), old, &mut messages, notes)?;
    Ok(Messages { set, resume: None, messages })
}

/// The session's record as it is now.
pub(crate) fn verify_record(
    worker: &mut Worker<'_>,
    known: Option<&SessionState>,
    key: &SessionKey,
    seen: Option<&Sighted>,
    notes: &mut Notes,
) -> Result<Option<Arc<SessionMeta>>> {
    let records = seen.map(|seen| &seen.records[..]);
    let known = known.and_then(|known| known.record.as_ref());
    match (records, known) {
        (Some([]), _) => return Ok(None),
        (Some([now]), Some(known)) if is_same_record(known, now) => {
            return Ok(Some(Arc::clone(known)));
        }
        _ => {}
    }
    let Worker { reader, metas, .. } = worker;
    let asked = [EntityKey::Session(key.clone())];
    let mut read = None;
    reader.spans(&asked, &mut |found| {
        match found {
            ScanItem::Entry(entry) => read = record(metas, &entry, notes),
            ScanItem::Issue(_, issue) if issue.is_vanished() => {} // that is the answer
            ScanItem::Issue(key, issue) => notes.note(key, issue),
            ScanItem::Set(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    // Without a sighting it is read at any rate: told apart by what it looked like.
    match (read, known) {
        (Some(read), Some(known)) if **known == read => Ok(Some(Arc::clone(known))),
        (read, _) => Ok(read.map(Arc::new)),
    }
}

/// Whether a record is as it was, and in the same project.
fn is_same_record(known: &SessionMeta, now: &Observation) -> bool {
    known.observed.is_unchanged(&now.stamp)
        && now.project.as_ref().is_none_or(|project| known.project.as_ref() == Some(project))
}

/// Reads messages that are new or changed. What was known of the parts of a changed one stays.
pub(crate) fn read_messages(
    worker: &mut Worker<'_>,
    session: &SessionKey,
    ids: impl Iterator<Item = MessageId>,
    old: &[Arc<MessageMeta>],
    messages: &mut Vec<MessageMeta>,
    notes: &mut Notes,
) -> Result<()> {
    let key = |message| MessageKey { session: session.session.clone(), message };
    let keys: Vec<EntityKey> = ids.map(|id| EntityKey::Message(key(id))).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let Worker { reader, metas, files, .. } = worker;
    *files += keys.len() as u64;
    reader.spans(&keys, &mut |found| {
        match found {
            ScanItem::Entry(Entry { key, order, is_copy, span: Some(span), .. }) => {
                let observed = ObservedStamp { stamp: *span.stamp(), clean: span.is_settled() };
                let before = messages.len();
                let place = Place { order, is_copy };
                message(metas, key, place, &span, observed, (messages, notes));
                if let Some(meta) = messages.get_mut(before) {
                    let old = old.iter().find(|old| old.key == meta.key);
                    meta.parts = old.and_then(|old| old.parts.clone());
                }
            }
            ScanItem::Issue(_, issue) if issue.is_vanished() => {}
            ScanItem::Issue(key, issue) => notes.note(key, issue),
            ScanItem::Entry(_) | ScanItem::Set(_) => {}
        }
        ControlFlow::Continue(())
    })
}

/// Looks at the parts of messages as far as they were looked at before, or as `wanted`.
fn verify_parts(
    worker: &mut Worker<'_>,
    messages: &mut [MessageMeta],
    wanted: Parts,
    notes: &mut Notes,
) -> Result<()> {
    let listed: Vec<MessageKey> = messages
        .iter()
        .filter(|message| message.parts.is_some())
        .map(|message| message.key.clone())
        .collect();
    let mut sets: HashMap<MessageKey, Observation> = HashMap::with_capacity(listed.len());
    if !listed.is_empty() {
        worker.files += listed.len() as u64;
        worker.reader.survey(&Survey::PartSets(&listed), &mut |seen| {
            match seen {
                SurveyItem::Observation(sighting) => {
                    if let EntityKey::Message(key) = &sighting.key {
                        sets.insert(key.clone(), sighting);
                    }
                }
                SurveyItem::Issue(key, issue) => notes.note(key, issue),
            }
            ControlFlow::Continue(())
        })?;
    }
    for message in messages {
        let Some(list) = &message.parts else {
            if wanted > Parts::Later {
                let list = list_parts(&mut *worker.reader, &message.key, wanted, notes)?;
                message.parts = Some(list);
            }
            continue;
        };
        let looked_at = list.refs.iter().any(|part| part.observed.is_some());
        let level = if looked_at { Parts::Stamps } else { wanted.max(Parts::Names) };
        let unchanged = match (&list.part_set, sets.get(&message.key)) {
            (None, None) => true,
            (Some(known), Some(now)) => known.is_unchanged(&now.stamp),
            _ => false,
        };
        let complete = level == Parts::Names || list.refs.is_empty();
        if unchanged && complete {
            continue;
        }
        let mut now = list_parts(&mut *worker.reader, &message.key, level, notes)?;
        worker.files += now.refs.len() as u64;
        keep_known(&mut now, list, false);
        message.parts = Some(now);
    }
    Ok(())
}

/// Parts that look as they did are as they are known. Of those that may have been in the middle of a
/// write then, and are not now, only the kind is, unless they are read next and compared.
pub(crate) fn keep_known(now: &mut PartList, known: &PartList, are_read: bool) {
    let known: HashMap<&PartId, &PartRef> =
        known.refs.iter().map(|part| (&part.id, part)).collect();
    let stamp = |part: &PartRef| part.observed.map(|observed| observed.stamp);
    let is_clean = |part: &PartRef| part.observed.is_some_and(|observed| observed.clean);
    let keep = |part: &PartRef| match known.get(&part.id).filter(|old| stamp(old) == stamp(part)) {
        Some(old) if are_read || is_clean(old) || !is_clean(part) => PartRef::clone(old),
        old => {
            let mut part = part.clone();
            part.kind = old.and_then(|old| old.kind);
            part
        }
    };
    now.refs = now.refs.iter().map(keep).collect();
}
