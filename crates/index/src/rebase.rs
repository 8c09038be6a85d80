//! The rebase, which merges a base and its overlay into a new base.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageKey, OrderKey, Revision, SessionId, SessionKey};

use crate::SessionState;
use crate::epoch::random_u64;
use crate::layers::Layers;
use crate::shared::{SharedState, WriterState};
use crate::snapshot::{Encoder, Snapshot, SnapshotBytes, SnapshotInfo};

/// How many removed keys a base remembers. A cursor that is older than the oldest of them gets
/// [`Delta::Fresh`](crate::Delta::Fresh).
const MAX_TOMBSTONES: usize = 1 << 16;

/// Merges the base and the overlay into the base of new layers, and publishes these.
pub(crate) fn rebase(shared: &SharedState, writer: &mut WriterState) -> Snapshot {
    let layers = shared.pins.layers();
    let at = shared.pins.published();
    let (messages, parts) = layers
        .base
        .as_ref()
        .map_or((0, 0), |base| (base.message_count() as usize, base.part_count() as usize));
    let mut encoder = Encoder::new(messages + layers.messages.len(), parts, random_u64());
    for id in layers.project_ids(at) {
        if let Some(location) = layers.project(&id, at) {
            let sequence = layers.project_sequence(&location);
            if let Some(meta) = layers.project_value(location) {
                encoder.add_project(&meta, sequence);
            }
        }
    }
    for id in session_ids(&layers, at) {
        let messages = layers.messages_of(&id, at);
        let location = layers.session(&id, at);
        let sequence = location.as_ref().map_or(0, |location| layers.session_sequence(location));
        let state = location.and_then(|location| layers.session_value(location));
        if state.is_none() && messages.is_empty() {
            continue;
        }
        encoder.begin_session(id.as_bytes(), &state.unwrap_or_default(), sequence);
        for location in messages {
            let sequence = layers.message_sequence(&location);
            if let Some(meta) = layers.message_value(location) {
                encoder.add_message(&meta, sequence, |part| part.last_change);
            }
        }
    }
    // A base has no rows of removed keys, so followers with an older cursor need tombstones. When the
    // oldest tombstones are dropped, the floor rises to them: older cursors then get `Fresh`.
    let mut tombstones = removed_keys(&layers, at);
    tombstones.sort_unstable_by_key(|(_, sequence)| *sequence);
    let dropped = tombstones.len().saturating_sub(MAX_TOMBSTONES);
    let dropped_until = tombstones[..dropped].last().map(|(_, sequence)| Revision(*sequence));
    let floor = layers.floor().max(dropped_until.unwrap_or_default());
    for (key, sequence) in &tombstones[dropped..] {
        encoder.add_tombstone(key, *sequence);
    }
    let snapshot = finish_snapshot(encoder, &shared.snapshot_info(at, floor, writer.token.clone()));
    writer.retained.clear(); // these versions are in the old layers
    shared.pins.replace(Arc::new(Layers::new(Some(snapshot.clone()))), at);
    snapshot
}

pub(crate) fn finish_snapshot(encoder: Encoder, info: &SnapshotInfo) -> Snapshot {
    open_encoded(Arc::new(encoder.finish(info)))
}

/// Opens the bytes of a snapshot that was just encoded.
pub(crate) fn open_encoded(bytes: SnapshotBytes) -> Snapshot {
    #[expect(clippy::expect_used, reason = "a test opens every kind of snapshot that is written")]
    Snapshot::from_trusted_bytes(bytes).expect("what was just encoded")
}

/// Returns the key that sorts sessions newest first, and sessions without a record last.
fn session_sort_key(
    order: Option<OrderKey>,
    id: &SessionId,
) -> (Reverse<Option<OrderKey>>, SessionId) {
    (Reverse(order), id.clone())
}

/// Returns every session with a state or a message, in the order of a base. A session may have
/// messages and no state of its own.
fn session_ids(layers: &Layers, at: u64) -> Vec<SessionId> {
    let mut ids: Vec<SessionId> = Vec::new();
    if let Some(base) = &layers.base {
        ids.extend((0..base.session_count()).filter_map(|row| base.session_id(row)));
    }
    layers.sessions.for_each(|id, _| ids.push(id.clone()));
    layers.session_messages.for_each(|id, _| ids.push(id.clone()));
    ids.sort_unstable();
    ids.dedup();
    ids.sort_by_cached_key(|id| session_sort_key(layers.session_order(id, at), id));
    ids
}

/// Returns the keys that were removed and not added again, each with the number of its removal.
fn removed_keys(layers: &Layers, at: u64) -> Vec<(EntityKey, u64)> {
    let mut removed = Vec::new();
    layers.projects.for_each(|id, cell| {
        if let Some(version) = cell.visible_at(at).filter(|version| version.value.is_none()) {
            removed.push((EntityKey::Project(id.clone()), version.sequence));
        }
    });
    layers.sessions.for_each(|id, cell| {
        let is_removed = |state: &Option<Arc<SessionState>>| {
            state.as_ref().is_none_or(|state| state.record.is_none())
        };
        // Number 0 means that the session never had a record.
        if let Some(version) =
            cell.visible_at(at).filter(|version| is_removed(&version.value) && version.sequence > 0)
        {
            let key = SessionKey { session: id.clone() };
            removed.push((EntityKey::Session(key), version.sequence));
        }
    });
    layers.messages.for_each(|key: &MessageKey, cell| {
        if let Some(version) = cell.visible_at(at).filter(|version| version.value.is_none()) {
            removed.push((EntityKey::Message(key.clone()), version.sequence));
        }
    });
    let overlay_keys: HashSet<EntityKey> = removed.iter().map(|(key, _)| key.clone()).collect();
    let base_tombstones = layers.base.iter().flat_map(Snapshot::tombstones);
    removed.extend(base_tombstones.filter(|(key, sequence)| {
        !overlay_keys.contains(key) && layers.is_still_removed(key, *sequence, at)
    }));
    removed
}

impl Layers {
    /// Checks whether a key that was removed by the change `sequence`, before the base, has not
    /// changed since. A new refresh state in the overlay does not count: its change number stays.
    pub(crate) fn is_still_removed(&self, key: &EntityKey, sequence: u64, at: u64) -> bool {
        let current_sequence = match key {
            EntityKey::Project(id) => {
                self.project(id, at).map(|location| self.project_sequence(&location))
            }
            EntityKey::Session(key) => {
                self.session(&key.session, at).map(|location| self.session_sequence(&location))
            }
            EntityKey::Message(key) => {
                self.message(key, at).map(|location| self.message_sequence(&location))
            }
            _ => None,
        };
        current_sequence.is_none_or(|current| current <= sequence)
    }
}
