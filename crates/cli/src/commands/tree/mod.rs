//! `tree`: what a session is made of, with sizes; subagents are nested under the call that started
//! them.

mod lines;

use std::collections::HashSet;

use scrollback::{Root, Store};
use scrollback_core_id::{SessionId, SessionKey};
use scrollback_core_type::{Cost, Message, Part, StageIssue, TokenCounts};
use scrollback_flow::{
    MessageHydrated, PartHydrated, SessionHydratedTree, Timed, run_session_tree_flow,
};
use scrollback_index::SessionMeta;
use scrollback_stor_mmap::MappedSpan;
use serde::Serialize;

use super::fields;
use crate::args::Global;
use crate::failure::Result;
use crate::out::Out;
use crate::pick;
use crate::show::{kind, said, speaker, status_name};

pub(super) use self::lines::print;

/// Subagents of subagents are followed this far.
const MOST_LEVELS: usize = 16;

#[derive(Serialize)]
pub(super) struct Session {
    #[serde(flatten)]
    pub(super) record: fields::Session,
    /// Bytes of the session's own record, its messages and parts, without subagents.
    bytes: u64,
    /// Its own tokens, without those of subagents.
    tokens: fields::Tokens,
    /// Its own cost in US dollars.
    cost: Cost,
    messages: Vec<MessageNode>,
    /// What happened between messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<ItemNode>,
    /// Sessions that name this one as their parent and that no part names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Session>,
    /// How many subagents there are below that are nested too deep to be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    deeper: Option<usize>,
}

#[derive(Serialize)]
struct MessageNode {
    id: String,
    role: String,
    /// The type of its row in 2.x, where neither the user nor the model wrote it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Who speaks, in words.
    #[serde(skip)]
    speaker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<i64>,
    /// Whether a fork copied it. What it used was used where it was copied from, and is not here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    copied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<fields::Tokens>,
    /// All tokens, for people: as the record says, else the sum.
    #[serde(skip)]
    total: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    /// Whether its record could not be parsed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    damaged: bool,
    /// Bytes of the message's own record.
    bytes: u64,
    parts: Vec<PartNode>,
}

#[derive(Serialize)]
struct ItemNode {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<i64>,
    bytes: u64,
    /// In words.
    #[serde(skip)]
    said: String,
    /// How many messages come before it.
    #[serde(rename = "messagesBefore")]
    before: usize,
}

#[derive(Serialize)]
struct PartNode {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    bytes: u64,
    /// The session of the subagent that this call started.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Box<Session>>,
}

pub(crate) fn run(global: &Global, session: &str, store: &Store, out: &mut Out) -> Result<()> {
    let session = pick::session(store, session)?;
    let (tree, issues) = Builder::new(session.root(), global.json).build(session.key())?;
    if global.json {
        out.json(&tree)?;
    } else {
        print(out, &tree)?;
    }
    super::issues::report(out, &issues)
}

/// How many subagents the calls of a session name.
pub(super) fn subagent_count(tree: &SessionHydratedTree<'_>) -> usize {
    named_subagents(&tree.messages).len()
}

/// Reads the tree of one session of a root that nobody writes to, and says what was wrong.
pub(super) fn build(root: &Root, key: &SessionKey) -> Result<(Session, Vec<StageIssue>)> {
    Builder::new(root, false).build(key)
}

struct Builder<'s> {
    root: &'s Root,
    /// Whether the index is compared with the record of each session, whose fields are then printed.
    verifies: bool,
    /// Sessions that are in the tree; hostile data may name each other.
    seen: HashSet<SessionId>,
    issues: Vec<StageIssue>,
}

impl<'s> Builder<'s> {
    fn new(root: &'s Root, verifies: bool) -> Self {
        Self { root, verifies, seen: HashSet::new(), issues: Vec::new() }
    }

    fn build(mut self, key: &SessionKey) -> Result<(Session, Vec<StageIssue>)> {
        let tree = self.session(key, 0)?;
        Ok((tree, self.issues))
    }

