//! The newest sessions of a database on the command line, from the start of the program to its end,
//! when it is not the first time.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::ls::second_ls;
use super::{Task, Work};
use crate::{Contestants, Form, Limit, Program, Size, Store};

/// What somebody types who wants one sum.
const SUM: &str = "select sum(json_extract(data, '$.tokens.input')) from message";

pub(super) const TASK: Task = Task {
    id: "sqlite-ls",
    what: "`scrollback ls -n 20` of a database for the second time, against one sum in `sqlite3`",
    size: Size::M,
    form: Form::Database,
    work: Work::Process,
    contestants,
    limits: &[Limit { of: "library", over: "sqlite3", most: 0.15, goal: 0.15, stretch: 0.10 }],
    memory: None,
};

fn contestants(store: &Store) -> Result<Contestants> {
    against(SUM, store)
}

/// The shell is no part of any system: without it there is nobody to be judged.
pub(super) fn against(sum: &str, store: &Store) -> Result<Contestants> {
    let ls = second_ls(&store.database)?;
    if Command::new("sqlite3").arg("-version").output().is_err() {
        return Ok(vec![Box::new(ls.saying("there is no sqlite3 here to be compared with"))]);
    }
    let mut shell = Command::new("sqlite3");
    // As a file that does not change: or else it leaves side files, which cost the others locks.
    shell.args(["-readonly", "-batch", &immutable(&store.database)]).arg(sum);
    let mut shell = Program::new("sqlite3", shell);
    let sum = String::from_utf8_lossy(shell.output()?).trim().to_owned();
    ensure!(sum == store.expected.usage.input.to_string(), "sqlite3 finds {sum}");
    Ok(vec![Box::new(ls), Box::new(shell)])
}

fn immutable(database: &Path) -> String {
    let path = database.to_string_lossy();
    let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?immutable=1")
}
