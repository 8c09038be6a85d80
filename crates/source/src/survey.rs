//! Surveys: walks over stamps. A survey observes which records exist, without their content.

use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, OrderKey, ProjectId, SessionKey, Stamp,
};
use scrollback_stor_mmap::Settled;

use crate::ResumeToken;

/// The records or sets that a survey covers.
#[derive(Debug, Clone, Copy)]
pub enum Survey<'a> {
    /// The record of every project.
    Projects,
    /// The record of every session, at each of its places. A session that moves between projects
    /// may be observed twice.
    Sessions,
    /// The set of messages of every session that has messages, with or without a session record. The
    /// observation has the session's key.
    MessageSets,
    /// As [`Survey::MessageSets`], but read without the indexes that the store itself keeps: an index
    /// that lacks a record hides it from all other calls.
    TableSets,
    /// Those message sets whose session has no record.
    LostSets,
    /// The set of messages of one session, observed before it is listed, and the record of each
    /// message.
    Messages(&'a SessionKey),
    /// The records of these messages of one session, in this order, without a listing. A message
    /// that does not exist is left out.
    TheseMessages(&'a SessionKey, &'a [MessageId]),
    /// The sets of parts of these messages, without a listing. A message without parts is left out.
    /// Each observation has the message's key.
    PartSets(&'a [MessageKey]),
    /// The set of parts of one message, observed before it is listed, and the record of each part.
    Parts(&'a MessageKey),
}

/// The key and stamp of a record or of a set of records, taken without reading the content.
///
/// The stamp of a set changes when a record joins or leaves the set. A rewrite of a record
/// of the set need not change the stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The key of the record, or of the entity that owns the set.
    pub key: EntityKey,
    /// The order of a part among the parts of its message, in [`Survey::Parts`]: a scan returns the
    /// same order. The order has no meaning for other observations.
    pub order: OrderKey,
    /// The stamp.
    pub stamp: Stamp,
    /// Whether every later change will change the stamp. A stamp that was younger than the margin
    /// when the call began is provisional: a change within the same tick of the file system's clock
    /// may leave the stamp as it is. Never treat a record with a provisional stamp as unchanged.
    pub settled: Settled,
    /// The project that a session belongs to, according to the place of its record.
    pub project: Option<ProjectId>,
    /// The token that [`Reader::resume`](crate::Reader::resume) continues from, for the set of
    /// messages of a session. [`Reader::scan`](crate::Reader::scan) and
    /// [`Reader::scan_borrowed`](crate::Reader::scan_borrowed) may return a token; a survey does
    /// not.
    pub resume: Option<ResumeToken>,
}

impl Observation {
    /// Returns an observation without order, project and token.
    pub fn new(key: impl Into<EntityKey>, stamp: Stamp, settled: Settled) -> Self {
        let (key, order) = (key.into(), OrderKey::default());
        Self { key, order, stamp, settled, project: None, resume: None }
    }
}

/// An item of a survey.
#[derive(Debug)]
pub enum SurveyItem {
    /// A record or a set of records.
    Observation(Observation),
    /// A problem. The key says which entity it concerns, if the key is known.
    Issue(Option<EntityKey>, Issue),
}

/// The function that a reader calls with each item of a survey. Return `Break` to end the survey.
pub type SurveyVisitor<'e> = dyn FnMut(SurveyItem) -> ControlFlow<()> + 'e;
