//! What happened, typed.

use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageKey, PartKey, SessionKey};
use scrollback_index::{MessageMeta, PartRef, ProjectMeta, SessionMeta};
use scrollback_stor_mmap::MappedSpan;

use super::cursor::EventCursor;
use super::text::TextEdit;

/// Something that happened, and how far the stream is with it.
#[derive(Debug, Clone)]
pub struct Event {
    /// Handed back, the stream goes on behind this event. None in the middle of the whole state,
    /// which is then told from its start again.
    pub cursor: Option<EventCursor>,
    /// What it did.
    pub kind: ChangeKind,
    /// To what.
    pub subject: Subject,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It is there: part of the whole state that is told after [`Subject::Fresh`], or a part that nobody
    /// had looked for before.
    Present,
    /// It came.
    Created,
    /// It is not as it was. After a stream was taken up again, it may also have come.
    Updated,
    /// It went.
    Removed,
}

/// What something happened to.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all events are of parts, the largest")]
pub enum Subject {
    /// Nothing that was told before holds; the whole state follows.
    Fresh,
    /// A project.
    Project {
        /// As it is; none if it went.
        now: Option<Arc<ProjectMeta>>,
        /// As this follower knew it.
        old: Option<Arc<ProjectMeta>>,
        /// Names it.
        key: EntityKey,
    },
    /// A session's own record.
    Session {
        /// As it is; none if it went.
        now: Option<Arc<SessionMeta>>,
        /// As this follower knew it.
        old: Option<Arc<SessionMeta>>,
        /// Names it.
        key: SessionKey,
    },
    /// A message's own record.
    Message {
        /// As it is; none if it went.
        now: Option<Arc<MessageMeta>>,
        /// As this follower knew it.
        old: Option<Arc<MessageMeta>>,
        /// Names it.
        key: MessageKey,
    },
    /// A part.
    Part {
        /// As it is; none if it went.
        now: Option<PartRef>,
        /// As this follower knew it.
        old: Option<PartRef>,
        /// Names it.
        key: PartKey,
        /// The message that it is of.
        message: MessageKey,
        /// Its bytes, which may be younger than what the index says of it.
        span: Option<MappedSpan>,
        /// How its text differs from what this follower saw last; none if it has no text.
        text: Option<TextEdit>,
    },
}

impl Event {
    /// About how much memory it holds.
    pub(super) fn bytes(&self) -> usize {
        match &self.subject {
            Subject::Part { span: Some(span), .. } => span.len(),
            _ => 0,
        }
    }
}

impl ChangeKind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Removed => "removed",
        }
    }

    /// By whether something is there, and was.
    pub(super) fn from_states<N, O>(now: Option<&N>, old: Option<&O>, is_known: bool) -> Self {
        match (now, old) {
            (None, _) => Self::Removed,
            (Some(_), None) if is_known => Self::Created,
            (Some(_), _) => Self::Updated,
        }
    }
}

impl Subject {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Project { .. } => "project",
            Self::Session { .. } => "session",
            Self::Message { .. } => "message",
            Self::Part { .. } => "part",
        }
    }

    /// The session that it is in.
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
