//! Stage 2 of a flow: reads the bytes of the planned keys into spans that values can borrow from.

use std::ops::ControlFlow;

use scrollback_core_err::IssueKind;
use scrollback_core_id::EntityKey;
use scrollback_core_type::{StageName, StageResult, repair_surrogates};
use scrollback_source::{Entry, Reader, Result, ScanItem};
use scrollback_stor_mmap::{MappedSpan, Settled};

use crate::plan::SessionTreePlan;
use crate::stage::Stage;
use crate::tree::SessionRefTree;

/// Resolves a plan: reads the bytes that the plan has not read yet.
///
/// Lone surrogates are repaired here, once, so that the next stage can always borrow. A node whose
/// bytes cannot be read has no span, and an issue gives the reason.
///
/// # Errors
/// If the reader cannot read any of the keys.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{ReadAhead, plan_session_tree, resolve_session_tree};
/// use scrollback_source::Source;
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let session = SessionId::new("ses_e04998c6fffeeSXWud0kqAoVtL")?.into();
/// let mut reader = store.open()?;
/// let plan = plan_session_tree(&mut *reader, &session, ReadAhead::Names)?.value;
///
/// let tree = resolve_session_tree(&mut *reader, plan)?.value;
/// let span = tree.messages[0].span.as_ref().unwrap();
/// assert!(span.starts_with(b"{")); // the bytes of a message, without parsing it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

/// Reads the parts that the plan only named. The plan has read the session and its messages already.
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
    // Spans come in the requested order, without those that cannot be read. So one pass over `keys`
    // finds the node of each span.
    let mut at = 0;
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

/// Makes a span ready to borrow from: repairs lone surrogates, and notes them and a provisional read.
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
