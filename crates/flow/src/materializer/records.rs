//! Single records, looked at because somebody said that they changed. What joined or left a session
//! or a message is a matter of all of it, and looked at as such.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, PartId, PartKey, ProjectId, SessionKey,
};
use scrollback_core_type::StageReport;
use scrollback_index::{Batch, MessageMeta, ObservedStamp, PartList, PartRef, SessionMeta, View};
use scrollback_source::{Result, ScanItem};
use scrollback_stor_mmap::MappedSpan;

use super::dirty::{Dirty, DirtyRefreshOutcome};
use super::state::SessionMaterializer;
use crate::indexing::pool::Worker;
use crate::indexing::{
    Byproducts, IssueLog, PartDetail, RefreshOptions, carry_over_parts, list_parts, part_ref,
    read_messages, reread_projects, verify, verify_record,
};
use crate::stage::locate_issues;

/// What is to be looked at, sorted by what it takes.
#[derive(Default)]
struct DirtyWork {
    projects: Vec<ProjectId>,
    /// As a whole.
    sessions: BTreeSet<SessionKey>,
    /// Their own records.
    records: BTreeSet<SessionKey>,
    messages: BTreeMap<SessionKey, BTreeSet<MessageId>>,
    /// By message, as far as it is known whose they are.
    parts: BTreeMap<MessageKey, BTreeSet<PartKey>>,
    /// Messages of which all parts are.
    part_lists: BTreeSet<MessageKey>,
}

/// What became of the records of one session.
#[derive(Default)]
struct SessionChanges {
    record: Option<Arc<SessionMeta>>,
    messages: Vec<MessageMeta>,
    /// What was looked at.
    observed: Vec<ObservedStamp>,
}

impl SessionMaterializer {
    /// Looks at these and at nothing else, so that what is said of them is true as of now: one read
    /// for a record, some 80 stats for a session. Of a session with a message that is new or gone,
    /// all is looked at. The bytes of parts that were read are in the cache afterwards.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn refresh_dirty(&self, dirty: &Dirty) -> Result<DirtyRefreshOutcome> {
        self.verify_dirty(dirty, &self.options)
    }

    /// Looks at every file of these sessions, so that what is said of them is true as of now.
    /// Some 80 stats a session.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn verify_sessions(&self, sessions: &[SessionKey]) -> Result<StageReport> {
        let sessions = sessions.to_vec();
        // Nobody said that they are dirty.
        let options = RefreshOptions { parts_of_dirty: PartDetail::Later, ..self.options };
        Ok(self.verify_dirty(&Dirty { sessions, ..Dirty::default() }, &options)?.report)
    }

    fn verify_dirty(&self, dirty: &Dirty, options: &RefreshOptions) -> Result<DirtyRefreshOutcome> {
        let _guard = self.refresh_lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut worker = Worker::new(&*self.source)?;
        let view = self.index.view();
        let mut verifier = DirtyVerifier {
            materializer: self,
            options,
            view: &view,
            batch: Batch::new(),
            issue_log: IssueLog::default(),
            provisional: Vec::new(),
        };
        verifier.run(&mut worker, DirtyWork::from_dirty(dirty, &view))?;
        let DirtyVerifier { batch, issue_log, provisional, .. } = verifier;
        drop(view);
        self.index.commit(batch);
        let mut report = StageReport { issues: issue_log.issues, ..StageReport::default() };
        locate_issues(&mut report, |key| self.source.locate(key));
        Ok(DirtyRefreshOutcome { report, provisional })
    }
}

