//! The writer: puts the changes of a batch into the overlay, adds them to the log, and publishes the
//! new revision last. Versions that views still show are kept until the views are dropped.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageKey, ProjectId, SessionId, SessionKey};
use scrollback_core_type::UsageSum;

use crate::batch::{Batch, BatchEntry};
use crate::layers::Layers;
use crate::shared::{RetainedKey, SharedState, WriterState};
use crate::sync::ConcurrentMap;
use crate::version_chain::{Version, VersionChain};
use crate::{MessageMeta, PartList, PartRef, ProjectMeta, SessionState};

/// Commits a batch to the overlay.
pub(crate) fn commit(
    shared: &SharedState,
    writer: &mut WriterState,
    layers: &Layers,
    batch: Batch,
) {
    let published = shared.pins.published();
    let mut plan = PendingCommit {
        layers,
        published,
        last_sequence: published,
        versions: Vec::new(),
        usage_changes: HashMap::new(),
    };
    for entry in last_entry_per_key(batch) {
        plan.apply(entry);
    }
    let PendingCommit { last_sequence: next, versions, usage_changes, .. } = plan;
    if versions.is_empty() {
        return;
    }
    // A batch that changes only refresh states takes no change number. It needs a revision of its own
    // even so, because a published revision never changes.
    let revision = next.max(published + 1);
    let mut log = Vec::with_capacity(versions.len());
    // Views of published revisions skip versions with a later `since`, so the versions can be written one
    // by one before `publish` makes all of them visible.
    for PendingVersion { change, sequence } in versions {
        if sequence > published {
            log.push((sequence, change.key()));
        }
        let (replaced, key) = match change {
            PendingValue::Project(id, value) => {
                let replaced = push_version(&layers.projects, &id, value, sequence, revision);
                (replaced, RetainedKey::Project(id))
            }
            PendingValue::Session(SessionKey { session: id }, value) => {
                let replaced = push_version(&layers.sessions, &id, value, sequence, revision);
                (replaced, RetainedKey::Session(id))
            }
            PendingValue::Message(key, value) => {
                layers.register_message(&key);
                let replaced = push_version(&layers.messages, &key, value, sequence, revision);
                (replaced, RetainedKey::Message(key))
            }
        };
        writer.retain(published, key, replaced);
    }
    for (session, difference) in usage_changes {
        let mut sum = layers.usage_of_messages(&session, published);
        sum += difference;
        layers.note_recorded_copies(&sum);
        let (table, sum) = (&layers.usage, Some(Arc::new(sum)));
        let replaced = push_version(table, &session, sum, 0, revision);
        writer.retain(published, RetainedKey::Usage(session), replaced);
    }
    layers.with_log(|entries| entries.append(&mut log));
    shared.pins.publish(revision);
    shorten_log(layers);
}

/// Returns the last change of each key, in the order of the first changes.
fn last_entry_per_key(batch: Batch) -> impl Iterator<Item = BatchEntry> {
    let mut places: HashMap<EntityKey, usize> = HashMap::with_capacity(batch.len());
    let mut entries: Vec<BatchEntry> = Vec::with_capacity(batch.len());
    for entry in batch.changes {
        match places.entry(entry.key()) {
            std::collections::hash_map::Entry::Occupied(place) => entries[*place.get()] = entry,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(entries.len());
                entries.push(entry);
            }
        }
    }
    entries.into_iter()
}

impl BatchEntry {
    pub(crate) fn key(&self) -> EntityKey {
        match self {
            Self::Project(id, _) => EntityKey::Project(id.clone()),
            Self::Session(key, _) => EntityKey::Session(key.clone()),
            Self::Message(key, _) => EntityKey::Message(key.clone()),
        }
    }
}

/// The changes that a batch makes to the published state.
struct PendingCommit<'g> {
    layers: &'g Layers,
    published: u64,
    last_sequence: u64,
    versions: Vec<PendingVersion>,
    /// The difference in usage over the changed messages of a session.
    usage_changes: HashMap<SessionId, UsageSum>,
}

/// A version that is to be added to the overlay.
struct PendingVersion {
    change: PendingValue,
    sequence: u64,
}

