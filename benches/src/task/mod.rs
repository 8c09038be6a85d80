//! The tasks. To add a task, add a constant in one of these files, an entry in [`TASKS`], and its
//! contestants. Tasks that do the same on stores of different formats share a file.

mod index;
mod ls;
mod snapshot;
mod text;
mod tree;

use std::num::NonZero;
use std::thread;

use anyhow::Result;

use crate::{Contestants, Limit, MemoryLimit, Size, Store, StoreFormat};

/// All tasks.
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

/// A job that users need, with its contestants and limits.
#[derive(Debug)]
pub struct Task {
    /// The id on the command line.
    pub id: &'static str,
    /// The description of the job.
    pub description: &'static str,
    /// The size of the store.
    pub size: Size,
    /// The storage format of the store.
    pub format: StoreFormat,
    /// How the contestants work.
    pub work: Work,
    /// Creates the contestants. A contestant that cannot run on this system is left out.
    pub contestants: fn(&Store) -> Result<Contestants>,
    /// The limits of the ratios.
    pub limits: &'static [Limit],
    /// The limit of the memory of one contestant.
    pub memory: Option<MemoryLimit>,
}

/// Where the contestants of a task work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// In this process, in one thread.
    OneThread,
    /// In this process, in [`threads`] threads.
    Threads,
    /// In a new process for each run.
    Process,
}

/// Returns the number of worker threads: one per core, at most four.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(4)
}
