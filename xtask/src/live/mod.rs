//! `cargo xtask live`: the real opencode writes, and what is read is compared with what it says.
//!
//! Needs Linux, npm, python3, git and the right to make a network namespace: nothing that runs here
//! can leave the machine. No part of the gate.

mod follow;
mod v2;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;

use xtask::workspace_root;

/// What `cargo xtask live` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Scenario {
    /// The preview of opencode 2 within 1.18.33: its rows against its API, while it runs and after;
    /// and whether 1.18.33 imports what is exported.
    V2,
    /// Follows the files of 1.1.65 from before they are there: events alone have to make up what
    /// it exports in the end.
    Json(follow::Args),
    /// The same over the database of 1.18.33.
    Sqlite(follow::Args),
}

/// Runs it.
///
/// # Errors
/// If something is missing, or what is read is not what the program says.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.scenario {
        Scenario::V2 => v2::run(),
        Scenario::Json(args) => follow::run("json", "1.1.65", args),
        Scenario::Sqlite(args) => follow::run("sqlite", "1.18.33", args),
    }
}

/// Where programs and what they write are kept.
fn live_dir() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| workspace_root().join("target")).join("live")
}

/// The program, fetched unless it is there.
fn opencode(version: &str) -> Result<PathBuf> {
    let dir = live_dir().join(version);
    let binary = dir.join("node_modules/opencode-linux-x64/bin/opencode");
    if !binary.exists() {
        fs::create_dir_all(&dir)?;
        let package = format!("opencode-linux-x64@{version}");
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(dir).arg(package);
        run_checked(&mut npm)?;
    }
    Ok(binary)
}

fn run_checked(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let status = command.status().with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(status.success(), "{} failed: {status}", program.display());
    Ok(())
}
