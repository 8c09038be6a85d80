//! `cargo xtask stress`: runs the long fault tests in a release build.

use std::process::Command;

use anyhow::{Result, bail};

use xtask::workspace_root;

/// The arguments of `cargo xtask stress`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to test: reading a store while a process writes it, or following a store
    #[arg(value_enum, default_value = "read")]
    workload: Workload,
    /// For `watch`: how many changes to make under each feed
    #[arg(long, default_value_t = 100_000)]
    changes: u64,
    /// For `watch`: how many events the driver receives, to check that it does not grow; its memory
    /// is steady after a million
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10_000_000..))]
    soak: u64,
    /// For files: how many spans to read while a process rewrites the store
    #[arg(long, default_value_t = 200_000, conflicts_with = "sqlite")]
    reads: u64,
    /// Write and read a database instead of files, and measure how much the readers slow the writer
    #[arg(long)]
    sqlite: bool,
    /// For a database: how many seconds to write while readers read it, and then while they read
    /// another one
    #[arg(long, default_value_t = 30, requires = "sqlite")]
    seconds: u64,
    /// The number of readers
    #[arg(long, default_value_t = 2)]
    readers: usize,
    /// The seed of the files, rows, sizes and ids
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Workload {
    /// Processes read a store while another process rewrites it
    Read,
    /// A live index follows a store through every kind of change and failure
    Watch,
}

/// Runs the long tests of the crate `scrollback-watch`.
fn stress_watch(args: &Args) -> Result<()> {
    for (test, name, number) in
        [("in_the_long_run", "CHANGES", args.changes), ("nothing_is_kept", "EVENTS", args.soak)]
    {
        let mut run = Command::new(env!("CARGO"));
        run.current_dir(workspace_root()).env(name, number.to_string());
        run.args(["test", "--quiet", "--release", "--package", "scrollback-watch", "--test", "it"]);
        if !run.args(["--", "--ignored", "--nocapture", test]).status()?.success() {
            bail!("a change was lost, or memory grew; read the output above");
        }
    }
    Ok(())
}

/// Runs a fault test in a release build.
///
/// # Errors
/// If the test cannot be built, or fails.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.workload == Workload::Watch {
        return stress_watch(args);
    }
    let Args { reads, sqlite, seconds, readers, seed, .. } = args;
    let mut stress = Command::new(env!("CARGO"));
    stress.current_dir(workspace_root());
    stress.args(["run", "--quiet", "--release", "--package", "scrollback-stress"]);
    stress.args(["--bin", "stress", "--"]);
    if *sqlite {
        stress.args(["sqlite", "--seconds", &seconds.to_string()]);
    } else {
        stress.args(["--reads", &reads.to_string()]);
    }
    stress.args(["--readers", &readers.to_string(), "--seed", &seed.to_string()]);
    if !stress.status()?.success() {
        bail!("the fault test failed; read the output above");
    }
    Ok(())
}
