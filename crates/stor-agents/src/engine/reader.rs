//! The calls of a reader: each passes what the read transaction has.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, MessageKey, OrderKey, Scope, SessionKey};
use scrollback_source::{
    BorrowedItem, BorrowedRecord, BorrowedVisitor, Entry, Observation, Reader, Result,
    ResumeResult, ResumeToken, ScanItem, ScanVisitor, Survey, SurveyVisitor, borrow_from_scan,
    content_stamp,
};
use scrollback_stor_mmap::{MappedSpan, Settled};

use super::canonical::{stamp, write_message, write_part};
use super::dialect::Dialect;
use super::ids::{message_key, order, owner, part_key};
use super::nodes::{EntryNode, Node};
use super::queue::{Draft, Finished};
use super::session::{self, SessionTree, message_set};
use super::transaction::Transaction;
use super::{raw, resume, survey};

/// From this many keys of one session on, a call reads the whole session.
const MAX_SINGLE_READS: usize = 16;

/// The size in bytes from which on a log is never read whole for single messages.
const LARGE_LOG: u64 = 8 << 20;

impl<D: Dialect> Transaction<'_, D> {
    fn entry(&mut self, key: &EntityKey) -> std::result::Result<Entry, IssueKind> {
        let EntityKey::Session(session) = key else { return Ok(self.node(key)?.entry()) };
        let opened = self.store.open(session)?;
        let head = self.store.head(session, &opened);
        Ok(self.store.session_entry(session, &opened, &head.draft))
    }

    /// Returns the messages, parts and items of a session; none if it cannot be read.
    fn entries_of(&mut self, session: &SessionKey) -> HashMap<EntityKey, Entry> {
        let Ok(tree) = self.tree_of(session) else { return HashMap::new() };
        let mut entries = HashMap::new();
        let mut add = |node: &EntryNode| entries.insert(node.entry.key.clone(), node.entry());
        for node in &tree.nodes {
            match node {
                Node::Item(item) => drop(add(item)),
                Node::Message(message) => {
                    add(&message.record);
                    message.parts.iter().for_each(|part| drop(add(part)));
                }
            }
        }
        entries
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
            let Finished { slot, order: place, draft, .. } = finished;
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
                        order: order(place, false),
                        is_copy: message.is_copy,
                        bytes: &bytes,
                        stamp: stamp(&bytes, message.is_copy),
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

    fn borrow_all_parts(&mut self, visitor: &mut BorrowedVisitor<'_>) -> ControlFlow<()> {
        let mut bytes = Vec::new();
        let sessions = self.list(&mut |issue| visitor(BorrowedItem::Issue(None, issue)))?;
        for session in sessions {
            let streamed = session::stream(&self.store, &session, &mut |finished: Finished<'_>| {
                let Draft::Message(message) = &finished.draft else {
                    return ControlFlow::Continue(());
                };
                let Some(key) = message_key(&session, finished.slot) else {
                    return ControlFlow::Continue(());
                };
                for (index, part) in message.parts.iter().enumerate() {
                    let Some(part_key) = part_key(&key, index) else { continue };
                    bytes.clear();
                    write_part(&key, &part_key, part, &mut bytes);
                    let read_key = &|| Ok(part_key.clone().into());
                    visitor(BorrowedItem::Record(BorrowedRecord {
                        read_key,
                        order: OrderKey(i64::try_from(index).unwrap_or(i64::MAX)),
                        is_copy: message.is_copy,
                        bytes: &bytes,
                        stamp: stamp(&bytes, message.is_copy),
                        settled: Settled::Settled,
                    }))?;
                }
                ControlFlow::Continue(())
            });
            match streamed {
                Ok(streamed) => streamed.flow?,
                Err(IssueKind::Vanished) => {}
                Err(kind) => {
                    let issue = Issue::new(Place::path(self.path_of(&session)), kind);
                    visitor(BorrowedItem::Issue(Some(session.into()), issue))?;
                }
            }
        }
        visitor(BorrowedItem::Commit)
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
            Scope::AllParts => {
                let _ = self.borrow_all_parts(visitor);
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
        let is_read_whole = |this: &Self, session: &SessionKey| {
            counts.get(session).is_some_and(|count| *count > MAX_SINGLE_READS)
                && !this.store.stat(session).is_ok_and(|(stamp, _)| stamp.size > LARGE_LOG)
        };
        let mut wholes: HashMap<SessionKey, HashMap<EntityKey, Entry>> = HashMap::new();
        for key in keys {
            let session = owner(key);
            if let Some(session) = &session
                && !wholes.contains_key(session)
            {
                let entries = match is_read_whole(self, session) {
                    true => self.entries_of(session),
                    false => HashMap::new(),
                };
                wholes.insert(session.clone(), entries);
            }
            let whole = session.as_ref().and_then(|session| wholes.get_mut(session));
            // What the session lacks is read by itself, which has the issue.
            if let Some(entry) = whole.and_then(|entries| entries.remove(key)) {
                if visitor(ScanItem::Entry(entry)).is_break() {
                    break;
                }
                continue;
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
