//! The tasks. A new one is a file here, a line in the table, and its contestants.

mod tree;

use anyhow::Result;

use crate::{Contestants, Limit, Size, Store};

/// The table of tasks.
pub const TASKS: &[Task] = &[tree::TASK];

/// Something that people want done.
#[derive(Debug)]
pub struct Task {
    /// Names it on the command line.
    pub id: &'static str,
    /// What is measured.
    pub what: &'static str,
    /// The size of the store that it is measured on.
    pub size: Size,
    /// Makes the contestants. Where one cannot run on this system it is left out.
    pub contestants: fn(&Store) -> Result<Contestants>,
    /// The ratios that are judged.
    pub limits: &'static [Limit],
}
