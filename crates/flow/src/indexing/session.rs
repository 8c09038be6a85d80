//! Reads one whole session for the index.

use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageKey, OrderKey, PartId, Scope, SessionKey, UnixNanos};
use scrollback_index::{
    MessageMeta, ObservedStamp, PartList, PartRef, RefreshState, SessionContents, SessionMeta,
    SessionState,
};
use scrollback_source::{
    BorrowedItem, BorrowedRecord, Entry, Reader, Result, ScanItem, Survey, SurveyItem,
};
use scrollback_stor_mmap::Settled;

use super::issue_log::IssueLog;
use super::meta_builder::{MessagePosition, MetaBuilder, observed_from_observation};
use super::pool::Worker;
use super::steps::read_steps;
use super::unread::{UnreadEntities, keep_unread_parts};

/// The detail of parts in an index. Each level includes the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum PartDetail {
    /// No parts until a session is loaded. This is the cheapest level, because in a store of files
    /// every message has its own directory of parts.
    #[default]
    Later,
    /// The names of parts.
    Names,
    /// The names and stamps of parts.
    Stamps,
}

/// A session that was read as a whole.
pub(crate) struct WholeSession {
    pub(crate) contents: SessionContents,
    pub(crate) issue_log: IssueLog,
}

/// Reads a whole session. `entry` is its record; `None` if the session has only messages. A session
/// with issues is unsettled, so that the next refresh verifies it again.
pub(crate) fn read_whole_session(
    worker: &mut Worker<'_>,
    key: &SessionKey,
    entry: Option<&Entry>,
    parts: PartDetail,
) -> Result<WholeSession> {
    let mut issue_log = IssueLog::default();
    let checked_at = worker.reader.clock().now();
    let record =
        entry.and_then(|entry| session_meta(&mut worker.meta_builder, entry, &mut issue_log));
    let record = record.map(Arc::new);
    let messages = std::mem::take(&mut worker.spare_messages);
    let SessionMessages { set, resume, mut messages } =
        read_all_messages(worker, key, messages, &mut issue_log)?;
    let Worker { reader, file_count, .. } = worker;
    read_steps(&mut **reader, record.as_deref(), &mut messages, |_| true, &mut issue_log)?;
    if parts > PartDetail::Later {
        *file_count += messages.len() as u64;
        for message in &mut messages {
            let listed = list_parts(&mut **reader, &message.key, None, parts, &mut issue_log)?;
            message.parts = listed.list;
        }
    }
    let state = refresh_state(record.as_deref(), set, &messages, checked_at, &issue_log);
    let contents = SessionContents {
        key: key.clone(),
        state: SessionState { record, refresh_state: state, resume },
        messages,
    };
    Ok(WholeSession { contents, issue_log })
}

/// The messages of a session, without their parts.
pub(super) struct SessionMessages {
    /// The observation of the message set; `None` if the session has no set.
    pub(super) set: Option<ObservedStamp>,
    /// The token to resume from; `None` if the session is not an append log.
    pub(super) resume: Option<Arc<[u8]>>,
    pub(super) messages: Vec<MessageMeta>,
}

/// Reads all messages of a session into `messages`, which is empty.
pub(super) fn read_all_messages(
    worker: &mut Worker<'_>,
    key: &SessionKey,
    mut messages: Vec<MessageMeta>,
    issue_log: &mut IssueLog,
) -> Result<SessionMessages> {
    let before = issue_log.issues.len();
    let (mut set, mut resume) = (None, None);
    let Worker { reader, meta_builder, file_count, .. } = worker;
    reader.scan_borrowed(&Scope::Messages(key.clone()), &mut |item| {
        match item {
            BorrowedItem::Set(observation) => {
                set = Some(observed_from_observation(&observation));
                resume = observation.resume.map(|token| Arc::clone(token.bytes()));
            }
            BorrowedItem::Issue(key, issue) => issue_log.note(key, issue),
            BorrowedItem::Record(record) => {
                let observed = ObservedStamp {
                    stamp: record.stamp,
                    clean: record.settled == Settled::Settled,
                };
                match record.key() {
                    Ok(key) => {
                        let BorrowedRecord { order, is_copy, bytes, .. } = record;
                        let place = MessagePosition { order, is_copy };
                        push_message_meta(
                            meta_builder,
                            key,
                            place,
                            bytes,
                            observed,
                            (&mut messages, issue_log),
                        );
                    }
                    Err(issue) => issue_log.note(Some(key.clone().into()), *issue),
                }
            }
            BorrowedItem::Commit => {}
            // The store changed during the scan, and the Source starts again: everything so far is
            // dropped, issues included.
            BorrowedItem::Rollback => {
                (set, resume) = (None, None);
                messages.clear();
                issue_log.issues.truncate(before);
            }
        }
        ControlFlow::Continue(())
    })?;
    *file_count += messages.len() as u64;
    Ok(SessionMessages { set, resume, messages })
}

/// Converts the entry of a session to its meta, and notes the issues with the record. An entry without
/// bytes is a record that cannot be read: its meta is marked as damaged.
pub(crate) fn session_meta(
    meta_builder: &mut MetaBuilder,
    entry: &Entry,
    issue_log: &mut IssueLog,
) -> Option<SessionMeta> {
    let EntityKey::Session(key) = &entry.key else { return None };
    let Entry { order, project, origin, provenance, .. } = entry;
    let Some(span) = &entry.span else {
        return Some(meta_builder.unread_session(
            key.clone(),
            *order,
            project.clone(),
            origin.as_ref(),
            provenance,
        ));
    };
    let (meta, issues) = meta_builder.session(
        key.clone(),
        *order,
        project.clone(),
        origin.as_ref(),
        provenance,
        span,
    );
    issue_log.note_about(&entry.key, issues);
    Some(meta)
}

