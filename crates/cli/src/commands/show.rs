//! `show`: a session as a transcript.

use scrollback_flow::{Export, context, run_session_tree_flow};

use crate::args::{Global, Show};
use crate::failure::Result;
use crate::out::Out;
use crate::{open, pick, show};

pub(crate) fn run(global: &Global, args: &Show, out: &mut Out) -> Result<()> {
    let stores = open::open(global)?;
    let (store, key) = pick::session(&stores, &args.session.session)?;
    let options = show::Options { full: args.full, width: out.width, styles: out.styles };
    let ran = run_session_tree_flow(&stores[store], &key, |tree| {
        if global.json {
            return out.json(&Export(tree));
        }
        if args.context {
            Ok(show::context(out, tree, &context(tree), &options)?)
        } else {
            Ok(show::transcript(out, tree, &options)?)
        }
    })?;
    super::report(out, &ran.report.issues)?;
    ran.value
}
