//! Loads whole sessions: from the cache if nothing changed, else from the store.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, OrderKey, PartKey, Scope, SessionKey, Stamp};
use scrollback_core_type::StageReport;
use scrollback_index::View;
use scrollback_source::{Entry, Listing, Reader, Result, ScanItem};
use scrollback_stor_mmap::MappedSpan;

use super::loaded_parts::{loaded_parts_batch, observe_part_sets};
use super::state::SessionMaterializer;
use crate::indexing::pool::Worker;
use crate::loader::SessionTree;
use crate::run::read_tree;
use crate::stage::locate_issues;
use crate::tree::{ItemRefNode, MessageRefNode, PartRefNode, SessionRefNode, SessionRefTree};

impl SessionMaterializer {
    /// Loads a whole session as it is now.
    ///
    /// Every file of the session is verified first. If the session was loaded before and no file
    /// changed, the bytes come from the cache. The index gets the list of the session's parts.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) if the store has neither the session nor messages
    /// of it.
    pub fn load_session_tree(&self, session: &SessionKey) -> Result<SessionTree> {
        // Verified first, so that the index has the stamps of now: a cached span counts only if its
        // stamp equals the stamp in the index.
        let report = self.verify_sessions(std::slice::from_ref(session))?;
        let mut worker = Worker::new(&*self.source)?;
        if let Some(tree) = self.cached_tree(&self.index.view(), session, &mut *worker.reader)? {
            return Ok(SessionTree { tree, report });
        }
        // The sets are observed before the parts are read: a part that is added in between gives the
        // set a newer stamp, and the next refresh lists the parts again.
        let sets = observe_part_sets(&mut *worker.reader, &self.index.view(), session)?;
        let mut read = read_tree(&mut *worker.reader, session)?;
        self.index.commit(loaded_parts_batch(&self.index.view(), &read.value, &sets));
        self.cache_spans(&read.value);
        read.value.add_known(&self.index.view());
        locate_issues(&mut read.report, |key| self.source.locate(key));
        // The issues of verifying are dropped: reading the whole session has found them again.
        let mut report = StageReport { issues: Vec::new(), ..report };
        report.merge(read.report);
        Ok(SessionTree { tree: read.value, report })
    }

    /// Returns the session from the cache; `None` if a record is missing there or differs from the
    /// index. Items are not in the index, so they are read from the store.
    fn cached_tree(
        &self,
        view: &View,
        session: &SessionKey,
        reader: &mut dyn Reader,
    ) -> Result<Option<SessionRefTree>> {
        let Some(mut tree) = self.cached_tree_without_items(view, session) else { return Ok(None) };
        let listing = Listing::collect(|visit| reader.scan(&Scope::Items(session.clone()), visit))?;
        let items = listing.entries.into_iter().filter_map(|Entry { key, order, span, .. }| {
            let EntityKey::Item(key) = key else { return None };
            Some(ItemRefNode { key, order, span })
        });
        tree.items.extend(items);
        // After an issue the whole session is read, and that read reports the issue.
        Ok(listing.issues.is_empty().then_some(tree))
    }

    /// Returns the session, its messages and parts from the cache; `None` if one of them is missing
    /// there, differs from the index, or was never listed.
    fn cached_tree_without_items(
        &self,
        view: &View,
        session: &SessionKey,
    ) -> Option<SessionRefTree> {
        let record = view.session(&session.session)?;
        let span = self.cached_span(&session.clone().into(), &record.observed.stamp)?;
        let project = record.project.clone();
        let mut messages = Vec::new();
        for meta in view.by_session(&session.session) {
            let span = self.cached_span(&meta.key.clone().into(), &meta.observed.stamp)?;
            let refs = &meta.parts.as_ref()?.refs;
            let mut parts = Vec::with_capacity(refs.len());
            for (part, order) in refs.iter().zip((0..).map(OrderKey)) {
                let key = PartKey { message: meta.key.message.clone(), part: part.id.clone() };
                let span = self.cached_span(&key.clone().into(), &part.observed?.stamp)?;
                parts.push(PartRefNode { key, order, span: Some(span) });
            }
            let (key, order, is_copy) = (meta.key.clone(), meta.order, meta.is_copy);
            let is_recorded_copy = meta.is_recorded_copy;
            let span = Some(span);
            messages.push(MessageRefNode { key, order, is_copy, is_recorded_copy, span, parts });
        }
        let (key, provenance) = (session.clone(), record.provenance.clone());
        let session = SessionRefNode { key, span: Some(span), project, provenance, known: None };
        let clock = Arc::clone(self.source.clock());
        Some(SessionRefTree { session, messages, items: Vec::new(), clock })
    }

    /// Returns the bytes of records, each named by its key and the stamp that the index has for it.
    ///
    /// A span comes from the cache if its stamp is equal there, else from the store. A span from the
    /// store may be newer than the index. The result has the order of `wanted`; a record that is
    /// gone or unreadable is `None`.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn current_spans(
        &self,
        wanted: &[(EntityKey, Option<Stamp>)],
    ) -> Result<Vec<Option<MappedSpan>>> {
        let cached = |(key, stamp): &(EntityKey, Option<Stamp>)| {
            let span = self.cache.get(self.source.id(), key)?;
            stamp.is_some_and(|stamp| *span.stamp() == stamp).then_some(span)
        };
        let mut spans: Vec<Option<MappedSpan>> = wanted.iter().map(cached).collect();
        let missing = || (0..wanted.len()).filter(|at| spans[*at].is_none());
        let keys: Vec<EntityKey> = missing().map(|at| wanted[at].0.clone()).collect();
        if keys.is_empty() {
            return Ok(spans);
        }
        let mut read: HashMap<EntityKey, MappedSpan> = HashMap::with_capacity(keys.len());
        self.source.open()?.spans(&keys, &mut |item| {
            if let ScanItem::Entry(Entry { key, span: Some(span), .. }) = item {
                read.insert(key, span);
            }
            ControlFlow::Continue(())
        })?;
        for (span, (key, _)) in spans.iter_mut().zip(wanted) {
            if span.is_none() {
                *span = read.get(key).cloned();
            }
        }
        Ok(spans)
    }

    /// Returns a cached span if it has this stamp and its read was settled.
    fn cached_span(&self, key: &EntityKey, stamp: &Stamp) -> Option<MappedSpan> {
        let span = self.cache.get(self.source.id(), key)?;
        (span.is_settled() && span.stamp() == stamp).then_some(span)
    }

    /// Caches the settled spans of a tree. A provisional span may be torn, so it is never cached.
    fn cache_spans(&self, tree: &SessionRefTree) {
        let put = |key: EntityKey, span: &Option<MappedSpan>| {
            if let Some(span) = span.as_ref().filter(|span| span.is_settled()) {
                self.cache.insert(self.source.id().clone(), key, span.clone());
            }
        };
        put(tree.session.key.clone().into(), &tree.session.span);
        for message in &tree.messages {
            put(message.key.clone().into(), &message.span);
            message.parts.iter().for_each(|part| put(part.key.clone().into(), &part.span));
        }
    }
}
