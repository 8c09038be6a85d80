//! A read transaction of a store, with a cache of the session that was read last.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, ItemKey, MessageKey, Scope, SessionKey, Stamp};
use scrollback_source::{
    BorrowedItem, BorrowedRecord, BorrowedVisitor, Entry, Observation, Reader, Result,
    ResumeResult, ResumeToken, ScanItem, ScanVisitor, Survey, SurveyVisitor, borrow_from_scan,
    content_stamp,
};
use scrollback_stor_mmap::{MappedSpan, Settled};

use super::canonical::write_message;
use super::dialect::Dialect;
use super::draft::Origin;
use super::ids::{item_slot, message_key, message_slot, order, owner, parse_message_id};
use super::nodes::{EntryNode, MessageNode, Node};
use super::opened::Opened;
use super::raw::{self, Originals};
use super::session::{self, SessionTree, message_set};
use super::sink::{Draft, Finished};
use super::store::Store;
use super::survey::{self, Surveyed};
use super::{resume, walk};

/// A read transaction.
pub(crate) struct Transaction<'s, D> {
    pub(super) store: Store<'s, D>,
    clock: &'s Arc<dyn Clock>,
    /// The session that was read last. Most calls concern the same session as the call before.
    last: Option<(SessionKey, Rc<SessionTree>)>,
}

/// From this many keys of one session on, a call reads the whole session.
const MAX_SINGLE_READS: usize = 16;

impl<'s, D: Dialect> Transaction<'s, D> {
    pub(super) fn new(store: Store<'s, D>, clock: &'s Arc<dyn Clock>) -> Self {
        Self { store, clock, last: None }
    }

    /// Returns the session as it is now.
    pub(super) fn tree_of(
        &mut self,
        session: &SessionKey,
    ) -> std::result::Result<Rc<SessionTree>, IssueKind> {
        if let Some(tree) = self.cached(session)? {
            return Ok(tree);
        }
        let tree = Rc::new(session::read(&self.store, session)?);
        self.last = Some((session.clone(), Rc::clone(&tree)));
        Ok(tree)
    }

    /// Returns the session that was read last, if it is this one and it did not change.
    fn cached(
        &self,
        session: &SessionKey,
    ) -> std::result::Result<Option<Rc<SessionTree>>, IssueKind> {
        let Some((_, tree)) = self.last.as_ref().filter(|(last, _)| last == session) else {
            return Ok(None);
        };
        let (stamp, _) = self.store.stat(session)?;
        let is_same = stamp == tree.set.stamp && tree.set.settled == Settled::Settled;
        Ok(is_same.then(|| Rc::clone(tree)))
    }

