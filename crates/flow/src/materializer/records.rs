//! Verifies records that may have changed, and nothing else of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

use scrollback_core_id::{EntityKey, MessageId, MessageKey, PartId, PartKey, SessionKey};
use scrollback_core_type::StageReport;
use scrollback_index::{Batch, MessageMeta, ObservedStamp, PartList, PartRef, SessionMeta, View};
use scrollback_source::{Result, ScanItem};
use scrollback_stor_mmap::MappedSpan;

use super::dirty::{Dirty, DirtyRefreshOutcome};
use super::dirty_work::DirtyWork;
use super::state::SessionMaterializer;
use crate::indexing::copies;
use crate::indexing::pool::Worker;
use crate::indexing::steps::read_steps_of_some;
use crate::indexing::{
    Byproducts, IssueLog, PartDetail, RefreshOptions, VerifiedRecord, carry_over_parts,
    is_other_copy, list_parts, part_ref, read_messages, reread_projects, verify, verify_record,
};
use crate::stage::locate_issues;

/// The records of one session that were read.
#[derive(Default)]
struct SessionChanges {
    record: Option<Arc<SessionMeta>>,
    messages: Vec<MessageMeta>,
    /// The stamps of all records that were read.
    observed: Vec<ObservedStamp>,
}

impl SessionMaterializer {
    /// Verifies these records and nothing else, so that the index has them as they are now.
    ///
    /// A record costs one read, a session some 80 stat calls. A session with a new or removed message
    /// is verified as a whole. The bytes of parts that were read are in the cache afterwards.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn refresh_dirty(&self, dirty: &Dirty) -> Result<DirtyRefreshOutcome> {
        self.verify_dirty(dirty, &self.options)
    }

    /// Verifies every file of these sessions, so that the index has them as they are now. A session
    /// costs some 80 stat calls.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn verify_sessions(&self, sessions: &[SessionKey]) -> Result<StageReport> {
        let sessions = sessions.to_vec();
        // `parts_of_dirty` is for sessions that someone follows. These sessions need no part list.
        let options = RefreshOptions { parts_of_dirty: PartDetail::Later, ..self.options };
        Ok(self.verify_dirty(&Dirty { sessions, ..Dirty::default() }, &options)?.report)
    }

    /// Verifies dirty records and commits the changes.
    fn verify_dirty(&self, dirty: &Dirty, options: &RefreshOptions) -> Result<DirtyRefreshOutcome> {
        // Held from the first read to the commit; `refresh_lock` says why.
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
            may_change_copies: false,
        };
        verifier.run(&mut worker, DirtyWork::from_dirty(dirty, &view))?;
        let DirtyVerifier { batch, issue_log, provisional, may_change_copies, .. } = verifier;
        let may_change_copies = may_change_copies || copies::may_change_copies(&batch, &view);
        drop(view);
        self.index.commit(batch);
        if may_change_copies {
            copies::mark_copies(&self.index);
        }
        let mut report = StageReport { issues: issue_log.issues, ..StageReport::default() };
        locate_issues(&mut report, |key| self.source.locate(key));
        self.update_found_issues(dirty, &report.issues);
        Ok(DirtyRefreshOutcome { report, provisional })
    }
}

/// One verification of dirty records, with the results so far.
struct DirtyVerifier<'m> {
    materializer: &'m SessionMaterializer,
    options: &'m RefreshOptions,
    view: &'m View,
    batch: Batch,
    issue_log: IssueLog,
    provisional: Vec<EntityKey>,
    /// Whether a batch that was committed may change which messages are copies.
    may_change_copies: bool,
}