/// Returns the meta of a session that may have a record in a place that cannot be read. Its order is
/// the time in its id.
pub(super) fn unknown_session(key: &SessionKey, now: UnixNanos) -> SessionMeta {
    let created = key.session.time(now.as_millis());
    let order = OrderKey(created.unwrap_or_default());
    SessionMeta { order, damaged: true, ..SessionMeta::new(key.clone()) }
}

/// Adds the meta of a message to `messages`, and notes the issues with the record.
pub(super) fn push_message_meta(
    meta_builder: &mut MetaBuilder,
    key: EntityKey,
    place: MessagePosition,
    bytes: &[u8],
    observed: ObservedStamp,
    (messages, issue_log): (&mut Vec<MessageMeta>, &mut IssueLog),
) {
    let EntityKey::Message(key) = key else { return };
    for issue in meta_builder.message(key, place, bytes, observed, messages) {
        issue_log.note(messages.last().map(|meta| meta.key.clone().into()), issue);
    }
}

/// Computes the refresh state of a session that was just verified file by file.
pub(super) fn refresh_state<'m>(
    record: Option<&SessionMeta>,
    set: Option<ObservedStamp>,
    messages: impl IntoIterator<Item = &'m MessageMeta>,
    checked_at: UnixNanos,
    issue_log: &IssueLog,
) -> RefreshState {
    let mut state = RefreshState { message_set: set, checked_at, ..RefreshState::default() };
    let (mut newest, mut unsettled) = (state.newest_change, !issue_log.issues.is_empty());
    let mut include = |observed: &ObservedStamp| {
        newest = newest.max(observed.stamp.mtime);
        unsettled |= !observed.clean;
    };
    record.iter().for_each(|record| include(&record.observed));
    set.iter().for_each(&mut include);
    for message in messages {
        include(&message.observed);
        if let Some(list) = &message.parts {
            list.part_set.iter().for_each(&mut include);
            list.refs.iter().filter_map(|part| part.observed.as_ref()).for_each(&mut include);
        }
        state.add(message);
    }
    RefreshState { newest_change: newest, unsettled, ..state }
}

/// The parts of a message, as far as they could be listed.
pub(crate) struct ListedParts {
    /// The list; `None` if the parts cannot be listed and were never listed before.
    pub(crate) list: Option<PartList>,
    /// Whether the list has parts that are only known from before, or lacks parts that were never
    /// listed.
    pub(crate) is_incomplete: bool,
}

/// Lists the parts of a message, with as much detail as `parts` says. `known` is the last list: parts
/// in a place that cannot be read stay as they are there.
pub(crate) fn list_parts(
    reader: &mut dyn Reader,
    key: &MessageKey,
    known: Option<&PartList>,
    parts: PartDetail,
    issue_log: &mut IssueLog,
) -> Result<ListedParts> {
    let before = issue_log.issues.len();
    let listed = list_readable_parts(reader, key, parts, issue_log)?;
    let unread = UnreadEntities::from_issues(&issue_log.issues[before..]);
    if unread.is_empty() {
        return Ok(ListedParts { list: Some(listed), is_incomplete: false });
    }
    let is_unread = |part: &PartRef| unread.may_have_part(key, &part.id);
    let has_list = known.is_some() || !unread.may_have_parts(key);
    let list = has_list.then(|| keep_unread_parts(listed, known, is_unread));
    Ok(ListedParts { list, is_incomplete: true })
}

fn list_readable_parts(
    reader: &mut dyn Reader,
    key: &MessageKey,
    parts: PartDetail,
    issue_log: &mut IssueLog,
) -> Result<PartList> {
    let mut set = None;
    if parts == PartDetail::Stamps {
        let mut observed_parts: Vec<(OrderKey, PartId, ObservedStamp)> = Vec::new();
        reader.survey(&Survey::Parts(key), &mut |item| {
            match item {
                SurveyItem::Observation(observation) => match &observation.key {
                    EntityKey::Part(part) => {
                        observed_parts.push((
                            observation.order,
                            part.part.clone(),
                            observed_from_observation(&observation),
                        ));
                    }
                    _ => set = Some(observed_from_observation(&observation)),
                },
                SurveyItem::Issue(key, issue) => issue_log.note(key, issue),
            }
            ControlFlow::Continue(())
        })?;
        observed_parts.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let part = |(_, id, observed)| PartRef::from_observed(id, observed);
        return Ok(PartList {
            part_set: set,
            refs: observed_parts.into_iter().map(part).collect(),
        });
    }
    let mut refs = Vec::new();
    reader.scan(&Scope::Parts(key.clone()), &mut |item| {
        match item {
            ScanItem::Set(observation) => set = Some(observed_from_observation(&observation)),
            ScanItem::Issue(key, issue) => issue_log.note(key, issue),
            ScanItem::Entry(Entry { key: EntityKey::Part(part), .. }) => {
                refs.push(PartRef::from_id(part.part));
            }
            ScanItem::Entry(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok(PartList { part_set: set, refs: refs.into() })
}
