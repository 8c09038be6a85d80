//! Stage three: typed values that borrow from the bytes of stage two.

use scrollback_core_err::IssueKind;
use scrollback_core_id::EntityKey;
use scrollback_core_type::{
    Message, Parse, Part, RecordedTotals, Session, StageName, StageResult, TimelineItem, Usage,
    UsageSum,
};
use scrollback_stor_mmap::MappedSpan;

use crate::stage::Stage;
use crate::tree::{ItemRefNode, MessageRefNode, PartRefNode, SessionRefNode, SessionRefTree};

/// A session with its messages and their parts, typed.
#[derive(Debug, Clone)]
pub struct SessionHydratedTree<'a> {
    /// The node it was made from.
    pub node: &'a SessionRefNode,
    /// The session; none if its record is missing or unusable, which an issue explains.
    pub session: Option<Session<'a>>,
    /// Its messages, in order.
    pub messages: Vec<MessageHydrated<'a>>,
    /// What happened in it and is no message, in order.
    pub items: Vec<ItemHydrated<'a>>,
}

/// Something that happened in a session and is no message, typed.
#[derive(Debug, Clone)]
pub struct ItemHydrated<'a> {
    /// The node it was made from: its key, its place and its bytes.
    pub node: &'a ItemRefNode,
    /// What happened; none if its record is unusable, which an issue explains.
    pub item: Option<TimelineItem<'a>>,
}

/// What stands at a place of a session: a message, or what happened between messages.
#[derive(Debug, Clone, Copy)]
pub enum TimelineEntry<'t, 'a> {
    /// A message.
    Message(&'t MessageHydrated<'a>),
    /// What is none.
    Item(&'t ItemHydrated<'a>),
}

impl<'a> SessionHydratedTree<'a> {
    /// Messages, and what happened between them, in order.
    pub fn timeline(&self) -> impl Iterator<Item = TimelineEntry<'_, 'a>> {
        let (mut messages, mut items) =
            (self.messages.iter().peekable(), self.items.iter().peekable());
        std::iter::from_fn(move || {
            let is_before = match (items.peek(), messages.peek()) {
                (Some(item), Some(message)) => item.node.order < message.node.order,
                (item, _) => item.is_some(),
            };
            match is_before {
                true => items.next().map(TimelineEntry::Item),
                false => messages.next().map(TimelineEntry::Message),
            }
        })
    }

    /// What the session used, without its subagents: what its record counts, where that counts all
    /// of it ([`Usage::or_recorded_totals`]), else the sum of its messages.
    pub fn usage(&self) -> Usage {
        let mut sum = UsageSum::default();
        self.messages.iter().for_each(|message| sum.add(&message.usage()));
        let record = self.session.as_ref().filter(|_| self.node.provenance.has_complete_totals());
        sum.usage().or_recorded_totals(record.map(RecordedTotals::from))
    }
}

/// A message with its parts, typed.
#[derive(Debug, Clone)]
pub struct MessageHydrated<'a> {
    /// The node it was made from: its key, and its bytes.
    pub node: &'a MessageRefNode,
    /// The message; none if its record is unusable, which an issue explains.
    pub message: Option<Message<'a>>,
    /// Its parts, in order.
    pub parts: Vec<PartHydrated<'a>>,
}

impl MessageHydrated<'_> {
    /// Whether it is a copy of a message of another session. What it used counts there.
    pub fn is_copy(&self) -> bool {
        self.node.is_copy
    }

    /// What it used.
    pub fn usage(&self) -> Usage {
        let unusable = Usage { messages: 1, ..Usage::default() };
        self.message.as_ref().map_or(unusable, |message| message.usage(self.is_copy()))
    }
}

/// A part, typed.
#[derive(Debug, Clone)]
pub struct PartHydrated<'a> {
    /// The node it was made from: its key, and its bytes.
    pub node: &'a PartRefNode,
    /// The part; none if its record is unusable, which an issue explains.
    pub part: Option<Part<'a>>,
}

impl SessionRefTree {
    /// Hydrates everything; the same as [`hydrate_session_tree`].
    pub fn hydrate(&self) -> StageResult<SessionHydratedTree<'_>> {
        hydrate_session_tree(self)
    }
}

