//! The reference tree: who is there, in which order, with which bytes. Stage two owns it, and
//! stage three borrows from it.

use std::fmt;
use std::sync::Arc;

use scrollback_core_id::{
    Clock, ItemKey, MessageId, MessageKey, OrderKey, PartKey, ProjectId, SessionKey,
};
use scrollback_core_type::Provenance;
use scrollback_stor_mmap::MappedSpan;

/// A session with its messages and their parts, as bytes.
#[derive(Clone)]
pub struct SessionRefTree {
    /// The session itself.
    pub session: SessionRefNode,
    /// Its messages, in order.
    pub messages: Vec<MessageRefNode>,
    /// What happened in it and is no message, in order.
    pub items: Vec<ItemRefNode>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A session's own record.
#[derive(Debug, Clone)]
pub struct SessionRefNode {
    /// Names it.
    pub key: SessionKey,
    /// Its bytes; none if the record is missing or cannot be read.
    pub span: Option<MappedSpan>,
    /// The project that its place says it belongs to.
    pub project: Option<ProjectId>,
    /// Which generation of storage it was read from, and what else there is of it.
    pub provenance: Provenance,
}

impl SessionRefNode {
    /// A session of which no record was found.
    pub(crate) fn missing(key: SessionKey) -> Self {
        Self { key, span: None, project: None, provenance: Provenance::default() }
    }
}

/// A message.
#[derive(Debug, Clone)]
pub struct MessageRefNode {
    /// Names it.
    pub key: MessageKey,
    /// Where it stands in its session.
    pub order: OrderKey,
    /// Whether it is a copy of a message of another session. What it used counts there.
    pub is_copy: bool,
    /// Its bytes; none if they cannot be read.
    pub span: Option<MappedSpan>,
    /// Its parts, in order.
    pub parts: Vec<PartRefNode>,
}

/// Something that happened in a session and is no message.
#[derive(Debug, Clone)]
pub struct ItemRefNode {
    /// Names it.
    pub key: ItemKey,
    /// Where it stands among the messages of its session.
    pub order: OrderKey,
    /// Its bytes; none if they cannot be read.
    pub span: Option<MappedSpan>,
}

/// A part.
#[derive(Debug, Clone)]
pub struct PartRefNode {
    /// Names it.
    pub key: PartKey,
    /// Where it stands in its message: the number of parts before it when they were listed.
    pub order: OrderKey,
    /// Its bytes; none if they cannot be read.
    pub span: Option<MappedSpan>,
}

impl SessionRefTree {
    /// The message of this id.
    pub fn message(&self, id: &MessageId) -> Option<&MessageRefNode> {
        self.messages.iter().find(|node| node.key.message == *id)
    }

    /// How many parts there are in all messages.
    pub fn part_count(&self) -> usize {
        self.messages.iter().map(|node| node.parts.len()).sum()
    }

    /// Every span: the session's, then each message's followed by its parts', then those of items.
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
