//! Code that the tasks and the repository checks share.

use std::path::Path;

pub mod modules;

/// The opencode that stores files, which `cargo xtask live` runs.
pub const OPENCODE_FILES: &str = "1.1.65";
/// The opencode that stores a database, which `cargo xtask live` runs.
pub const OPENCODE_DATABASE: &str = "1.18.33";

/// Returns the root of the workspace, independent of the current directory.
pub fn workspace_root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}
