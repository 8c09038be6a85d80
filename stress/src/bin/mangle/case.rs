//! One damaged store: what was damaged, and what must still be found.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use scrollback_core_id::{Clock, SystemClock};

use crate::truth::Truth;

/// The limit of the size of records in every iteration, in bytes. All records of the fixtures are
/// smaller.
pub(crate) const MAX_RECORD: usize = 512 * 1024;

/// The age of undamaged files, and of damaged ones, in seconds.
pub(crate) const SOUND_AGE: u64 = 7200;
pub(crate) const DAMAGED_AGE: u64 = 3600;

/// A damaged store.
#[derive(Debug)]
pub(crate) struct Case {
    /// The fixture.
    pub(crate) store: String,
    /// The changes. The text before a parenthesis is the class of the change.
    pub(crate) changes: Vec<String>,
    pub(crate) truth: Truth,
}

impl Case {
    /// Returns the changes without their numbers.
    pub(crate) fn class(&self) -> String {
        let classes = self.changes.iter().map(|change| change.split(" (").next().unwrap_or(change));
        classes.collect::<Vec<_>>().join(" + ")
    }
}

/// Gives a file or directory an age in seconds, so that reads of it are settled.
pub(crate) fn settle(path: &Path, age: u64) -> Result<()> {
    let now = u64::try_from(SystemClock.now().as_millis()).unwrap_or_default();
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(now) - Duration::from_secs(age);
    std::fs::File::open(path)?.set_modified(time)?;
    Ok(())
}
