//! Stage 3 of a flow: parses typed values that borrow from the spans of stage 2.

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageKey, PartKey, SessionId};
use scrollback_core_type::{
    Cost, Message, Parse, Part, RecordedTotals, Session, StageName, StageResult, StepTotals,
    TimelineItem, TokenCounts, Usage, UsageSum,
};
use scrollback_stor_mmap::MappedSpan;

use crate::impossible_numbers::note_impossible_numbers;
use crate::stage::Stage;
use crate::tree::{ItemRefNode, MessageRefNode, PartRefNode, SessionRefNode, SessionRefTree};

/// A session with its messages, parts and items as typed values. [`hydrate_session_tree`] makes it.
#[derive(Debug, Clone)]
pub struct SessionHydratedTree<'a> {
    /// The node of the session: its key, bytes, project and provenance.
    pub node: &'a SessionRefNode,
    /// The session; `None` if its record is missing or unusable, which an issue explains.
    pub session: Option<Session<'a>>,
    /// The messages, in order.
    pub messages: Vec<MessageHydrated<'a>>,
    /// The items (timeline entries that are not messages), in order.
    pub items: Vec<ItemHydrated<'a>>,
}

/// An item: a timeline entry that is not a message, as a typed value.
#[derive(Debug, Clone)]
pub struct ItemHydrated<'a> {
    /// The node of the item: its key, order and bytes.
    pub node: &'a ItemRefNode,
    /// The item; `None` if its record is unusable, which an issue explains.
    pub item: Option<TimelineItem<'a>>,
}

/// An entry of a session's timeline. [`SessionHydratedTree::timeline`] returns them.
#[derive(Debug, Clone, Copy)]
pub enum TimelineEntry<'t, 'a> {
    /// A message.
    Message(&'t MessageHydrated<'a>),
    /// An item, which happened between messages.
    Item(&'t ItemHydrated<'a>),
}

impl<'a> SessionHydratedTree<'a> {
    /// Returns the messages and items of the session in one sequence, in order.
    pub fn timeline(&self) -> impl Iterator<Item = TimelineEntry<'_, 'a>> {
        let (mut messages, mut items) =
            (self.messages.iter().peekable(), self.items.iter().peekable());
        std::iter::from_fn(move || {
            // An item goes first only if its order is lower: at the same order, the message wins.
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

    /// Returns the usage of the session, without its subagents.
    ///
    /// The totals of the session's record are used if they cover the whole session
    /// ([`Usage::or_recorded_totals`]), else the sum over the messages.
    pub fn usage(&self) -> Usage {
        let mut sum = UsageSum::default();
        self.messages.iter().for_each(|message| sum.add(&message.usage()));
        let record = self.session.as_ref().filter(|_| self.node.provenance.has_complete_totals());
        let mut totals = record.and_then(RecordedTotals::of_session);
        let copies = self.messages.iter().filter(|message| message.node.is_recorded_copy);
        for copied in copies.map(MessageHydrated::recorded_steps) {
            totals = totals.map(|totals| totals.without_copy(&copied));
        }
        sum.usage().or_recorded_totals(totals)
    }
}

/// A message with its parts as typed values.
#[derive(Debug, Clone)]
pub struct MessageHydrated<'a> {
    /// The node of the message: its key, order and bytes.
    pub node: &'a MessageRefNode,
    /// The message; `None` if its record is unusable, which an issue explains.
    pub message: Option<Message<'a>>,
    /// The parts, in order.
    pub parts: Vec<PartHydrated<'a>>,
}

impl MessageHydrated<'_> {
    /// Checks whether the message is a copy of a message of another session, made by a fork. Its
    /// usage counts in that other session.
    pub fn is_copy(&self) -> bool {
        self.node.is_copy
    }

    /// Returns the usage of the message. An unusable record counts as one message without usage.
    pub fn usage(&self) -> Usage {
        let unusable = Usage { messages: 1, ..Usage::default() };
        let steps = self.steps();
        let usage = |message: &Message<'_>| message.usage(self.is_copy(), steps.as_ref());
        self.message.as_ref().map_or(unusable, usage)
    }

    /// Returns what the message adds to the totals in its session's record.
    fn recorded_steps(&self) -> StepTotals {
        let own = || {
            let own = self.message.as_ref().map(|message| message.usage(false, None));
            let Usage { tokens, cost, .. } = own.unwrap_or_default();
            StepTotals { tokens, cost }
        };
        self.steps().unwrap_or_else(own)
    }

    /// Returns the sum of the steps of an answer; `None` if no part ends a step.
    fn steps(&self) -> Option<StepTotals> {
        let mut steps: Option<StepTotals> = None;
        for part in &self.parts {
            if let Some(Part::StepFinish(step)) = &part.part {
                steps.get_or_insert_default().add((&**step).into());
            }
        }
        steps
    }
}

/// A part as a typed value.
#[derive(Debug, Clone)]
pub struct PartHydrated<'a> {
    /// The node of the part: its key, order and bytes.
    pub node: &'a PartRefNode,
    /// The part; `None` if its record is unusable, which an issue explains.
    pub part: Option<Part<'a>>,
}

impl SessionRefTree {
    /// Hydrates the whole tree, as [`hydrate_session_tree`] does.
    pub fn hydrate(&self) -> StageResult<SessionHydratedTree<'_>> {
        hydrate_session_tree(self)
    }
}

