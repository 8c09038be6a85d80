//! The nodes of a tree, as JSON prints them. `docs/json.md` documents the fields.

use scrollback_core_type::{CommandFailure, Cost, Message, Part, TokenCounts, Usage};
use scrollback_flow::{MessageHydrated, PartHydrated, SessionHydratedTree, TimelineEntry};
use scrollback_stor_mmap::MappedSpan;
use serde::Serialize;

use crate::commands::fields;
use crate::show::{describe_item, message_ids, row_kind, speaker, status_name};

/// A session of the tree, with its messages and subagents.
#[derive(Serialize)]
pub(crate) struct Session {
    #[serde(flatten)]
    pub(crate) record: fields::Session,
    /// Whether the record exists and cannot be read, for the printed tree.
    #[serde(skip)]
    pub(super) is_unreadable: bool,
    /// The size of the records of the session, its messages, parts and items, without subagents.
    pub(super) bytes: u64,
    /// The tokens of the session, without subagents.
    pub(super) tokens: fields::Tokens,
    /// The cost of the session in US dollars, without subagents.
    pub(super) cost: Cost,
    /// The sums over the session and its subagents.
    #[serde(rename = "withSubagents", skip_serializing_if = "Option::is_none")]
    pub(super) with_subagents: Option<fields::WithSubagents>,
    /// The number of sessions below, and the usage of the session and of them.
    #[serde(skip)]
    pub(super) sum: (usize, Usage),
    pub(super) messages: Vec<MessageNode>,
    /// The items between messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) items: Vec<ItemNode>,
    /// Subagents that name this session as their parent, but that no part names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) children: Vec<Session>,
    /// The number of subagents below that are nested too deep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deeper: Option<usize>,
}

/// A message of the tree.
#[derive(Serialize)]
pub(super) struct MessageNode {
    pub(super) id: String,
    /// The message that it answers, for the order of the printed tree.
    #[serde(skip)]
    pub(super) question: Option<String>,
    pub(super) role: String,
    /// The type of the row in 2.x, if neither the user nor the model wrote the message.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// The speaker, for the printed tree.
    #[serde(skip)]
    pub(super) speaker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<i64>,
    /// Whether a fork copied the message. The source of the copy has the tokens and the cost.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) copied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tokens: Option<fields::Tokens>,
    /// All tokens, for the printed tree: the total of the record, otherwise the sum.
    #[serde(skip)]
    pub(super) total: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<Cost>,
    /// Whether the record could not be parsed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) damaged: bool,
    /// The size of the message's own record, in bytes.
    pub(super) bytes: u64,
    pub(super) parts: Vec<PartNode>,
}

/// An item of the tree.
#[derive(Serialize)]
pub(super) struct ItemNode {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<i64>,
    pub(super) bytes: u64,
    /// The description, for the printed tree.
    #[serde(skip)]
    pub(super) description: String,
    /// The number of messages before the item.
    #[serde(rename = "messagesBefore")]
    pub(super) messages_before: usize,
}

/// A part of the tree.
#[derive(Serialize)]
pub(super) struct PartNode {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
    /// How the command of the call failed, for the printed tree.
    #[serde(skip)]
    pub(super) failure: Option<CommandFailure>,
    pub(super) bytes: u64,
    /// The session of the subagent that this call started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<Box<Session>>,
}

