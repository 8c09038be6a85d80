//! Making a base: of a store that was read whole, or of a base and its overlay.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageKey, OrderKey, Revision, SessionId, SessionKey};

use crate::SessionState;
use crate::epoch::random_u64;
use crate::layers::Layers;
use crate::shared::{SharedState, WriterState};
use crate::snapshot::{Encoder, Snapshot, SnapshotBytes, SnapshotInfo};

/// How many removed keys a base remembers; whoever has seen less than the oldest starts afresh.
const MAX_TOMBSTONES: usize = 1 << 16;

/// Makes the base and the overlay the base of a new generation.
pub(crate) fn rebase(shared: &SharedState, writer: &mut WriterState) -> Snapshot {
    let generation = shared.pins.layers();
    let at = shared.pins.published();
    let (messages, parts) = generation
        .base
        .as_ref()
        .map_or((0, 0), |base| (base.message_count() as usize, base.part_count() as usize));
    let mut encoder = Encoder::new(messages + generation.messages.len(), parts, random_u64());
    for id in generation.project_ids(at) {
        if let Some(found) = generation.project(&id, at) {
            let sequence = generation.project_sequence(&found);
            if let Some(meta) = generation.project_value(found) {
                encoder.add_project(&meta, sequence);
            }
        }
    }
    for id in session_ids(&generation, at) {
        let messages = generation.messages_of(&id, at);
        let found = generation.session(&id, at);
        let sequence = found.as_ref().map_or(0, |found| generation.session_sequence(found));
        let state = found.and_then(|found| generation.session_value(found));
        if state.is_none() && messages.is_empty() {
            continue;
        }
        encoder.begin_session(id.as_bytes(), &state.unwrap_or_default(), sequence);
        for found in messages {
            let sequence = generation.message_sequence(&found);
            if let Some(meta) = generation.message_value(found) {
                encoder.add_message(&meta, sequence, |part| part.last_change);
            }
        }
    }
    let mut tombstones = removed_keys(&generation, at);
    tombstones.sort_unstable_by_key(|(_, sequence)| *sequence);
    let forgotten = tombstones.len().saturating_sub(MAX_TOMBSTONES);
    let forgotten_until = tombstones[..forgotten].last().map(|(_, sequence)| Revision(*sequence));
    let floor = generation.floor().max(forgotten_until.unwrap_or_default());
    for (key, sequence) in &tombstones[forgotten..] {
        encoder.add_tombstone(key, *sequence);
    }
    let snapshot = finish_snapshot(encoder, &shared.snapshot_info(at, floor, writer.token.clone()));
    writer.retained.clear(); // it is of the generation that goes
    shared.pins.replace(Arc::new(Layers::new(Some(snapshot.clone()))), at);
    snapshot
}

pub(crate) fn finish_snapshot(encoder: Encoder, about: &SnapshotInfo) -> Snapshot {
    let bytes: SnapshotBytes = Arc::new(encoder.finish(about));
    #[expect(clippy::expect_used, reason = "a test opens every kind of snapshot that is written")]
    Snapshot::from_trusted_bytes(bytes).expect("what was just encoded")
}

/// Newest first; what has no record last.
fn session_sort_key(
    order: Option<OrderKey>,
    id: &SessionId,
) -> (Reverse<Option<OrderKey>>, SessionId) {
    (Reverse(order), id.clone())
}

/// Every session that a generation may know of, in the order of a base. Messages may have been put
/// without anything about their session.
fn session_ids(generation: &Layers, at: u64) -> Vec<SessionId> {
    let mut ids: Vec<SessionId> = Vec::new();
    if let Some(base) = &generation.base {
        ids.extend((0..base.session_count()).filter_map(|row| base.session_id(row)));
    }
    generation.sessions.for_each(|id, _| ids.push(id.clone()));
    generation.session_messages.for_each(|id, _| ids.push(id.clone()));
    ids.sort_unstable();
    ids.dedup();
    ids.sort_by_cached_key(|id| session_sort_key(generation.session_order(id, at), id));
    ids
}

/// The keys that were removed and are not there again.
fn removed_keys(generation: &Layers, at: u64) -> Vec<(EntityKey, u64)> {
    let mut removed = Vec::new();
    generation.projects.for_each(|id, cell| {
        if let Some(version) = cell.visible_at(at).filter(|version| version.value.is_none()) {
            removed.push((EntityKey::Project(id.clone()), version.sequence));
        }
    });
    generation.sessions.for_each(|id, cell| {
        let gone = |state: &Option<Arc<SessionState>>| {
            state.as_ref().is_none_or(|state| state.record.is_none())
        };
        // Number 0: there never was a record.
        if let Some(version) = cell.visible_at(at).filter(|it| gone(&it.value) && it.sequence > 0) {
            let key = SessionKey { session: id.clone() };
            removed.push((EntityKey::Session(key), version.sequence));
        }
    });
    generation.messages.for_each(|key: &MessageKey, cell| {
        if let Some(version) = cell.visible_at(at).filter(|version| version.value.is_none()) {
            removed.push((EntityKey::Message(key.clone()), version.sequence));
        }
    });
    let known: HashSet<EntityKey> = removed.iter().map(|(key, _)| key.clone()).collect();
    let earlier = generation.base.iter().flat_map(Snapshot::tombstones);
    removed.extend(earlier.filter(|(key, sequence)| {
        !known.contains(key) && generation.is_still_removed(key, *sequence, at)
    }));
    removed
}

impl Layers {
    /// Whether a key that was removed with this change, before the base, was not changed since.
    /// That the overlay keeps something for a refresh alone is no change.
    pub(crate) fn is_still_removed(&self, key: &EntityKey, sequence: u64, at: u64) -> bool {
        let now = match key {
            EntityKey::Project(id) => self.project(id, at).map(|it| self.project_sequence(&it)),
            EntityKey::Session(key) => {
                self.session(&key.session, at).map(|it| self.session_sequence(&it))
            }
            EntityKey::Message(key) => self.message(key, at).map(|it| self.message_sequence(&it)),
            _ => None,
        };
        now.is_none_or(|now| now <= sequence)
    }
}
