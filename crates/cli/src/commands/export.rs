//! `export`: what `opencode export` prints.

use std::io::Write;

use scrollback_flow::{Export, run_session_tree_flow};

use crate::failure::{Failure, Kind, Result};
use crate::open::Store;
use crate::out::Out;
use crate::pick;

pub(crate) fn run(session: &str, stores: &[Store], out: &mut Out) -> Result<()> {
    let (store, key) = pick::session(stores, session)?;
    let ran = run_session_tree_flow(stores[store].source(), &key, |tree| {
        if tree.session.is_none() {
            return Err(Failure::new(
                Kind::Unreadable,
                format!("the record of {key} is missing or unusable"),
            )
            .hint("--issues says why; `scrollback show` prints what is left"));
        }
        if out.is_terminal {
            return out.json(&Export(tree));
        }
        serde_json::to_writer_pretty(&mut *out, &Export(tree))?;
        Ok(out.write_all(b"\n")?)
    })?;
    super::report(out, &ran.report.issues)?;
    ran.value
}
