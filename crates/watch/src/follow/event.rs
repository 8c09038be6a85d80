//! The typed events of a stream.

use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageKey, PartKey, SessionKey};
use scrollback_index::{MessageMeta, PartRef, ProjectMeta, SessionMeta};
use scrollback_stor_mmap::MappedSpan;

use super::cursor::EventCursor;
use super::text::TextEdit;

/// An event: a change to one subject, and the position of the stream after it.
#[derive(Debug, Clone)]
pub struct Event {
    /// The cursor that continues after this event. `None` within the whole state: an interrupted
    /// whole state starts again.
    pub cursor: Option<EventCursor>,
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The subject of the change.
    pub subject: Subject,
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// The subject exists: it belongs to the whole state after [`Subject::Fresh`], or it is an
    /// older part that was listed only now.
    Present,
    /// The subject appeared.
    Created,
    /// The subject changed. After a stream was continued from a cursor, the subject may also be
    /// new.
    Updated,
    /// The subject was removed.
    Removed,
}

/// The subject of a change.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all events are of parts, the largest")]
pub enum Subject {
    /// All earlier events are void; the whole state follows.
    Fresh,
    /// A project.
    Project {
        /// The present state; `None` if removed.
        now: Option<Arc<ProjectMeta>>,
        /// The state that this follower knew.
        old: Option<Arc<ProjectMeta>>,
        /// The key of the project.
        key: EntityKey,
    },
    /// A session's own record.
    Session {
        /// The present state; `None` if removed.
        now: Option<Arc<SessionMeta>>,
        /// The state that this follower knew.
        old: Option<Arc<SessionMeta>>,
        /// The key of the session.
        key: SessionKey,
    },
    /// A message's own record.
    Message {
        /// The present state; `None` if removed.
        now: Option<Arc<MessageMeta>>,
        /// The state that this follower knew.
        old: Option<Arc<MessageMeta>>,
        /// The key of the message.
        key: MessageKey,
    },
    /// A part.
    Part {
        /// The present state; `None` if removed.
        now: Option<PartRef>,
        /// The state that this follower knew.
        old: Option<PartRef>,
        /// The key of the part.
        key: PartKey,
        /// The message of the part.
        message: MessageKey,
        /// The bytes of the part. They may be newer than `now`.
        span: Option<MappedSpan>,
        /// The edit that turns the text this follower knew into the present text; `None` for a part
        /// without text.
        text: Option<TextEdit>,
    },
}

impl Event {
    /// Returns the approximate memory of the event, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match &self.subject {
            Subject::Part { span: Some(span), .. } => span.len(),
            _ => 0,
        }
    }
}

impl ChangeKind {
    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Removed => "removed",
        }
    }

    /// Returns the kind for a present and an earlier state. Without earlier knowledge (`is_known`
    /// is `false`) a new subject counts as updated.
    pub(super) fn from_states<N, O>(now: Option<&N>, old: Option<&O>, is_known: bool) -> Self {
        match (now, old) {
            (None, _) => Self::Removed,
            (Some(_), None) if is_known => Self::Created,
            (Some(_), _) => Self::Updated,
        }
    }
}

impl Subject {
    /// Returns the name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Project { .. } => "project",
            Self::Session { .. } => "session",
            Self::Message { .. } => "message",
            Self::Part { .. } => "part",
        }
    }

    /// Returns the session of the subject; `None` for a project and for [`Subject::Fresh`].
    pub fn session(&self) -> Option<SessionKey> {
        match self {
            Self::Fresh | Self::Project { .. } => None,
            Self::Session { key, .. } => Some(key.clone()),
            Self::Message { key, .. } | Self::Part { message: key, .. } => {
                Some(key.session.clone().into())
            }
        }
    }
}
