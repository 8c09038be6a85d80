//! The project's tasks, run as `cargo xtask TASK`, instead of a makefile and scripts.
//!
//! A task is a module with `Args` (clap) and `run(&Args) -> anyhow::Result<()>`, and one variant of
//! [`Task`]. Exit codes: 0 success, 1 the task failed, 2 wrong arguments.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task prints its results")]

mod check;
mod ci;
mod examples;
mod fixtures;
mod fuzz;
mod gen_store;
mod live;
mod mangle;
mod perf;
mod stress;
mod structure;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs the gate: every check that must pass before a change lands.
    Ci(ci::Args),
    /// Runs the facade's example programs, and compares their output with `ls`.
    Examples(examples::Args),
    /// Regenerates every generated fixture.
    Fixtures(fixtures::Args),
    /// Feeds random bytes to a decoder.
    Fuzz(fuzz::Args),
    /// Writes a seeded synthetic opencode store with its exact totals.
    GenStore(gen_store::Args),
    /// Runs the real opencode, and compares what the library reads with what opencode reports.
    Live(live::Args),
    /// Explores the interleavings of the index's threads with loom.
    Loom(check::LoomArgs),
    /// Damages real stores at random, and checks that nothing sound is lost in silence.
    Mangle(mangle::Args),
    /// Runs the thread tests of the index under miri; needs nightly with the miri component.
    Miri(check::MiriArgs),
    /// Measures the library against hand-written and naive programs, or against another revision,
    /// and judges the ratios.
    Perf(perf::Args),
    /// Reads a store while a process rewrites it as opencode does, and verifies every value.
    Stress(stress::Args),
    /// Prints the size, module cycles and public names of each crate, and the longest functions.
    Structure(structure::Args),
}

impl Task {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Ci(args) => ci::run(&args),
            Self::Examples(args) => examples::run(&args),
            Self::Fixtures(args) => fixtures::run(&args),
            Self::Fuzz(args) => fuzz::run(&args),
            Self::GenStore(args) => gen_store::run(&args),
            Self::Live(args) => live::run(&args),
            Self::Loom(args) => check::loom(&args),
            Self::Mangle(args) => mangle::run(&args),
            Self::Miri(args) => check::miri(&args),
            Self::Perf(args) => perf::run(&args),
            Self::Stress(args) => stress::run(&args),
            Self::Structure(args) => structure::run(&args),
        }
    }
}

fn main() -> ExitCode {
    match Cli::parse().task.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
