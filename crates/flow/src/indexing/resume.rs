//! A session that may have been added to: what was added is read, and nothing else of it is looked at.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageKey, PartKey, SessionKey};
use scrollback_index::{
    Batch, MessageMeta, ObservedStamp, PartList, PartRef, SessionMeta, SessionState, View,
};
use scrollback_source::{Entry, Observation, Probe, Result, ResumeToken, ScanItem};
use scrollback_stor_mmap::MappedSpan;

use super::effort::Effort;
use super::metas::{Metas, Place, part_ref, sighted};
use super::options::{RefreshOptions, Verify};
use super::pool::Worker;
use super::session::{Notes, Parts, message, record};
use super::verified::{Verified, is_worth_a_revision};

/// Reads what was added to a session since the index has it. None if the session has to be looked at
/// whole.
pub(super) fn resume(
    worker: &mut Worker<'_>,
    view: &View,
    key: &SessionKey,
    options: &RefreshOptions,
) -> Result<Option<Verified>> {
    let Some(known) = view.session_state(&key.session) else { return Ok(None) };
    let Some(token) = known.resume.clone().filter(|_| may_resume(&known, options)) else {
        return Ok(None);
    };
    let checked = worker.reader.clock().now();
    let Worker { reader, metas, .. } = worker;
    let mut added = Added::new(view, key, metas);
    let resumed = reader.resume(key, &ResumeToken::new(token), &mut |found| {
        added.take(found);
        ControlFlow::Continue(())
    })?;
    if resumed.probe == Probe::Rescan {
        return Ok(None);
    }
    let mut state = SessionState::clone(&known);
    state.refresh_state.checked_at = checked;
    state.resume = resumed.token.map(|token| Arc::clone(token.bytes()));
    Ok(Some(added.finish(&known, state, options)))
}

/// Whether all that is known of a session holds until something is added to it.
fn may_resume(known: &SessionState, options: &RefreshOptions) -> bool {
    let wanted = options.parts.max(options.parts_of_dirty);
    let records = known.record.iter().map(|record| record.observed);
    options.verify == Verify::Fast
        && known.refresh_state.unclean_messages == 0
        && records.chain(known.refresh_state.message_set).all(|observed| observed.clean)
        && (wanted == Parts::Later || known.refresh_state.unlisted_messages == 0)
}

/// What a Source hands out of a session that was added to.
struct Added<'a> {
    view: &'a View,
    session: &'a SessionKey,
    metas: &'a mut Metas,
    record: Option<SessionMeta>,
    set: Option<ObservedStamp>,
    messages: Vec<AddedMessage>,
    /// Where each of them is.
    places: HashMap<MessageKey, usize>,
    spans: Vec<(EntityKey, MappedSpan)>,
    notes: Notes,
    effort: Effort,
}

/// A message that was added, replaced, or has more parts.
struct AddedMessage {
    meta: MessageMeta,
    old: Option<Arc<MessageMeta>>,
    /// Its parts once some were handed out; none if the parts that it had are not known.
    parts: Option<Vec<PartRef>>,
    set: Option<ObservedStamp>,
}

impl<'a> Added<'a> {
    fn new(view: &'a View, session: &'a SessionKey, metas: &'a mut Metas) -> Self {
        Self {
            view,
            session,
            metas,
            record: None,
            set: None,
            messages: Vec::new(),
            places: HashMap::new(),
            spans: Vec::new(),
            notes: Notes::default(),
            effort: Effort::default(),
        }
    }

    fn take(&mut self, found: ScanItem) {
        match found {
            ScanItem::Set(set) => self.set(&set),
            ScanItem::Issue(key, issue) => self.notes.note(key, issue),
            ScanItem::Entry(entry) => match &entry.key {
                EntityKey::Session(_) => {
                    self.record = record(self.metas, &entry, &mut self.notes);
                    self.keep(entry);
                }
                EntityKey::Message(_) => self.message(entry),
                EntityKey::Part(key) => {
                    let key = key.clone();
                    self.part(&key, entry);
                }
                _ => {} // not in the index
            },
        }
    }

    fn set(&mut self, set: &Observation) {
        match &set.key {
            EntityKey::Message(key) => {
                if let Some(at) = self.place(key) {
                    self.messages[at].set = Some(sighted(set));
                }
            }
            _ => self.set = Some(sighted(set)),
        }
    }

