//! Stage three: typed values that borrow from the bytes of stage two.

use scrollback_core_err::IssueKind;
use scrollback_core_id::EntityKey;
use scrollback_core_type::{Message, Parse, Part, Session, StageName, StageResult};
use scrollback_stor_mmap::MappedSpan;

use crate::stage::Stage;
use crate::tree::{MessageRefNode, PartRefNode, SessionRefNode, SessionRefTree};

/// A session with its messages and their parts, typed.
#[derive(Debug, Clone)]
pub struct SessionHydratedTree<'a> {
    /// The node it was made from.
    pub node: &'a SessionRefNode,
    /// The session; none if its record is missing or unusable, which an issue explains.
    pub session: Option<Session<'a>>,
    /// Its messages, in order.
    pub messages: Vec<MessageHydrated<'a>>,
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
    let messages = tree.messages.iter().map(|node| whole_message(node, &mut stage)).collect();
    stage.end(SessionHydratedTree { node: &tree.session, session, messages })
}

/// Hydrates the session's own record, and nothing else.
pub fn hydrate_session(tree: &SessionRefTree) -> StageResult<Option<Session<'_>>> {
    let mut stage = Stage::begin(StageName::Hydrate, &tree.clock);
    let session = session(&tree.session, &mut stage);
    stage.end(session)
}

/// Hydrates the messages' own records, without their parts.
pub fn hydrate_messages(tree: &SessionRefTree) -> StageResult<Vec<MessageHydrated<'_>>> {
    let mut stage = Stage::begin(StageName::Hydrate, &tree.clock);
    let own =
        |node| MessageHydrated { node, message: message(node, &mut stage), parts: Vec::new() };
    let messages = tree.messages.iter().map(own).collect();
    stage.end(messages)
}

/// Hydrates one message with its parts.
pub fn hydrate_message<'a>(
    tree: &'a SessionRefTree,
    node: &'a MessageRefNode,
) -> StageResult<MessageHydrated<'a>> {
    let mut stage = Stage::begin(StageName::Hydrate, &tree.clock);
    let message = whole_message(node, &mut stage);
    stage.end(message)
}

fn session<'a>(node: &'a SessionRefNode, stage: &mut Stage) -> Option<Session<'a>> {
    let key = || node.key.clone().into();
    let session: Session<'a> = parse(node.span.as_ref()?, key, stage)?;
    stage.counts.sessions += 1;
    agree("id", session.id.as_ref(), &node.key.session, key, stage);
    Some(session)
}

fn whole_message<'a>(node: &'a MessageRefNode, stage: &mut Stage) -> MessageHydrated<'a> {
    let message = message(node, stage);
    let parts = node.parts.iter().map(|node| PartHydrated { node, part: part(node, stage) });
    MessageHydrated { node, message, parts: parts.collect() }
}

fn message<'a>(node: &'a MessageRefNode, stage: &mut Stage) -> Option<Message<'a>> {
    let key = || node.key.clone().into();
    let message: Message<'a> = parse(node.span.as_ref()?, key, stage)?;
    stage.counts.messages += 1;
    agree("id", message.id(), &node.key.message, key, stage);
    agree("sessionID", message.session_id(), &node.key.session, key, stage);
    Some(message)
}

fn part<'a>(node: &'a PartRefNode, stage: &mut Stage) -> Option<Part<'a>> {
    let key = || node.key.clone().into();
    let part: Part<'a> = parse(node.span.as_ref()?, key, stage)?;
    stage.counts.parts += 1;
    agree("id", part.id(), &node.key.part, key, stage);
    agree("messageID", part.message_id(), &node.key.message, key, stage);
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
fn agree<I: PartialEq + std::fmt::Display>(
    field: &'static str,
    says: Option<&I>,
    place: &I,
    key: impl Fn() -> EntityKey,
    stage: &mut Stage,
) {
    if let Some(says) = says.filter(|says| *says != place) {
        stage.note_kind(key(), IssueKind::IdMismatch { field, found: says.to_string() });
    }
}
