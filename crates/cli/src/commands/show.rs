//! `show`: a session as a transcript.

use scrollback_core_type::{Message, Part, Session};
use scrollback_flow::{Context, Export, SessionHydratedTree, context, run_session_tree_flow};
use serde::Serialize;

use crate::args::{Global, Show};
use crate::failure::Result;
use crate::open::Store;
use crate::out::Out;
use crate::{pick, show};

pub(crate) fn run(global: &Global, args: &Show, stores: &[Store], out: &mut Out) -> Result<()> {
    let (store, key) = pick::session(stores, &args.session.session)?;
    let options = show::Options { full: args.full, width: out.width, styles: out.styles };
    let ran = run_session_tree_flow(stores[store].source(), &key, |tree| {
        match (args.context, global.json) {
            (false, false) => Ok(show::transcript(out, tree, &options)?),
            (false, true) => out.json(&Export(tree)),
            (true, false) => Ok(show::context(out, tree, &context(tree), &options)?),
            (true, true) => out.json(&Seen::new(tree, &context(tree))),
        }
    })?;
    super::report(out, &ran.report.issues)?;
    ran.value
}

/// What the model still sees, in the shape of an export. A part whose output was pruned says so
/// itself (`state.time.compacted`).
#[derive(Serialize)]
struct Seen<'t, 'a> {
    info: Option<&'t Session<'a>>,
    messages: Vec<SeenMessage<'t, 'a>>,
    /// How many messages come before, summed up by a compaction.
    compacted: usize,
    /// How many messages come after, taken back by a revert.
    reverted: usize,
}

#[derive(Serialize)]
struct SeenMessage<'t, 'a> {
    info: &'t Message<'a>,
    parts: Vec<&'t Part<'a>>,
}

impl<'t, 'a> Seen<'t, 'a> {
    fn new(tree: &'t SessionHydratedTree<'a>, context: &Context<'t, 'a>) -> Self {
        let messages = context.messages.iter().filter_map(|seen| {
            let parts = seen.parts.iter().filter_map(|part| part.part.part.as_ref()).collect();
            Some(SeenMessage { info: seen.message.message.as_ref()?, parts })
        });
        Self {
            info: tree.session.as_ref(),
            messages: messages.collect(),
            compacted: context.compacted,
            reverted: context.reverted,
        }
    }
}
