//! The changes since a cursor, without a gap or a repeat. Where the index cannot prove that, the
//! answer is [`Delta::Fresh`], and the follower reads the whole view again.

use std::sync::Arc;

use scrollback_core_id::{Cursor, EntityKey, Revision};

use crate::layers::Layers;
use crate::snapshot::Snapshot;
use crate::{MessageMeta, ProjectMeta, SessionIndex, SessionMeta, View};

/// The answer of [`SessionIndex::changes`].
#[derive(Debug)]
pub struct Changes {
    /// The state at `cursor`. The values of all changes are those that this view shows.
    pub view: View,
    /// The cursor to pass in the next call.
    pub cursor: Cursor,
    /// The changes since the cursor that was passed.
    pub delta: Delta,
}

/// The changes since a cursor.
#[derive(Debug)]
pub enum Delta {
    /// Exactly these keys changed.
    Changed(Vec<Change>),
    /// The changes are unknown. Drop the state that you collected, and read the whole view.
    Fresh,
}

/// A key that changed, with its latest value.
#[derive(Debug, Clone)]
pub struct Change {
    /// The key.
    pub key: EntityKey,
    /// The number of its last change.
    pub revision: Revision,
    /// The value now; `None` if the key was removed.
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
    /// Returns the keys that changed since a cursor of this index, or of an index that it continues.
    /// Each key occurs once, in the order of the last changes. Without a cursor, or where the index
    /// cannot prove that no change is missing, the answer is [`Delta::Fresh`].
    pub fn changes(&self, since: Option<&Cursor>) -> Changes {
        let valid_cursor = since.filter(|since| self.continues(since));
        let layers = self.shared.pins.layers();
        let since = valid_cursor.map_or(u64::MAX, |since| since.revision.0);
        // Pin the view while the log is locked. The writer publishes a revision before it shortens
        // the log, so each entry that is missing here has a newer entry that this view shows.
        let (view, log_entries) = layers.with_log(|log| {
            let view = self.view();
            let start = log.partition_point(|(sequence, _)| *sequence <= since);
            let end = log.partition_point(|(sequence, _)| *sequence <= view.revision);
            (view, log.get(start..end).unwrap_or_default().to_vec())
        });
        if !Arc::ptr_eq(&layers, &view.layers) {
            return self.changes(valid_cursor); // a rebase came between: its layers have another log
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
        changes.extend(log_entries.into_iter().filter_map(|(sequence, key)| {
            // Skip a key that changed later: the log has a later entry for it.
            let (last_change, value) = view.current_value(&key)?;
            (last_change == sequence).then_some(Change { key, revision: Revision(sequence), value })
        }));
        Changes { view, cursor, delta: Delta::Changed(changes) }
    }
}

impl View {
    /// Returns the number of a key's last change, and its value.
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

/// Collects the changes after `since` that are part of the base. Leaves out keys that the overlay
/// changed later: their entries come from the log.
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
        let (last_change, value) = view.current_value(&key)?;
        (last_change == sequence).then_some((key, sequence, value))
    });
    let still_gone = |key: &EntityKey, sequence| {
        sequence > since && view.layers.is_still_removed(key, sequence, view.revision)
    };
    let removed = base
        .tombstones()
        .filter(|(key, sequence)| still_gone(key, *sequence))
        .map(|(key, sequence)| (key, sequence, None));
    let mut entries: Vec<_> = present.chain(removed).collect();
    entries.sort_unstable_by_key(|(_, sequence, _)| *sequence);
    changes.extend(entries.into_iter().map(|(key, sequence, value)| Change {
        key,
        revision: Revision(sequence),
        value,
    }));
}
