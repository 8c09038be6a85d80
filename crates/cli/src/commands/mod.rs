//! What the program can do, a file for each command.

mod demo;
mod export;
mod ls;
mod raw;
mod show;
mod stores;
mod tree;

use std::io::Write;

use clap::CommandFactory;
use scrollback_core_err::IssueKind;
use scrollback_core_type::StageIssue;

use crate::args::{Args, Command};
use crate::failure::Result;
use crate::out::Out;

/// Does what the user asked for.
pub(crate) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let global = &args.global;
    match &args.command {
        Command::Stores => stores::run(global, out),
        Command::Ls(ls) => ls::run(global, ls, out),
        Command::Show(show) => show::run(global, show, out),
        Command::Tree(session) => tree::run(global, &session.session, out),
        Command::Raw(raw) => raw::run(global, &raw.id, out),
        Command::Export(session) => export::run(global, &session.session, out),
        Command::Demo => demo::run(global, out),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "scrollback", &mut script);
            Ok(out.write_all(&script)?)
        }
    }
}

/// Says what was wrong with the store. That a message has no parts (yet) is common in sound stores
/// and only listed on request.
fn report(out: &mut Out, issues: &[StageIssue]) -> Result<()> {
    let notable =
        |issue: &&StageIssue| out.lists_issues() || issue.issue.kind != IssueKind::NoParts;
    let notable: Vec<&StageIssue> = issues.iter().filter(notable).collect();
    Ok(out.issues(&notable)?)
}
