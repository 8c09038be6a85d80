//! What the tasks and the checks of this repository share.

use std::path::Path;

pub mod modules;

/// Returns the root of the workspace, wherever the task was started from.
pub fn workspace_root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}
