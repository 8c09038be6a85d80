//! Builds the tree of a session and its subagents from the records of a root.

use std::collections::HashSet;

use scrollback::Root;
use scrollback_core_id::{SessionId, SessionKey};
use scrollback_core_type::{Part, StageIssue, Usage};
use scrollback_flow::{MessageHydrated, SessionHydratedTree, run_session_tree_flow_with_view};
use scrollback_index::{SessionMeta, View};

use super::nodes::{MessageNode, Session, item_nodes, message_node, size};
use crate::commands::fields;
use crate::failure::{Kind, Result};
use crate::show::has_record;

/// How deep subagents of subagents are read.
const MAX_LEVELS: usize = 16;

/// Counts the subagents that the calls of a session name.
pub(crate) fn subagent_count(tree: &SessionHydratedTree<'_>) -> usize {
    named_subagents(&tree.messages).len()
}

/// Builds the tree of one session of a root that does not change. Also returns its issues.
pub(crate) fn build(root: &Root, key: &SessionKey) -> Result<(Session, Vec<StageIssue>)> {
    Builder::new(root, false).build(key)
}

/// The state of building a tree.
pub(super) struct Builder<'s> {
    root: &'s Root,
    /// Whether the record of each session is verified first. JSON output prints its fields.
    verify_records: bool,
    /// The sessions that are in the tree already. Damaged records can form a cycle.
    visited: HashSet<SessionId>,
    issues: Vec<StageIssue>,
}

impl<'s> Builder<'s> {
    pub(super) fn new(root: &'s Root, verify_records: bool) -> Self {
        Self { root, verify_records, visited: HashSet::new(), issues: Vec::new() }
    }

    pub(super) fn build(mut self, key: &SessionKey) -> Result<(Session, Vec<StageIssue>)> {
        let tree = self.session(key, 0)?;
        Ok((tree, self.issues))
    }

    fn session(&mut self, key: &SessionKey, level: usize) -> Result<Session> {
        self.visited.insert(key.session.clone());
        if self.verify_records {
            self.root.verify(std::slice::from_ref(key))?;
        }
        let view = self.root.view()?;
        let ran = run_session_tree_flow_with_view(&**self.root.source(), key, &view, |tree| {
            let messages: Vec<MessageNode> = tree.messages.iter().map(message_node).collect();
            let items = item_nodes(tree);
            let usage = tree.usage();
            let session = Session {
                record: self.record(view.session(&key.session).as_deref(), tree),
                is_unreadable: tree.session.is_none() && has_record(tree),
                bytes: size(tree.node.span.as_ref())
                    + messages.iter().map(MessageNode::total).sum::<u64>()
                    + items.iter().map(|item| item.bytes).sum::<u64>(),
                tokens: usage.tokens.into(),
                cost: usage.cost,
                with_subagents: None,
                sum: (0, usage),
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
        // At the limit, only count the subagents below. Damaged records could nest without end.
        if level == MAX_LEVELS {
            let named = named.into_iter().map(|(_, _, child)| child);
            let below: HashSet<SessionId> =
                named.chain(children.into_iter().map(|child| child.session)).collect();
            let below: Vec<SessionId> = below.difference(&self.visited).cloned().collect();
            session.deeper = Some(below.len()).filter(|count| *count > 0);
            let deeper = self.not_printed(&view, below);
            let own = session.sum.1;
            session.add_up(own, &deeper);
            return Ok(session);
        }
        // A subagent belongs below the call that names it. Only the rest is listed as `children`.
        for (message, part, child) in named {
            let nested = self.nested(&child.into(), level)?;
            session.messages[message].parts[part].session = nested.map(Box::new);
        }
        for child in children {
            session.children.extend(self.nested(&child, level)?);
        }
        let own = session.sum.1;
        session.add_up(own, &[]);
        Ok(session)
    }

    /// Returns the usage of sessions that are nested too deep, and of all sessions below them, from the
    /// index.
    fn not_printed(&mut self, view: &View, mut open: Vec<SessionId>) -> Vec<Usage> {
        let mut usages = Vec::new();
        while let Some(id) = open.pop() {
            if self.visited.insert(id.clone()) {
                usages.push(view.usage(&id));
                open.extend(view.children(&id).iter().map(|child| child.key.session.clone()));
            }
        }
        usages
    }

    /// Returns the fields of the session's record. The title is from the record that was read now: the
    /// index may lack the session or have an older title. If the record cannot be read, the title is the
    /// last known one.
    fn record(
        &self,
        known: Option<&SessionMeta>,
        tree: &SessionHydratedTree<'_>,
    ) -> fields::Session {
        let mut meta = known.cloned().unwrap_or_else(|| SessionMeta {
            provenance: tree.node.provenance.clone(),
            ..SessionMeta::new(tree.node.key.clone())
        });
        if let Some(session) = &tree.session {
            meta.title = session.title.as_ref().map(|title| title.get().into());
        }
        fields::Session::new(&meta, self.root.store_of(&meta))
    }

    /// Reads a nested session; `None` if it is in the tree already or not in the store.
    fn nested(&mut self, key: &SessionKey, level: usize) -> Result<Option<Session>> {
        if self.visited.contains(&key.session) {
            return Ok(None);
        }
        match self.session(key, level + 1) {
            Ok(session) => Ok(Some(session)),
            Err(failure) if failure.kind == Kind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// Returns the subagents that calls name: position of the message, position of the part, session.
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
