//! What changed since a cursor: no gap, no repeat, or the word that all must be taken anew.

use std::sync::Arc;

use scrollback_core_id::{Cursor, EntityKey, Revision};

use crate::layers::Layers;
use crate::snapshot::Snapshot;
use crate::{MessageMeta, ProjectMeta, SessionIndex, SessionMeta, View};

/// An answer to a follower.
#[derive(Debug)]
pub struct Changes {
    /// The state that `cursor` names: what a change says is what this view shows.
    pub view: View,
    /// What to ask with next.
    pub cursor: Cursor,
    /// What happened since the cursor that was asked with.
    pub delta: Delta,
}

/// What happened since a cursor.
#[derive(Debug)]
pub enum Delta {
    /// These changes, and no others.
    Changed(Vec<Change>),
    /// It cannot be told: forget all that was known, and take the whole of the view.
    Fresh,
}

/// A key that changed, at its latest state.
#[derive(Debug, Clone)]
pub struct Change {
    /// Names it.
    pub key: EntityKey,
    /// The number of its last change.
    pub revision: Revision,
    /// Its value now; none if it was removed.
    pub value: Option<EntityValue>,
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum EntityValue {
    /// A project.
    Project(Arc<ProjectMeta>),
    /// A session's own record.
    Session(Arc<SessionMeta>),
    /// A message's own record and its parts.
    Message(Arc<MessageMeta>),
}

impl SessionIndex {
    /// What changed since a cursor that this index handed out, or one that it continues; each key
    /// once, in the order of the changes. Without a cursor, or where continuity cannot be proven,
    /// the answer is [`Delta::Fresh`].
    pub fn changes(&self, since: Option<&Cursor>) -> Changes {
        let known = since.filter(|since| self.continues(since));
        let layers = self.shared.pins.layers();
        let since = known.map_or(u64::MAX, |since| since.revision.0);
        // The view is pinned while the log is held: of what the view shows, nothing is struck.
        let (view, logged) = layers.with_log(|log| {
            let view = self.view();
            let start = log.partition_point(|(sequence, _)| *sequence <= since);
            let end = log.partition_point(|(sequence, _)| *sequence <= view.revision);
            (view, log.get(start..end).unwrap_or_default().to_vec())
        });
        if !Arc::ptr_eq(&layers, &view.layers) {
            return self.changes(known); // there is a new base meanwhile, and its log is another
        }
        let cursor = view.cursor();
        if since > view.revision || since < layers.floor().0 {
            return Changes { view, cursor, delta: Delta::Fresh };
        }
        let mut changes = Vec::new();
        if let Some(base) = &layers.base
            && since < base.revision().0
        {
            changed_in_base(base, &view, since, &mut changes);
        }
        changes.extend(logged.into_iter().filter_map(|(sequence, key)| {
            // A key that changed again has a later entry.
            let (now, value) = view.current_value(&key)?;
            (now == sequence).then_some(Change { key, revision: Revision(sequence), value })
        }));
        Changes { view, cursor, delta: Delta::Changed(changes) }
    }
}

impl View {
    /// The number of a key's last change, and its value.
    fn current_value(&self, key: &EntityKey) -> Option<(u64, Option<EntityValue>)> {
        let (layers, revision): (&Layers, _) = (&self.layers, self.revision);
        Some(match key {
            EntityKey::Project(id) => {
                let location = layers.project(id, revision)?;
                let sequence = layers.project_sequence(&location);
                (sequence, layers.project_value(location).map(EntityValue::Project))
            }
            EntityKey::Session(key) => {
                let location = layers.session(&key.session, revision)?;
                let sequence = layers.session_sequence(&location);
                let state = layers.session_value(location);
                (sequence, state.and_then(|state| state.record.clone()).map(EntityValue::Session))
            }
            EntityKey::Message(key) => {
                let location = layers.message(key, revision)?;
                let sequence = layers.message_sequence(&location);
                (sequence, layers.message_value(location).map(EntityValue::Message))
            }
            _ => return None,
        })
    }
}

/// The changes since `since` that became part of the base, less what the overlay changed again.
fn changed_in_base(base: &Snapshot, view: &View, since: u64, changes: &mut Vec<Change>) {
    let sessions = (0..base.session_count())
        .filter(|row| base.session_sequence(*row) > since && base.session_order(*row).is_some())
        .filter_map(|row| {
            Some((EntityKey::Session(base.session_id(row)?.into()), base.session_sequence(row)))
        });
    let messages =
        (0..base.message_count()).filter(|row| base.message_sequence(*row) > since).filter_map(
            |row| Some((EntityKey::Message(base.message_key(row)?), base.message_sequence(row))),
        );
    let projects =
        (0..base.project_count()).filter(|row| base.project_sequence(*row) > since).filter_map(
            |row| Some((EntityKey::Project(base.project(row)?.id), base.project_sequence(row))),
        );
    let present = projects.chain(sessions).chain(messages).filter_map(|(key, sequence)| {
        let (now, value) = view.current_value(&key)?;
        (now == sequence).then_some((key, sequence, value))
    });
    let still_gone = |key: &EntityKey, sequence| {
        sequence > since && view.layers.is_still_removed(key, sequence, view.revision)
    };
    let removed = base
        .tombstones()
        .filter(|(key, sequence)| still_gone(key, *sequence))
        .map(|(key, sequence)| (key, sequence, None));
    let mut all: Vec<_> = present.chain(removed).collect();
    all.sort_unstable_by_key(|(_, sequence, _)| *sequence);
    changes.extend(all.into_iter().map(|(key, sequence, value)| Change {
        key,
        revision: Revision(sequence),
        value,
    }));
}
