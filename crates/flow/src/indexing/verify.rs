//! Verifies one session: compares the stamp of every file with the index, and reads what changed.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, SessionKey, Stamp};
use scrollback_index::{Batch, MessageMeta, ObservedStamp, SessionState, View};
use scrollback_source::{Entry, IndexCheck, Result, ScanItem, Survey, SurveyItem};

use super::counters::RefreshCounters;
use super::issue_log::IssueLog;
use super::meta_builder::{MessagePosition, observed_from_observation};
use super::options::RefreshOptions;
use super::pool::Worker;
use super::resume::resume;
use super::session::{
    PartDetail, SessionMessages, push_message_meta, read_all_messages, refresh_state,
};
use super::steps::read_steps;
use super::unread::{UnreadEntities, unclean, unread_message};
use super::verify_outcome::{VerifyOutcome, needs_revision};
use super::verify_parts::verify_parts;
use super::verify_record::{SessionObservation, VerifiedRecord, is_other_copy, verify_record};

/// Checks whether the stamps of all messages in the index are unchanged.
///
/// Call it only if the message set is unchanged: the index then has the names of all messages, and
/// nothing has to be listed.
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

/// Verifies every message of a session, and its parts as far as the index has listed them or the
/// options require. Reads what changed, and returns the changes.
///
/// `observation` is what a survey has just observed of the session; `None` without a survey.
///
/// The ways, from the cheapest to the most expensive:
/// 1. resume an append log;
/// 2. compare the stamps of all messages, and find nothing changed;
/// 3. read the messages whose stamps changed;
/// 4. read all messages, if stamps say nothing or the session is new.
pub(crate) fn verify(
    worker: &mut Worker<'_>,
    view: &View,
    key: &SessionKey,
    observation: Option<&SessionObservation>,
    options: &RefreshOptions,
) -> Result<VerifyOutcome> {
    let verified = verify_once(worker, view, key, observation, options)?;
    // Records seldom disappear. Perhaps the store still has them, but its index does not.
    if verified.lacks_records && worker.source.check_indexes(IndexCheck::Messages)? {
        return verify_once(worker, view, key, None, options);
    }
    Ok(verified)
}

