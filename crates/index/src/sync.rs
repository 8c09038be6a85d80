//! The primitives that threads share: a lock, and a hash table that is read without a lock. No guard
//! of either leaves this crate.
//!
//! Under `cfg(loom)` both use loom's lock, so that `cargo xtask loom` model-checks the real protocol
//! between the writer, the views and the followers.

use std::hash::Hash;

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Takes a lock. Ignores poisoning: no code of this crate panics half-way through a change while it
/// holds a lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A hash table that many threads read while one thread writes it.
pub(crate) struct ConcurrentMap<K, V> {
    #[cfg(not(loom))]
    map: papaya::HashMap<K, V>,
    #[cfg(loom)]
    map: Mutex<loom_map::Map<K, V>>,
}

/// A map that hashes the same way in every run, because loom repeats executions.
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
            return None; // the usual case after a warm start: skip hashing the key
        }
        self.map.pin().get(key).cloned()
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        self.map.pin().insert(key, value);
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Calls `visit` with every entry, in any order. An entry that is written at the same time is
    /// passed in its old or its new state.
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

    /// Calls `visit` with every entry, one by one and not all at one moment, as papaya does.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        let keys: Vec<K> = lock(&self.map).keys().cloned().collect();
        for key in keys {
            if let Some(value) = self.get(&key) {
                visit(&key, &value);
            }
        }
    }
}
