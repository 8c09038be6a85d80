//! Updates the index from a session that was loaded: part lists, kinds and stamps.

use std::collections::HashMap;
use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, MessageKey, SessionKey};
use scrollback_index::{Batch, MessageMeta, ObservedStamp, PartList, View};
use scrollback_source::{Reader, Result, Survey, SurveyItem};

use crate::indexing::{observed_from_observation, part_ref};
use crate::tree::{PartRefNode, SessionRefTree};

/// Observes the part sets of a session's messages, without listing the parts.
pub(super) fn observe_part_sets(
    reader: &mut dyn Reader,
    view: &View,
    session: &SessionKey,
) -> Result<HashMap<MessageKey, ObservedStamp>> {
    let messages = view.by_session(&session.session);
    let keys: Vec<MessageKey> = messages.iter().map(|meta| meta.key.clone()).collect();
    let mut sets = HashMap::with_capacity(keys.len());
    reader.survey(&Survey::PartSets(&keys), &mut |item| {
        if let SurveyItem::Observation(observation) = item
            && let EntityKey::Message(key) = &observation.key
        {
            sets.insert(key.clone(), observed_from_observation(&observation));
        }
        ControlFlow::Continue(())
    })?;
    Ok(sets)
}

/// Returns a batch with the part lists of a loaded tree, for the messages of which the index had
/// less.
///
/// A message that changed since it was verified is left out: the next refresh reads it. So is a
/// message with an unreadable part.
pub(super) fn loaded_parts_batch(
    view: &View,
    tree: &SessionRefTree,
    sets: &HashMap<MessageKey, ObservedStamp>,
) -> Batch {
    let mut batch = Batch::new();
    for node in &tree.messages {
        let Some(meta) = view.message_by_key(&node.key) else { continue };
        let is_same = node.span.as_ref().is_some_and(|span| *span.stamp() == meta.observed.stamp);
        let all_read = node.parts.iter().all(|part| part.span.is_some());
        if !is_same || !all_read {
            continue;
        }
        let part_set = sets.get(&node.key).copied();
        let part = |node: &PartRefNode| part_ref(&node.key.part, node.span.as_ref());
        let parts = PartList { part_set, refs: node.parts.iter().map(part).collect() };
        let updated = MessageMeta { parts: Some(parts), ..MessageMeta::clone(&meta) };
        if updated != *meta {
            batch.put_message(updated);
        }
    }
    batch
}
