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

use super::counters::RefreshCounters;
use super::meta_builder::{MessagePosition, observed_from_observation};
use super::options::RefreshOptions;
use super::pool::Worker;
use super::resume::resume;
use super::session::{
    IssueLog, PartDetail, SessionMessages, list_parts, push_message_meta, read_all_messages,
    refresh_state, session_meta,
};
use super::verify_outcome::{VerifyOutcome, needs_revision};

/// Where a session was sighted: its record, and the set of its messages.
#[derive(Debug, Default)]
pub(crate) struct SessionObservation {
    pub(crate) records: Vec<Observation>,
    /// None if it was not looked for.
    pub(crate) set: Option<Option<Observation>>,
    /// Whether something is wrong with the record.
    pub(crate) has_issue: bool,
}

impl SessionObservation {
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
fn are_messages_unchanged(worker: &mut Worker<'_>, view: &View, key: &SessionKey) -> Result<bool> {
    let Some((ids, looks)) = view.observed_messages(&key.session) else { return Ok(false) };
    worker.file_count += ids.len() as u64;
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
    seen: Option<&SessionObservation>,
    options: &RefreshOptions,
) -> Result<VerifyOutcome> {
    if let Some(resumed) = resume(worker, view, key, options)? {
        return Ok(resumed);
    }
    let checked = worker.reader.clock().now();
    let known = view.session_state(&key.session);
    let mut notes = IssueLog::default();
    // Of a log that could not be resumed, equal stamps say nothing.
    let is_log = known.as_ref().is_some_and(|known| known.resume.is_some());
    let seen = seen.filter(|_| !is_log);
    let record = verify_record(worker, known.as_deref(), key, seen, &mut notes)?;

    if let (Some(known), Some(seen)) = (&known, seen)
        && notes.issues.is_empty()
        && known.record == record
        && !options.is_hot(&known.refresh_state)
        && options.parts == PartDetail::Later
        && seen.is_same_set(&known.refresh_state)
        && are_messages_unchanged(worker, view, key)?
    {
        // Nearly always.
        return Ok(VerifyOutcome { issue_log: notes, ..VerifyOutcome::default() });
    }
    let old = view.by_session(&key.session);
    // Of a session that is new all is read, and of a log that could not be resumed too: what is handed
    // out then says where to resume.
    let mut batch = Batch::new();
    let SessionMessages { set, resume, mut messages } = match is_log || known.is_none() {
        true => reread_all_messages(worker, key, &old, &mut batch, &mut notes)?,
        false => read_changed_messages(worker, key, &old, &mut batch, &mut notes)?,
    };
    let mut effort =
        RefreshCounters { compared: messages.len() as u64, ..RefreshCounters::default() };
    effort.cloned += (old.len() as u64).min(effort.compared);
    let wanted = options.parts.max(options.parts_of_dirty);
    verify_parts(worker, &mut messages, wanted, &mut notes)?;

    let upkeep = refresh_state(record.as_deref(), set, &messages, checked, &notes);
    let by_id = messages_by_id(&old);
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
            if !batch.is_empty() || needs_revision(known.as_deref(), &state, options) {
                batch.put_session(key.clone(), state);
            }
        }
    }
    let (lost, unsettled) = ((!is_there).then(|| key.clone()), upkeep.unsettled);
    Ok(VerifyOutcome {
        batch,
        issue_log: notes,
        missing_session: lost,
        unsettled,
        spans: Vec::new(),
        counters: effort,
    })
}

fn messages_by_id(messages: &[Arc<MessageMeta>]) -> HashMap<&MessageId, &Arc<MessageMeta>> {
    messages.iter().map(|message| (&message.key.message, message)).collect()
}

