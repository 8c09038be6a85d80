//! The tasks. A new one is a file here, a line in the table, and its contestants.

mod index;
mod index_parts;
mod ls;
mod refresh_fast;
mod refresh_full;
mod snapshot;
mod sqlite_index;
mod sqlite_ls;
mod sqlite_text;
mod sqlite_tree;
mod tree;
mod v2_index;
mod v2_ls;
mod v2_tree;

use std::num::NonZero;
use std::thread;

use anyhow::Result;

use crate::{Contestants, Form, Limit, MemoryLimit, Size, Store};

/// The table of tasks.
pub const TASKS: &[Task] = &[
    tree::TASK,
    index::TASK,
    index_parts::TASK,
    snapshot::TASK,
    refresh_fast::TASK,
    refresh_full::TASK,
    ls::TASK,
    sqlite_tree::TASK,
    sqlite_index::TASK,
    sqlite_text::TASK,
    sqlite_ls::TASK,
    v2_tree::TASK,
    v2_index::TASK,
    v2_ls::TASK,
];

/// Something that people want done.
#[derive(Debug)]
pub struct Task {
    /// Names it on the command line.
    pub id: &'static str,
    /// What is measured.
    pub what: &'static str,
    /// The size of the store that it is measured on.
    pub size: Size,
    /// Its form.
    pub form: Form,
    /// How they work.
    pub work: Work,
    /// Makes the contestants. Where one cannot run on this system it is left out.
    pub contestants: fn(&Store) -> Result<Contestants>,
    /// The ratios that are judged.
    pub limits: &'static [Limit],
    /// The most memory that one of them may take.
    pub memory: Option<MemoryLimit>,
}

/// How contestants work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// In this process, in one thread.
    OneThread,
    /// In this process, in as many threads as [`threads`] says.
    Threads,
    /// In a process of its own for each run.
    Process,
}

/// As many threads as work side by side: one a core, and four at most.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(4)
}
