//! What part of a store a scan covers.

use crate::{MessageKey, ProjectId, SessionKey};

/// The entities that a scan walks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// The record of every project.
    Projects,
    /// The record of every session of every project, newest first.
    Sessions,
    /// The record of every session of one project, newest first.
    Project(ProjectId),
    /// The messages of one session, in order, without parts.
    Messages(SessionKey),
    /// The names of the messages of one session, in no order, without reading them: to count them,
    /// or to look for one.
    MessageNames(SessionKey),
    /// The parts of one message, in order.
    Parts(MessageKey),
    /// What happened in one session and is no message, in order.
    Items(SessionKey),
    /// Every part of every message with its bytes, in whatever order the store has them: to search
    /// all of it.
    AllParts,
}