impl DirtyVerifier<'_> {
    /// Verifies the work from small to large: messages, parts, part lists, records, whole sessions.
    ///
    /// A step that finds a record missing adds work for a later step: a missing part adds the part
    /// list of its message, a missing message or record adds its whole session.
    fn run(&mut self, worker: &mut Worker<'_>, mut work: DirtyWork) -> Result<()> {
        if !work.projects.is_empty() {
            reread_projects(worker, &work.projects, &mut self.batch, &mut self.issue_log)?;
        }
        // No record of another copy goes into a session that the index has of one copy.
        for session in work.touched_sessions() {
            let known = self.view.session_state(&session.session);
            if is_other_copy(worker, known.as_deref(), &session)? {
                work.verify_whole(session);
            }
        }
        // Verifying a session compares stamps. A part that was read during a write may have the same
        // stamp with other bytes, so such parts are read by name first.
        for session in &work.sessions {
            for (message, parts) in self.unsettled_parts(session) {
                work.parts.entry(message).or_default().extend(parts);
            }
        }
        let mut touched: BTreeMap<SessionKey, SessionChanges> = BTreeMap::new();
        for (session, ids) in std::mem::take(&mut work.messages) {
            let changes = touched.entry(session.clone()).or_default();
            if !self.reread_messages(worker, &session, ids, changes)? {
                work.sessions.insert(session); // a message is gone
            }
        }
        for (message, parts) in std::mem::take(&mut work.parts) {
            let changes = touched.entry(message.session.clone().into()).or_default();
            let Some(mut meta) = self.take_meta(&message, changes) else { continue };
            if !self.reread_parts(worker, &mut meta, &parts, changes)? {
                work.part_lists.insert(message); // a part is gone
            }
            changes.messages.push(meta);
        }
        for message in work.part_lists {
            let changes = touched.entry(message.session.clone().into()).or_default();
            let Some(mut meta) = self.take_meta(&message, changes) else { continue };
            let known = meta.parts.take();
            let (reader, detail) = (&mut *worker.reader, PartDetail::Stamps);
            let listed = list_parts(reader, &message, known.as_ref(), detail, &mut self.issue_log)?;
            if listed.is_incomplete {
                // Most often the directory cannot be read, and its parts neither. They are retried.
                self.provisional.push(message.into());
                meta.parts = listed.list;
                changes.messages.push(meta);
                continue;
            }
            let Some(mut list) = listed.list else { continue };
            // Unchanged parts keep what is known of them. `true`: the stale ones are read below and
            // compared, so that a part reported earlier does not count as changed once more.
            known.iter().for_each(|known| carry_over_parts(&mut list, known, true));
            let stale = parts_to_read(&list, known.as_ref(), &message);
            meta.parts = Some(list);
            self.reread_parts(worker, &mut meta, &stale, changes)?;
            changes.observed.extend(meta.parts.as_ref().and_then(|list| list.part_set));
            changes.messages.push(meta);
        }
        for session in work.records {
            if work.sessions.contains(&session) {
                // Verifying the whole session reads its record too.
                continue;
            }
            let known = self.view.session_state(&session.session);
            let fresh =
                verify_record(worker, known.as_deref(), &session, None, &mut self.issue_log)?;
            let VerifiedRecord::Present(record) = fresh else {
                // Gone or unreadable: whether the session still exists depends on its messages.
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
        self.may_change_copies |= copies::may_change_copies(&self.batch, self.view);
        // Committed first, because `verify` starts from a view: it has to see the parts that were
        // just read, or it would carry over their old state.
        self.materializer.index.commit(std::mem::replace(&mut self.batch, Batch::new()));
        let view = self.materializer.index.view();
        for session in work.sessions {
            let verified = verify(worker, &view, &session, None, self.options)?;
            self.materializer.store_byproducts(Byproducts {
                spans: verified.spans,
                counters: verified.counters,
                has_other_copy: verified.is_other_copy,
            });
            self.batch.append(verified.batch);
            self.issue_log.issues.extend(verified.issue_log.issues);
            if verified.unsettled {
                self.provisional.push(session.into());
            }
        }
        Ok(())
    }

    /// Returns the parts of a session whose last read was provisional, by message. They have to be
    /// read again, because an equal stamp does not prove that their bytes are equal.
    fn unsettled_parts(&self, session: &SessionKey) -> Vec<(MessageKey, BTreeSet<PartKey>)> {
        let is_unsettled = self.view.session_state(&session.session).is_some_and(|state| {
            // A log that can be resumed counts its unclean messages. Without one, no part is unclean,
            // and walking all messages of a long log is avoided.
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

    /// Takes a message out of the changes, or copies it from the index. `None` if neither has it.
    fn take_meta(&self, key: &MessageKey, changes: &mut SessionChanges) -> Option<MessageMeta> {
        match changes.messages.iter().position(|meta| meta.key == *key) {
            Some(at) => Some(changes.messages.swap_remove(at)),
            None => self.view.message_by_key(key).map(|meta| MessageMeta::clone(&meta)),
        }
    }

    /// Reads messages that are in the index. Returns whether all of them could be read.
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
        let record = self.view.session(&session.session);
        let reader = &mut *worker.reader;
        let issue_log = &mut self.issue_log;
        read_steps_of_some(reader, record.as_deref(), &mut changes.messages, issue_log)?;
        for meta in &changes.messages {
            changes.observed.push(meta.observed);
            self.note_provisional(meta.observed, meta.key.clone().into());
        }
        Ok(changes.messages.len() == requested)
    }

    /// Reads parts that are in the list of their message. Returns whether all of them still exist.
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
                        // An unreadable part may be one that is being written: it is retried.
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
            // Followers learn of a part by the revision of its last change. Without a change of the
            // bytes that revision stays.
            *known = if is_same { fresh.with_last_change_of(known) } else { fresh };
            let observed = ObservedStamp { stamp: *span.stamp(), clean: span.is_settled() };
            changes.observed.push(observed);
            self.note_provisional(observed, key.clone());
            self.materializer.cache.insert(self.materializer.source.id().clone(), key, span);
        }
        *list = PartList { refs: refs.into(), ..list.clone() };
        Ok(all_read)
    }

    /// Checks whether a part still has the bytes that were reported to followers: its stamp is equal,
    /// and either the old read was settled or the cached bytes are equal.
    fn has_reported_bytes(&self, key: &EntityKey, known: &PartRef, current: &MappedSpan) -> bool {
        let Some(old) = known.observed.filter(|old| old.stamp == *current.stamp()) else {
            return false;
        };
        let cached = || self.materializer.cache.get(self.materializer.source.id(), key);
        old.clean
            || cached()
                .is_some_and(|cached| cached.stamp() == current.stamp() && *cached == **current)
    }

    /// Notes a record whose read was provisional.
    fn note_provisional(&mut self, observed: ObservedStamp, key: EntityKey) {
        if !observed.clean {
            self.provisional.push(key);
        }
    }

    /// Adds the changes of a session to the batch, with its updated refresh state.
    ///
    /// The refresh state is updated by the difference: a message's old counts are removed and its new
    /// counts added. So the other messages of the session are not walked.
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

/// Returns the parts of a list whose bytes have to be read: new ones, changed ones, and those of
/// unknown kind.
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
