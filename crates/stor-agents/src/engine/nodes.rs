//! Nodes: the messages and items of a parse, as entries that share one buffer.

use std::ops::Range;

use scrollback_core_err::Issue;
use scrollback_core_id::{EntityKey, MessageKey, OrderKey, SessionKey, Stamp, UnixNanos};
use scrollback_source::{Entry, Observation};
use scrollback_stor_mmap::{MappedSpan, Settled};
use xxhash_rust::xxh3::xxh3_64;

use super::canonical::{stamp, write_item, write_message, write_part};
use super::draft::{ItemDraft, MessageDraft, Origin};
use super::ids::{item_key, message_key, order, part_key};
use super::queue::{Draft, Finished};

/// A message with its parts, or an item.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Message(MessageNode),
    Item(EntryNode),
}

/// A message with its parts.
#[derive(Debug, Clone)]
pub(crate) struct MessageNode {
    pub(crate) key: MessageKey,
    pub(crate) record: EntryNode,
    pub(crate) parts: Vec<EntryNode>,
}

/// An entry, and the places of the records that it was made from.
#[derive(Debug, Clone)]
pub(crate) struct EntryNode {
    pub(crate) entry: EntryDraft,
    pub(crate) origins: Vec<Origin>,
}

/// An entry, which can be copied.
#[derive(Debug, Clone)]
pub(crate) struct EntryDraft {
    pub(crate) key: EntityKey,
    pub(crate) order: OrderKey,
    pub(crate) is_copy: bool,
    pub(crate) span: MappedSpan,
}

impl EntryNode {
    /// Returns the entry with its bytes.
    pub(crate) fn entry(&self) -> Entry {
        let EntryDraft { key, order, is_copy, span } = &self.entry;
        Entry { is_copy: *is_copy, ..Entry::new(key.clone(), *order, span.clone()) }
    }

    /// Returns the entry without its bytes.
    pub(crate) fn name(&self) -> Entry {
        Entry { span: None, ..self.entry() }
    }

    /// Returns the observation of the record.
    pub(crate) fn observation(&self) -> Observation {
        let EntryDraft { key, order, span, .. } = &self.entry;
        Observation {
            order: *order,
            ..Observation::new(key.clone(), *span.stamp(), Settled::Settled)
        }
    }
}

impl MessageNode {
    /// Returns the set of the parts; `None` without parts.
    pub(crate) fn part_set(&self) -> Option<Observation> {
        if self.parts.is_empty() {
            return None;
        }
        let stamps = self.parts.iter().flat_map(|part| part.entry.span.stamp().inode.to_le_bytes());
        let hash = xxh3_64(&stamps.collect::<Vec<u8>>());
        let size = self.parts.len() as u64;
        let stamp = Stamp { size, mtime: UnixNanos(0), inode: hash };
        Some(Observation::new(self.key.clone(), stamp, Settled::Settled))
    }
}

/// Collects what a parse hands out. The records are written into one buffer.
#[derive(Debug)]
pub(crate) struct NodeBuilder<'s> {
    session: &'s SessionKey,
    /// The kind of the side file that is parsed.
    side: Option<&'static str>,
    out: Vec<u8>,
    nodes: Vec<DraftNode>,
    pub(crate) issues: Vec<Issue>,
}

/// An entry whose bytes are a range of the buffer.
#[derive(Debug)]
struct Written {
    key: EntityKey,
    order: OrderKey,
    is_copy: bool,
    range: Range<usize>,
    origins: Vec<Origin>,
}

#[derive(Debug)]
enum DraftNode {
    Message(MessageKey, Written, Vec<Written>),
    Item(Written),
}

impl<'s> NodeBuilder<'s> {
    pub(crate) fn new(session: &'s SessionKey, side: Option<&'static str>) -> Self {
        Self { session, side, out: Vec::new(), nodes: Vec::new(), issues: Vec::new() }
    }

    pub(crate) fn add(&mut self, finished: Finished<'_>) {
        let order = order(finished.order, self.side.is_some());
        match finished.draft {
            Draft::Message(message) => {
                if let Some(key) = message_key(self.session, finished.slot) {
                    self.add_message(key, order, &message);
                }
            }
            Draft::Item(item) => {
                if let Some(key) = item_key(self.session, self.side, finished.slot) {
                    let ItemDraft { origin, .. } = &*item;
                    let origins = vec![origin.clone()];
                    let range = self.write(|out| write_item(&key, &item, out));
                    let key = EntityKey::Item(key);
                    let written = Written { key, order, is_copy: false, range, origins };
                    self.nodes.push(DraftNode::Item(written));
                }
            }
            Draft::Issue(issue) => self.issues.push(*issue),
        }
    }

    fn add_message(&mut self, key: MessageKey, order: OrderKey, message: &MessageDraft<'_>) {
        let is_copy = message.is_copy;
        let range = self.write(|out| write_message(&key, message, out));
        let origins = vec![message.origin.clone()];
        let record = Written { key: key.clone().into(), order, is_copy, range, origins };
        let mut parts = Vec::with_capacity(message.parts.len());
        for (index, part) in message.parts.iter().enumerate() {
            let Some(part_key) = part_key(&key, index) else { continue };
            let range = self.write(|out| write_part(&key, &part_key, part, out));
            let of_result = part.call.as_ref().and_then(|call| call.result_origin.clone());
            let origins = std::iter::once(part.origin.clone()).chain(of_result).collect();
            let order = OrderKey(i64::try_from(index).unwrap_or(i64::MAX));
            parts.push(Written { key: part_key.into(), order, is_copy, range, origins });
        }
        self.nodes.push(DraftNode::Message(key, record, parts));
    }

    fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let start = self.out.len();
        write(&mut self.out);
        start..self.out.len()
    }

    /// Ends the collection: all entries share the buffer.
    pub(crate) fn finish(mut self) -> (Vec<Node>, Vec<Issue>) {
        self.out.shrink_to_fit();
        let all = MappedSpan::pooled(self.out, Stamp::default(), Settled::Settled);
        let node = |written: Written| {
            let Written { key, order, is_copy, range, origins } = written;
            let span = all.slice(range).unwrap_or_default();
            let span = span.with_stamp(stamp(&span, is_copy));
            EntryNode { entry: EntryDraft { key, order, is_copy, span }, origins }
        };
        let nodes = self.nodes.into_iter().map(|draft| match draft {
            DraftNode::Message(key, record, parts) => {
                let parts = parts.into_iter().map(node).collect();
                Node::Message(MessageNode { key, record: node(record), parts })
            }
            DraftNode::Item(item) => Node::Item(node(item)),
        });
        (nodes.collect(), self.issues)
    }
}
