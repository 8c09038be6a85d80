//! Stage two: the bytes of what was planned, sound enough to borrow from.

use std::ops::ControlFlow;

use scrollback_core_err::IssueKind;
use scrollback_core_id::EntityKey;
use scrollback_core_type::{StageName, StageResult, repair_surrogates};
use scrollback_source::{Entry, Reader, Result, ScanItem};
use scrollback_stor_mmap::{MappedSpan, Settled};

use crate::plan::SessionTreePlan;
use crate::stage::Stage;
use crate::tree::SessionRefTree;

/// Resolves a plan: reads the bytes that it does not have yet, and repairs lone surrogates, once,
/// so that the next stage can always borrow.
///
/// A node whose bytes cannot be read keeps none, and an issue says why.
///
/// # Errors
/// If nothing can be read.
pub fn resolve_session_tree(
    reader: &mut dyn Reader,
    plan: SessionTreePlan,
) -> Result<StageResult<SessionRefTree>> {
    let mut stage = Stage::begin(StageName::Resolve, reader.clock());
    let mut tree = plan.tree;
    read_missing(reader, &mut tree, &mut stage)?;

    let session = &mut tree.session;
    prepare_span(&mut session.span, || session.key.clone().into(), &mut stage);
    stage.counts.sessions = usize::from(session.span.is_some());
    for message in &mut tree.messages {
        prepare_span(&mut message.span, || message.key.clone().into(), &mut stage);
        for part in &mut message.parts {
            prepare_span(&mut part.span, || part.key.clone().into(), &mut stage);
        }
        stage.counts.parts += message.parts.iter().filter(|part| part.span.is_some()).count();
    }
    for item in &mut tree.items {
        prepare_span(&mut item.span, || item.key.clone().into(), &mut stage);
    }
    stage.counts.messages = tree.messages.iter().filter(|node| node.span.is_some()).count();
    Ok(stage.end(tree))
}

/// Reads the parts that the plan only named. Sessions and messages have been read for their order.
fn read_missing(
    reader: &mut dyn Reader,
    tree: &mut SessionRefTree,
    stage: &mut Stage,
) -> Result<()> {
    let mut nodes: Vec<_> = tree
        .messages
        .iter_mut()
        .flat_map(|message| &mut message.parts)
        .filter(|part| part.span.is_none())
        .collect();
    if nodes.is_empty() {
        return Ok(());
    }
    let keys: Vec<EntityKey> = nodes.iter().map(|part| part.key.clone().into()).collect();
    let mut at = 0; // spans come in the order asked, less those that cannot be read
    reader.spans(&keys, &mut |item| {
        match item {
            ScanItem::Set(_) => {}
            ScanItem::Issue(key, issue) => stage.note(key, issue),
            ScanItem::Entry(Entry { key, span, .. }) => {
                if let Some(ahead) = keys[at..].iter().position(|requested| *requested == key) {
                    nodes[at + ahead].span = span;
                    at += ahead + 1;
                }
            }
        }
        ControlFlow::Continue(())
    })
}

/// Makes a span ready to be borrowed from, and notes what is odd about it.
fn prepare_span(span: &mut Option<MappedSpan>, key: impl Fn() -> EntityKey, stage: &mut Stage) {
    let Some(read) = span else { return };
    stage.count_bytes(read);
    if read.settled() == Settled::Provisional {
        stage.note_kind(key(), IssueKind::Provisional);
    }
    if let Some((repaired, count)) = repair_surrogates(read) {
        *read = MappedSpan::pooled(repaired, *read.stamp(), read.settled());
        stage.note_kind(key(), IssueKind::LoneSurrogates { count });
    }
}
