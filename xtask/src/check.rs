//! Runs the tests of the index in two special builds: its protocol under loom, and its memory
//! accesses under miri.

use std::process::Command;

use anyhow::{Context, Result, bail};

use xtask::workspace_root;

/// The arguments of `cargo xtask loom`.
#[derive(clap::Args)]
pub(crate) struct LoomArgs {}

/// The arguments of `cargo xtask miri`.
#[derive(clap::Args)]
pub(crate) struct MiriArgs {}

/// Runs the model checks, which explore the interleavings of the index's writer, views and
/// followers.
pub(crate) fn loom(_: &LoomArgs) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args(["test", "--release", "--package", "scrollback-index", "--test", "it"]);
    // A separate target directory: with other compiler flags, cargo would rebuild everything in the
    // usual one.
    run(command.args(["--target-dir", "target/loom"]).env("RUSTFLAGS", "--cfg loom"))
}

/// Runs the thread tests of the index, in a small form, with every memory access checked.
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