impl DirtyWork {
    fn from_dirty(dirty: &Dirty, view: &View) -> Self {
        let mut work =
            Self { sessions: dirty.sessions.iter().cloned().collect(), ..Self::default() };
        for id in &dirty.messages {
            // One that is not there is seen with its session.
            let Some(message) = view.message(id) else { continue };
            let session = SessionKey::from(message.key.session.clone());
            work.messages.entry(session).or_default().insert(id.clone());
            work.part_lists.insert(message.key.clone());
        }
        for key in &dirty.records {
            match key {
                EntityKey::Project(id) => work.projects.push(id.clone()),
                EntityKey::Session(key) if view.session_state(&key.session).is_none() => {
                    work.sessions.insert(key.clone());
                }
                EntityKey::Session(key) => {
                    work.records.insert(key.clone());
                }
                EntityKey::Message(key) => {
                    let session = SessionKey::from(key.session.clone());
                    if view.message_by_key(key).is_none() {
                        work.sessions.insert(session);
                    } else {
                        work.messages.entry(session).or_default().insert(key.message.clone());
                    }
                }
                // One whose message is not there is seen when that comes.
                EntityKey::Part(key) => {
                    let Some(message) = view.message(&key.message) else { continue };
                    let is_known = message
                        .parts
                        .as_ref()
                        .is_some_and(|list| list.refs.iter().any(|part| part.id == key.part));
                    let message = message.key.clone();
                    if is_known {
                        work.parts.entry(message).or_default().insert(key.clone());
                    } else {
                        work.part_lists.insert(message);
                    }
                }
                _ => {} // not in the index
            }
        }
        work
    }
}

/// A look at some records.
struct DirtyVerifier<'m> {
    materializer: &'m SessionMaterializer,
    options: &'m RefreshOptions,
    view: &'m View,
    batch: Batch,
    issue_log: IssueLog,
    provisional: Vec<EntityKey>,
}

