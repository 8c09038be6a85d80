//! `tree`: prints the structure of a session with sizes. Subagents are nested under the call that
//! started them.

mod build;
mod lines;
mod nodes;

use scrollback::Store;

use self::build::Builder;
pub(super) use self::build::{build, subagent_count};
pub(super) use self::lines::print;
pub(super) use self::nodes::Session;
use crate::args::Global;
use crate::failure::Result;
use crate::out::Out;
use crate::pick;

pub(crate) fn run(global: &Global, session: &str, store: &Store, out: &mut Out) -> Result<()> {
    let session = pick::session(store, session)?;
    let (tree, issues) = Builder::new(session.root(), global.json).build(session.key())?;
    if global.json {
        out.json(&tree)?;
    } else {
        print(out, &tree)?;
    }
    super::issues::report(out, &issues)
}
