//! Stage one: which entities there are, and in which order.

use std::ops::ControlFlow;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageKey, OrderKey, PartKey, ProjectId, Scope, SessionKey};
use scrollback_core_type::{StageName, StageResult};
use scrollback_source::{Entry, Error, Reader, Result, ScanItem};

use crate::stage::Stage;
use crate::tree::{ItemRefNode, MessageRefNode, PartRefNode, SessionRefNode, SessionRefTree};

/// How much of a tree the plan reads. What it reads is kept for the next stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadAhead {
    /// What the order needs: the session and its messages. Parts are names.
    #[default]
    Names,
    /// Everything, in the store's fastest way; the next stage then reads nothing.
    Everything,
}

/// The entities of one session, in order. What it lists may be cut down before it is resolved.
#[derive(Debug, Clone)]
pub struct SessionTreePlan {
    pub(crate) tree: SessionRefTree,
}

impl SessionTreePlan {
    /// The session.
    pub fn session(&self) -> &SessionKey {
        &self.tree.session.key
    }

    /// The messages, in order.
    pub fn messages(&self) -> impl Iterator<Item = &MessageKey> {
        self.tree.messages.iter().map(|node| &node.key)
    }

    /// The parts of all messages, in order.
    pub fn parts(&self) -> impl Iterator<Item = &PartKey> {
        self.tree.messages.iter().flat_map(|node| node.parts.iter().map(|part| &part.key))
    }

    /// Leaves out the messages that `keep` says no to, with their parts.
    pub fn retain_messages(&mut self, mut keep: impl FnMut(&MessageKey) -> bool) {
        self.tree.messages.retain(|node| keep(&node.key));
    }

    /// Leaves out the parts that `keep` says no to.
    pub fn retain_parts(&mut self, mut keep: impl FnMut(&PartKey) -> bool) {
        for message in &mut self.tree.messages {
            message.parts.retain(|node| keep(&node.key));
        }
    }
}

/// Plans one session: its messages and parts, as keys in order.
///
/// # Errors
/// [`Error::NotFound`] if the store has neither the session nor messages of it.
pub fn plan_session_tree(
    reader: &mut dyn Reader,
    session: &SessionKey,
    read_ahead: ReadAhead,
) -> Result<StageResult<SessionTreePlan>> {
    let mut stage = Stage::begin(StageName::Plan, reader.clock());
    let mut tree = SessionRefTree {
        session: SessionRefNode::missing(session.clone()),
        messages: Vec::new(),
        items: Vec::new(),
        clock: reader.clock().clone(),
    };
    let mut builder = TreeBuilder { tree: &mut tree, stage: &mut stage };
    match read_ahead {
        ReadAhead::Everything => reader.tree(session, &mut |item| builder.accept(item))?,
        ReadAhead::Names => {
            let key = session.clone().into();
            reader.spans(&[key], &mut |item| builder.accept(item))?;
            reader.scan(&Scope::Messages(session.clone()), &mut |item| builder.accept(item))?;
            for at in 0..builder.tree.messages.len() {
                let scope = Scope::Parts(builder.tree.messages[at].key.clone());
                reader.scan(&scope, &mut |item| builder.accept_in_message(at, item))?;
            }
            let items = Scope::Items(session.clone());
            reader.scan(&items, &mut |item| builder.accept(item))?;
        }
    }
    if tree.session.span.is_none() && tree.messages.is_empty() && tree.items.is_empty() {
        return Err(Error::NotFound(session.clone().into()));
    }
    count_and_note_gaps(&tree, &mut stage);
    Ok(stage.end(SessionTreePlan { tree }))
}

/// Puts what a reader hands out into the tree.
struct TreeBuilder<'t> {
    tree: &'t mut SessionRefTree,
    stage: &'t mut Stage,
}

impl TreeBuilder<'_> {
    /// A session, a message, an item, or a part of the message handed out last.
    fn accept(&mut self, item: ScanItem) -> ControlFlow<()> {
        let last = self.tree.messages.len().wrapping_sub(1);
        self.accept_in_message(last, item)
    }

    fn accept_in_message(&mut self, message: usize, item: ScanItem) -> ControlFlow<()> {
        match item {
            ScanItem::Set(_) => {}
            ScanItem::Issue(key, issue) => self.stage.note(key, issue),
            ScanItem::Entry(Entry { key, order, span, project, is_copy, provenance, .. }) => {
                match key {
                    EntityKey::Session(key) => {
                        self.tree.session = SessionRefNode { key, span, project, provenance };
                    }
                    EntityKey::Item(key) => self.tree.items.push(ItemRefNode { key, order, span }),
                    EntityKey::Message(key) => {
                        let parts = Vec::new();
                        self.tree.messages.push(MessageRefNode {
                            key,
                            order,
                            is_copy,
                            span,
                            parts,
                        });
                    }
                    EntityKey::Part(key) => {
                        if let Some(message) = self.tree.messages.get_mut(message) {
                            let order = OrderKey(message.parts.len() as i64);
                            message.parts.push(PartRefNode { key, order, span });
                        }
                    }
                    _ => {}
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Counts what was planned, and notes what is missing from it.
fn count_and_note_gaps(tree: &SessionRefTree, stage: &mut Stage) {
    stage.counts.sessions = usize::from(tree.session.span.is_some());
    stage.counts.messages = tree.messages.len();
    stage.counts.parts = tree.part_count();
    tree.spans().for_each(|span| stage.count_bytes(span));
    if tree.session.span.is_none() {
        let kind = IssueKind::OrphanMessages { count: tree.messages.len() };
        stage.note_kind(tree.session.key.clone(), kind);
    }
    for message in tree.messages.iter().filter(|node| node.parts.is_empty()) {
        stage.note_kind(message.key.clone(), IssueKind::NoParts);
    }
}

/// The sessions of a scope, newest first.
#[derive(Debug, Clone)]
pub struct SessionPlan {
    /// The sessions, each with its record's bytes.
    pub sessions: Vec<SessionRefNode>,
}

/// Plans the sessions of a store, or of one project.
///
/// # Errors
/// If the store cannot be walked.
pub fn plan_sessions(
    reader: &mut dyn Reader,
    project: Option<&ProjectId>,
) -> Result<StageResult<SessionPlan>> {
    let mut stage = Stage::begin(StageName::Plan, reader.clock());
    let scope = project.map_or(Scope::Sessions, |project| Scope::Project(project.clone()));
    let mut sessions = Vec::new();
    reader.scan(&scope, &mut |item| {
        match item {
            ScanItem::Set(_) => {}
            ScanItem::Issue(key, issue) => stage.note(key, issue),
            ScanItem::Entry(entry) => {
                let Entry { key, span, project, provenance, .. } = entry;
                if let EntityKey::Session(key) = key {
                    span.iter().for_each(|span| stage.count_bytes(span));
                    sessions.push(SessionRefNode { key, span, project, provenance });
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    stage.counts.sessions = sessions.len();
    Ok(stage.end(SessionPlan { sessions }))
}
