//! Writing: what a batch changes goes into the overlay, is logged, and is published last.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageKey, ProjectId, SessionId, SessionKey};
use scrollback_core_type::UsageSum;

use crate::batch::{Batch, Put};
use crate::cell::{Cell, Version};
use crate::generation::Generation;
use crate::shared::{HeldKey, Shared, Writer};
use crate::sync::Table;
use crate::{MessageMeta, PartList, PartRef, ProjectMeta, SessionState};

/// Commits a batch to the overlay.
pub(crate) fn commit(shared: &Shared, writer: &mut Writer, generation: &Generation, batch: Batch) {
    let published = shared.pins.published();
    let (made, used) = (Vec::new(), HashMap::new());
    let mut plan = Plan { generation, published, next: published, made, used };
    for put in latest(batch) {
        plan.take(put);
    }
    let Plan { next, made, used, .. } = plan;
    if made.is_empty() {
        return;
    }
    // A revision that only a refresh sees a difference in is a revision all the same.
    let revision = next.max(published + 1);
    let mut log = Vec::with_capacity(made.len());
    for Made { change, sequence } in made {
        if sequence > published {
            log.push((sequence, change.key()));
        }
        let (replaced, key) = match change {
            Change::Project(id, value) => {
                let replaced = put(&generation.projects, &id, value, sequence, revision);
                (replaced, HeldKey::Project(id))
            }
            Change::Session(SessionKey { session: id }, value) => {
                let replaced = put(&generation.sessions, &id, value, sequence, revision);
                (replaced, HeldKey::Session(id))
            }
            Change::Message(key, value) => {
                generation.enlist(&key);
                let replaced = put(&generation.messages, &key, value, sequence, revision);
                (replaced, HeldKey::Message(key))
            }
        };
        writer.hold(published, key, replaced);
    }
    for (session, more) in used {
        let mut sum = generation.usage_of_messages(&session, published);
        sum += more;
        let (table, sum) = (&generation.usage, Some(Arc::new(sum)));
        let replaced = put(table, &session, sum, 0, revision);
        writer.hold(published, HeldKey::Usage(session), replaced);
    }
    generation.with_log(|all| all.append(&mut log));
    shared.pins.publish(revision);
    shorten_log(generation);
}

/// Of several changes of a key the last, in the order of the first.
fn latest(batch: Batch) -> impl Iterator<Item = Put> {
    let mut places: HashMap<EntityKey, usize> = HashMap::with_capacity(batch.len());
    let mut puts: Vec<Put> = Vec::with_capacity(batch.len());
    for put in batch.changes {
        match places.entry(put.key()) {
            std::collections::hash_map::Entry::Occupied(place) => puts[*place.get()] = put,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(puts.len());
                puts.push(put);
            }
        }
    }
    puts.into_iter()
}

impl Put {
    pub(crate) fn key(&self) -> EntityKey {
        match self {
            Self::Project(id, _) => EntityKey::Project(id.clone()),
            Self::Session(key, _) => EntityKey::Session(key.clone()),
            Self::Message(key, _) => EntityKey::Message(key.clone()),
        }
    }
}

/// What a batch makes of the published state.
struct Plan<'g> {
    generation: &'g Generation,
    published: u64,
    next: u64,
    made: Vec<Made>,
    /// By how much what the messages of a session used differs.
    used: HashMap<SessionId, UsageSum>,
}

/// A version that is to be written.
struct Made {
    change: Change,
    sequence: u64,
}

/// A key and its new value; none removes it.
enum Change {
    Project(ProjectId, Option<Arc<ProjectMeta>>),
    Session(SessionKey, Option<Arc<SessionState>>),
    Message(MessageKey, Option<Arc<MessageMeta>>),
}

impl Change {
    fn key(&self) -> EntityKey {
        match self {
            Self::Project(id, _) => EntityKey::Project(id.clone()),
            Self::Session(key, _) => EntityKey::Session(key.clone()),
            Self::Message(key, _) => EntityKey::Message(key.clone()),
        }
    }
}

