//! The newest sessions of a database of 2.0 on the command line, when it is not the first time.

use super::{Task, Work, sqlite_ls};
use crate::{Form, Limit, Size};

/// What somebody types who wants one sum.
const SUM: &str = "select sum(json_extract(data, '$.tokens.input')) from session_message";

pub(super) const TASK: Task = Task {
    id: "v2-ls",
    what: "`scrollback ls -n 20` of a database of 2.0 for the second time, against one sum in `sqlite3`",
    size: Size::M,
    form: Form::DatabaseV2,
    work: Work::Process,
    contestants: |store| sqlite_ls::against(SUM, store),
    limits: &[Limit { of: "library", over: "sqlite3", most: 0.15, goal: 0.15, stretch: 0.10 }],
    memory: None,
};
