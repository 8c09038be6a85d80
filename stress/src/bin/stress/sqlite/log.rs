//! The log of the readers: the number of reads, and the faults.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most faults that are listed.
const MAX_LISTED_FAULTS: usize = 12;

/// The shared log of all readers.
#[derive(Default)]
pub(crate) struct ReadLog(Mutex<ReadStats>);

/// The counts and the faults of the readers.
#[derive(Default, Clone)]
pub(crate) struct ReadStats {
    pub(crate) trees: u64,
    pub(crate) messages: u64,
    pub(crate) parts: u64,
    /// Sessions that were deleted between the list and the load.
    pub(crate) deleted_sessions: u64,
    /// The number of other calls, by name.
    pub(crate) calls: BTreeMap<&'static str, u64>,
    /// Descriptions of faults.
    pub(crate) faults: Vec<String>,
    /// The number of further faults.
    pub(crate) unlisted_faults: u64,
}

impl ReadLog {
    pub(crate) fn stats(&self) -> ReadStats {
        self.lock().clone()
    }

    pub(crate) fn add_fault(&self, fault: String) {
        let mut stats = self.lock();
        match stats.faults.len() < MAX_LISTED_FAULTS {
            true => stats.faults.push(fault),
            false => stats.unlisted_faults += 1,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, ReadStats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AddAssign for ReadStats {
    fn add_assign(&mut self, other: Self) {
        self.trees += other.trees;
        self.messages += other.messages;
        self.parts += other.parts;
        self.deleted_sessions += other.deleted_sessions;
        for (call, count) in other.calls {
            *self.calls.entry(call).or_default() += count;
        }
        self.faults.extend(other.faults);
        self.unlisted_faults += other.unlisted_faults;
    }
}

impl fmt::Display for ReadStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trees, messages, parts, deleted_sessions, calls, faults, unlisted_faults } =
            self;
        writeln!(
            f,
            "{trees} trees of {messages} messages and {parts} parts; {deleted_sessions} sessions were deleted before their load"
        )?;
        let calls: Vec<_> = calls.iter().map(|(call, count)| format!("{count} {call}")).collect();
        writeln!(f, "{}", calls.join(", "))?;
        write!(f, "errors and half messages: {}", faults.len() as u64 + unlisted_faults)?;
        faults.iter().try_for_each(|fault| write!(f, "\nFAULT: {fault}"))
    }
}