/// A key and its new value; `None` removes the key.
enum PendingValue {
    Project(ProjectId, Option<Arc<ProjectMeta>>),
    Session(SessionKey, Option<Arc<SessionState>>),
    Message(MessageKey, Option<Arc<MessageMeta>>),
}

impl PendingValue {
    fn key(&self) -> EntityKey {
        match self {
            Self::Project(id, _) => EntityKey::Project(id.clone()),
            Self::Session(key, _) => EntityKey::Session(key.clone()),
            Self::Message(key, _) => EntityKey::Message(key.clone()),
        }
    }
}

impl PendingCommit<'_> {
    fn apply(&mut self, entry: BatchEntry) {
        match entry {
            BatchEntry::Project(id, new) => self.project(id, new),
            BatchEntry::Session(key, new) => self.session(key, new),
            BatchEntry::Message(key, new) => self.message(key, new),
        }
    }

    fn next_sequence(&mut self) -> u64 {
        self.last_sequence += 1;
        self.last_sequence
    }

    fn project(&mut self, id: ProjectId, new: Option<ProjectMeta>) {
        let location = self.layers.project(&id, self.published);
        let last_change =
            location.as_ref().map_or(0, |location| self.layers.project_sequence(location));
        let old = location.and_then(|location| self.layers.project_value(location));
        if old.as_deref() == new.as_ref() {
            return;
        }
        let visible_fields = |meta: &ProjectMeta| (meta.worktree.clone(), meta.observed.stamp);
        let is_invisible = match (&old, &new) {
            (Some(old), Some(new)) => visible_fields(old) == visible_fields(new),
            _ => false,
        };
        let sequence = if is_invisible { last_change } else { self.next_sequence() };
        let change = PendingValue::Project(id, new.map(Arc::new));
        self.versions.push(PendingVersion { change, sequence });
    }

    fn session(&mut self, key: SessionKey, new: Option<SessionState>) {
        let location = self.layers.session(&key.session, self.published);
        let last_change =
            location.as_ref().map_or(0, |location| self.layers.session_sequence(location));
        let old = location.and_then(|location| self.layers.session_value(location));
        if old.as_deref() == new.as_ref() {
            return;
        }
        let old_record = old.as_ref().and_then(|state| state.record.as_deref());
        let new_record = new.as_ref().and_then(|state| state.record.as_deref());
        let is_invisible = match (old_record, new_record) {
            (Some(old), Some(new)) => old.is_visibly_equal(new),
            (None, None) => true, // readers see no session without a record
            _ => false,
        };
        let sequence = if is_invisible { last_change } else { self.next_sequence() };
        let change = PendingValue::Session(key, new.map(Arc::new));
        self.versions.push(PendingVersion { change, sequence });
    }

    fn message(&mut self, key: MessageKey, mut new: Option<Box<MessageMeta>>) {
        let location = self.layers.message(&key, self.published);
        let last_change =
            location.as_ref().map_or(0, |location| self.layers.message_sequence(location));
        let old = location.and_then(|location| self.layers.message_value(location));
        let next_change = self.last_sequence + 1;
        if let Some(parts) = new.as_mut().and_then(|new| new.parts.as_mut()) {
            let old_parts = old.as_ref().and_then(|old| old.parts.as_ref());
            number_parts(parts, old_parts, next_change);
        }
        if old.as_deref() == new.as_deref() {
            return;
        }
        let is_invisible = match (&old, &new) {
            (Some(old), Some(new)) => old.is_visibly_equal(new),
            _ => false,
        };
        // Keep the sum of the session's usage by difference, so that a commit need not add all messages.
        let before = old.map(|old| old.usage_sum()).unwrap_or_default();
        let after = new.as_ref().map(|new| new.usage_sum()).unwrap_or_default();
        if before != after {
            let sum = self.usage_changes.entry(key.session.clone()).or_default();
            *sum -= before;
            *sum += after;
        }
        let sequence = if is_invisible { last_change } else { self.next_sequence() };
        let change = PendingValue::Message(key, new.map(Arc::from));
        self.versions.push(PendingVersion { change, sequence });
    }
}

