//! `show`: prints a session as a transcript, or as JSON.

use scrollback::Store;
use scrollback_core_id::MessageId;
use scrollback_core_type::{Message, Part, Session, TimelineItem};
use scrollback_flow::{
    Context, Export, SessionHydratedTree, TimelineEntry, context, run_session_tree_flow_with_view,
};
use serde::Serialize;

use crate::args::{Global, Show};
use crate::failure::Result;
use crate::out::Out;
use crate::{pick, show};

pub(crate) fn run(global: &Global, args: &Show, store: &Store, out: &mut Out) -> Result<()> {
    let session = pick::session(store, &args.session.session)?;
    let (width, styles) = (out.width, out.styles);
    let options = show::Options { full: args.full, width, styles, is_live: false };
    let (root, view) = (session.root(), session.root().view()?);
    let ran =
        run_session_tree_flow_with_view(&**root.source(), session.key(), &view, |tree| {
            match (args.context, global.json) {
                (false, false) => Ok(show::transcript(out, tree, &options)?),
                (false, true) if tree.items.is_empty() => out.json(&Export(tree)),
                (false, true) => out.json(&TranscriptOutput::new(tree)),
                (true, false) => Ok(show::context(out, tree, &context(tree), &options)?),
                (true, true) => out.json(&ContextOutput::new(tree, &context(tree))),
            }
        })?;
    super::issues::report(out, &ran.report.issues)?;
    ran.value
}

/// A session in the shape of an export, with the items between its messages.
#[derive(Serialize)]
struct TranscriptOutput<'t, 'a> {
    #[serde(flatten)]
    session: Export<'t, 'a>,
    items: Vec<ItemOutput<'t, 'a>>,
}

/// An item, with the message before it; `None` before the first message.
#[derive(Serialize)]
struct ItemOutput<'t, 'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'t MessageId>,
    item: &'t TimelineItem<'a>,
}

impl<'t, 'a> TranscriptOutput<'t, 'a> {
    fn new(tree: &'t SessionHydratedTree<'a>) -> Self {
        let (mut after, mut items) = (None, Vec::new());
        for entry in tree.timeline() {
            match entry {
                TimelineEntry::Message(message) => after = Some(&message.node.key.message),
                TimelineEntry::Item(item) => {
                    items.extend(item.item.as_ref().map(|item| ItemOutput { after, item }));
                }
            }
        }
        Self { session: Export(tree), items }
    }
}

/// The present context of the model, in the shape of an export. A part with a pruned output has
/// `state.time.compacted`.
#[derive(Serialize)]
struct ContextOutput<'t, 'a> {
    info: Option<&'t Session<'a>>,
    messages: Vec<ContextMessage<'t, 'a>>,
    /// How many earlier messages a compaction has summarized.
    compacted: usize,
    /// How many later messages a revert has taken back.
    reverted: usize,
    /// How many parts of the last message a revert has taken back.
    #[serde(rename = "revertedParts", skip_serializing_if = "is_zero")]
    reverted_parts: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[derive(Serialize)]
struct ContextMessage<'t, 'a> {
    info: &'t Message<'a>,
    parts: Vec<&'t Part<'a>>,
}

impl<'t, 'a> ContextOutput<'t, 'a> {
    fn new(tree: &'t SessionHydratedTree<'a>, context: &Context<'t, 'a>) -> Self {
        let messages = context.messages.iter().filter_map(|entry| {
            let parts = entry.parts.iter().filter_map(|part| part.part.part.as_ref()).collect();
            Some(ContextMessage { info: entry.message.message.as_ref()?, parts })
        });
        Self {
            info: tree.session.as_ref(),
            messages: messages.collect(),
            compacted: context.compacted,
            reverted: context.reverted,
            reverted_parts: context.reverted_parts,
        }
    }
}
