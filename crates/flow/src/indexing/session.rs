//! One session, read whole.

use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_err::Issue;
use scrollback_core_id::{EntityKey, MessageKey, OrderKey, PartId, Scope, SessionKey, UnixNanos};
use scrollback_core_type::{StageIssue, StageName};
use scrollback_index::{
    MessageMeta, ObservedStamp, PartList, PartRef, RefreshState, SessionContents, SessionMeta,
    SessionState,
};
use scrollback_source::{
    BorrowedItem, BorrowedRecord, Entry, Reader, Result, ScanItem, Survey, SurveyItem,
};
use scrollback_stor_mmap::Settled;

use super::metas::{Metas, Place, sighted};
use super::pool::Worker;

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

/// Reads a session whose record is at hand, or that has none. What is wrong with it keeps the
/// session from being settled.
pub(crate) fn read_whole(
    worker: &mut Worker<'_>,
    key: &SessionKey,
    entry: Option<&Entry>,
    parts: Parts,
) -> Result<Whole> {
    let mut notes = Notes::default();
    let checked = worker.reader.clock().now();
    let record = entry.and_then(|entry| record(&mut worker.metas, entry, &mut notes));
    let record = record.map(Arc::new);
    let messages = std::mem::take(&mut worker.spare);
    let Messages { set, resume, mut messages } = all_messages(worker, key, messages, &mut notes)?;
    let Worker { reader, files, .. } = worker;
    if parts > Parts::Later {
        *files += messages.len() as u64;
        for message in &mut messages {
            message.parts = Some(list_parts(&mut **reader, &message.key, parts, &mut notes)?);
        }
    }
    let upkeep = upkeep(record.as_deref(), set, &messages, checked, &notes);
    let contents = SessionContents {
        key: key.clone(),
        state: SessionState { record, refresh_state: upkeep, resume },
        messages,
    };
    Ok(Whole { contents, notes })
}

/// All messages of a session, without their parts.
pub(super) struct Messages {
    pub(super) set: Option<ObservedStamp>,
    pub(super) resume: Option<Arc<[u8]>>,
    pub(super) messages: Vec<MessageMeta>,
}

/// Reads all messages of a session into `messages`, which is empty.
pub(super) fn all_messages(
    worker: &mut Worker<'_>,
    key: &SessionKey,
    mut messages: Vec<MessageMeta>,
    notes: &mut Notes,
) -> Result<Messages> {
    let before = notes.issues.len();
    let (mut set, mut resume) = (None, None);
    let Worker { reader, metas, files, .. } = worker;
    reader.scan_borrowed(&Scope::Messages(key.clone()), &mut |lent| {
        match lent {
            BorrowedItem::Set(sighting) => {
                set = Some(sighted(&sighting));
                resume = sighting.resume.map(|token| Arc::clone(token.bytes()));
            }
            BorrowedItem::Issue(key, issue) => notes.note(key, issue),
            BorrowedItem::Record(record) => {
                let observed = ObservedStamp {
                    stamp: record.stamp,
                    clean: record.settled == Settled::Settled,
                };
                match record.key() {
                    Ok(of) => {
                        let BorrowedRecord { order, is_copy, bytes, .. } = record;
                        let place = Place { order, is_copy };
                        message(metas, of, place, bytes, observed, (&mut messages, notes));
                    }
                    Err(issue) => notes.note(Some(key.clone().into()), *issue),
                }
            }
            BorrowedItem::Commit => {}
            BorrowedItem::Rollback => {
                (set, resume) = (None, None);
                messages.clear();
                notes.issues.truncate(before);
            }
        }
        ControlFlow::Continue(())
    })?;
    *files += messages.len() as u64;
    Ok(Messages { set, resume, messages })
}

/// The meta of a session's record, and of what it does not say.
pub(crate) fn record(metas: &mut Metas, entry: &Entry, notes: &mut Notes) -> Option<SessionMeta> {
    let (EntityKey::Session(key), Some(span)) = (&entry.key, &entry.span) else { return None };
    let Entry { order, project, origin, provenance, .. } = entry;
    let (meta, issue) =
        metas.session(key.clone(), *order, project.clone(), origin.as_ref(), provenance, span);
    notes.note_about(&entry.key, issue);
    Some(meta)
}

/// Adds the meta of a message.
pub(super) fn message(
    metas: &mut Metas,
    key: EntityKey,
    place: Place,
    bytes: &[u8],
    observed: ObservedStamp,
    (messages, notes): (&mut Vec<MessageMeta>, &mut Notes),
) {
    let EntityKey::Message(key) = key else { return };
    if let Some(issue) = metas.message(key, place, bytes, observed, messages) {
        notes.note(messages.last().map(|meta| meta.key.clone().into()), issue);
    }
}

/// What a refresh has to know of a session that was just looked at file by file.
pub(super) fn upkeep<'m>(
    record: Option<&SessionMeta>,
    set: Option<ObservedStamp>,
    messages: impl IntoIterator<Item = &'m MessageMeta>,
    checked: UnixNanos,
    notes: &Notes,
) -> RefreshState {
    let mut upkeep =
        RefreshState { message_set: set, checked_at: checked, ..RefreshState::default() };
    let (mut newest, mut unsettled) = (upkeep.newest_change, !notes.issues.is_empty());
    let mut look = |observed: &ObservedStamp| {
        newest = newest.max(observed.stamp.mtime);
        unsettled |= !observed.clean;
    };
    record.iter().for_each(|record| look(&record.observed));
    set.iter().for_each(&mut look);
    for message in messages {
        look(&message.observed);
        if let Some(list) = &message.parts {
            list.part_set.iter().for_each(&mut look);
            list.refs.iter().filter_map(|part| part.observed.as_ref()).for_each(&mut look);
        }
        upkeep.add(message);
    }
    RefreshState { newest_change: newest, unsettled, ..upkeep }
}

/// Lists the parts of a message.
pub(crate) fn list_parts(
    reader: &mut dyn Reader,
    key: &MessageKey,
    parts: Parts,
    notes: &mut Notes,
) -> Result<PartList> {
    let mut set = None;
    if parts == Parts::Stamps {
        let mut found: Vec<(OrderKey, PartId, ObservedStamp)> = Vec::new();
        reader.survey(&Survey::Parts(key), &mut |seen| {
            match seen {
                SurveyItem::Observation(sighting) => match &sighting.key {
                    EntityKey::Part(part) => {
                        found.push((sighting.order, part.part.clone(), sighted(&sighting)));
                    }
                    _ => set = Some(sighted(&sighting)),
                },
                SurveyItem::Issue(key, issue) => notes.note(key, issue),
            }
            ControlFlow::Continue(())
        })?;
        found.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let part = |(_, id, observed)| PartRef::from_observed(id, observed);
        return Ok(PartList { part_set: set, refs: found.into_iter().map(part).collect() });
    }
    let mut refs = Vec::new();
    reader.scan(&Scope::Parts(key.clone()), &mut |found| {
        match found {
            ScanItem::Set(sighting) => set = Some(sighted(&sighting)),
            ScanItem::Issue(key, issue) => notes.note(key, issue),
            ScanItem::Entry(Entry { key: EntityKey::Part(part), .. }) => {
                refs.push(PartRef::from_id(part.part));
            }
            ScanItem::Entry(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok(PartList { part_set: set, refs: refs.into() })
}
