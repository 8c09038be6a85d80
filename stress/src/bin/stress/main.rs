//! The fault tests: a process writes a store exactly as opencode does, as fast as possible, while
//! readers check every value. One test covers the files of 1.1, the other the database of 1.2 and
//! later.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

mod files;
mod process;
mod sqlite;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Reads a store while a process rewrites it as opencode does, and checks every value.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    mode: Option<Mode>,
    #[command(flatten)]
    files: files::Args,
}

#[derive(Subcommand)]
enum Mode {
    /// Test a database, and measure what the readers cost the writer
    Sqlite(sqlite::Args),
    /// Write the database (started by the test)
    #[command(hide = true)]
    SqliteWriter(sqlite::writer::Args),
    /// Only read the database (started by the test)
    #[command(hide = true)]
    SqliteReader(sqlite::readers::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.mode {
        None => files::run(&cli.files),
        Some(Mode::Sqlite(args)) => sqlite::run(args),
        Some(Mode::SqliteWriter(args)) => sqlite::writer::run(args),
        Some(Mode::SqliteReader(args)) => sqlite::readers::run(args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("stress: {error:#}");
            ExitCode::FAILURE
        }
    }
}