    fn session(&mut self, key: &SessionKey, level: usize) -> Result<Session> {
        self.seen.insert(key.session.clone());
        if self.verifies {
            self.root.verify(std::slice::from_ref(key))?;
        }
        let view = self.root.view()?;
        let ran = run_session_tree_flow(&**self.root.source(), key, |tree| {
            let messages: Vec<MessageNode> = tree.messages.iter().map(message_node).collect();
            let items = item_nodes(tree);
            let usage = tree.usage();
            let session = Session {
                record: self.record(view.session(&key.session).as_deref(), tree),
                bytes: size(tree.node.span.as_ref())
                    + messages.iter().map(MessageNode::total).sum::<u64>()
                    + items.iter().map(|item| item.bytes).sum::<u64>(),
                tokens: usage.tokens.into(),
                cost: usage.cost,
                messages,
                items,
                children: Vec::new(),
                deeper: None,
            };
            (session, named_subagents(&tree.messages))
        })?;
        let (mut session, named) = ran.value;
        self.issues.extend(ran.report.issues);
        let children = view.children(&key.session).into_iter().rev();
        let children: Vec<SessionKey> = children.map(|child| child.key.clone()).collect();
        if level == MOST_LEVELS {
            let named = named.into_iter().map(|(_, _, child)| child);
            let below: HashSet<SessionId> =
                named.chain(children.into_iter().map(|child| child.session)).collect();
            session.deeper = Some(below.difference(&self.seen).count()).filter(|count| *count > 0);
            return Ok(session);
        }
        for (message, part, child) in named {
            let nested = self.nested(&child.into(), level)?;
            session.messages[message].parts[part].session = nested.map(Box::new);
        }
        for child in children {
            session.children.extend(self.nested(&child, level)?);
        }
        Ok(session)
    }

    /// The fields of the session's record. The index may not have it, and may have an older title.
    fn record(
        &self,
        known: Option<&SessionMeta>,
        tree: &SessionHydratedTree<'_>,
    ) -> fields::Session {
        let mut meta = known.cloned().unwrap_or_else(|| SessionMeta {
            provenance: tree.node.provenance.clone(),
            ..SessionMeta::new(tree.node.key.clone())
        });
        let title = tree.session.as_ref().and_then(|session| session.title.as_ref());
        meta.title = title.map(|title| title.get().into());
        fields::Session::new(&meta, self.root.store_of(&meta))
    }

    /// A session within another one, unless it is in the tree already or not in the store.
    fn nested(&mut self, key: &SessionKey, level: usize) -> Result<Option<Session>> {
        if self.seen.contains(&key.session) {
            return Ok(None);
        }
        match self.session(key, level + 1) {
            Ok(session) => Ok(Some(session)),
            Err(failure) if failure.kind == crate::failure::Kind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// The subagents that calls name: the message, the part, and the session.
fn named_subagents(messages: &[MessageHydrated<'_>]) -> Vec<(usize, usize, SessionId)> {
    let mut named = Vec::new();
    for (at_message, message) in messages.iter().enumerate() {
        for (at_part, part) in message.parts.iter().enumerate() {
            if let Some(Part::Tool(call)) = &part.part
                && let Some(child) = call.state.as_ref().and_then(|state| state.subagent())
            {
                named.push((at_message, at_part, child));
            }
        }
    }
    named
}

fn message_node(message: &MessageHydrated<'_>) -> MessageNode {
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
    let spent = answer.filter(|_| !copied);
    let tokens = spent.and_then(|answer| answer.tokens.as_ref());
    let counts = tokens.map(TokenCounts::from);
    let parts = message.parts.iter().map(part_node).collect();
    MessageNode {
        id: message.node.key.message.to_string(),
        role,
        kind: kind(message),
        speaker: speaker(message),
        agent: agent.map(|text| text.get().into_owned()),
        provider: provider.map(|text| text.get().into_owned()),
        model: model.map(|text| text.get().into_owned()),
        created: message.message.as_ref().and_then(Message::created),
        copied,
        tokens: counts.map(fields::Tokens::from),
        total: tokens.and_then(|tokens| tokens.total).or(counts.map(|counts| counts.total())),
        cost: spent.and_then(|answer| answer.cost).map(Cost::from),
        damaged: message.message.is_none(),
        bytes: size(message.node.span.as_ref()),
        parts,
    }
}

fn item_nodes(tree: &SessionHydratedTree<'_>) -> Vec<ItemNode> {
    let (mut before, mut nodes) = (0, Vec::new());
    for timed in tree.timeline() {
        let Timed::Item(item) = timed else {
            before += 1;
            continue;
        };
        let known = item.item.as_ref();
        nodes.push(ItemNode {
            id: item.node.key.item.to_string(),
            kind: known.map_or_else(|| "unusable".into(), |item| item.kind().into_owned()),
            created: known.and_then(|item| item.created()),
            bytes: size(item.node.span.as_ref()),
            said: known.map_or_else(|| "(unusable item record)".into(), said),
            before,
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
        bytes: size(part.node.span.as_ref()),
        session: None,
    }
}

fn size(span: Option<&MappedSpan>) -> u64 {
    span.map_or(0, |span| span.len() as u64)
}

impl MessageNode {
    fn total(&self) -> u64 {
        self.bytes + self.parts.iter().map(|part| part.bytes).sum::<u64>()
    }
}
