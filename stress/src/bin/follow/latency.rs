//! How long it took from a change to the event that tells of it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use scrollback_core_id::{EntityKey, UnixNanos};

/// Times from changes to events, by what changed. A change is known by the time that the store has
/// of it: that of a file, to a tick of the kernel, or of a row, to a millisecond.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    last_changes: HashMap<EntityKey, UnixNanos>,
    /// In nanoseconds.
    by_class: BTreeMap<&'static str, Vec<i64>>,
}

impl Latency {
    /// Something that changed then was told of now.
    pub(crate) fn record(
        &mut self,
        class: &'static str,
        key: EntityKey,
        changed_at: UnixNanos,
        reported_at: UnixNanos,
    ) {
        if self.last_changes.insert(key, changed_at) != Some(changed_at) {
            self.by_class.entry(class).or_default().push(reported_at.0 - changed_at.0);
        }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("from the change to the event:")?;
        for (class, times) in &self.by_class {
            let mut times = times.clone();
            times.sort_unstable();
            let percentile = |share: usize| times[(times.len() - 1) * share / 100] as f64 / 1e6;
            write!(f, "\n    {class:9} {:6}: median {:.1} ms, ", times.len(), percentile(50))?;
            write!(f, "99th {:.1} ms, most {:.1} ms", percentile(99), percentile(100))?;
        }
        Ok(())
    }
}
