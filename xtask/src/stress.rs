//! `cargo xtask stress`: the fault tests, at full speed.

use std::process::Command;

use anyhow::{Result, bail};

use xtask::workspace_root;

/// What `cargo xtask stress` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to stress: the reading of a store that is written, or the following
    #[arg(value_enum, default_value = "read")]
    workload: Workload,
    /// Of following: how many changes are made under each feed
    #[arg(long, default_value_t = 100_000)]
    changes: u64,
    /// Of following: how many events the driver is told of, to see that it keeps nothing; it is warm
    /// after a million
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10_000_000..))]
    soak: u64,
    /// Of files: how many spans to read while a process rewrites the store
    #[arg(long, default_value_t = 200_000, conflicts_with = "sqlite")]
    reads: u64,
    /// Write and read a database instead of files, and judge what the reading costs the writer
    #[arg(long)]
    sqlite: bool,
    /// Of a database: how long to write beside readers of it, and as long beside readers of another
    #[arg(long, default_value_t = 30, requires = "sqlite")]
    seconds: u64,
    /// How many readers
    #[arg(long, default_value_t = 2)]
    readers: usize,
    /// Which files, rows, sizes and ids
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Workload {
    /// Processes read a store that another one rewrites
    Read,
    /// A live index follows a store through every kind of change and trouble
    Watch,
}

/// Runs the long tests of the crate that follows stores.
fn stress_watch(args: &Args) -> Result<()> {
    for (test, name, number) in
        [("in_the_long_run", "CHANGES", args.changes), ("nothing_is_kept", "EVENTS", args.soak)]
    {
        let mut run = Command::new(env!("CARGO"));
        run.current_dir(workspace_root()).env(name, number.to_string());
        run.args(["test", "--quiet", "--release", "--package", "scrollback-watch", "--test", "it"]);
        if !run.args(["--", "--ignored", "--nocapture", test]).status()?.success() {
            bail!("something was lost or kept: see above");
        }
    }
    Ok(())
}

/// Runs a fault test, optimised.
///
/// # Errors
/// If it cannot be built, or what must hold does not.
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
        bail!("the fault test failed: see above");
    }
    Ok(())
}
