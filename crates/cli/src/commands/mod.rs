//! The commands, one file each.

mod cache;
mod demo;
mod export;
mod fields;
pub(crate) mod issues;
mod ls;
mod raw;
mod show;
mod stores;
mod tail;
mod tree;
mod watch;

use std::io::Write;

use scrollback::Store;

use crate::args::{Args, Cache, Command, Global};
use crate::command_line;
use crate::failure::Result;
use crate::out::Out;
use crate::{open, units};

/// Runs the command of the user.
pub(crate) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let global = &args.global;
    if prints_times(&args.command)
        && let Some(name) = units::unknown_zone()
    {
        out.note_best_effort(&format!("TZ names no known time zone: {name:?}; times are in UTC"));
    }
    match &args.command {
        Command::Stores => stores::run(global, out),
        Command::Ls(ls) => on_store(global, out, |store, out| ls::run(global, ls, store, out)),
        Command::Show(show) => {
            on_store(global, out, |store, out| show::run(global, show, store, out))
        }
        Command::Tree(session) => {
            on_store(global, out, |store, out| tree::run(global, &session.session, store, out))
        }
        Command::Raw(raw) => on_store(global, out, |store, out| raw::run(&raw.id, store, out)),
        Command::Export(export) => {
            on_store(global, out, |store, out| export::run(export, store, out))
        }
        Command::Watch(watch) => watch::run(global, watch, out),
        Command::Tail(tail) => tail::run(global, tail, out),
        Command::Demo(demo) => demo::run(global, demo, out),
        Command::Cache { action } => cache::run(global, *action, out),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(
                *shell,
                &mut command_line::command(),
                "scrollback",
                &mut script,
            );
            Ok(out.write_all(&script)?)
        }
    }
}

/// Checks whether a command prints or compares local times.
fn prints_times(command: &Command) -> bool {
    match command {
        Command::Stores
        | Command::Ls(_)
        | Command::Show(_)
        | Command::Tree(_)
        | Command::Watch(_)
        | Command::Tail(_)
        | Command::Demo(_)
        | Command::Cache { action: Cache::Stats } => true,
        Command::Raw(_)
        | Command::Export(_)
        | Command::Cache { .. }
        | Command::Completions { .. } => false,
    }
}

/// Opens the store, runs a command on it, and then saves the index for the next run. The output comes
/// first, so that the user does not wait for the save.
fn on_store(
    global: &Global,
    out: &mut Out,
    command: impl FnOnce(&Store, &mut Out) -> Result<()>,
) -> Result<()> {
    let store = open::open(global, out)?;
    let ran = command(&store, out);
    out.flush()?;
    open::save(&store, out);
    ran
}
