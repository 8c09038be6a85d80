//! Spans by key, for as long as they are worth their memory.
//!
//! Lookups do not wait for each other, and for a writer only while it takes the span out of the very
//! entry. Writers take turns, which keeps the books exact. papaya frees what was removed some time
//! later, when no reader can still see it; so a removed entry gives up its span at once, and only
//! its shell waits.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use papaya::Equivalent;
use scrollback_core_id::{EntityKey, SourceId};

use crate::{Allocation, Backing, MappedSpan};

/// Spans of any number of Sources, shared by threads.
///
/// # Consistency
/// A lookup that begins after an `insert` or `remove` of its key returned sees it; one that runs at
/// the same time sees the state before or after. Keys are independent of each other.
/// [`CacheStats`] are exact about entries, bytes and maps whenever no writer is at work.
///
/// # Memory
/// Spans that share an arena are charged once, for the whole arena. Nothing is evicted but by
/// [`prune`](Self::prune).
#[derive(Default)]
pub struct MappedFileCache {
    map: papaya::HashMap<(SourceId, EntityKey), Entry>,
    totals: Mutex<CacheTotals>,
    /// The time of last use: counts hits and inserts.
    ticks: AtomicU64,
    misses: AtomicU64,
}

struct Entry {
    /// `None` once it was removed.
    span: RwLock<Option<MappedSpan>>,
    last_used: AtomicU64,
}

/// What the entries hold; changed together with the map.
#[derive(Default)]
struct CacheTotals {
    /// How many entries each allocation is in.
    entries_per_allocation: HashMap<Allocation, usize>,
    entries: u64,
    bytes: u64,
    maps: u64,
    inserts: u64,
    evictions: u64,
}

/// What a cache holds and how it fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Entries.
    pub entries: u64,
    /// Bytes that the entries keep alive, shared memory counted once.
    pub bytes: u64,
    /// Mappings that the entries keep alive.
    pub maps: u64,
    /// Lookups that found a span.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
    /// Entries that [`MappedFileCache::prune`] removed.
    pub evictions: u64,
}