    /// Reads one message, by itself if the store allows it.
    pub(super) fn message(
        &mut self,
        key: &MessageKey,
    ) -> std::result::Result<MessageNode, IssueKind> {
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

    pub(super) fn item(&mut self, key: &ItemKey) -> std::result::Result<EntryNode, IssueKind> {
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
    pub(super) fn node(&mut self, key: &EntityKey) -> std::result::Result<EntryNode, IssueKind> {
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

    fn entry(&mut self, key: &EntityKey) -> std::result::Result<Entry, IssueKind> {
        let EntityKey::Session(session) = key else { return Ok(self.node(key)?.entry()) };
        let opened = self.store.open(session)?;
        let head = self.store.head(session, &opened);
        Ok(self.store.session_entry(session, &opened, &head.draft))
    }

    fn sessions(&mut self, visitor: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        let mut entries = Vec::new();
        for session in self.list(&mut |issue| visitor(ScanItem::Issue(None, issue)))? {
            match self.store.open(&session) {
                Ok(opened) => {
                    let head = self.store.head(&session, &opened);
                    entries.push(self.store.session_entry(&session, &opened, &head.draft));
                    if let Some(issue) = head.issue {
                        visitor(ScanItem::Issue(Some(session.into()), issue))?;
                    }
                }
                Err(IssueKind::Vanished) => {}
                Err(kind) => visitor(self.problem(&session, kind))?,
            }
        }
        entries.sort_by(|a, b| (Reverse(a.order), &a.key).cmp(&(Reverse(b.order), &b.key)));
        entries.into_iter().map(ScanItem::Entry).try_for_each(visitor)
    }

    /// Lists every session, in no order.
    pub(super) fn list(
        &self,
        note: &mut dyn FnMut(Issue) -> ControlFlow<()>,
    ) -> ControlFlow<(), Vec<SessionKey>> {
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

    /// Passes what `pick` takes of one session. A missing session passes nothing.
    fn scan_tree(
        &mut self,
        session: &SessionKey,
        visitor: &mut ScanVisitor<'_>,
        pick: impl FnOnce(&SessionTree) -> Vec<ScanItem>,
    ) -> ControlFlow<()> {
        match self.tree_of(session) {
            Ok(tree) => pick(&tree).into_iter().try_for_each(visitor),
            Err(IssueKind::Vanished) => ControlFlow::Continue(()),
            Err(kind) => visitor(self.problem(session, kind)),
        }
    }

    fn items(&mut self, session: &SessionKey, visitor: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        self.scan_tree(session, visitor, |tree| {
            tree.nodes.iter().filter_map(item_entry).collect()
        })?;
        let (items, issues) = session::read_side_files(&self.store, session);
        issues_of(session, &issues).into_iter().try_for_each(&mut *visitor)?;
        items.iter().filter_map(item_entry).try_for_each(visitor)
    }

    fn parts(&mut self, key: &MessageKey, visitor: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        // A scan of the session's messages reports the problems of its files.
        let Ok(message) = self.message(key) else { return ControlFlow::Continue(()) };
        let set = message.part_set().map(ScanItem::Set);
        let names = message.parts.iter().map(|part| ScanItem::Entry(part.name()));
        set.into_iter().chain(names).try_for_each(visitor)
    }

    fn all_parts(&mut self, visitor: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        for session in self.list(&mut |issue| visitor(ScanItem::Issue(None, issue)))? {
            self.scan_tree(&session, visitor, |tree| {
                let parts = tree.messages().flat_map(|message| &message.parts);
                parts.map(|part| ScanItem::Entry(part.entry())).collect()
            })?;
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, session: &SessionKey, visitor: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        let tree = match self.tree_of(session) {
            Ok(tree) => tree,
            Err(IssueKind::Vanished) => return ControlFlow::Continue(()),
            Err(kind) => return visitor(self.problem(session, kind)),
        };
        let (items, issues) = session::read_side_files(&self.store, session);
        issues_of(session, &tree.issues).into_iter().try_for_each(&mut *visitor)?;
        issues_of(session, &issues).into_iter().try_for_each(&mut *visitor)?;
        let record = self.store.session_entry(session, &tree.opened, &tree.head.draft);
        visitor(ScanItem::Entry(record))?;
        for node in tree.nodes.iter().chain(&items) {
            match node {
                Node::Item(item) => visitor(ScanItem::Entry(item.entry()))?,
                Node::Message(message) => {
                    visitor(ScanItem::Entry(message.record.entry()))?;
                    let mut parts = message.parts.iter();
                    parts.try_for_each(|part| visitor(ScanItem::Entry(part.entry())))?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn borrow_messages(
        &mut self,
        session: &SessionKey,
        visitor: &mut BorrowedVisitor<'_>,
    ) -> ControlFlow<()> {
        let mut bytes = Vec::new();
        let about = || Some(EntityKey::Session(session.clone()));
        let streamed = session::stream(&self.store, session, &mut |finished: Finished<'_>| {
            let Finished { slot, position, draft } = finished;
            match draft {
                Draft::Message(message) => {
                    let Some(key) = message_key(session, slot) else {
                        return ControlFlow::Continue(());
                    };
                    bytes.clear();
                    write_message(&key, &message, &mut bytes);
                    let read_key = &|| Ok(key.clone().into());
                    visitor(BorrowedItem::Record(BorrowedRecord {
                        read_key,
                        order: order(position, false),
                        is_copy: message.is_copy,
                        bytes: &bytes,
                        stamp: content_stamp(&bytes),
                        settled: Settled::Settled,
                    }))
                }
                Draft::Issue(issue) => visitor(BorrowedItem::Issue(about(), *issue)),
                Draft::Item(_) => ControlFlow::Continue(()),
            }
        });
        match streamed {
            Ok(streamed) => {
                streamed.flow?;
                for issue in streamed.issues {
                    visitor(BorrowedItem::Issue(about(), issue))?;
                }
                visitor(BorrowedItem::Set(streamed.set))?;
            }
            Err(IssueKind::Vanished) => {}
            Err(kind) => {
                let issue = Issue::new(Place::path(self.path_of(session)), kind);
                visitor(BorrowedItem::Issue(about(), issue))?;
            }
        }
        visitor(BorrowedItem::Commit)
    }

    /// Returns the path of a session's container, relative to the store.
    pub(super) fn path_of(&self, session: &SessionKey) -> PathBuf {
        let container = self.store.container(session);
        container.map(|container| container.path.iter().collect()).unwrap_or_default()
    }

    fn problem(&self, session: &SessionKey, kind: IssueKind) -> ScanItem {
        let issue = Issue::new(Place::path(self.path_of(session)), kind);
        ScanItem::Issue(Some(session.clone().into()), issue)
    }
}

impl<D: Dialect> Reader for Transaction<'_, D> {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.clock
    }

    fn scan(&mut self, scope: &Scope, visitor: &mut ScanVisitor<'_>) -> Result<()> {
        let _ = match scope {
            Scope::Sessions => self.sessions(visitor),
            Scope::Messages(session) => self.scan_tree(session, visitor, |tree| {
                let messages = tree.messages().map(|it| ScanItem::Entry(it.record.entry()));
                with_set(session, tree).chain(messages).collect()
            }),
            Scope::MessageNames(session) => self.scan_tree(session, visitor, |tree| {
                tree.messages().map(|it| ScanItem::Entry(it.record.name())).collect()
            }),
            Scope::Items(session) => self.items(session, visitor),
            Scope::Parts(message) => self.parts(message, visitor),
            Scope::AllParts => self.all_parts(visitor),
            _ => ControlFlow::Continue(()), // the store has no projects
        };
        Ok(())
    }

    fn scan_borrowed(&mut self, scope: &Scope, visitor: &mut BorrowedVisitor<'_>) -> Result<()> {
        match scope {
            Scope::Messages(session) => {
                let _ = self.borrow_messages(session, visitor);
                Ok(())
            }
            scope => borrow_from_scan(self, scope, visitor),
        }
    }

    fn survey(&mut self, query: &Survey<'_>, visitor: &mut SurveyVisitor<'_>) -> Result<()> {
        let _ = survey::survey(self, query, visitor);
        Ok(())
    }

    fn spans(&mut self, keys: &[EntityKey], visitor: &mut ScanVisitor<'_>) -> Result<()> {
        let mut counts: HashMap<SessionKey, usize> = HashMap::new();
        for session in keys.iter().filter_map(owner) {
            *counts.entry(session).or_default() += 1;
        }
        for key in keys {
            let session = owner(key);
            if let Some(session) = &session
                && counts.get(session).is_some_and(|count| *count > MAX_SINGLE_READS)
            {
                let _ = self.tree_of(session); // the cache then has the entity, or the read has its issue
            }
            let item = match self.entry(key) {
                Ok(entry) => ScanItem::Entry(entry),
                Err(kind) => {
                    let path = session.map(|session| self.path_of(&session)).unwrap_or_default();
                    ScanItem::Issue(Some(key.clone()), Issue::new(Place::path(path), kind))
                }
            };
            if visitor(item).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn tree(&mut self, session: &SessionKey, visitor: &mut ScanVisitor<'_>) -> Result<()> {
        let _ = self.whole(session, visitor);
        Ok(())
    }

    fn resume(
        &mut self,
        session: &SessionKey,
        since: &ResumeToken,
        visitor: &mut ScanVisitor<'_>,
    ) -> Result<ResumeResult> {
        Ok(resume::resume(&self.store, session, since, visitor))
    }

    fn raw(&mut self, key: &EntityKey) -> Result<Option<MappedSpan>> {
        // A read of the entity itself reports the problem.
        let originals = raw::originals(self, key).unwrap_or_default();
        let first = originals.into_iter().next();
        Ok(first.map(|original| {
            let stamp = content_stamp(&original.bytes);
            MappedSpan::pooled(original.bytes, stamp, Settled::Settled)
        }))
    }

    fn has_session(&mut self, session: &SessionKey) -> Result<bool> {
        Ok(!matches!(self.store.stat(session), Err(IssueKind::Vanished)))
    }

    fn message_set(&mut self, session: &SessionKey) -> Result<Option<Observation>> {
        let observed = self.store.stat(session).ok();
        Ok(observed.map(|(stamp, settled)| message_set(session, stamp, settled, None)))
    }
}

/// Returns the set of a session's messages and its issues.
fn with_set<'t>(
    session: &SessionKey,
    tree: &'t SessionTree,
) -> impl Iterator<Item = ScanItem> + use<'t> {
    let issues = issues_of(session, &tree.issues);
    std::iter::once(ScanItem::Set(tree.set.clone())).chain(issues)
}

fn issues_of(session: &SessionKey, issues: &[Issue]) -> Vec<ScanItem> {
    let about = || Some(EntityKey::Session(session.clone()));
    issues.iter().map(|issue| ScanItem::Issue(about(), issue.clone())).collect()
}

fn item_entry(node: &Node) -> Option<ScanItem> {
    match node {
        Node::Item(item) => Some(ScanItem::Entry(item.entry())),
        Node::Message(_) => None,
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

    fn stat(&self, session: &SessionKey) -> std::result::Result<(Stamp, Settled), IssueKind> {
        self.store.stat(session)
    }

    fn path_of(&self, session: &SessionKey) -> PathBuf {
        self.path_of(session)
    }

    fn tree_of(&mut self, session: &SessionKey) -> std::result::Result<Rc<SessionTree>, IssueKind> {
        self.tree_of(session)
    }

    fn message(&mut self, key: &MessageKey) -> std::result::Result<MessageNode, IssueKind> {
        self.message(key)
    }
}

impl<D: Dialect> Originals for Transaction<'_, D> {
    fn open(&self, session: &SessionKey) -> std::result::Result<Opened, IssueKind> {
        self.store.open(session)
    }

    fn open_side_file(&self, key: &EntityKey) -> std::result::Result<Option<Opened>, IssueKind> {
        let EntityKey::Item(item) = key else { return Ok(None) };
        let Some((kind, _)) = item.item.as_str().split_once(':') else { return Ok(None) };
        let sides = self.store.dialect.side_files(&item.session);
        let Some(side) = sides.into_iter().find(|side| side.kind == kind) else { return Ok(None) };
        self.store.open_side_file(&side).map(Some)
    }

    fn origins(&mut self, key: &EntityKey) -> std::result::Result<Vec<Origin>, IssueKind> {
        Ok(self.node(key)?.origins)
    }

    fn owner(&self, key: &EntityKey) -> Option<SessionKey> {
        owner(key)
    }
}
