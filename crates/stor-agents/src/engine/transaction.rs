//! A read transaction of a store, with a cache of the session that was read last.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{Clock, EntityKey, ItemKey, MessageKey, SessionKey, Stamp};
use scrollback_stor_mmap::Settled;

use super::dialect::Dialect;
use super::draft::Origin;
use super::ids::{item_slot, message_slot, owner, parse_message_id};
use super::nodes::{EntryNode, MessageNode, Node};
use super::opened::Opened;
use super::queue::Draft;
use super::raw::Originals;
use super::session::{self, SessionTree};
use super::store::Store;
use super::survey::Surveyed;
use super::walk;

type Result<T> = std::result::Result<T, IssueKind>;

/// A read transaction.
pub(crate) struct Transaction<'s, D> {
    pub(super) store: Store<'s, D>,
    pub(super) clock: &'s Arc<dyn Clock>,
    /// The session that was read last. Most calls concern the same session as the call before.
    last: Option<(SessionKey, Rc<SessionTree>)>,
}

impl<'s, D: Dialect> Transaction<'s, D> {
    pub(super) fn new(store: Store<'s, D>, clock: &'s Arc<dyn Clock>) -> Self {
        Self { store, clock, last: None }
    }

    /// Returns the session as it is now.
    pub(super) fn tree_of(&mut self, session: &SessionKey) -> Result<Rc<SessionTree>> {
        if let Some(tree) = self.cached(session)? {
            return Ok(tree);
        }
        let tree = Rc::new(session::read(&self.store, session)?);
        self.last = Some((session.clone(), Rc::clone(&tree)));
        Ok(tree)
    }

    /// Returns the session that was read last, if it is this one and it did not change.
    fn cached(&self, session: &SessionKey) -> Result<Option<Rc<SessionTree>>> {
        let Some((_, tree)) = self.last.as_ref().filter(|(last, _)| last == session) else {
            return Ok(None);
        };
        let (stamp, _) = self.store.stat(session)?;
        let is_same = stamp == tree.set.stamp && tree.set.settled == Settled::Settled;
        Ok(is_same.then(|| Rc::clone(tree)))
    }

    /// Reads one message, by itself if the store allows it.
    pub(super) fn message(&mut self, key: &MessageKey) -> Result<MessageNode> {
        let session = SessionKey::from(key.session.clone());
        let slot = message_slot(key).ok_or(IssueKind::Vanished)?;
        if self.cached(&session)?.is_none() {
            let is_message = |draft: &Draft<'_>| matches!(draft, Draft::Message(_));
            match session::read_one(&self.store, &session, slot, &is_message)? {
                Some(Node::Message(message)) => return Ok(message),
                Some(Node::Item(_)) => return Err(IssueKind::Vanished),
                None => {}
            }
        }
        let tree = self.tree_of(&session)?;
        let found = tree.messages().find(|message| message.key == *key).cloned();
        found.ok_or(IssueKind::Vanished)
    }

    pub(super) fn item(&mut self, key: &ItemKey) -> Result<EntryNode> {
        let session = SessionKey::from(key.session.clone());
        let Some(slot) = item_slot(key) else {
            let (items, _) = session::read_side_files(&self.store, &session);
            return find_item(&items, key).ok_or(IssueKind::Vanished);
        };
        if self.cached(&session)?.is_none() {
            let is_item = |draft: &Draft<'_>| matches!(draft, Draft::Item(_));
            match session::read_one(&self.store, &session, slot, &is_item)? {
                Some(Node::Item(item)) => return Ok(item),
                Some(Node::Message(_)) => return Err(IssueKind::Vanished),
                None => {}
            }
        }
        find_item(&self.tree_of(&session)?.nodes, key).ok_or(IssueKind::Vanished)
    }

    /// Returns the node of a message, a part or an item.
    pub(super) fn node(&mut self, key: &EntityKey) -> Result<EntryNode> {
        match key {
            EntityKey::Message(key) => Ok(self.message(key)?.record),
            EntityKey::Part(part) => {
                let (session, _) = parse_message_id(&part.message).ok_or(IssueKind::Vanished)?;
                let (session, message) = (session.session, part.message.clone());
                let message = self.message(&MessageKey { session, message })?;
                let found = message.parts.into_iter().find(|node| node.entry.key == *key);
                found.ok_or(IssueKind::Vanished)
            }
            EntityKey::Item(key) => self.item(key),
            _ => Err(IssueKind::Vanished),
        }
    }

    /// Lists every session, in no order.
    pub(super) fn list(
        &self,
        note: &mut dyn FnMut(Issue) -> ControlFlow<()>,
    ) -> ControlFlow<(), Vec<SessionKey>> {
        if let Some(only) = self.store.only {
            return ControlFlow::Continue(vec![only.clone().into()]);
        }
        let mut sessions = Vec::new();
        walk::walk(self.store.dialect, &self.store.root, &mut |item| match item {
            Ok(session) => {
                sessions.push(session);
                ControlFlow::Continue(())
            }
            Err(issue) => note(issue),
        })?;
        ControlFlow::Continue(sessions)
    }

    /// Returns the path of a session's container, relative to the store.
    pub(super) fn path_of(&self, session: &SessionKey) -> PathBuf {
        let container = self.store.container(session);
        container.map(|container| container.path.iter().collect()).unwrap_or_default()
    }
}

fn find_item(nodes: &[Node], key: &ItemKey) -> Option<EntryNode> {
    nodes.iter().find_map(|node| match node {
        Node::Item(item) if item.entry.key == EntityKey::Item(key.clone()) => Some(item.clone()),
        _ => None,
    })
}

impl<D: Dialect> Surveyed for Transaction<'_, D> {
    fn sessions(
        &self,
        note: &mut dyn FnMut(Issue) -> ControlFlow<()>,
    ) -> ControlFlow<(), Vec<SessionKey>> {
        self.list(note)
    }

    fn stat(&self, session: &SessionKey) -> Result<(Stamp, Settled)> {
        self.store.stat(session)
    }

    fn path_of(&self, session: &SessionKey) -> PathBuf {
        self.path_of(session)
    }

    fn tree_of(&mut self, session: &SessionKey) -> Result<Rc<SessionTree>> {
        self.tree_of(session)
    }

    fn message(&mut self, key: &MessageKey) -> Result<MessageNode> {
        self.message(key)
    }
}

impl<D: Dialect> Originals for Transaction<'_, D> {
    fn open(&self, session: &SessionKey) -> Result<Opened> {
        self.store.open(session)
    }

    fn open_side_file(&self, key: &EntityKey) -> Result<Option<Opened>> {
        let EntityKey::Item(item) = key else { return Ok(None) };
        let Some((kind, _)) = item.item.as_str().split_once(':') else { return Ok(None) };
        let sides = self.store.dialect.side_files(&item.session);
        let Some(side) = sides.into_iter().find(|side| side.kind == kind) else { return Ok(None) };
        self.store.open_side_file(&side).map(Some)
    }

    fn origins(&mut self, key: &EntityKey) -> Result<Vec<Origin>> {
        Ok(self.node(key)?.origins)
    }

    fn owner(&self, key: &EntityKey) -> Option<SessionKey> {
        owner(key)
    }
}
