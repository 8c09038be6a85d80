//! Finds orphans: records whose owner does not exist.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{EntityKey, MessageId, SessionId};
use scrollback_core_type::{StageName, StageResult};
use scrollback_source::{Reader, Result, ScanItem};

use crate::stage::Stage;

/// Finds messages whose session is missing, and parts whose message is missing. Notes one issue for each
/// missing session or message.
pub(crate) fn find_orphans(reader: &mut dyn Reader) -> Result<StageResult<()>> {
    let mut stage = Stage::begin(StageName::Plan, reader.clock());
    let mut keys = Vec::new();
    reader.orphans(&mut |item| {
        match item {
            ScanItem::Set(_) => {}
            ScanItem::Issue(key, issue) => stage.note(key, issue),
            ScanItem::Entry(entry) => keys.push(entry.key),
        }
        ControlFlow::Continue(())
    })?;
    // The parts of an orphaned message are counted with it.
    let messages: HashSet<MessageId> = keys.iter().filter_map(message_of_key).collect();
    let mut owners: BTreeMap<&str, (&EntityKey, usize)> = BTreeMap::new();
    for key in &keys {
        let owner = match key {
            EntityKey::Message(key) => key.session.as_str(),
            EntityKey::Part(key) if !messages.contains(&key.message) => key.message.as_str(),
            _ => continue,
        };
        owners.entry(owner).or_insert((key, 0)).1 += 1;
    }
    for (_, (key, count)) in owners {
        let kind = match key {
            EntityKey::Part(_) => IssueKind::OrphanParts { count },
            _ => IssueKind::OrphanMessages { count },
        };
        stage.note(Some(key.clone()), Issue::new(Place::default(), kind));
    }
    Ok(stage.end(()))
}

fn message_of_key(key: &EntityKey) -> Option<MessageId> {
    match key {
        EntityKey::Message(key) => Some(key.message.clone()),
        _ => None,
    }
}

/// Finds diffs and todo lists whose session is missing. Notes one issue for each.
pub(crate) fn find_orphaned_attachments(
    reader: &mut dyn Reader,
    is_known: impl Fn(&SessionId) -> bool,
) -> Result<StageResult<()>> {
    let mut stage = Stage::begin(StageName::Plan, reader.clock());
    let mut orphans = Vec::new();
    reader.attachments(&mut |item| {
        match item {
            ScanItem::Set(_) => {}
            ScanItem::Issue(key, issue) => stage.note(key, issue),
            ScanItem::Entry(entry) => {
                if let EntityKey::Diff(session) | EntityKey::Todo(session) = &entry.key
                    && !is_known(&session.session)
                {
                    orphans.push(entry.key);
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    orphans.sort_unstable();
    orphans.dedup();
    for key in orphans {
        stage.note(Some(key), Issue::new(Place::default(), IssueKind::OrphanAttachment));
    }
    Ok(stage.end(()))
}