impl DirtyVerifier<'_> {
    fn run(&mut self, worker: &mut Worker<'_>, mut work: DirtyWork) -> Result<()> {
        if !work.projects.is_empty() {
            reread_projects(worker, &work.projects, &mut self.batch, &mut self.issue_log)?;
        }
        for session in &work.sessions {
            for (message, parts) in self.unsettled_parts(session) {
                work.parts.entry(message).or_default().extend(parts);
            }
        }
        let mut touched: BTreeMap<SessionKey, SessionChanges> = BTreeMap::new();
        for (session, ids) in std::mem::take(&mut work.messages) {
            let changes = touched.entry(session.clone()).or_default();
            if !self.reread_messages(worker, &session, ids, changes)? {
                work.sessions.insert(session); // one of them is gone
            }
        }
        for (message, parts) in std::mem::take(&mut work.parts) {
            let changes = touched.entry(message.session.clone().into()).or_default();
            let Some(mut meta) = self.take_meta(&message, changes) else { continue };
            if !self.reread_parts(worker, &mut meta, &parts, changes)? {
                work.part_lists.insert(message); // one of them is gone
            }
            changes.messages.push(meta);
        }
        for message in work.part_lists {
            let changes = touched.entry(message.session.clone().into()).or_default();
            let Some(mut meta) = self.take_meta(&message, changes) else { continue };
            let known = meta.parts.take();
            let mut list =
                list_parts(&mut *worker.reader, &message, PartDetail::Stamps, &mut self.issue_log)?;
            known.iter().for_each(|known| carry_over_parts(&mut list, known, true));
            let stale = parts_to_read(&list, known.as_ref(), &message);
            meta.parts = Some(list);
            self.reread_parts(worker, &mut meta, &stale, changes)?;
            changes.observed.extend(meta.parts.as_ref().and_then(|list| list.part_set));
            changes.messages.push(meta);
        }
        for session in work.records {
            if work.sessions.contains(&session) {
                continue;
            }
            let known = self.view.session_state(&session.session);
            let fresh =
                verify_record(worker, known.as_deref(), &session, None, &mut self.issue_log)?;
            let Some(record) = fresh else {
                work.sessions.insert(session);
                continue;
            };
            let changes = touched.entry(session.clone()).or_default();
            changes.observed.push(record.observed);
            self.note_provisional(record.observed, session.clone().into());
            changes.record = Some(record);
        }
        for (session, changes) in touched {
            self.put_session_changes(&session, changes);
        }
        if work.sessions.is_empty() {
            return Ok(());
        }
        // As a whole, with what was learned of their parts.
        self.materializer.index.commit(std::mem::replace(&mut self.batch, Batch::new()));
        let view = self.materializer.index.view();
        for session in work.sessions {
            let verified = verify(worker, &view, &session, None, self.options)?;
            self.materializer.store_byproducts(Byproducts {
                spans: verified.spans,
                counters: verified.counters,
            });
            self.batch.append(verified.batch);
            self.issue_log.issues.extend(verified.issue_log.issues);
            if verified.unsettled {
                self.provisional.push(session.into());
            }
        }
        Ok(())
    }

    /// The parts of a session that may have been in the middle of a write when they were read. They are
    /// read again: that they look the same does not say whether they are.
    fn unsettled_parts(&self, session: &SessionKey) -> Vec<(MessageKey, BTreeSet<PartKey>)> {
        let is_unsettled = self.view.session_state(&session.session).is_some_and(|state| {
            // Of a log that can be resumed it is known that no part is.
            state.refresh_state.unsettled
                && (state.resume.is_none() || state.refresh_state.unclean_messages > 0)
        });
        if !is_unsettled {
            return Vec::new();
        }
        let messages = self.view.by_session(&session.session);
        let unsettled_parts_of = |message: Arc<MessageMeta>| {
            let is_unsettled =
                |part: &&PartRef| part.observed.is_some_and(|observed| !observed.clean);
            let parts = message.parts.iter().flat_map(|list| list.refs.iter());
            let key = |part: &PartRef| PartKey {
                message: message.key.message.clone(),
                part: part.id.clone(),
            };
            let parts: BTreeSet<PartKey> = parts.filter(is_unsettled).map(key).collect();
            (!parts.is_empty()).then(|| (message.key.clone(), parts))
        };
        messages.into_iter().filter_map(unsettled_parts_of).collect()
    }

    /// A message as it is known, with what was learned of it just now.
    fn take_meta(&self, key: &MessageKey, changes: &mut SessionChanges) -> Option<MessageMeta> {
        match changes.messages.iter().position(|meta| meta.key == *key) {
            Some(at) => Some(changes.messages.swap_remove(at)),
            None => self.view.message_by_key(key).map(|meta| MessageMeta::clone(&meta)),
        }
    }

    /// Reads messages that are known; whether all of them are there still.
    fn reread_messages(
        &mut self,
        worker: &mut Worker<'_>,
        session: &SessionKey,
        ids: BTreeSet<MessageId>,
        changes: &mut SessionChanges,
    ) -> Result<bool> {
        let key = |message: &MessageId| MessageKey {
            session: session.session.clone(),
            message: message.clone(),
        };
        let old: Vec<Arc<MessageMeta>> =
            ids.iter().filter_map(|id| self.view.message_by_key(&key(id))).collect();
        let requested = ids.len();
        let ids = ids.into_iter();
        read_messages(worker, session, ids, &old, &mut changes.messages, &mut self.issue_log)?;
        for meta in &changes.messages {
            changes.observed.push(meta.observed);
            self.note_provisional(meta.observed, meta.key.clone().into());
        }
        Ok(changes.messages.len() == requested)
    }

    /// Reads parts that are in the list of their message; whether all of them are there still.
    fn reread_parts(
        &mut self,
        worker: &mut Worker<'_>,
        meta: &mut MessageMeta,
        parts: &BTreeSet<PartKey>,
        changes: &mut SessionChanges,
    ) -> Result<bool> {
        let Some(list) = &mut meta.parts else { return Ok(false) };
        let mut refs = list.refs.to_vec();
        let keys: Vec<EntityKey> = parts.iter().cloned().map(EntityKey::Part).collect();
        let mut spans: Vec<(EntityKey, MappedSpan)> = Vec::with_capacity(keys.len());
        let (mut all_read, issue_log, provisional) =
            (true, &mut self.issue_log, &mut self.provisional);
        if !keys.is_empty() {
            worker.reader.spans(&keys, &mut |item| {
                match item {
                    ScanItem::Entry(entry) => {
                        spans.extend(entry.span.map(|span| (entry.key, span)))
                    }
                    ScanItem::Issue(_, issue) if issue.is_vanished() => all_read = false,
                    ScanItem::Issue(key, issue) => {
                        provisional.extend(key.clone());
                        issue_log.note(key, issue);
                    }
                    ScanItem::Set(_) => {}
                }
                ControlFlow::Continue(())
            })?;
        }
        for (key, span) in spans {
            let EntityKey::Part(part) = &key else { continue };
            let Some(known) = refs.iter_mut().find(|known| known.id == part.part) else { continue };
            let fresh = part_ref(&part.part, Some(&span));
            let is_same = self.has_reported_bytes(&key, known, &span);
            *known = if is_same { fresh.with_last_change_of(known) } else { fresh };
            let observed = ObservedStamp { stamp: *span.stamp(), clean: span.is_settled() };
            changes.observed.push(observed);
            self.note_provisional(observed, key.clone());
            self.materializer.cache.insert(self.materializer.source.id().clone(), key, span);
        }
        *list = PartList { refs: refs.into(), ..list.clone() };
        Ok(all_read)
    }

    /// Whether a part has the bytes that whoever was told of it has: it looks the same, and either it
    /// was settled then, or these are the bytes that were read then.
    fn has_reported_bytes(&self, key: &EntityKey, known: &PartRef, current: &MappedSpan) -> bool {
        let Some(old) = known.observed.filter(|old| old.stamp == *current.stamp()) else {
            return false;
        };
        let cached = || self.materializer.cache.get(self.materializer.source.id(), key);
        old.clean
            || cached()
                .is_some_and(|cached| cached.stamp() == current.stamp() && *cached == **current)
    }

    fn note_provisional(&mut self, observed: ObservedStamp, key: EntityKey) {
        if !observed.clean {
            self.provisional.push(key);
        }
    }

    /// Puts what was learned of a session's records, and what the next refresh has to know of it.
    fn put_session_changes(&mut self, session: &SessionKey, changes: SessionChanges) {
        let known = self.view.session_state(&session.session);
        let mut state = known.as_deref().cloned().unwrap_or_default();
        state.record = changes.record.or(state.record);
        for observed in &changes.observed {
            state.refresh_state.newest_change =
                state.refresh_state.newest_change.max(observed.stamp.mtime);
            state.refresh_state.unsettled |= !observed.clean;
        }
        for meta in changes.messages {
            let known = self.view.message_by_key(&meta.key);
            known.iter().for_each(|known| state.refresh_state.remove(known));
            state.refresh_state.add(&meta);
            if known.is_none_or(|known| *known != meta) {
                self.batch.put_message(meta);
            }
        }
        if known.is_some_and(|known| *known != state) {
            self.batch.put_session(session.clone(), state);
        }
    }
}

/// The parts of a list that are not as they were known to be.
fn parts_to_read(
    current: &PartList,
    known: Option<&PartList>,
    message: &MessageKey,
) -> BTreeSet<PartKey> {
    let old = |id: &PartId| known.and_then(|known| known.refs.iter().find(|old| old.id == *id));
    let is_stale =
        |part: &&PartRef| match (part.observed, old(&part.id).and_then(|old| old.observed)) {
            (Some(current), Some(old)) => part.kind.is_none() || !old.is_unchanged(&current.stamp),
            _ => true,
        };
    let stale = current.refs.iter().filter(is_stale);
    stale.map(|part| PartKey { message: message.message.clone(), part: part.id.clone() }).collect()
}
