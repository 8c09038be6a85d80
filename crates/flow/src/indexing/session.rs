//! One session: read whole, or looked at file by file and read where it changed.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_err::Issue;
use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, PartId, Scope, SessionKey, Stamp, UnixNanos, circular_orders,
};
use scrollback_core_type::{StageIssue, StageName};
use scrollback_index::{
    Batch, MessageMeta, Observed, PartList, PartRef, SessionContents, SessionMeta, SessionState,
    Upkeep, View,
};
use scrollback_stor_read::{Entry, Found, Reader, Result, Seen, Sighting, Survey};

use super::metas::{Metas, sighted};
use super::pool::Worker;
use super::refresh::RefreshOptions;

/// How much of the parts an index keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Parts {
    /// Nothing before a session is looked into: the cheapest, as every message has a directory of
    /// parts.
    #[default]
    Later,
    /// Their names.
    Names,
    /// Their names and what their files look like.
    Stamps,
}

/// Takes what goes wrong, and remembers that something did.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) issues: Vec<StageIssue>,
}

impl Notes {
    pub(crate) fn note(&mut self, key: Option<EntityKey>, issue: Issue) {
        self.issues.push(StageIssue { stage: StageName::Index, key, issue });
    }

    fn note_about(&mut self, key: &EntityKey, issue: Option<Issue>) {
        if let Some(issue) = issue {
            self.note(Some(key.clone()), issue);
        }
    }
}

/// A session that was read whole.
pub(crate) struct Whole {
    pub(crate) contents: SessionContents,
    pub(crate) notes: Notes,
}

/// Reads a session whose record is at hand, or that has none.
pub(crate) fn read_whole(
    worker: &mut Worker<'_>,
    key: &SessionKey,
    record: Option<Arc<SessionMeta>>,
    parts: Parts,
    mut notes: Notes,
) -> Result<Whole> {
    let checked = worker.reader.clock().now();
    let (mut set, mut messages) = (None, Vec::new());
    let Worker { reader, metas, files } = worker;
    reader.scan(&Scope::Messages(key.clone()), &mut |found| {
        match found {
            Found::Set(sighting) => set = Some(sighted(&sighting)),
            Found::Issue(key, issue) => notes.note(key, issue),
            Found::Entry(entry) => messages.extend(message(metas, entry, &mut notes)),
        }
        ControlFlow::Continue(())
    })?;
    *files += messages.len() as u64;
    if parts > Parts::Later {
        *files += messages.len() as u64;
        for message in &mut messages {
            message.parts = Some(list_parts(&mut **reader, &message.key, parts, &mut notes)?);
        }
    }
    let upkeep = upkeep(record.as_deref(), set, &messages, checked, &notes);
    let contents =
        SessionContents { key: key.clone(), state: SessionState { record, upkeep }, messages };
    Ok(Whole { contents, notes })
}

/// The meta of a session's record, and of what it does not say.
pub(crate) fn record(metas: &mut Metas, entry: Entry, notes: &mut Notes) -> Option<SessionMeta> {
    let (EntityKey::Session(key), Some(span)) = (&entry.key, &entry.span) else { return None };
    let (meta, issue) = metas.session(key.clone(), entry.order, entry.project.clone(), span);
    notes.note_about(&entry.key, issue);
    Some(meta)
}

fn message(metas: &mut Metas, entry: Entry, notes: &mut Notes) -> Option<MessageMeta> {
    let (EntityKey::Message(key), Some(span)) = (&entry.key, &entry.span) else { return None };
    let (meta, issue) = metas.message(key.clone(), entry.order, span);
    notes.note_about(&entry.key, issue);
    Some(meta)
}

/// What a refresh has to know of a session that was just looked at file by file.
fn upkeep<'m>(
    record: Option<&SessionMeta>,
    set: Option<Observed>,
    messages: impl IntoIterator<Item = &'m MessageMeta>,
    checked: UnixNanos,
    notes: &Notes,
) -> Upkeep {
    let mut upkeep = Upkeep { set, checked, ..Upkeep::default() };
    upkeep.unsettled = !notes.issues.is_empty();
    let mut look = |observed: &Observed| {
        upkeep.newest = upkeep.newest.max(observed.stamp.mtime);
        upkeep.unsettled |= !observed.clean;
    };
    record.iter().for_each(|record| look(&record.observed));
    set.iter().for_each(&mut look);
    for message in messages {
        look(&message.observed);
        if let Some(list) = &message.parts {
            list.set.iter().for_each(&mut look);
            list.refs.iter().filter_map(|part| part.observed.as_ref()).for_each(&mut look);
        }
        upkeep.unfinished |= message.is_unfinished();
    }
    upkeep
}

