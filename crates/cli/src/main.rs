//! `scrollback`: the command line program that reads the sessions of coding agents.
//!
//! The program opens stores through the facade crate and prints. Each command has one file in
//! `commands`; the transcript is printed by `show`.

mod args;
mod command_line;
mod commands;
mod failure;
mod follow;
mod indent;
mod limits;
mod open;
mod out;
mod pick;
mod progress;
mod sanitize;
mod show;
mod since;
mod style;
mod table;
mod units;
mod waiting;

use std::process::ExitCode;

use crate::failure::{Failure, Kind};
use crate::out::Out;

fn main() -> ExitCode {
    let args = command_line::parse(); // a wrong command line ends the program here, with exit code 2
    let mut out = Out::new(&args.global);
    if let Err(error) = limits::check_memory(limits::MEMORY) {
        return out.fail(&Failure::new(Kind::Unreadable, format!("cannot start: {error}")));
    }
    match commands::run(&args, &mut out) {
        Ok(()) => out.finish(),
        Err(failure) => out.fail(&failure),
    }
}
