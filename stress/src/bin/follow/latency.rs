//! The latency from a change to its event.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use scrollback_core_id::{EntityKey, UnixNanos};

/// Latencies by kind of subject. The time of a change comes from the store: the time of a file, as
/// exact as a kernel tick, or the time of a row, in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    last_changes: HashMap<EntityKey, UnixNanos>,
    /// The latencies in nanoseconds.
    by_class: BTreeMap<&'static str, Vec<i64>>,
}

impl Latency {
    /// Records that an event reported a change. An equal time for the same key counts once.
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