/// Lists the parts of a message.
fn list_parts(
    reader: &mut dyn Reader,
    key: &MessageKey,
    parts: Parts,
    notes: &mut Notes,
) -> Result<PartList> {
    let mut set = None;
    if parts == Parts::Stamps {
        let mut found: Vec<(PartId, Observed)> = Vec::new();
        reader.survey(&Survey::Parts(key), &mut |seen| {
            match seen {
                Seen::Sighting(sighting) => match &sighting.key {
                    EntityKey::Part(part) => found.push((part.part.clone(), sighted(&sighting))),
                    _ => set = Some(sighted(&sighting)),
                },
                Seen::Issue(key, issue) => notes.note(key, issue),
            }
            ControlFlow::Continue(())
        })?;
        let orders: Vec<_> = circular_orders(found.iter().map(|(id, _)| id)).collect();
        let mut ordered: Vec<_> = orders.into_iter().zip(found).collect();
        ordered.sort_unstable_by(|a, b| (a.0, &a.1.0).cmp(&(b.0, &b.1.0)));
        let part = |(_, (id, observed))| PartRef::looked_at(id, observed);
        return Ok(PartList { set, refs: ordered.into_iter().map(part).collect() });
    }
    let mut refs = Vec::new();
    reader.scan(&Scope::Parts(key.clone()), &mut |found| {
        match found {
            Found::Set(sighting) => set = Some(sighted(&sighting)),
            Found::Issue(key, issue) => notes.note(key, issue),
            Found::Entry(Entry { key: EntityKey::Part(part), .. }) => {
                refs.push(PartRef::named(part.part));
            }
            Found::Entry(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok(PartList { set, refs: refs.into() })
}

/// What came of looking at a session file by file.
pub(crate) struct Verified {
    pub(crate) batch: Batch,
    pub(crate) notes: Notes,
}

/// Looks at every file of a session, and at its parts as far as the index looked at them or
/// the options want; reads what changed. `records` is where its record was sighted, if that is known.
pub(crate) fn verify(
    worker: &mut Worker<'_>,
    view: &View,
    key: &SessionKey,
    records: Option<&[Sighting]>,
    options: &RefreshOptions,
) -> Result<Verified> {
    let checked = worker.reader.clock().now();
    let known = view.state(&key.session);
    let mut notes = Notes::default();
    let record = verify_record(worker, known.as_deref(), key, records, &mut notes)?;

    let (mut set, mut there) = (None, Vec::new());
    worker.reader.survey(&Survey::Messages(key), &mut |seen| {
        match seen {
            Seen::Sighting(sighting) => match sighting.key {
                EntityKey::Message(key) => there.push((key, sighting.stamp)),
                _ => set = Some(sighted(&sighting)),
            },
            Seen::Issue(key, issue) => notes.note(key, issue),
        }
        ControlFlow::Continue(())
    })?;
    worker.files += there.len() as u64;
    let same_set = known.as_ref().is_some_and(|known| known.upkeep.set == set);
    let same_record = known.as_ref().is_some_and(|known| known.record == record);
    let calm = known.as_ref().is_some_and(|known| !options.is_hot(&known.upkeep));
    if same_set
        && same_record
        && calm
        && notes.issues.is_empty()
        && options.parts == Parts::Later
        && there.iter().all(|(key, stamp)| view.is_unchanged(key, stamp))
        && there.len() == view.message_count(&key.session)
    {
        return Ok(Verified { batch: Batch::new(), notes }); // nearly always
    }
    let mut sighted_messages: HashMap<MessageId, Stamp> =
        there.into_iter().map(|(key, stamp)| (key.message, stamp)).collect();

    let old = view.by_session(&key.session);
    let mut batch = Batch::new();
    let mut messages = Vec::with_capacity(sighted_messages.len());
    for message in &old {
        match sighted_messages.get(&message.key.message) {
            None => batch.remove_message(message.key.clone()),
            Some(now) if message.observed.is_unchanged(now) => {
                sighted_messages.remove(&message.key.message);
                messages.push(MessageMeta::clone(message));
            }
            Some(_) => {} // it is among those to be read
        }
    }
    read_messages(worker, key, sighted_messages.into_keys(), &old, &mut messages, &mut notes)?;
    verify_parts(worker, &mut messages, options.parts, &mut notes)?;

    let upkeep = upkeep(record.as_deref(), set, &messages, checked, &notes);
    let by_id: HashMap<&MessageId, &Arc<MessageMeta>> =
        old.iter().map(|message| (&message.key.message, message)).collect();
    for message in messages {
        if by_id.get(&message.key.message).is_none_or(|old| ***old != message) {
            batch.put_message(message);
        }
    }
    let is_there = record.is_some() || set.is_some();
    match known {
        Some(_) if !is_there => batch.remove_session(key.clone()),
        None if !is_there => {}
        known => {
            let state = SessionState { record, upkeep };
            // That it was looked at is worth a revision only if it need not be any more.
            let same = known.is_some_and(|known| {
                let same_but_when = Upkeep { checked: known.upkeep.checked, ..upkeep };
                let calmed = options.is_hot(&known.upkeep) && !options.is_hot(&upkeep);
                known.record == state.record && known.upkeep == same_but_when && !calmed
            });
            if !same || !batch.is_empty() {
                batch.put_session(key.clone(), state);
            }
        }
    }
    Ok(Verified { batch, notes })
}

/// The session's record as it is now.
fn verify_record(
    worker: &mut Worker<'_>,
    known: Option<&SessionState>,
    key: &SessionKey,
    records: Option<&[Sighting]>,
    notes: &mut Notes,
) -> Result<Option<Arc<SessionMeta>>> {
    let known = known.and_then(|known| known.record.as_ref());
    match (records, known) {
        (Some([]), _) => return Ok(None),
        (Some([now]), Some(known)) if is_same_record(known, now) => {
            return Ok(Some(Arc::clone(known)));
        }
        _ => {}
    }
    let Worker { reader, metas, .. } = worker;
    let asked = [EntityKey::Session(key.clone())];
    let mut read = None;
    reader.spans(&asked, &mut |found| {
        match found {
            Found::Entry(entry) => read = record(metas, entry, notes),
            Found::Issue(_, issue) if issue.is_vanished() => {} // that is the answer
            Found::Issue(key, issue) => notes.note(key, issue),
            Found::Set(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    // Without a sighting it is read at any rate: told apart by what it looked like.
    match (read, known) {
        (Some(read), Some(known)) if **known == read => Ok(Some(Arc::clone(known))),
        (read, _) => Ok(read.map(Arc::new)),
    }
}

/// Whether a record is as it was, and in the same project.
fn is_same_record(known: &SessionMeta, now: &Sighting) -> bool {
    known.observed.is_unchanged(&now.stamp)
        && now.project.as_ref().is_none_or(|project| known.project.as_ref() == Some(project))
}

/// Reads messages that are new or changed. What was known of the parts of a changed one stays.
fn read_messages(
    worker: &mut Worker<'_>,
    session: &SessionKey,
    ids: impl Iterator<Item = MessageId>,
    old: &[Arc<MessageMeta>],
    messages: &mut Vec<MessageMeta>,
    notes: &mut Notes,
) -> Result<()> {
    let key = |message| MessageKey { session: session.session.clone(), message };
    let keys: Vec<EntityKey> = ids.map(|id| EntityKey::Message(key(id))).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let Worker { reader, metas, files } = worker;
    *files += keys.len() as u64;
    reader.spans(&keys, &mut |found| {
        match found {
            Found::Entry(entry) => {
                if let Some(mut meta) = message(metas, entry, notes) {
                    let old = old.iter().find(|old| old.key == meta.key);
                    meta.parts = old.and_then(|old| old.parts.clone());
                    messages.push(meta);
                }
            }
            Found::Issue(_, issue) if issue.is_vanished() => {}
            Found::Issue(key, issue) => notes.note(key, issue),
            Found::Set(_) => {}
        }
        ControlFlow::Continue(())
    })
}

/// Looks at the parts of messages as far as they were looked at before, or as `wanted`.
fn verify_parts(
    worker: &mut Worker<'_>,
    messages: &mut [MessageMeta],
    wanted: Parts,
    notes: &mut Notes,
) -> Result<()> {
    let listed: Vec<MessageKey> = messages
        .iter()
        .filter(|message| message.parts.is_some())
        .map(|message| message.key.clone())
        .collect();
    let mut sets: HashMap<MessageKey, Sighting> = HashMap::with_capacity(listed.len());
    if !listed.is_empty() {
        worker.files += listed.len() as u64;
        worker.reader.survey(&Survey::PartSets(&listed), &mut |seen| {
            match seen {
                Seen::Sighting(sighting) => {
                    if let EntityKey::Message(key) = &sighting.key {
                        sets.insert(key.clone(), sighting);
                    }
                }
                Seen::Issue(key, issue) => notes.note(key, issue),
            }
            ControlFlow::Continue(())
        })?;
    }
    for message in messages {
        let Some(list) = &message.parts else {
            if wanted > Parts::Later {
                let list = list_parts(&mut *worker.reader, &message.key, wanted, notes)?;
                message.parts = Some(list);
            }
            continue;
        };
        let looked_at = list.refs.iter().any(|part| part.observed.is_some());
        let level = if looked_at { Parts::Stamps } else { wanted.max(Parts::Names) };
        let unchanged = match (&list.set, sets.get(&message.key)) {
            (None, None) => true,
            (Some(known), Some(now)) => known.is_unchanged(&now.stamp),
            _ => false,
        };
        let complete = level == Parts::Names || list.refs.is_empty();
        if unchanged && complete {
            continue;
        }
        let mut now = list_parts(&mut *worker.reader, &message.key, level, notes)?;
        worker.files += now.refs.len() as u64;
        keep_kinds(&mut now, list);
        message.parts = Some(now);
    }
    Ok(())
}

/// A part that looks as it did is of the kind that it was.
fn keep_kinds(now: &mut PartList, known: &PartList) {
    let known: HashMap<&PartId, &PartRef> =
        known.refs.iter().map(|part| (&part.id, part)).collect();
    let keep = |part: &PartRef| {
        let stamp = |observed: Option<Observed>| observed.map(|observed| observed.stamp);
        let old = known.get(&part.id).filter(|old| stamp(old.observed) == stamp(part.observed));
        let mut part = part.clone();
        part.kind = old.and_then(|old| old.kind);
        part
    };
    now.refs = now.refs.iter().map(keep).collect();
}
