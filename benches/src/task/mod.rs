//! The tasks. A new one is a constant in one of the files here, a line in the table, and its
//! contestants. Tasks that do the same on stores of different forms share a file.

mod index;
mod ls;
mod snapshot;
mod text;
mod tree;

use std::num::NonZero;
use std::thread;

use anyhow::Result;

use crate::{Contestants, Limit, MemoryLimit, Size, Store, StoreFormat};

/// The table of tasks.
pub const TASKS: &[Task] = &[
    tree::FILES,
    index::FILES,
    index::FILES_AND_PARTS,
    snapshot::OPEN,
    snapshot::REFRESH_FAST,
    snapshot::REFRESH_FULL,
    ls::FILES,
    tree::DATABASE,
    index::DATABASE,
    text::DATABASE,
    ls::DATABASE,
    tree::DATABASE_V2,
    index::DATABASE_V2,
    ls::DATABASE_V2,
];

/// Something that people want done.
#[derive(Debug)]
pub struct Task {
    /// Names it on the command line.
    pub id: &'static str,
    /// What is measured.
    pub description: &'static str,
    /// The size of the store that it is measured on.
    pub size: Size,
    /// Its form.
    pub format: StoreFormat,
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
