//! What the readers account for: how much they read, and what was wrong with it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many faults are told.
const TOLD: usize = 12;

/// What the readers saw.
#[derive(Default)]
pub(crate) struct Log(Mutex<Account>);

/// What was seen, and what was wrong.
#[derive(Default, Clone)]
pub(crate) struct Account {
    pub(crate) trees: u64,
    pub(crate) messages: u64,
    pub(crate) parts: u64,
    /// Sessions that were deleted between being listed and being loaded.
    pub(crate) gone: u64,
    /// Other calls, by name.
    pub(crate) calls: BTreeMap<&'static str, u64>,
    /// What must not be.
    pub(crate) faults: Vec<String>,
    /// Faults that are not told.
    pub(crate) more: u64,
}

impl Log {
    pub(crate) fn account(&self) -> Account {
        self.lock().clone()
    }

    pub(crate) fn fault(&self, what: String) {
        let mut seen = self.lock();
        match seen.faults.len() < TOLD {
            true => seen.faults.push(what),
            false => seen.more += 1,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AddAssign for Account {
    fn add_assign(&mut self, more: Self) {
        self.trees += more.trees;
        self.messages += more.messages;
        self.parts += more.parts;
        self.gone += more.gone;
        for (call, count) in more.calls {
            *self.calls.entry(call).or_default() += count;
        }
        self.faults.extend(more.faults);
        self.more += more.more;
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trees, messages, parts, gone, calls, faults, more } = self;
        writeln!(f, "{trees} trees of {messages} messages and {parts} parts; {gone} were gone")?;
        let calls: Vec<_> = calls.iter().map(|(call, count)| format!("{count} {call}")).collect();
        writeln!(f, "{}", calls.join(", "))?;
        write!(f, "errors and halves: {}", faults.len() as u64 + more)?;
        faults.iter().try_for_each(|fault| write!(f, "\nFAULT: {fault}"))
    }
}
