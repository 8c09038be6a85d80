//! Verifies the parts of messages: compares their sets and stamps with the lists of the index.

use std::collections::HashMap;
use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, MessageKey, PartId};
use scrollback_index::{MessageMeta, PartList, PartRef};
use scrollback_source::{Observation, Result, Survey, SurveyItem};

use super::issue_log::IssueLog;
use super::pool::Worker;
use super::session::{PartDetail, list_parts};

/// Verifies the parts of messages, in the detail that the index has or that `wanted` requires.
pub(super) fn verify_parts(
    worker: &mut Worker<'_>,
    messages: &mut [MessageMeta],
    wanted: PartDetail,
    issue_log: &mut IssueLog,
) -> Result<()> {
    let listed: Vec<MessageKey> = messages
        .iter()
        .filter(|message| message.parts.is_some())
        .map(|message| message.key.clone())
        .collect();
    let mut sets: HashMap<MessageKey, Observation> = HashMap::with_capacity(listed.len());
    if !listed.is_empty() {
        worker.file_count += listed.len() as u64;
        worker.reader.survey(&Survey::PartSets(&listed), &mut |item| {
            match item {
                SurveyItem::Observation(observation) => {
                    if let EntityKey::Message(key) = &observation.key {
                        sets.insert(key.clone(), observation);
                    }
                }
                SurveyItem::Issue(key, issue) => issue_log.note(key, issue),
            }
            ControlFlow::Continue(())
        })?;
    }
    for message in messages {
        let Some(list) = &message.parts else {
            if wanted > PartDetail::Later {
                let reader = &mut *worker.reader;
                message.parts = list_parts(reader, &message.key, None, wanted, issue_log)?.list;
            }
            continue;
        };
        let has_stamps = list.refs.iter().any(|part| part.observed.is_some());
        let level = if has_stamps { PartDetail::Stamps } else { wanted.max(PartDetail::Names) };
        let unchanged = match (&list.part_set, sets.get(&message.key)) {
            (None, None) => true,
            (Some(known), Some(current)) => known.is_unchanged(&current.stamp),
            _ => false,
        };
        // An unchanged set proves that the names are unchanged. It proves nothing about the bytes, as
        // a rewrite in place leaves the set alone: with stamps, every part is compared.
        let complete = level == PartDetail::Names || list.refs.is_empty();
        if unchanged && complete {
            continue;
        }
        let reader = &mut *worker.reader;
        let listed = list_parts(reader, &message.key, Some(list), level, issue_log)?;
        let Some(mut current) = listed.list else { continue };
        worker.file_count += current.refs.len() as u64;
        carry_over_parts(&mut current, list, false);
        message.parts = Some(current);
    }
    Ok(())
}

/// Carries over what the index knows of parts whose stamps are unchanged, from `known` to `current`.
///
/// A part whose last read was provisional and that is settled now keeps only its kind: its bytes may
/// differ although the stamp is equal, so it has to count as changed. With `are_read`, the caller
/// reads such parts next and compares their bytes, so they keep everything.
pub(crate) fn carry_over_parts(current: &mut PartList, known: &PartList, are_read: bool) {
    let known: HashMap<&PartId, &PartRef> =
        known.refs.iter().map(|part| (&part.id, part)).collect();
    let stamp = |part: &PartRef| part.observed.map(|observed| observed.stamp);
    let is_clean = |part: &PartRef| part.observed.is_some_and(|observed| observed.clean);
    let keep = |part: &PartRef| match known.get(&part.id).filter(|old| stamp(old) == stamp(part)) {
        Some(old) if are_read || is_clean(old) || !is_clean(part) => PartRef::clone(old),
        old => {
            let mut part = part.clone();
            part.kind = old.and_then(|old| old.kind);
            part
        }
    };
    current.refs = current.refs.iter().map(keep).collect();
}