fn verify_once(
    worker: &mut Worker<'_>,
    view: &View,
    key: &SessionKey,
    observation: Option<&SessionObservation>,
    options: &RefreshOptions,
) -> Result<VerifyOutcome> {
    let known = view.session_state(&key.session);
    let is_other_copy = is_other_copy(worker, known.as_deref(), key)?;
    if !is_other_copy && let Some(resumed) = resume(worker, view, key, options)? {
        return Ok(resumed);
    }
    let checked_at = worker.reader.clock().now();
    let mut issue_log = IssueLog::default();
    // The stamp of a log changes with each append, and its records have no stamps of their own. So if
    // a log could not be resumed, stamps cannot show which of its records are unchanged.
    let is_log = known.as_ref().is_some_and(|known| known.resume.is_some());
    // An equal stamp in another store says nothing either.
    let is_surveyed = observation.is_some();
    let has_survey_issue = observation.is_some_and(|observation| observation.has_issue);
    let have_stamps = !is_log && !is_other_copy;
    let observation = observation.filter(|_| have_stamps);
    let verified = verify_record(worker, known.as_deref(), key, observation, &mut issue_log)?;
    let (mut record, is_record_unread) = match verified {
        VerifiedRecord::Present(record) => (Some(record), false),
        VerifiedRecord::Gone => (None, false),
        VerifiedRecord::Unread => (None, true),
    };
    if is_surveyed {
        // The survey reported them.
        let is_of_record = |kind: &IssueKind| !matches!(kind, IssueKind::CopyHasMore { .. });
        issue_log.issues.retain(|issue| is_of_record(&issue.issue.kind));
    }
    let issues_of_record = issue_log.issues.len();

    // The shortcut for an unchanged session. A hot session does not take it: a stamp in it may be
    // unsettled, and committing the new time of verification may make it cold. Nor does a session with
    // listed parts (`are_messages_unchanged` is then false), because their stamps count too.
    if let (Some(known), Some(observation)) = (&known, observation)
        && issue_log.issues.is_empty()
        && known.record == record
        && !options.is_hot(&known.refresh_state)
        && options.parts == PartDetail::Later
        && observation.is_same_set(&known.refresh_state)
        && are_messages_unchanged(worker, view, key)?
    {
        // This is the usual case. Nothing is decoded or committed.
        return Ok(VerifyOutcome { issue_log, ..VerifyOutcome::default() });
    }
    let old = view.by_session(&key.session);
    // A new session is read as a whole. So is a log that could not be resumed: only reading all of it
    // gives a new token to resume from.
    let mut batch = Batch::new();
    let SessionMessages { mut set, resume, mut messages } = match !have_stamps || known.is_none() {
        true => reread_all_messages(worker, key, &old, &mut batch, &mut issue_log)?,
        false => read_changed_messages(worker, key, &old, &mut batch, &mut issue_log)?,
    };
    let unread = UnreadEntities::from_issues(&issue_log.issues[issues_of_record..]);
    let are_messages_unread = unread.may_have_messages(key);
    if are_messages_unread {
        let known_set = known.as_ref().and_then(|known| known.refresh_state.message_set);
        set = set.or(known_set).map(unclean);
    }
    if is_record_unread && set.is_some() {
        record = Some(Arc::new(super::session::unknown_session(key, checked_at)));
    }
    let old_by_id = messages_by_id(&old);
    if is_other_copy {
        messages.iter_mut().for_each(|message| (message.parts, message.steps) = (None, None));
    }
    let is_fresh = |message: &MessageMeta| {
        let known = old_by_id.get(&message.key.message).filter(|_| !is_other_copy);
        known.is_none_or(|known| !known.observed.clean || known.observed != message.observed)
    };
    read_steps(&mut *worker.reader, record.as_deref(), &mut messages, is_fresh, &mut issue_log)?;
    let mut counters =
        RefreshCounters { compared: messages.len() as u64, ..RefreshCounters::default() };
    counters.cloned += (old.len() as u64).min(counters.compared);
    let wanted = options.parts.max(options.parts_of_dirty);
    verify_parts(worker, &mut messages, wanted, &mut issue_log)?;

    let mut refresh_state =
        refresh_state(record.as_deref(), set, &messages, checked_at, &issue_log);
    refresh_state.unsettled |= has_survey_issue;
    // All changes so far remove messages.
    let lacks_records = !batch.is_empty()
        || record.is_none() && known.as_ref().is_some_and(|known| known.record.is_some());
    for message in messages {
        if old_by_id.get(&message.key.message).is_none_or(|old| ***old != message) {
            batch.put_message(message);
        }
    }
    // A session with neither a record nor messages is gone from the store, unless its messages could
    // not be read.
    let exists = record.is_some() || set.is_some() || known.is_some() && are_messages_unread;
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
    let spans = Vec::new();
    Ok(VerifyOutcome {
        batch,
        issue_log,
        missing_session,
        lacks_records,
        is_other_copy,
        unsettled,
        spans,
        counters,
    })
}

fn messages_by_id(messages: &[Arc<MessageMeta>]) -> HashMap<&MessageId, &Arc<MessageMeta>> {
    messages.iter().map(|message| (&message.key.message, message)).collect()
}

/// Reads all messages of a session. Messages that are gone are removed; the part lists of the others
/// stay.
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
        keep_known(message, old);
    }
    let unread = UnreadEntities::from_issues(&issue_log.issues[before..]);
    for message in old.into_values() {
        if unread.may_have_message(&message.key) {
            all.messages.push(unread_message(message));
        } else {
            batch.remove_message(message.key.clone());
        }
    }
    Ok(all)
}

