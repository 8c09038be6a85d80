//! `cargo xtask live`: runs the real opencode, and compares what the library reads with what
//! opencode itself reports.
//!
//! Needs Linux, npm, python3, git and the right to create a network namespace, which keeps every
//! program off the network. The gate does not run this task.

mod follow;
mod v2;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;

use xtask::{OPENCODE_DATABASE, OPENCODE_FILES, workspace_root};

/// The arguments of `cargo xtask live`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Scenario {
    /// Compares the rows of the opencode 2 preview in 1.18.33 with its API, while it runs and after
    /// it ended; then checks that 1.18.33 imports the exported sessions.
    V2,
    /// Follows the files of 1.1.65, starting before the store exists: the events alone must add up
    /// to what opencode exports at the end.
    Json(follow::Args),
    /// Does the same with the database of 1.18.33.
    Sqlite(follow::Args),
}

/// Runs the scenario.
///
/// # Errors
/// If a program is missing, or what the library reads differs from what opencode reports.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.scenario {
        Scenario::V2 => v2::run(),
        Scenario::Json(args) => follow::run("json", OPENCODE_FILES, args),
        Scenario::Sqlite(args) => follow::run("sqlite", OPENCODE_DATABASE, args),
    }
}

/// Returns the directory of the downloaded programs and of the stores that they write.
fn live_dir() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| workspace_root().join("target")).join("live")
}

/// Returns the path of the opencode binary, and downloads it with npm if it is missing.
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
