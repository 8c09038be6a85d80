//! Resumes a session that an agent keeps in an append log: reads the records that were appended, and
//! nothing else of the session.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageKey, PartKey, SessionKey};
use scrollback_index::{
    Batch, MessageMeta, ObservedStamp, PartList, PartRef, SessionMeta, SessionState, View,
};
use scrollback_source::{Entry, Observation, Probe, Result, ResumeToken, ScanItem};
use scrollback_stor_mmap::MappedSpan;

use super::counters::RefreshCounters;
use super::issue_log::IssueLog;
use super::meta_builder::{MessagePosition, MetaBuilder, observed_from_observation, part_ref};
use super::options::{RefreshOptions, Verify};
use super::pool::Worker;
use super::session::{PartDetail, push_message_meta, session_meta};
use super::verify_outcome::{VerifyOutcome, needs_revision};

/// Reads what was appended to a session since the index read it. `None` if the session has to be
/// verified as a whole.
pub(super) fn resume(
    worker: &mut Worker<'_>,
    view: &View,
    key: &SessionKey,
    options: &RefreshOptions,
) -> Result<Option<VerifyOutcome>> {
    let Some(known) = view.session_state(&key.session) else { return Ok(None) };
    let Some(token) = known.resume.clone().filter(|_| may_resume(&known, options)) else {
        return Ok(None);
    };
    let checked_at = worker.reader.clock().now();
    let Worker { reader, meta_builder, .. } = worker;
    let mut added = AppendedRecords::new(view, key, meta_builder);
    let resumed = reader.resume(key, &ResumeToken::new(token), &mut |item| {
        added.accept(item);
        ControlFlow::Continue(())
    })?;
    // The log was rewritten, truncated or replaced. The records that were handed out are dropped with
    // `added`; nothing was committed yet.
    if resumed.probe == Probe::Rescan {
        return Ok(None);
    }
    let mut state = SessionState::clone(&known);
    state.refresh_state.checked_at = checked_at;
    state.resume = resumed.token.map(|token| Arc::clone(token.bytes()));
    Ok(Some(added.finish(&known, state, options)))
}

/// Checks whether the index may rely on everything it has of a session.
///
/// Resuming never reads old records again. So all of them have to be clean and as detailed as the
/// options require; a full refresh never resumes.
fn may_resume(known: &SessionState, options: &RefreshOptions) -> bool {
    let wanted = options.parts.max(options.parts_of_dirty);
    let records = known.record.iter().map(|record| record.observed);
    options.verify == Verify::Fast
        && known.refresh_state.unclean_messages == 0
        && records.chain(known.refresh_state.message_set).all(|observed| observed.clean)
        && (wanted == PartDetail::Later || known.refresh_state.unlisted_messages == 0)
}

/// The records that a Source hands out while a session is resumed.
struct AppendedRecords<'a> {
    view: &'a View,
    session: &'a SessionKey,
    meta_builder: &'a mut MetaBuilder,
    record: Option<SessionMeta>,
    set: Option<ObservedStamp>,
    messages: Vec<AppendedMessage>,
    /// The index in `messages` of each message.
    message_indexes: HashMap<MessageKey, usize>,
    spans: Vec<(EntityKey, MappedSpan)>,
    issue_log: IssueLog,
    counters: RefreshCounters,
}

/// A message that was added or replaced, or that has new parts.
struct AppendedMessage {
    meta: MessageMeta,
    /// The message as the index has it; `None` if it is new.
    previous: Option<Arc<MessageMeta>>,
    /// The parts, once one was handed out; `None` before that, or if the index never listed them.
    parts: Option<Vec<PartRef>>,
    set: Option<ObservedStamp>,
}

impl<'a> AppendedRecords<'a> {
    fn new(view: &'a View, session: &'a SessionKey, meta_builder: &'a mut MetaBuilder) -> Self {
        Self {
            view,
            session,
            meta_builder,
            record: None,
            set: None,
            messages: Vec::new(),
            message_indexes: HashMap::new(),
            spans: Vec::new(),
            issue_log: IssueLog::default(),
            counters: RefreshCounters::default(),
        }
    }

    /// Adds one item that the Source hands out.
    fn accept(&mut self, item: ScanItem) {
        match item {
            ScanItem::Set(set) => self.accept_set(&set),
            ScanItem::Issue(key, issue) => self.issue_log.note(key, issue),
            ScanItem::Entry(entry) => match &entry.key {
                EntityKey::Session(_) => {
                    self.record = session_meta(self.meta_builder, &entry, &mut self.issue_log);
                    self.keep_span(entry);
                }
                EntityKey::Message(_) => self.accept_message(entry),
                EntityKey::Part(key) => {
                    let key = key.clone();
                    self.accept_part(&key, entry);
                }
                _ => {} // not in the index
            },
        }
    }

    fn accept_set(&mut self, set: &Observation) {
        match &set.key {
            EntityKey::Message(key) => {
                if let Some(at) = self.message_index(key) {
                    self.messages[at].set = Some(observed_from_observation(set));
                }
            }
            _ => self.set = Some(observed_from_observation(set)),
        }
    }

