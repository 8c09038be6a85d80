//! `scrollback`: reads what coding agents leave on disk.
//!
//! The composition root: it finds stores, holds the system's clock, and prints. What it can do is
//! one file each in `commands`; the transcript is in `show`.

mod args;
mod command_line;
mod commands;
mod failure;
mod follow;
mod indent;
mod open;
mod out;
mod pick;
mod progress;
mod sanitize;
mod show;
mod style;
mod table;
mod units;

use std::process::ExitCode;

use crate::out::Out;

fn main() -> ExitCode {
    let args = command_line::parse(); // bad use ends here, with exit code 2
    let mut out = Out::new(&args.global);
    match commands::run(&args, &mut out) {
        Ok(()) => out.finish(),
        Err(failure) => out.fail(&failure),
    }
}
