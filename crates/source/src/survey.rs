//! Surveys: what there is and in which state, without reading it.

use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, OrderKey, ProjectId, SessionKey, Stamp,
};
use scrollback_stor_mmap::Settled;

use crate::ResumeToken;

/// What a survey covers.
#[derive(Debug, Clone, Copy)]
pub enum Survey<'a> {
    /// The record of every project.
    Projects,
    /// The record of every session, at each place where it is: one that moves between projects
    /// may be sighted twice.
    Sessions,
    /// The set of messages of every session that has any, whether it has a record or not; sighted
    /// under the session's key.
    MessageSets,
    /// Those of them that belong to a session without a record.
    LostSets,
    /// The set of messages of one session, before it is listed, and the record of each.
    Messages(&'a SessionKey),
    /// The records of these messages of one session, in this order and without listing anything;
    /// one that is not there is left out.
    TheseMessages(&'a SessionKey, &'a [MessageId]),
    /// The sets of parts of these messages, those that there are, without listing them; sighted
    /// under the messages' keys.
    PartSets(&'a [MessageKey]),
    /// The set of parts of one message, before it is listed, and the record of each.
    Parts(&'a MessageKey),
}

/// Something that was looked at and not read: a record, or a set of them.
///
/// The stamp of a set changes when a record joins or leaves it, and need not when one is rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What it is, or what it is a set of.
    pub key: EntityKey,
    /// Where a part stands among the parts of its message, in [`Survey::Parts`]: the order that a
    /// scan hands it out with. Of no meaning for anything else.
    pub order: OrderKey,
    /// What it looked like.
    pub stamp: Stamp,
    /// Whether a later change is sure to change the stamp. A stamp that was as young as the look
    /// when the call began is provisional: what changes within the same tick of the file system's
    /// clock may leave it as it is, so it must never pass for unchanged.
    pub settled: Settled,
    /// The project that a session's place says it belongs to.
    pub project: Option<ProjectId>,
    /// Where [`Reader::resume`](crate::Reader::resume) goes on, for the set of messages of a session.
    /// A [`Reader::scan`](crate::Reader::scan) and a [`Reader::scan_borrowed`](crate::Reader::scan_borrowed) may hand
    /// it out, a survey does not.
    pub resume: Option<ResumeToken>,
}

impl Observation {
    /// Something that looks so, of which nothing else is known.
    pub fn new(key: impl Into<EntityKey>, stamp: Stamp, settled: Settled) -> Self {
        let (key, order) = (key.into(), OrderKey::default());
        Self { key, order, stamp, settled, project: None, resume: None }
    }
}

/// Something that a survey came to.
#[derive(Debug)]
pub enum SurveyItem {
    /// A record or a set.
    Observation(Observation),
    /// Something that is wrong, about an entity if the key is known.
    Issue(Option<EntityKey>, Issue),
}

/// What a reader calls for each thing that a survey comes to. Breaking ends the survey.
pub type SurveyVisitor<'e> = dyn FnMut(SurveyItem) -> ControlFlow<()> + 'e;