    fn accept_message(&mut self, entry: Entry) {
        let Entry { key, order, is_copy, span: Some(span), .. } = &entry else { return };
        let place = MessagePosition { order: *order, is_copy: *is_copy };
        let observed = ObservedStamp { stamp: *span.stamp(), clean: span.is_settled() };
        let mut read = Vec::with_capacity(1);
        push_message_meta(
            self.meta_builder,
            key.clone(),
            place,
            span,
            observed,
            (&mut read, &mut self.issue_log),
        );
        if let Some(meta) = read.pop() {
            let previous = self.view.message_by_key(&meta.key);
            self.counters.compared += u64::from(previous.is_some());
            self.put_message(meta, previous);
        }
        self.keep_span(entry);
    }

    /// Adds a message, or replaces its meta if it was added before. Returns its index.
    fn put_message(&mut self, mut meta: MessageMeta, previous: Option<Arc<MessageMeta>>) -> usize {
        if let Some(at) = self.message_indexes.get(&meta.key) {
            self.messages[*at].meta = meta;
            return *at;
        }
        let set = previous.as_ref().and_then(|previous| previous.parts.as_ref()?.part_set);
        let parts = match &previous {
            // All parts of a new message are still to come, so the list is known: it starts empty.
            None => Some(Vec::new()),
            Some(previous) => {
                meta.parts = previous.parts.clone();
                None
            }
        };
        let at = self.messages.len();
        self.message_indexes.insert(meta.key.clone(), at);
        self.messages.push(AppendedMessage { meta, previous, parts, set });
        at
    }

    /// Returns the index of a message, and adds it from the view first if needed. `None` if neither
    /// the log nor the view has it.
    fn message_index(&mut self, key: &MessageKey) -> Option<usize> {
        if let Some(at) = self.message_indexes.get(key) {
            return Some(*at);
        }
        let previous = self.view.message_by_key(key)?;
        self.counters.cloned += 1;
        Some(self.put_message(MessageMeta::clone(&previous), Some(previous)))
    }

    fn accept_part(&mut self, key: &PartKey, entry: Entry) {
        let (session, message) = (self.session.session.clone(), key.message.clone());
        // A part without its message is not indexed.
        let Some(at) = self.message_index(&MessageKey { session, message }) else { return };
        let Self { messages, counters, .. } = self;
        let AppendedMessage { meta, parts, .. } = &mut messages[at];
        // The list is copied once, when the first part of the message comes. Messages without new
        // parts share their lists with the index.
        if let (None, Some(list)) = (&parts, &meta.parts) {
            counters.cloned += list.refs.len() as u64;
            *parts = Some(list.refs.to_vec());
        }
        if let Some(parts) = parts {
            let part = part_ref(&key.part, entry.span.as_ref());
            // Searched from the end, because a replaced part is most often a recent one.
            match parts.iter_mut().rev().find(|known| known.id == part.id) {
                Some(known) => *known = part,
                None => parts.push(part),
            }
        }
        self.keep_span(entry);
    }

    /// Keeps the bytes of a record, for the cache.
    fn keep_span(&mut self, entry: Entry) {
        self.spans.extend(entry.span.map(|span| (entry.key, span)));
    }

    /// Makes the outcome. `known` is the session's state in the index, `state` a copy of it with the
    /// new time and token.
    ///
    /// The counts of the refresh state change by the difference: the old counts of a message are
    /// removed and its new counts added. So the cost depends on what was appended, not on the length of
    /// the session.
    fn finish(
        self,
        known: &SessionState,
        mut state: SessionState,
        options: &RefreshOptions,
    ) -> VerifyOutcome {
        let Self { session, record, set, messages, spans, issue_log, mut counters, .. } = self;
        let (mut batch, refresh_state) = (Batch::new(), &mut state.refresh_state);
        let newest = |observed: &ObservedStamp| observed.stamp.mtime;
        if let Some(record) = record {
            counters.compared += 1;
            refresh_state.newest_change = refresh_state.newest_change.max(newest(&record.observed));
            if state.record.as_deref() != Some(&record) {
                state.record = Some(Arc::new(record));
            }
        }
        if let Some(set) = set {
            refresh_state.newest_change = refresh_state.newest_change.max(newest(&set));
            refresh_state.message_set = Some(set);
        }
        for AppendedMessage { mut meta, previous, parts, set } in messages {
            if let Some(parts) = parts {
                meta.parts = Some(PartList { part_set: set, refs: parts.into() });
            }
            previous.iter().for_each(|previous| refresh_state.remove(previous));
            refresh_state.add(&meta);
            refresh_state.newest_change = refresh_state.newest_change.max(newest(&meta.observed));
            if previous.is_none_or(|previous| *previous != meta) {
                batch.put_message(meta);
            }
        }
        let records = state.record.iter().map(|record| record.observed);
        let is_clean = records.chain(refresh_state.message_set).all(|observed| observed.clean);
        // `may_resume` has checked that nothing else in the session is unclean.
        refresh_state.unsettled =
            !is_clean || refresh_state.unclean_messages > 0 || !issue_log.issues.is_empty();
        let unsettled = refresh_state.unsettled;
        counters.resumed += 1;
        if !batch.is_empty() || needs_revision(Some(known), &state, options) {
            batch.put_session(session.clone(), state);
        }
        VerifyOutcome {
            batch,
            issue_log,
            missing_session: None,
            lacks_records: false,
            is_other_copy: false,
            unsettled,
            spans,
            counters,
        }
    }
}
