//! Code that the tasks and the repository checks share.

use std::path::Path;

pub mod modules;

/// Returns the root of the workspace, independent of the current directory.
pub fn workspace_root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}