/// Numbers the parts of a message: new and changed parts get the number of this change, the other parts
/// keep theirs.
///
/// An equal stamp proves an unchanged part only if the part was settled when it was observed. For other
/// parts, a caller that read the same bytes again calls [`PartRef::with_last_change_of`].
fn number_parts(parts: &mut PartList, old_parts: Option<&PartList>, next_change: u64) {
    let old_parts: HashMap<_, &PartRef> =
        old_parts.iter().flat_map(|list| list.refs.iter()).map(|part| (&part.id, part)).collect();
    let number = |part: &PartRef| {
        let stamp = |part: &PartRef| part.observed.map(|observed| observed.stamp);
        let old = old_parts.get(&part.id);
        let unchanged = old.filter(|old| {
            let is_settled = old.observed.is_some_and(|observed| observed.clean);
            stamp(old) == stamp(part) && (is_settled || old.last_change == part.last_change)
        });
        PartRef {
            last_change: unchanged.map_or(next_change, |old| old.last_change),
            ..part.clone()
        }
    };
    parts.refs = parts.refs.iter().map(number).collect();
}

/// Puts a version in front of the chain of a key. Returns the first revision of the replaced version.
fn push_version<K: Hash + Eq + Clone, V>(
    table: &ConcurrentMap<K, VersionChain<V>>,
    key: &K,
    value: Option<Arc<V>>,
    sequence: u64,
    since: u64,
) -> Option<u64> {
    let version = Version { since, sequence, value };
    let (replaced, cell) = match table.get(key) {
        Some(cell) => (Some(cell.newest().since), cell.with_newest(version)),
        None => (None, VersionChain::new(version)),
    };
    table.insert(key.clone(), cell);
    replaced
}

impl SharedState {
    /// Drops the versions that lost their last view. If the writer is busy, returns at once: the writer
    /// checks again when it is done.
    pub(crate) fn try_collect_garbage(&self) {
        while self.pins.has_released() {
            let Ok(mut writer) = self.writer.try_lock() else { return };
            self.collect_garbage(&mut writer);
        }
    }

    pub(crate) fn collect_garbage(&self, writer: &mut WriterState) {
        let released = self.pins.take_released();
        if released.is_empty() {
            return;
        }
        let layers = self.pins.layers();
        for revision in released {
            release_versions(self, writer, &layers, revision);
        }
    }
}

/// Releases the versions that were kept for the views of a revision, which has no view any more. A
/// version that another view shows is handed to the revision of that view; the others are dropped.
fn release_versions(
    shared: &SharedState,
    writer: &mut WriterState,
    layers: &Layers,
    revision: u64,
) {
    for retained in writer.retained.remove(&revision).unwrap_or_default() {
        let next_reader = match &retained.key {
            RetainedKey::Project(id) => {
                drop_unless_visible(shared, &layers.projects, id, retained.since)
            }
            RetainedKey::Session(id) => {
                drop_unless_visible(shared, &layers.sessions, id, retained.since)
            }
            RetainedKey::Message(key) => {
                drop_unless_visible(shared, &layers.messages, key, retained.since)
            }
            RetainedKey::Usage(id) => {
                drop_unless_visible(shared, &layers.usage, id, retained.since)
            }
        };
        if let Some(next_reader) = next_reader {
            writer.retained.entry(next_reader).or_default().push(retained);
        }
    }
}

/// Drops a replaced version unless a view shows it. Returns the revision of that view.
fn drop_unless_visible<K: Hash + Eq + Clone, V>(
    shared: &SharedState,
    table: &ConcurrentMap<K, VersionChain<V>>,
    key: &K,
    since: u64,
) -> Option<u64> {
    let cell = table.get(key)?;
    let reader = shared.pins.newest_reader_in(cell.visible_range(since)?);
    if reader.is_none() {
        table.insert(key.clone(), cell.without_version(since));
    }
    reader
}

/// Removes the entries of replaced versions from the log, when they are half of it.
///
/// Runs after publishing: a follower that locks the log then pins a revision that shows a newer entry
/// for each removed one.
fn shorten_log(layers: &Layers) {
    let keys = layers.overlay_len();
    layers.with_log(|log| {
        if log.len() > 2 * keys + 64 {
            log.retain(|(sequence, key)| layers.newest_sequence(key) == Some(*sequence));
        }
    });
}
