//! What the readers account for: how much they read, and what was wrong with it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many faults are told.
const MAX_LISTED_FAULTS: usize = 12;

/// What the readers saw.
#[derive(Default)]
pub(crate) struct ReadLog(Mutex<ReadStats>);

/// What was seen, and what was wrong.
#[derive(Default, Clone)]
pub(crate) struct ReadStats {
    pub(crate) trees: u64,
    pub(crate) messages: u64,
    pub(crate) parts: u64,
    /// Sessions that were deleted between being listed and being loaded.
    pub(crate) deleted_sessions: u64,
    /// Other calls, by name.
    pub(crate) calls: BTreeMap<&'static str, u64>,
    /// What must not be.
    pub(crate) faults: Vec<String>,
    /// Faults that are not told.
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
            "{trees} trees of {messages} messages and {parts} parts; {deleted_sessions} were gone"
        )?;
        let calls: Vec<_> = calls.iter().map(|(call, count)| format!("{count} {call}")).collect();
        writeln!(f, "{}", calls.join(", "))?;
        write!(f, "errors and halves: {}", faults.len() as u64 + unlisted_faults)?;
        faults.iter().try_for_each(|fault| write!(f, "\nFAULT: {fault}"))
    }
}