    fn message(&mut self, entry: Entry) {
        let Entry { key, order, is_copy, span: Some(span), .. } = &entry else { return };
        let place = Place { order: *order, is_copy: *is_copy };
        let observed = ObservedStamp { stamp: *span.stamp(), clean: span.is_settled() };
        let mut read = Vec::with_capacity(1);
        message(self.metas, key.clone(), place, span, observed, (&mut read, &mut self.notes));
        if let Some(meta) = read.pop() {
            let old = self.view.message_by_key(&meta.key);
            self.effort.compared += u64::from(old.is_some());
            self.put(meta, old);
        }
        self.keep(entry);
    }

    /// Adds a message, or what it is now. The parts of one that is new are all yet to come.
    fn put(&mut self, mut meta: MessageMeta, old: Option<Arc<MessageMeta>>) -> usize {
        if let Some(at) = self.places.get(&meta.key) {
            self.messages[*at].meta = meta;
            return *at;
        }
        let set = old.as_ref().and_then(|old| old.parts.as_ref()?.part_set);
        let parts = match &old {
            None => Some(Vec::new()),
            Some(old) => {
                meta.parts = old.parts.clone();
                None
            }
        };
        let at = self.messages.len();
        self.places.insert(meta.key.clone(), at);
        self.messages.push(AddedMessage { meta, old, parts, set });
        at
    }

    /// Where a message is that is there.
    fn place(&mut self, key: &MessageKey) -> Option<usize> {
        if let Some(at) = self.places.get(key) {
            return Some(*at);
        }
        let old = self.view.message_by_key(key)?;
        self.effort.cloned += 1;
        Some(self.put(MessageMeta::clone(&old), Some(old)))
    }

    fn part(&mut self, key: &PartKey, entry: Entry) {
        let (session, message) = (self.session.session.clone(), key.message.clone());
        // A part of nothing is in no index.
        let Some(at) = self.place(&MessageKey { session, message }) else { return };
        let Self { messages, effort, .. } = self;
        let AddedMessage { meta, parts, .. } = &mut messages[at];
        if let (None, Some(list)) = (&parts, &meta.parts) {
            effort.cloned += list.refs.len() as u64;
            *parts = Some(list.refs.to_vec());
        }
        if let Some(parts) = parts {
            let part = part_ref(&key.part, entry.span.as_ref());
            match parts.iter_mut().rev().find(|known| known.id == part.id) {
                Some(known) => *known = part,
                None => parts.push(part),
            }
        }
        self.keep(entry);
    }

    /// Keeps the bytes of a record, for the cache.
    fn keep(&mut self, entry: Entry) {
        self.spans.extend(entry.span.map(|span| (entry.key, span)));
    }

    /// `state` is what is known of the session, up to now.
    fn finish(
        self,
        known: &SessionState,
        mut state: SessionState,
        options: &RefreshOptions,
    ) -> Verified {
        let Self { session, record, set, messages, spans, notes, mut effort, .. } = self;
        let (mut batch, upkeep) = (Batch::new(), &mut state.refresh_state);
        let newest = |observed: &ObservedStamp| observed.stamp.mtime;
        if let Some(record) = record {
            effort.compared += 1;
            upkeep.newest_change = upkeep.newest_change.max(newest(&record.observed));
            if state.record.as_deref() != Some(&record) {
                state.record = Some(Arc::new(record));
            }
        }
        if let Some(set) = set {
            upkeep.newest_change = upkeep.newest_change.max(newest(&set));
            upkeep.message_set = Some(set);
        }
        for AddedMessage { mut meta, old, parts, set } in messages {
            if let Some(parts) = parts {
                meta.parts = Some(PartList { part_set: set, refs: parts.into() });
            }
            old.iter().for_each(|old| upkeep.remove(old));
            upkeep.add(&meta);
            upkeep.newest_change = upkeep.newest_change.max(newest(&meta.observed));
            if old.is_none_or(|old| *old != meta) {
                batch.put_message(meta);
            }
        }
        let records = state.record.iter().map(|record| record.observed);
        let is_clean = records.chain(upkeep.message_set).all(|observed| observed.clean);
        upkeep.unsettled = !is_clean || upkeep.unclean_messages > 0 || !notes.issues.is_empty();
        let unsettled = upkeep.unsettled;
        effort.resumed += 1;
        if !batch.is_empty() || is_worth_a_revision(Some(known), &state, options) {
            batch.put_session(session.clone(), state);
        }
        Verified { batch, notes, lost: None, unsettled, spans, effort }
    }
}
