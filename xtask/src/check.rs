//! Checks of the index that need another build of it: its protocol under loom, its memory under
//! miri.

use std::process::Command;

use anyhow::{Context, Result, bail};

use xtask::workspace_root;

/// What `cargo xtask loom` takes.
#[derive(clap::Args)]
pub(crate) struct LoomArgs {}

/// What `cargo xtask miri` takes.
#[derive(clap::Args)]
pub(crate) struct MiriArgs {}

/// Goes through the interleavings of the index's writer, views and followers.
pub(crate) fn loom(_: &LoomArgs) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args(["test", "--release", "--package", "scrollback-index", "--test", "it"]);
    // A build of its own: other flags would build everything else anew.
    run(command.args(["--target-dir", "target/loom"]).env("RUSTFLAGS", "--cfg loom"))
}

/// Runs the index's threads, in a small form, where every access to memory is checked.
pub(crate) fn miri(_: &MiriArgs) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args(["+nightly", "miri", "test", "--package", "scrollback-index", "--test", "it"]);
    run(command.args(["--target-dir", "target/miri", "--", "threads"]))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .current_dir(workspace_root())
        .env_remove("CARGO_TARGET_DIR")
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}