impl Plan<'_> {
    fn take(&mut self, put: Put) {
        match put {
            Put::Project(id, new) => self.project(id, new),
            Put::Session(key, new) => self.session(key, new),
            Put::Message(key, new) => self.message(key, new),
        }
    }

    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn project(&mut self, id: ProjectId, new: Option<ProjectMeta>) {
        let found = self.generation.project(&id, self.published);
        let last = found.as_ref().map_or(0, |found| self.generation.project_sequence(found));
        let old = found.and_then(|found| self.generation.project_value(found));
        if old.as_deref() == new.as_ref() {
            return;
        }
        let shown = |meta: &ProjectMeta| (meta.worktree.clone(), meta.observed.stamp);
        let quiet = match (&old, &new) {
            (Some(old), Some(new)) => shown(old) == shown(new),
            _ => false,
        };
        let sequence = if quiet { last } else { self.next() };
        let change = Change::Project(id, new.map(Arc::new));
        self.made.push(Made { change, sequence });
    }

    fn session(&mut self, key: SessionKey, new: Option<SessionState>) {
        let found = self.generation.session(&key.session, self.published);
        let last = found.as_ref().map_or(0, |found| self.generation.session_sequence(found));
        let old = found.and_then(|found| self.generation.session_value(found));
        if old.as_deref() == new.as_ref() {
            return;
        }
        let old_record = old.as_ref().and_then(|state| state.record.as_deref());
        let new_record = new.as_ref().and_then(|state| state.record.as_deref());
        let quiet = match (old_record, new_record) {
            (Some(old), Some(new)) => old.shows_the_same(new),
            (None, None) => true, // of messages without their session only the messages are seen
            _ => false,
        };
        let sequence = if quiet { last } else { self.next() };
        let change = Change::Session(key, new.map(Arc::new));
        self.made.push(Made { change, sequence });
    }

    fn message(&mut self, key: MessageKey, mut new: Option<Box<MessageMeta>>) {
        let found = self.generation.message(&key, self.published);
        let last = found.as_ref().map_or(0, |found| self.generation.message_sequence(found));
        let old = found.and_then(|found| self.generation.message_value(found));
        let next = self.next + 1;
        if let Some(parts) = new.as_mut().and_then(|new| new.parts.as_mut()) {
            let known = old.as_ref().and_then(|old| old.parts.as_ref());
            number_parts(parts, known, next);
        }
        if old.as_deref() == new.as_deref() {
            return;
        }
        let quiet = match (&old, &new) {
            (Some(old), Some(new)) => old.shows_the_same(new),
            _ => false,
        };
        let (before, after) = (old.map(|old| old.usage()), new.as_ref().map(|new| new.usage()));
        if before != after {
            let sum = self.used.entry(key.session.clone()).or_default();
            before.iter().for_each(|usage| sum.subtract(usage));
            after.iter().for_each(|usage| sum.add(usage));
        }
        let sequence = if quiet { last } else { self.next() };
        let change = Change::Message(key, new.map(Arc::from));
        self.made.push(Made { change, sequence });
    }
}

/// Gives the parts that are new or changed the number of this change; the rest keep theirs. A record
/// that was looked at while it may have been written is no other for looking the same since: whoever
/// read it again and found no difference says so ([`PartRef::as_told`]).
fn number_parts(parts: &mut PartList, known: Option<&PartList>, next: u64) {
    let known: HashMap<_, &PartRef> =
        known.iter().flat_map(|list| list.refs.iter()).map(|part| (&part.id, part)).collect();
    let number = |part: &PartRef| {
        let stamp = |part: &PartRef| part.observed.map(|observed| observed.stamp);
        let old = known.get(&part.id);
        let same = old.filter(|old| {
            let is_settled = old.observed.is_some_and(|observed| observed.clean);
            stamp(old) == stamp(part) && (is_settled || old.changed == part.changed)
        });
        PartRef { changed: same.map_or(next, |old| old.changed), ..part.clone() }
    };
    parts.refs = parts.refs.iter().map(number).collect();
}

/// Puts a version in front of its cell; says since when the one before it was there.
fn put<K: Hash + Eq + Clone, V>(
    table: &Table<K, Cell<V>>,
    key: &K,
    value: Option<Arc<V>>,
    sequence: u64,
    since: u64,
) -> Option<u64> {
    let version = Version { since, sequence, value };
    let (replaced, cell) = match table.get(key) {
        Some(cell) => (Some(cell.newest().since), cell.with(version)),
        None => (None, Cell::new(version)),
    };
    table.insert(key.clone(), cell);
    replaced
}

impl Shared {
    /// Removes the versions that lost their last view. While the writer is at work, this is left to
    /// the writer, which checks again when it is done.
    pub(crate) fn clear_up_if_free(&self) {
        while self.pins.has_released() {
            let Ok(mut writer) = self.writer.try_lock() else { return };
            self.clear_up(&mut writer);
        }
    }

    pub(crate) fn clear_up(&self, writer: &mut Writer) {
        let released = self.pins.take_released();
        if released.is_empty() {
            return;
        }
        let generation = self.pins.generation();
        for revision in released {
            release(self, writer, &generation, revision);
        }
    }
}

/// Looks after the versions that were held for the views of a revision, now that it has none:
/// another view may see them, else they go.
fn release(shared: &Shared, writer: &mut Writer, generation: &Generation, revision: u64) {
    for held in writer.held.remove(&revision).unwrap_or_default() {
        let heir = match &held.key {
            HeldKey::Project(id) => drop_unseen(shared, &generation.projects, id, held.since),
            HeldKey::Session(id) => drop_unseen(shared, &generation.sessions, id, held.since),
            HeldKey::Message(key) => drop_unseen(shared, &generation.messages, key, held.since),
            HeldKey::Usage(id) => drop_unseen(shared, &generation.usage, id, held.since),
        };
        if let Some(heir) = heir {
            writer.held.entry(heir).or_default().push(held);
        }
    }
}

/// Drops a version that was replaced, unless a view sees it: then that view's revision.
fn drop_unseen<K: Hash + Eq + Clone, V>(
    shared: &Shared,
    table: &Table<K, Cell<V>>,
    key: &K,
    since: u64,
) -> Option<u64> {
    let cell = table.get(key)?;
    let witness = shared.pins.witness(cell.reign(since)?);
    if witness.is_none() {
        table.insert(key.clone(), cell.without(since));
    }
    witness
}

/// Strikes the entries of versions that were replaced from the log, when they are half of it.
/// After publishing: a follower that holds the log then sees a revision that lacks none of them.
fn shorten_log(generation: &Generation) {
    let keys = generation.overlay_len();
    generation.with_log(|log| {
        if log.len() > 2 * keys + 64 {
            log.retain(|(sequence, key)| generation.newest_sequence(key) == Some(*sequence));
        }
    });
}