/// Hydrates everything: the session, its messages and all their parts.
pub fn hydrate_session_tree(tree: &SessionRefTree) -> StageResult<SessionHydratedTree<'_>> {
    let mut stage = Stage::begin(StageName::Hydrate, &tree.clock);
    let session = session(&tree.session, &mut stage);
    let messages = tree.messages.iter().map(|node| message_with_parts(node, &mut stage)).collect();
    let items = tree.items.iter().map(|node| item(node, &mut stage)).collect();
    stage.end(SessionHydratedTree { node: &tree.session, session, messages, items })
}

/// Hydrates the session's own record, and nothing else.
pub fn hydrate_session(tree: &SessionRefTree) -> StageResult<Option<Session<'_>>> {
    let mut stage = Stage::begin(StageName::Hydrate, &tree.clock);
    let session = session(&tree.session, &mut stage);
    stage.end(session)
}

/// Hydrates one message with its parts.
pub fn hydrate_message<'a>(
    tree: &'a SessionRefTree,
    node: &'a MessageRefNode,
) -> StageResult<MessageHydrated<'a>> {
    let mut stage = Stage::begin(StageName::Hydrate, &tree.clock);
    let message = message_with_parts(node, &mut stage);
    stage.end(message)
}

fn session<'a>(node: &'a SessionRefNode, stage: &mut Stage) -> Option<Session<'a>> {
    let key = || node.key.clone().into();
    let session: Session<'a> = parse(node.span.as_ref()?, key, stage)?;
    stage.counts.sessions += 1;
    note_id_mismatch("id", session.id.as_ref(), &node.key.session, key, stage);
    Some(session)
}

fn message_with_parts<'a>(node: &'a MessageRefNode, stage: &mut Stage) -> MessageHydrated<'a> {
    let message = message(node, stage);
    let parts = node.parts.iter().map(|node| PartHydrated { node, part: part(node, stage) });
    MessageHydrated { node, message, parts: parts.collect() }
}

fn message<'a>(node: &'a MessageRefNode, stage: &mut Stage) -> Option<Message<'a>> {
    let key = || node.key.clone().into();
    let message: Message<'a> = parse(node.span.as_ref()?, key, stage)?;
    stage.counts.messages += 1;
    note_id_mismatch("id", message.id(), &node.key.message, key, stage);
    note_id_mismatch("sessionID", message.session_id(), &node.key.session, key, stage);
    Some(message)
}

fn item<'a>(node: &'a ItemRefNode, stage: &mut Stage) -> ItemHydrated<'a> {
    let key = || node.key.clone().into();
    let parsed = |span| parse(span, key, stage);
    let item: Option<TimelineItem<'a>> = node.span.as_ref().and_then(parsed);
    if let Some(item) = &item {
        note_id_mismatch("id", item.id(), &node.key.item, key, stage);
    }
    ItemHydrated { node, item }
}

fn part<'a>(node: &'a PartRefNode, stage: &mut Stage) -> Option<Part<'a>> {
    let key = || node.key.clone().into();
    let part: Part<'a> = parse(node.span.as_ref()?, key, stage)?;
    stage.counts.parts += 1;
    note_id_mismatch("id", part.id(), &node.key.part, key, stage);
    note_id_mismatch("messageID", part.message_id(), &node.key.message, key, stage);
    Some(part)
}

fn parse<'a, T: Parse<'a>>(
    span: &'a MappedSpan,
    key: impl Fn() -> EntityKey,
    stage: &mut Stage,
) -> Option<T> {
    stage.count_bytes(span);
    match T::parse(span) {
        Ok(parsed) => {
            parsed.issues.into_iter().for_each(|issue| stage.note(Some(key()), issue));
            Some(parsed.value)
        }
        Err(issue) => {
            stage.note(Some(key()), *issue);
            None
        }
    }
}

/// Notes where a record says another id than its place does.
fn note_id_mismatch<I: PartialEq + std::fmt::Display>(
    field: &'static str,
    recorded: Option<&I>,
    expected: &I,
    key: impl Fn() -> EntityKey,
    stage: &mut Stage,
) {
    if let Some(recorded) = recorded.filter(|recorded| *recorded != expected) {
        stage.note_kind(
            key(),
            IssueKind::IdMismatch { field, value_in_record: recorded.to_string() },
        );
    }
}
