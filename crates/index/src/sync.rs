//! What threads share: a lock, and a table that is read without one. No guard of either leaves
//! this crate.
//!
//! Under `cfg(loom)` both are loom's, so that the protocol between the one writer, the views and
//! the followers is model-checked as it stands (`cargo xtask loom`).

use std::hash::Hash;

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Takes a lock. Nothing that holds one of ours panics half-way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A hash table that many threads read while one writes it.
pub(crate) struct ConcurrentMap<K, V> {
    #[cfg(not(loom))]
    map: papaya::HashMap<K, V>,
    #[cfg(loom)]
    map: Mutex<loom_map::Map<K, V>>,
}

/// Hashes the same way in every run: loom repeats what it did.
#[cfg(loom)]
mod loom_map {
    use std::collections::HashMap;
    use std::hash::{BuildHasherDefault, DefaultHasher};

    pub(super) type Map<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;
}

#[cfg(not(loom))]
impl<K: Hash + Eq, V: Clone> ConcurrentMap<K, V> {
    pub(crate) fn new() -> Self {
        Self { map: papaya::HashMap::new() }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        if self.map.is_empty() {
            return None; // nearly always, after a warm start; the key need not be hashed
        }
        self.map.pin().get(key).cloned()
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        self.map.pin().insert(key, value);
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Calls `each` with every entry, in no order. An entry that is written meanwhile may be seen
    /// as it was or as it is.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        self.map.pin().iter().for_each(|(key, value)| visit(key, value));
    }
}

#[cfg(loom)]
impl<K: Hash + Eq + Clone, V: Clone> ConcurrentMap<K, V> {
    pub(crate) fn new() -> Self {
        Self { map: Mutex::new(loom_map::Map::default()) }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        lock(&self.map).get(key).cloned()
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        lock(&self.map).insert(key, value);
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.map).len()
    }

    /// As papaya does, this sees the entries one by one, not all at one moment.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        let keys: Vec<K> = lock(&self.map).keys().cloned().collect();
        for key in keys {
            if let Some(value) = self.get(&key) {
                visit(&key, &value);
            }
        }
    }
}
