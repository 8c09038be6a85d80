//! Damages real stores at random, and checks what scrollback says about them.
//!
//! The truth of each iteration comes from readers that share no code with scrollback: a reader of
//! b-tree pages for databases, and `serde_json` for files. A record on undamaged bytes may be
//! missing only if an issue or error names it, its session, its set or its table. No value may
//! differ, nothing may appear twice, and no call may panic or hang.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]
#![expect(clippy::disallowed_methods, reason = "this program writes and damages stores")]

mod answers;
mod args;
mod case;
mod findings;
mod guard;
mod in_process;
mod json;
mod known;
mod processes;
mod random;
mod run;
mod sqlite;
mod truth;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match run::run(&args::Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mangle: {error:#}");
            ExitCode::FAILURE
        }
    }
}