/// Returns all messages of a session: unchanged and unreadable ones from the index, new and changed
/// ones read from the store. Messages that are gone are removed.
fn read_changed_messages(
    worker: &mut Worker<'_>,
    key: &SessionKey,
    old: &[Arc<MessageMeta>],
    batch: &mut Batch,
    issue_log: &mut IssueLog,
) -> Result<SessionMessages> {
    let (mut set, mut listed, mut unread) = (None, Vec::new(), UnreadEntities::default());
    worker.reader.survey(&Survey::Messages(key), &mut |item| {
        match item {
            SurveyItem::Observation(observation) => match observation.key {
                EntityKey::Message(key) => listed.push((key, observation.stamp)),
                _ => set = Some(observed_from_observation(&observation)),
            },
            SurveyItem::Issue(key, issue) => {
                unread.note(key.as_ref(), &issue);
                issue_log.note(key, issue);
            }
        }
        ControlFlow::Continue(())
    })?;
    worker.file_count += listed.len() as u64;
    let mut observed: HashMap<MessageId, Stamp> =
        listed.into_iter().map(|(key, stamp)| (key.message, stamp)).collect();
    let mut messages = Vec::with_capacity(observed.len());
    for message in old {
        match observed.get(&message.key.message) {
            None if unread.may_have_message(&message.key) => messages.push(unread_message(message)),
            None => batch.remove_message(message.key.clone()),
            Some(current) if message.observed.is_unchanged(current) => {
                observed.remove(&message.key.message);
                messages.push(MessageMeta::clone(message));
            }
            Some(_) => {} // changed: it stays in `observed`, which is read below
        }
    }
    read_messages(worker, key, observed.into_keys(), old, &mut messages, issue_log)?;
    Ok(SessionMessages { set, resume: None, messages })
}

/// Keeps what the index knows of a message besides its record: its parts, its steps, and whether it is a
/// copy. Parts and steps are verified afterwards, and stay if they cannot be read. The mark stays until the
/// copies of the whole index are marked again.
fn keep_known(message: &mut MessageMeta, old: Option<&Arc<MessageMeta>>) {
    let Some(old) = old else { return };
    message.parts.clone_from(&old.parts);
    message.steps.clone_from(&old.steps);
    if old.is_recorded_copy {
        (message.is_copy, message.is_recorded_copy) = (true, true);
    }
}

/// Reads messages that are new or changed. A changed message keeps its part list. A message that
/// cannot be read stays as it is in `old`.
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
    let (first, mut unread) = (messages.len(), UnreadEntities::default());
    reader.spans(&keys, &mut |item| {
        match item {
            ScanItem::Entry(Entry { key, order, is_copy, span: Some(span), .. }) => {
                let observed = ObservedStamp { stamp: *span.stamp(), clean: span.is_settled() };
                let before = messages.len();
                let place = MessagePosition { order, is_copy };
                push_message_meta(meta_builder, key, place, &span, observed, (messages, issue_log));
                if let Some(meta) = messages.get_mut(before) {
                    let old = old.iter().find(|old| old.key == meta.key);
                    keep_known(meta, old);
                }
            }
            ScanItem::Issue(_, issue) if issue.is_vanished() => {}
            ScanItem::Issue(key, issue) => {
                unread.note(key.as_ref(), &issue);
                issue_log.note(key, issue);
            }
            ScanItem::Entry(_) | ScanItem::Set(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    if !unread.is_empty() {
        let read: HashSet<MessageId> =
            messages[first..].iter().map(|meta| meta.key.message.clone()).collect();
        let requested: HashSet<&EntityKey> = keys.iter().collect();
        let is_unread = |old: &&Arc<MessageMeta>| {
            !read.contains(&old.key.message)
                && requested.contains(&EntityKey::Message(old.key.clone()))
                && unread.may_have_message(&old.key)
        };
        messages.extend(old.iter().filter(is_unread).map(|old| unread_message(old)));
    }
    Ok(())
}
