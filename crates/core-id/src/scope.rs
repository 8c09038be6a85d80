//! The part of a store that a scan covers.

use crate::{MessageKey, ProjectId, SessionKey};

/// The set of entities that a scan walks.
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
    /// The names of the messages of one session, in any order. The messages are not read. Use it to count
    /// messages or to check for one.
    MessageNames(SessionKey),
    /// The parts of one message, in order.
    Parts(MessageKey),
    /// The timeline items of one session that are not messages, in order.
    Items(SessionKey),
    /// Every part of every message with its bytes, in the order of the store. Use it for a full-text
    /// search.
    AllParts,
}
