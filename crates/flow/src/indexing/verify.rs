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
            (Some(known), Some(Some(current))) => known.is_unchanged(&current.stamp),
            _ => false,
        }
    }
}

/// Whether every message that is known of looks as it did. Nothing is listed: of a set that is as
/// it was, the names are known.
fn are_messages_unchanged(worker: &mut Worker<'_>, view: &View, key: &SessionKey) -> Result<bool> {
    let Some((ids, stamps)) = view.observed_messages(&key.session) else { return Ok(false) };
    worker.file_count += ids.len() as u64;
    let mut same = 0;
    worker.reader.survey(&Survey::TheseMessages(key, &ids), &mut |item| match item {
        SurveyItem::Observation(current) if stamps[same].is_unchanged(&current.stamp) => {
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
    observation: Option<&SessionObservation>,
    options: &RefreshOptions,
) -> Result<VerifyOutcome> {
    if let Some(resumed) = resume(worker, view, key, options)? {
        return Ok(resumed);
    }
    let checked_at = worker.reader.clock().now();
    let known = view.session_state(&key.session);
    let mut issue_log = IssueLog::default();
    // Of a log that could not be resumed, equal stamps say nothing.
    let is_log = known.as_ref().is_some_and(|known| known.resume.is_some());
    let observation = observation.filter(|_| !is_log);
    let record = verify_record(worker, known.as_deref(), key, observation, &mut issue_log)?;

    if let (Some(known), Some(observation)) = (&known, observation)
        && issue_log.issues.is_empty()
        && known.record == record
        && !options.is_hot(&known.refresh_state)
        && options.parts == PartDetail::Later
        && observation.is_same_set(&known.refresh_state)
        && are_messages_unchanged(worker, view, key)?
    {
        // Nearly always.
        return Ok(VerifyOutcome { issue_log, ..VerifyOutcome::default() });
    }
    let old = view.by_session(&key.session);
    // Of a session that is new all is read, and of a log that could not be resumed too: what is handed
    // out then says where to resume.
    let mut batch = Batch::new();
    let SessionMessages { set, resume, mut messages } = match is_log || known.is_none() {
        true => reread_all_messages(worker, key, &old, &mut batch, &mut issue_log)?,
        false => read_changed_messages(worker, key, &old, &mut batch, &mut issue_log)?,
    };
    let mut counters =
        RefreshCounters { compared: messages.len() as u64, ..RefreshCounters::default() };
    counters.cloned += (old.len() as u64).min(counters.compared);
    let wanted = options.parts.max(options.parts_of_dirty);
    verify_parts(worker, &mut messages, wanted, &mut issue_log)?;

    let refresh_state = refresh_state(record.as_deref(), set, &messages, checked_at, &issue_log);
    let old_by_id = messages_by_id(&old);
    for message in messages {
        if old_by_id.get(&message.key.message).is_none_or(|old| ***old != message) {
            batch.put_message(message);
        }
    }
    let exists = record.is_some() || set.is_some();
    match known {
        Some(_) if !exists => batch.remove_session(key.clone()),
        None if !exists => {}
        known => {
            let state = SessionState { record, refresh_state, resume };
            if !batch.is_empty() || needs_revision(known.as_deref(), &state, options) {
                batch.put_session(key.clone(), state);
            }
        }
    }
    let (missing_session, unsettled) = ((!exists).then(|| key.clone()), refresh_state.unsettled);
    Ok(VerifyOutcome { batch, issue_log, missing_session, unsettled, spans: Vec::new(), counters })
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
    issue_log: &mut IssueLog,
) -> Result<SessionMessages> {
    let before = issue_log.issues.len();
    let mut all = read_all_messages(worker, key, Vec::new(), issue_log)?;
    let mut old = messages_by_id(old);
    for message in &mut all.messages {
        let old = old.remove(&message.key.message);
        message.parts = old.and_then(|old| old.parts.clone());
    }
    for issue in &issue_log.issues[before..] {
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
    issue_log: &mut IssueLog,
) -> Result<SessionMessages> {
    let (mut set, mut listed) = (None, Vec::new());
    worker.reader.survey(&Survey::Messages(key), &mut |item| {
        match item {
            SurveyItem::Observation(observation) => match observation.key {
                EntityKey::Message(key) => listed.push((key, observation.stamp)),
                _ => set = Some(observed_from_observation(&observation)),
            },
            SurveyItem::Issue(key, issue) => issue_log.note(key, issue),
        }
        ControlFlow::Continue(())
    })?;
    worker.file_count += listed.len() as u64;
    let mut observed: HashMap<MessageId, Stamp> =
        listed.into_iter().map(|(key, stamp)| (key.message, stamp)).collect();
    let mut messages = Vec::with_capacity(observed.len());
    for message in old {
        match observed.get(&message.key.message) {
            None => batch.remove_message(message.key.clone()),
            Some(current) if message.observed.is_unchanged(current) => {
                observed.remove(&message.key.message);
                messages.push(MessageMeta::clone(message));
            }
            Some(_) => {} // it is among those to be read
        }
    }
    read_messages(worker, key, observed.into_keys(), old, &mut messages, issue_log)?;
    Ok(SessionMessages { set, resume: None, messages })
}

/// The session's record as it is now.
pub(crate) fn verify_record(
    worker: &mut Worker<'_>,
    known: Option<&SessionState>,
    key: &SessionKey,
    observation: Option<&SessionObservation>,
    issue_log: &mut IssueLog,
) -> Result<Option<Arc<SessionMeta>>> {
    let records = observation.map(|observation| &observation.records[..]);
    let known = known.and_then(|known| known.record.as_ref());
    match (records, known) {
        (Some([]), _) => return Ok(None),
        (Some([current]), Some(known)) if is_same_record(known, current) => {
            return Ok(Some(Arc::clone(known)));
        }
        _ => {}
    }
    let Worker { reader, meta_builder, .. } = worker;
    let requested = [EntityKey::Session(key.clone())];
    let mut read = None;
    reader.spans(&requested, &mut |item| {
        match item {
            ScanItem::Entry(entry) => read = session_meta(meta_builder, &entry, issue_log),
            ScanItem::Issue(_, issue) if issue.is_vanished() => {} // that is the answer
            ScanItem::Issue(key, issue) => issue_log.note(key, issue),
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
fn is_same_record(known: &SessionMeta, current: &Observation) -> bool {
    known.observed.is_unchanged(&current.stamp)
        && current.project.as_ref().is_none_or(|project| known.project.as_ref() == Some(project))
}

/// Reads messages that are new or changed. What was known of the parts of a changed one stays.
pub(crate) fn read_messages(
    worker: &mut Worker<'_>,
    session: &SessionKey,
    ids: impl Iterator<Item = MessageId>,
    old: &[Arc<MessageMeta>],
    messages: &mut Vec<MessageMeta>,
    issue_log: &mut IssueLog,
) -> Result<()> {
    let key = |message| MessageKey { session: session.session.clone(), message };
    let keys: Vec<EntityKey> = ids.map(|id| EntityKey::Message(key(id))).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let Worker { reader, meta_builder, file_count, .. } = worker;
    *file_count += keys.len() as u64;
    reader.spans(&keys, &mut |item| {
        match item {
            ScanItem::Entry(Entry { key, order, is_copy, span: Some(span), .. }) => {
                let observed = ObservedStamp { stamp: *span.stamp(), clean: span.is_settled() };
                let before = messages.len();
                let place = MessagePosition { order, is_copy };
                push_message_meta(meta_builder, key, place, &span, observed, (messages, issue_log));
                if let Some(meta) = messages.get_mut(before) {
                    let old = old.iter().find(|old| old.key == meta.key);
                    meta.parts = old.and_then(|old| old.parts.clone());
                }
            }
            ScanItem::Issue(_, issue) if issue.is_vanished() => {}
            ScanItem::Issue(key, issue) => issue_log.note(key, issue),
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
    issue_log: &mut IssueLog,
) -> Result<()> {
    let listed: Vec<MessageKey> = messages
        .iter()
        .filter(|message| message.parts.is_some())
        .map(|message| message.key.clone())
        .collect();
    let mut sets: HashMap<MessageKey, Observation> = HashMap::with_capacity(listed.len());
    if !listed.is_empty() {
        worker.file_count += listed.len() as u64;
        worker.reader.survey(&Survey::PartSets(&listed), &mut |item| {
            match item {
                SurveyItem::Observation(observation) => {
                    if let EntityKey::Message(key) = &observation.key {
                        sets.insert(key.clone(), observation);
                    }
                }
                SurveyItem::Issue(key, issue) => issue_log.note(key, issue),
            }
            ControlFlow::Continue(())
        })?;
    }
    for message in messages {
        let Some(list) = &message.parts else {
            if wanted > PartDetail::Later {
                let list = list_parts(&mut *worker.reader, &message.key, wanted, issue_log)?;
                message.parts = Some(list);
            }
            continue;
        };
        let has_stamps = list.refs.iter().any(|part| part.observed.is_some());
        let level = if has_stamps { PartDetail::Stamps } else { wanted.max(PartDetail::Names) };
        let unchanged = match (&list.part_set, sets.get(&message.key)) {
            (None, None) => true,
            (Some(known), Some(current)) => known.is_unchanged(&current.stamp),
            _ => false,
        };
        let complete = level == PartDetail::Names || list.refs.is_empty();
        if unchanged && complete {
            continue;
        }
        let mut current = list_parts(&mut *worker.reader, &message.key, level, issue_log)?;
        worker.file_count += current.refs.len() as u64;
        carry_over_parts(&mut current, list, false);
        message.parts = Some(current);
    }
    Ok(())
}

/// Parts that look as they did are as they are known. Of those that may have been in the middle of a
/// write then, and are not now, only the kind is, unless they are read next and compared.
pub(crate) fn carry_over_parts(current: &mut PartList, known: &PartList, are_read: bool) {
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
    current.refs = current.refs.iter().map(keep).collect();
}
