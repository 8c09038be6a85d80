//! A set that only grows. The values are in sorted runs, which are merged as a binary counter carries.
//! Adding a value costs O(log² n) on average, where a sorted list would be copied as a whole. Every
//! earlier state of the set stays readable.

use std::sync::Arc;

/// The values, each in one of the runs; every run is longer than the one after it.
pub(crate) struct SortedRuns<V>(Arc<[Arc<[V]>]>);

impl<V> Clone for SortedRuns<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V: Clone + Ord> SortedRuns<V> {
    /// Returns an empty set.
    pub(crate) fn new() -> Self {
        Self(Arc::new([]))
    }

    /// Returns all values, in any order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &V> {
        self.0.iter().flat_map(|run| run.iter())
    }

    pub(crate) fn contains(&self, value: &V) -> bool {
        self.0.iter().any(|run| run.binary_search(value).is_ok())
    }

    /// Returns the set with one more value; `None` if it has the value already.
    pub(crate) fn with_value(&self, value: &V) -> Option<Self> {
        if self.contains(value) {
            return None;
        }
        let mut runs = self.0.to_vec();
        let mut last: Arc<[V]> = Arc::new([value.clone()]);
        while let Some(before) = runs.pop_if(|before| before.len() <= last.len()) {
            last = merge_runs(&before, &last);
        }
        runs.push(last);
        Some(Self(runs.into()))
    }
}

fn merge_runs<V: Clone + Ord>(a: &[V], b: &[V]) -> Arc<[V]> {
    let mut all = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        let next = if left <= right { a.next() } else { b.next() };
        all.extend(next.cloned());
    }
    all.extend(a.chain(b).cloned());
    all.into()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;
    use std::collections::BTreeSet;

    use super::SortedRuns;

    #[test]
    fn sorted_runs_behave_as_a_set() {
        let (mut runs, mut set) = (SortedRuns::new(), BTreeSet::new());
        let mut value = 1_u32;
        for _ in 0..2000 {
            value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = value >> 21; // some values repeat
            assert_eq!(runs.contains(&value), set.contains(&value));
            let extended = runs.with_value(&value);
            assert_eq!(extended.is_some(), set.insert(value));
            runs = extended.unwrap_or(runs);
        }
        let mut all: Vec<u32> = runs.iter().copied().collect();
        all.sort_unstable();
        assert!(all.iter().eq(&set));
    }

    thread_local! {
        static CLONES: Cell<usize> = const { Cell::new(0) };
    }

    #[derive(PartialEq, Eq)]
    struct CloneCounter(u32);

    impl Clone for CloneCounter {
        fn clone(&self) -> Self {
            CLONES.set(CLONES.get() + 1);
            Self(self.0)
        }
    }

    impl Ord for CloneCounter {
        fn cmp(&self, other: &Self) -> Ordering {
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for CloneCounter {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    #[test]
    fn adding_a_value_copies_few_values() {
        const MANY: u32 = 10_000;
        let mut runs = SortedRuns::new();
        for value in 0..MANY {
            runs = runs.with_value(&CloneCounter(value)).unwrap();
        }
        let most = MANY as usize * (MANY.ilog2() as usize + 1);
        assert!(CLONES.get() <= most, "{} of at most {most}", CLONES.get());
    }
}
