//! Verifies the record of a session, and which store supplies the session.

use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_index::{RefreshState, SessionMeta, SessionState};
use scrollback_source::{Observation, Result, ScanItem};

use super::issue_log::IssueLog;
use super::pool::Worker;
use super::session::session_meta;
use super::unread::{UnreadEntities, unread_session};

/// What a survey observed of a session: its record and its message set.
#[derive(Debug, Default)]
pub(crate) struct SessionObservation {
    /// The records. A session that moves between projects may have two for a moment.
    pub(crate) records: Vec<Observation>,
    /// The message set; `None` if it was not surveyed, `Some(None)` if the session has none.
    pub(crate) set: Option<Option<Observation>>,
    /// Whether the survey left out the message set, because it is the same as at the last refresh.
    pub(crate) is_set_unchanged: bool,
    /// Whether the survey found an issue with the record.
    pub(crate) has_issue: bool,
    /// Whether the session may have a record although the survey observed none: the directory or
    /// table of the record was not read.
    pub(crate) is_record_unread: bool,
}

impl SessionObservation {
    /// Checks whether the message set was surveyed and is unchanged: no message was added or removed.
    pub(crate) fn is_same_set(&self, known: &RefreshState) -> bool {
        match (&known.message_set, &self.set) {
            (None, Some(None)) => true,
            (Some(known), Some(Some(current))) => known.is_unchanged(&current.stamp),
            _ => false,
        }
    }
}

/// Checks whether another store than at the last read supplies a session. The stamps that the index has
/// of the session then say nothing.
pub(crate) fn is_other_copy(
    worker: &mut Worker<'_>,
    known: Option<&SessionState>,
    key: &SessionKey,
) -> Result<bool> {
    let Some(known) = known.and_then(|known| known.record.as_ref()?.origin.clone()) else {
        return Ok(false);
    };
    let origin = worker.reader.origin(key)?;
    Ok(origin.is_some_and(|origin| origin.as_str() != &*known))
}

/// A session's record, as far as it could be verified.
pub(crate) enum VerifiedRecord {
    /// The record. If it cannot be read now, this is the last known record, or a damaged one.
    Present(Arc<SessionMeta>),
    /// The store has no record of the session.
    Gone,
    /// The record was never read, and may be in a place that cannot be read.
    Unread,
}

/// Returns the session's record as it is now. Without an observation the record is read in any case.
pub(crate) fn verify_record(
    worker: &mut Worker<'_>,
    known: Option<&SessionState>,
    key: &SessionKey,
    observation: Option<&SessionObservation>,
    issue_log: &mut IssueLog,
) -> Result<VerifiedRecord> {
    let observation = observation.filter(|observation| !observation.is_record_unread);
    let records = observation.map(|observation| &observation.records[..]);
    let known = known.and_then(|known| known.record.as_ref());
    match (records, known) {
        (Some([]), _) => return Ok(VerifiedRecord::Gone),
        (Some([current]), Some(known)) if is_same_record(known, current) => {
            return Ok(VerifiedRecord::Present(Arc::clone(known)));
        }
        _ => {}
    }
    let Worker { reader, meta_builder, .. } = worker;
    let requested = [EntityKey::Session(key.clone())];
    let (mut read, mut unread) = (None, UnreadEntities::default());
    reader.spans(&requested, &mut |item| {
        match item {
            // Without bytes the record exists and cannot be read.
            ScanItem::Entry(entry) if entry.span.is_some() || known.is_none() => {
                read = session_meta(meta_builder, &entry, issue_log);
            }
            ScanItem::Issue(_, issue) if issue.is_vanished() => {} // gone: the result is `None`
            ScanItem::Issue(key, issue) => {
                unread.note(key.as_ref(), &issue);
                issue_log.note(key, issue);
            }
            ScanItem::Entry(_) | ScanItem::Set(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    let project = known.and_then(|known| known.project.as_ref());
    let is_unread = unread.may_have_session(key, project);
    Ok(match (read, known) {
        // An equal record keeps its `Arc`, so that the session does not count as changed.
        (Some(read), Some(known)) if **known == read => VerifiedRecord::Present(Arc::clone(known)),
        (Some(read), _) => VerifiedRecord::Present(Arc::new(read)),
        (None, Some(known)) if is_unread => VerifiedRecord::Present(unread_session(known)),
        (None, None) if is_unread => VerifiedRecord::Unread,
        (None, _) => VerifiedRecord::Gone,
    })
}

/// Checks whether a record has the same stamp and project as in the index.
fn is_same_record(known: &SessionMeta, current: &Observation) -> bool {
    known.observed.is_unchanged(&current.stamp)
        && current.project.as_ref().is_none_or(|project| known.project.as_ref() == Some(project))
}