/// Hydrates the whole tree: the session, its messages with all parts, and its items.
///
/// The values borrow from the spans of `tree`. An unusable record is an issue of the report, and
/// its value is `None`.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{ReadAhead, hydrate_session_tree, plan_session_tree, resolve_session_tree};
/// use scrollback_source::Source;
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let session = SessionId::new("ses_e04998c6fffeeSXWud0kqAoVtL")?.into();
/// let mut reader = store.open()?;
/// let plan = plan_session_tree(&mut *reader, &session, ReadAhead::Everything)?.value;
/// let tree = resolve_session_tree(&mut *reader, plan)?.value;
///
/// let hydrated = hydrate_session_tree(&tree);
/// assert!(hydrated.report.issues.is_empty());
/// assert_eq!(hydrated.value.session.unwrap().title.unwrap(), "Rust greeting");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn hydrate_session_tree(tree: &SessionRefTree) -> StageResult<SessionHydratedTree<'_>> {
    let mut stage = Stage::begin(StageName::Hydrate, &tree.clock);
    let session = session(&tree.session, &mut stage);
    let messages = tree.messages.iter().map(|node| message_with_parts(node, &mut stage)).collect();
    let items = tree.items.iter().map(|node| item(node, &mut stage)).collect();
    stage.end(SessionHydratedTree { node: &tree.session, session, messages, items })
}

/// Hydrates the record of the session, without its messages.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{SessionLoader, hydrate_session};
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let session = SessionId::new("ses_e04998c6fffeeSXWud0kqAoVtL")?.into();
/// let loaded = SessionLoader::new(&store).load_session_tree(&session)?;
/// let record = hydrate_session(&loaded.tree).value.unwrap();
/// assert_eq!(record.title.unwrap(), "Rust greeting");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn hydrate_session(tree: &SessionRefTree) -> StageResult<Option<Session<'_>>> {
    let mut stage = Stage::begin(StageName::Hydrate, &tree.clock);
    let session = session(&tree.session, &mut stage);
    stage.end(session)
}

/// Hydrates one message with its parts.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{SessionLoader, hydrate_message};
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let session = SessionId::new("ses_e04998c6fffeeSXWud0kqAoVtL")?.into();
/// let tree = SessionLoader::new(&store).load_session_tree(&session)?.tree;
/// let first = hydrate_message(&tree, &tree.messages[0]).value;
/// assert_eq!(first.parts.len(), tree.messages[0].parts.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    let mut session: Session<'a> = parse(node.span.as_ref()?, key, stage)?;
    stage.counts.sessions += 1;
    if note_id_mismatch("id", session.id.as_ref(), &node.key.session, key, stage) {
        session.id = Some(node.key.session.clone());
    }
    Some(session)
}

fn message_with_parts<'a>(node: &'a MessageRefNode, stage: &mut Stage) -> MessageHydrated<'a> {
    let message = message(node, stage);
    let parts = node.parts.iter().map(|part_node| PartHydrated {
        node: part_node,
        part: part(part_node, &node.key.session, stage),
    });
    MessageHydrated { node, message, parts: parts.collect() }
}

fn message<'a>(node: &'a MessageRefNode, stage: &mut Stage) -> Option<Message<'a>> {
    let key = || node.key.clone().into();
    let mut message: Message<'a> = parse(node.span.as_ref()?, key, stage)?;
    stage.counts.messages += 1;
    let MessageKey { session, message: id } = &node.key;
    if note_id_mismatch("id", message.id(), id, key, stage)
        | note_id_mismatch("sessionID", message.session_id(), session, key, stage)
    {
        message.replace_ids(id, session);
    }
    if let Message::Assistant(answer) = &message {
        let (tokens, cost) = (answer.tokens.as_ref().map(TokenCounts::from), answer.cost);
        let mut issues = Vec::new();
        note_impossible_numbers(tokens.as_ref(), cost.map(Cost::from), &mut issues);
        issues.into_iter().for_each(|issue| stage.note(Some(key()), issue));
    }
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

fn part<'a>(node: &'a PartRefNode, session: &SessionId, stage: &mut Stage) -> Option<Part<'a>> {
    let key = || node.key.clone().into();
    let mut part: Part<'a> = parse(node.span.as_ref()?, key, stage)?;
    stage.counts.parts += 1;
    let PartKey { message, part: id } = &node.key;
    if note_id_mismatch("id", part.id(), id, key, stage)
        | note_id_mismatch("messageID", part.message_id(), message, key, stage)
        | note_id_mismatch("sessionID", part.session_id(), session, key, stage)
    {
        part.replace_ids(id, message, session);
    }
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

/// Notes an issue if an id in a record differs from the id in its key. Returns whether it does.
/// The place of a record decides: opencode finds a record by its place alone.
fn note_id_mismatch<I: PartialEq + std::fmt::Display>(
    field: &'static str,
    recorded: Option<&I>,
    expected: &I,
    key: impl Fn() -> EntityKey,
    stage: &mut Stage,
) -> bool {
    let Some(recorded) = recorded.filter(|recorded| *recorded != expected) else { return false };
    stage.note_kind(key(), IssueKind::IdMismatch { field, value_in_record: recorded.to_string() });
    true
}
