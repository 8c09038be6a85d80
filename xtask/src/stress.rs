//! `cargo xtask stress`: the fault test, at full speed.

use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace_root;

/// What `cargo xtask stress` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many spans to read while a process rewrites the store
    #[arg(long, default_value_t = 200_000)]
    reads: u64,
    /// Which files, sizes and ids
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the fault test, optimised.
///
/// # Errors
/// If it cannot be built, or what must hold does not.
pub(crate) fn run(args: &Args) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .current_dir(workspace_root())
        .args(["run", "--quiet", "--release", "--package", "scrollback-benches"])
        .args(["--bin", "stress", "--"])
        .args(["--reads", &args.reads.to_string(), "--seed", &args.seed.to_string()])
        .status()?;
    if !status.success() {
        bail!("the fault test failed: see above");
    }
    Ok(())
}
