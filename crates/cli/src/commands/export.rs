//! `export`: prints a session as `opencode export` does.

use std::io::Write;

use scrollback::{Session, Store};
use scrollback_flow::{Export, SessionHydratedTree, complete_for_import, run_session_tree_flow};
use scrollback_stor_path::opencode::TABLES_V2;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::args::{self, Format};
use crate::failure::{Failure, Kind, Result};
use crate::indent::Indented;
use crate::out::Out;
use crate::{pick, show};

pub(crate) fn run(args: &args::Export, store: &Store, out: &mut Out) -> Result<()> {
    let session = pick::session(store, &args.session.session)?;
    let key = session.key();
    if args.format == Format::V2 {
        return native(&session, out);
    }
    let ran = run_session_tree_flow(&**session.root().source(), key, |tree| {
        if tree.session.is_none() {
            return Err(Failure::new(
                Kind::Unreadable,
                format!("the record of {key} is missing or unusable"),
            )
            .hint(
                "add --issues to list the reasons; `scrollback show` prints the remaining records",
            ));
        }
        if !tree.node.provenance.formats().any(|format| format == TABLES_V2) {
            return print(out, Export(tree));
        }
        let mut tree = tree.clone();
        complete_for_import(&mut tree);
        print(out, Export(&tree))
    })?;
    super::issues::report(out, &ran.report.issues)?;
    ran.value
}

/// Prints a session as `opencode session export` of 2.x does.
fn native(session: &Session<'_>, out: &mut Out) -> Result<()> {
    let (source, key) = (session.root().source(), session.key());
    let native = source.open()?.native(key)?;
    let Some(native) = native else {
        let place =
            |tree: &SessionHydratedTree<'_>| show::describe_provenance(&tree.node.provenance);
        let place = run_session_tree_flow(&**source, key, place)?.value;
        return Err(Failure::new(
            Kind::NotFound,
            format!("{key} has no v2 export because it is not in the tables of 2.x: it is {place}"),
        )
        .hint("omit --format to export it in the format of 1.x, which works for every session"));
    };
    let native: &RawValue = serde_json::from_slice(&native)?;
    print(out, native)
}

fn print(out: &mut Out, session: impl Serialize) -> Result<()> {
    if out.is_terminal {
        return out.json(&session);
    }
    serde_json::to_writer(Indented::new(&mut *out), &session)?;
    Ok(out.write_all(b"\n")?)
}
