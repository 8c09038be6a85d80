//! The queue of a sink: messages and items that wait to be taken, in order.

use scrollback_core_err::Issue;

use super::draft::{Author, ItemDraft, MessageDraft};
use super::ids::Slot;

/// How many messages and items come before a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) messages: u64,
    pub(crate) items: u64,
}

/// A message or item that waits to be taken.
#[derive(Debug)]
pub(super) struct Queued<'b> {
    pub(super) slot: Slot,
    pub(super) position: u64,
    pub(super) order: u64,
    pub(super) before: Counters,
    /// The position of the last record that the draft was made from.
    pub(super) last: u64,
    /// The number of calls that wait for their results.
    pub(super) waiting: usize,
    /// Whether a prompt of the user came after the calls.
    pub(super) is_after_prompt: bool,
    /// How many messages the dialect had begun.
    pub(super) begun: u64,
    pub(super) draft: Draft<'b>,
}

/// What a sink makes.
#[derive(Debug)]
pub(crate) enum Draft<'b> {
    Message(Box<MessageDraft<'b>>),
    Item(Box<ItemDraft<'b>>),
    Issue(Box<Issue>),
}

/// A message or item that takes no more.
#[derive(Debug)]
pub(crate) struct Finished<'b> {
    pub(crate) slot: Slot,
    /// The position of the record that it begins with.
    pub(crate) position: u64,
    /// The order among the messages and items.
    pub(crate) order: u64,
    pub(crate) draft: Draft<'b>,
}

/// The record that holds the oldest open message, and what comes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenPoint {
    pub(crate) position: u64,
    pub(crate) before: Counters,
}

impl<'b> Queued<'b> {
    pub(super) fn is_answer(&self) -> bool {
        matches!(&self.draft, Draft::Message(message) if message.author == Author::Model)
    }

    /// Returns the message, which the record at this position completes.
    pub(super) fn touch(&mut self, position: u64) -> Option<&mut MessageDraft<'b>> {
        self.last = position;
        match &mut self.draft {
            Draft::Message(message) => Some(message),
            _ => None,
        }
    }
}
