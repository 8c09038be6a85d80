//! Keys: the names of entities within one Source, or within one merged Source.
//!
//! A key holds the ids in a path of opencode's JSON tree (`message/<ses>/<msg>.json`,
//! `part/<msg>/<prt>.json`). The project is a value and never part of a key, because sessions move.

use std::fmt;

use crate::{ItemId, MessageId, PartId, ProjectId, SessionId};

/// The key of a session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// The session.
    pub session: SessionId,
}

/// The key of a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    /// The session that the message belongs to.
    pub session: SessionId,
    /// The message.
    pub message: MessageId,
}

/// The key of a part. It does not hold the session, which follows from the message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartKey {
    /// The message that the part belongs to.
    pub message: MessageId,
    /// The part.
    pub part: PartId,
}

/// The key of a timeline item that is not a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The session that the item belongs to.
    pub session: SessionId,
    /// The item.
    pub item: ItemId,
}

/// The key of any entity in a store.
///
/// ```
/// use scrollback_core_id::{EntityKey, MessageId, MessageKey, SessionId};
///
/// let (session, message) = (SessionId::new("ses_1")?, MessageId::new("msg_2")?);
/// let key = EntityKey::from(MessageKey { session, message });
/// assert_eq!(key.to_string(), "message ses_1/msg_2");
/// # Ok::<(), scrollback_core_id::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EntityKey {
    /// A project.
    Project(ProjectId),
    /// A session's own record.
    Session(SessionKey),
    /// A message's own record, without its parts.
    Message(MessageKey),
    /// A part.
    Part(PartKey),
    /// The diffs of a whole session.
    Diff(SessionKey),
    /// The todo list of a session.
    Todo(SessionKey),
    /// The share link of a session.
    Share(SessionKey),
    /// A timeline item that is not a message.
    Item(ItemKey),
}

impl From<SessionId> for SessionKey {
    fn from(session: SessionId) -> Self {
        Self { session }
    }
}

macro_rules! into_entity {
    ($($key:ty => $variant:ident),+) => {$(
        impl From<$key> for EntityKey {
            fn from(key: $key) -> Self {
                Self::$variant(key)
            }
        }
    )+};
}
into_entity!(
    ProjectId => Project,
    SessionKey => Session,
    MessageKey => Message,
    PartKey => Part,
    ItemKey => Item
);

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.session, self.message)
    }
}

impl fmt::Display for PartKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.message, self.part)
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.session, self.item)
    }
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(key) => write!(f, "project {key}"),
            Self::Session(key) => write!(f, "session {key}"),
            Self::Message(key) => write!(f, "message {key}"),
            Self::Part(key) => write!(f, "part {key}"),
            Self::Diff(key) => write!(f, "diff {key}"),
            Self::Todo(key) => write!(f, "todo {key}"),
            Self::Share(key) => write!(f, "share {key}"),
            Self::Item(key) => write!(f, "item {key}"),
        }
    }
}