/// All messages of a session, read; those that are gone are removed. What was known of their parts
/// stays.
fn reread_all_messages(
    worker: &mut Worker<'_>,
    key: &SessionKey,
    old: &[Arc<MessageMeta>],
    batch: &mut Batch,
    notes: &mut IssueLog,
) -> Result<SessionMessages> {
    let before = notes.issues.len();
    let mut all = read_all_messages(worker, key, Vec::new(), notes)?;
    let mut old = messages_by_id(old);
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
fn read_changed_messages(
    worker: &mut Worker<'_>,
    key: &SessionKey,
    old: &[Arc<MessageMeta>],
    batch: &mut Batch,
    notes: &mut IssueLog,
) -> Result<SessionMessages> {
    let (mut set, mut there) = (None, Vec::new());
    worker.reader.survey(&Survey::Messages(key), &mut |seen| {
        match seen {
            SurveyItem::Observation(sighting) => match sighting.key {
                EntityKey::Message(key) => there.push((key, sighting.stamp)),
                _ => set = Some(observed_from_observation(&sighting)),
            },
            SurveyItem::Issue(key, issue) => notes.note(key, issue),
        }
        ControlFlow::Continue(())
    })?;
    worker.file_count += there.len() as u64;
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
    Ok(SessionMessages { set, resume: None, messages })
}

/// The session's record as it is now.
pub(crate) fn verify_record(
    worker: &mut Worker<'_>,
    known: Option<&SessionState>,
    key: &SessionKey,
    seen: Option<&SessionObservation>,
    notes: &mut IssueLog,
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
    let Worker { reader, meta_builder: metas, .. } = worker;
    let asked = [EntityKey::Session(key.clone())];
    let mut read = None;
    reader.spans(&asked, &mut |found| {
        match found {
            ScanItem::Entry(entry) => read = session_meta(metas, &entry, notes),
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
    notes: &mut IssueLog,
) -> Result<()> {
    let key = |message| MessageKey { session: session.session.clone(), message };
    let keys: Vec<EntityKey> = ids.map(|id| EntityKey::Message(key(id))).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let Worker { reader, meta_builder: metas, file_count: files, .. } = worker;
    *files += keys.len() as u64;
    reader.spans(&keys, &mut |found| {
        match found {
            ScanItem::Entry(Entry { key, order, is_copy, span: Some(span), .. }) => {
                let observed = ObservedStamp { stamp: *span.stamp(), clean: span.is_settled() };
                let before = messages.len();
                let place = MessagePosition { order, is_copy };
                push_message_meta(metas, key, place, &span, observed, (messages, notes));
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
    wanted: PartDetail,
    notes: &mut IssueLog,
) -> Result<()> {
    let listed: Vec<MessageKey> = messages
        .iter()
        .filter(|message| message.parts.is_some())
        .map(|message| message.key.clone())
        .collect();
    let mut sets: HashMap<MessageKey, Observation> = HashMap::with_capacity(listed.len());
    if !listed.is_empty() {
        worker.file_count += listed.len() as u64;
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
            if wanted > PartDetail::Later {
                let list = list_parts(&mut *worker.reader, &message.key, wanted, notes)?;
                message.parts = Some(list);
            }
            continue;
        };
        let looked_at = list.refs.iter().any(|part| part.observed.is_some());
        let level = if looked_at { PartDetail::Stamps } else { wanted.max(PartDetail::Names) };
        let unchanged = match (&list.part_set, sets.get(&message.key)) {
            (None, None) => true,
            (Some(known), Some(now)) => known.is_unchanged(&now.stamp),
            _ => false,
        };
        let complete = level == PartDetail::Names || list.refs.is_empty();
        if unchanged && complete {
            continue;
        }
        let mut now = list_parts(&mut *worker.reader, &message.key, level, notes)?;
        worker.file_count += now.refs.len() as u64;
        carry_over_parts(&mut now, list, false);
        message.parts = Some(now);
    }
    Ok(())
}

/// Parts that look as they did are as they are known. Of those that may have been in the middle of a
/// write then, and are not now, only the kind is, unless they are read next and compared.
pub(crate) fn carry_over_parts(now: &mut PartList, known: &PartList, are_read: bool) {
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
