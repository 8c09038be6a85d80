//! The reference tree: the keys of a session in order, with their bytes. Stage 2 makes it, and the
//! values of stage 3 borrow from it.

use std::fmt;
use std::sync::Arc;

use scrollback_core_id::{
    Clock, ItemKey, MessageId, MessageKey, OrderKey, PartKey, ProjectId, SessionKey,
};
use scrollback_core_type::Provenance;
use scrollback_index::{SessionMeta, View};
use scrollback_stor_mmap::MappedSpan;

/// A session with its messages, parts and items, as keys and bytes.
/// [`resolve_session_tree`](crate::resolve_session_tree) makes it.
#[derive(Clone)]
pub struct SessionRefTree {
    /// The record of the session.
    pub session: SessionRefNode,
    /// The messages, in order.
    pub messages: Vec<MessageRefNode>,
    /// The items (timeline entries that are not messages), in order.
    pub items: Vec<ItemRefNode>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The record of a session: key and bytes.
#[derive(Debug, Clone)]
pub struct SessionRefNode {
    /// The key of the session.
    pub key: SessionKey,
    /// The bytes of the record; `None` if the record is missing or cannot be read.
    pub span: Option<MappedSpan>,
    /// The project that the place of the record names.
    pub project: Option<ProjectId>,
    /// Where the session was read from: storage format, other copies, migration state.
    pub provenance: Provenance,
    /// The session as an index knows it, if its record exists and cannot be read.
    /// [`SessionRefTree::add_known`] sets it.
    pub known: Option<Arc<SessionMeta>>,
}

impl SessionRefNode {
    /// Creates the node of a session that has no record.
    pub(crate) fn missing(key: SessionKey) -> Self {
        Self { key, span: None, project: None, provenance: Provenance::default(), known: None }
    }
}

/// A message with its parts: keys and bytes.
#[derive(Debug, Clone)]
pub struct MessageRefNode {
    /// The key of the message.
    pub key: MessageKey,
    /// The place of the message in its session.
    pub order: OrderKey,
    /// Whether the message is a copy of a message of another session, made by a fork. Its usage
    /// counts in that other session.
    pub is_copy: bool,
    /// Whether the message is a copy that the totals in the session's record include. Only an index
    /// knows it, so a session that is loaded without one has no such message.
    pub is_recorded_copy: bool,
    /// The bytes of the record; `None` if the record cannot be read.
    pub span: Option<MappedSpan>,
    /// The parts, in order.
    pub parts: Vec<PartRefNode>,
}

/// An item (a timeline entry that is not a message): key and bytes.
#[derive(Debug, Clone)]
pub struct ItemRefNode {
    /// The key of the item.
    pub key: ItemKey,
    /// The place of the item among the messages of its session.
    pub order: OrderKey,
    /// The bytes of the record; `None` if the record cannot be read.
    pub span: Option<MappedSpan>,
}

/// A part: key and bytes.
#[derive(Debug, Clone)]
pub struct PartRefNode {
    /// The key of the part.
    pub key: PartKey,
    /// The place of the part in its message: the number of parts before it in the list.
    pub order: OrderKey,
    /// The bytes of the record; `None` if the record cannot be read.
    pub span: Option<MappedSpan>,
}

impl SessionRefTree {
    /// Returns the message with this id.
    pub fn message(&self, id: &MessageId) -> Option<&MessageRefNode> {
        self.messages.iter().find(|node| node.key.message == *id)
    }

    /// Adds what only an index knows: which messages are copies of a fork of opencode 1.x, and the
    /// last state of a session whose record cannot be read.
    pub fn add_known(&mut self, view: &View) {
        if self.session.span.is_none() {
            self.session.known = view.session(&self.session.key.session);
        }
        if !view.session_has_recorded_copies(&self.session.key.session) {
            return;
        }
        for node in &mut self.messages {
            let known = view.message_by_key(&node.key);
            node.is_recorded_copy = known.is_some_and(|known| known.is_recorded_copy);
            node.is_copy |= node.is_recorded_copy;
        }
    }

    /// Returns the number of parts in all messages.
    pub fn part_count(&self) -> usize {
        self.messages.iter().map(|node| node.parts.len()).sum()
    }

    /// Returns every span: the span of the session, then each message followed by its parts, then
    /// the items.
    pub fn spans(&self) -> impl Iterator<Item = &MappedSpan> {
        let messages = self.messages.iter().flat_map(|node| {
            node.span.iter().chain(node.parts.iter().filter_map(|part| part.span.as_ref()))
        });
        let items = self.items.iter().filter_map(|item| item.span.as_ref());
        self.session.span.iter().chain(messages).chain(items)
    }
}

impl fmt::Debug for SessionRefTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRefTree")
            .field("session", &self.session)
            .field("messages", &self.messages)
            .field("items", &self.items)
            .finish_non_exhaustive()
    }
}