impl MappedFileCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// The span of a key.
    pub fn get(&self, source: &SourceId, key: &EntityKey) -> Option<MappedSpan> {
        let map = self.map.pin();
        while let Some(entry) = map.get(&BorrowedKey(source, key)) {
            // An entry gives up its span after it left the map: then look what is there now.
            let span = entry.span.read().unwrap_or_else(PoisonError::into_inner).clone();
            if span.is_some() {
                entry.last_used.store(self.tick(), Ordering::Relaxed);
                return span;
            }
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Puts a span in, in place of the one that the key had.
    pub fn insert(&self, source: SourceId, key: EntityKey, span: MappedSpan) {
        let mut totals = self.lock_totals();
        totals.inserts += 1;
        totals.add(&span);
        let entry = Entry { span: RwLock::new(Some(span)), last_used: AtomicU64::new(self.tick()) };
        if let Some(old) = self.map.pin().insert((source, key), entry) {
            totals.drop_span(old);
        }
    }

    /// Takes a span out.
    pub fn remove(&self, source: &SourceId, key: &EntityKey) -> Option<MappedSpan> {
        let mut totals = self.lock_totals();
        let map = self.map.pin();
        totals.drop_span(map.remove(&BorrowedKey(source, key))?)
    }

    /// Takes everything out.
    pub fn clear(&self) {
        let mut totals = self.lock_totals();
        let map = self.map.pin();
        let entries: Vec<_> = map.values().collect();
        map.clear();
        for entry in entries {
            totals.drop_span(entry);
        }
    }

    /// Evicts what was not used for the longest time until at most `max_bytes` are held in at most
    /// `max_maps` mappings, and says how many entries that were. Entries that share memory go
    /// together; uses by other threads meanwhile may count or not.
    pub fn prune(&self, max_bytes: u64, max_maps: u64) -> usize {
        let mut totals = self.lock_totals();
        if totals.bytes <= max_bytes && totals.maps <= max_maps {
            return 0;
        }
        let map = self.map.pin();
        let mut held: HashMap<Allocation, EvictionCandidate<'_>> = HashMap::new();
        for (key, entry) in &map {
            let span = entry.span.read().unwrap_or_else(PoisonError::into_inner);
            let Some(allocation) = span.as_ref().and_then(MappedSpan::allocation) else { continue };
            let is_map = span.as_ref().is_some_and(|span| span.backing() == Backing::Mapped);
            let held = held.entry(allocation).or_insert(EvictionCandidate {
                last_used: 0,
                is_map,
                keys: Vec::new(),
            });
            held.last_used = held.last_used.max(entry.last_used.load(Ordering::Relaxed));
            held.keys.push(key);
        }
        let mut held: Vec<_> = held.into_values().collect();
        held.sort_unstable_by_key(|held| held.last_used);

        let mut evicted = 0;
        for EvictionCandidate { is_map, keys, .. } in held {
            let (bytes_over, maps_over) = (totals.bytes > max_bytes, totals.maps > max_maps);
            if !bytes_over && !maps_over {
                break;
            }
            if !bytes_over && !is_map {
                continue;
            }
            for key in keys {
                if let Some(entry) = map.remove(key) {
                    totals.drop_span(entry);
                    evicted += 1;
                }
            }
        }
        totals.evictions += evicted as u64;
        evicted
    }

    /// What the cache holds and how it fared.
    pub fn stats(&self) -> CacheStats {
        let totals = self.lock_totals();
        CacheStats {
            entries: totals.entries,
            bytes: totals.bytes,
            maps: totals.maps,
            hits: self.ticks.load(Ordering::Relaxed).saturating_sub(totals.inserts),
            misses: self.misses.load(Ordering::Relaxed),
            evictions: totals.evictions,
        }
    }

    /// One counter serves as the clock of use and, less the inserts, as the count of hits.
    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed)
    }

    /// The turn to write. Nothing panics while it is held, so poison has no meaning.
    fn lock_totals(&self) -> MutexGuard<'_, CacheTotals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct EvictionCandidate<'a> {
    last_used: u64,
    is_map: bool,
    keys: Vec<&'a (SourceId, EntityKey)>,
}

impl CacheTotals {
    fn add(&mut self, span: &MappedSpan) {
        self.entries += 1;
        let Some(allocation) = span.allocation() else { return };
        let share = self.entries_per_allocation.entry(allocation).or_default();
        *share += 1;
        if *share == 1 {
            self.bytes += span.charge();
            self.maps += u64::from(span.backing() == Backing::Mapped);
        }
    }

    /// Takes the span out of an entry that left the map.
    fn drop_span(&mut self, entry: &Entry) -> Option<MappedSpan> {
        let span = entry.span.write().unwrap_or_else(PoisonError::into_inner).take()?;
        self.entries -= 1;
        let Some(allocation) = span.allocation() else { return Some(span) };
        if let Slot::Occupied(mut share) = self.entries_per_allocation.entry(allocation) {
            *share.get_mut() -= 1;
            if *share.get() == 0 {
                share.remove();
                self.bytes -= span.charge();
                self.maps -= u64::from(span.backing() == Backing::Mapped);
            }
        }
        Some(span)
    }
}

/// A key that is only borrowed: hashes and compares as the pair that the map owns.
#[derive(Hash)]
struct BorrowedKey<'a>(&'a SourceId, &'a EntityKey);

impl Equivalent<(SourceId, EntityKey)> for BorrowedKey<'_> {
    fn equivalent(&self, (source, key): &(SourceId, EntityKey)) -> bool {
        self.0 == source && self.1 == key
    }
}

impl fmt::Debug for MappedFileCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MappedFileCache").field(&self.stats()).finish()
    }
}