pub(super) fn message_node(message: &MessageHydrated<'_>) -> MessageNode {
    let answer = match &message.message {
        Some(Message::Assistant(answer)) => Some(answer),
        _ => None,
    };
    let (role, agent, provider, model) = match &message.message {
        Some(Message::User(user)) => {
            let model = user.model.as_ref();
            let provider = model.and_then(|model| model.provider_id.as_ref());
            let model = model.and_then(|model| model.model_id.as_ref());
            ("user".into(), user.agent.as_ref(), provider, model)
        }
        Some(Message::Assistant(answer)) => (
            "assistant".into(),
            answer.agent.as_ref().or(answer.mode.as_ref()),
            answer.provider_id.as_ref(),
            answer.model_id.as_ref(),
        ),
        Some(Message::Unknown(unknown)) => (
            unknown.role.as_ref().map_or_else(|| "unknown".into(), |role| role.get().into_owned()),
            None,
            None,
            None,
        ),
        None => ("unknown".into(), None, None, None),
    };
    let copied = message.is_copy();
    let billed = answer.filter(|_| !copied);
    let tokens = billed.and_then(|answer| answer.tokens.as_ref());
    let counts = tokens.map(TokenCounts::from);
    let parts = message.parts.iter().map(part_node).collect();
    MessageNode {
        id: message.node.key.message.to_string(),
        question: message_ids(message).1.map(ToString::to_string),
        role,
        kind: row_kind(message),
        speaker: speaker(message),
        agent: agent.map(|text| text.get().into_owned()),
        provider: provider.map(|text| text.get().into_owned()),
        model: model.map(|text| text.get().into_owned()),
        created: message.message.as_ref().and_then(Message::created),
        copied,
        tokens: counts.map(fields::Tokens::from),
        total: tokens.and_then(|tokens| tokens.total).or(counts.map(|counts| counts.total())),
        cost: billed.and_then(|answer| answer.cost).map(Cost::from),
        damaged: message.message.is_none(),
        bytes: size(message.node.span.as_ref()),
        parts,
    }
}

pub(super) fn item_nodes(tree: &SessionHydratedTree<'_>) -> Vec<ItemNode> {
    let (mut messages_before, mut nodes) = (0, Vec::new());
    for entry in tree.timeline() {
        let TimelineEntry::Item(item) = entry else {
            messages_before += 1;
            continue;
        };
        let typed = item.item.as_ref();
        nodes.push(ItemNode {
            id: item.node.key.item.to_string(),
            kind: typed.map_or_else(|| "unusable".into(), |item| item.kind().into_owned()),
            created: typed.and_then(|item| item.created()),
            bytes: size(item.node.span.as_ref()),
            description: typed.map_or_else(|| "(unusable item record)".into(), describe_item),
            messages_before,
        });
    }
    nodes
}

fn part_node(part: &PartHydrated<'_>) -> PartNode {
    let call = match &part.part {
        Some(Part::Tool(call)) => Some(call),
        _ => None,
    };
    let kind = match &part.part {
        Some(Part::Unknown(unknown)) => {
            unknown.kind.as_ref().map_or_else(|| "unknown".into(), |kind| kind.get().into_owned())
        }
        Some(part) => part.kind().name().to_owned(),
        None => "unusable".to_owned(),
    };
    PartNode {
        id: part.node.key.part.to_string(),
        kind,
        tool: call.and_then(|call| call.tool.as_ref()).map(|tool| tool.get().into_owned()),
        status: call.and_then(|call| call.state.as_ref()).map(|state| status_name(state.status())),
        failure: call.and_then(|call| call.state.as_ref()?.command_failure()),
        bytes: size(part.node.span.as_ref()),
        session: None,
    }
}

pub(super) fn size(span: Option<&MappedSpan>) -> u64 {
    span.map_or(0, |span| span.len() as u64)
}

impl Session {
    /// Adds up the usage of the session and of the subagents in the tree. `deeper` is the usage of those
    /// that are nested too deep.
    pub(super) fn add_up(&mut self, own: Usage, deeper: &[Usage]) {
        let mut usage = own;
        deeper.iter().for_each(|it| usage += *it);
        let mut count = deeper.len();
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        let called = parts.filter_map(|part| part.session.as_deref());
        for child in called.chain(&self.children) {
            count += child.sum.0 + 1;
            usage += child.sum.1;
        }
        self.sum = (count, usage);
        self.with_subagents = fields::WithSubagents::new(count, &usage);
    }
}

impl MessageNode {
    /// Returns the size of the message and its parts, in bytes.
    pub(super) fn total(&self) -> u64 {
        self.bytes + self.parts.iter().map(|part| part.bytes).sum::<u64>()
    }
}
