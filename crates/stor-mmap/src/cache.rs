//! A cache of spans by key.
//!
//! Lookups do not wait for each other. A lookup waits for a writer only while the writer takes the
//! span out of the same entry. Writers take turns, which keeps the counts exact. papaya frees a
//! removed entry later, when no reader can reach it any more. So a removed entry gives up its span at
//! once, and only the empty entry waits.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use papaya::Equivalent;
use scrollback_core_id::{EntityKey, SourceId};

use crate::{Allocation, Backing, MappedSpan};

/// A cache for the spans of any number of Sources, shared by threads.
///
/// ```
/// use scrollback_core_id::{EntityKey, SessionId, SourceId, Stamp};
/// use scrollback_stor_mmap::{MappedFileCache, MappedSpan, Settled};
///
/// let cache = MappedFileCache::new();
/// let source = SourceId::new("opencode")?;
/// let key = EntityKey::Session(SessionId::new("ses_1")?.into());
/// let span = MappedSpan::pooled(b"{}".to_vec(), Stamp::default(), Settled::Settled);
/// cache.insert(source.clone(), key.clone(), span);
/// assert_eq!(&cache.get(&source, &key).unwrap()[..], b"{}");
///
/// cache.prune(0, 0); // keep at most 0 bytes in 0 mappings
/// assert!(cache.get(&source, &key).is_none());
/// assert_eq!((cache.stats().hits, cache.stats().misses), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Consistency
/// A `get` that begins after an `insert` or `remove` of its key has returned sees the new state. A
/// `get` that runs at the same time sees the state before or after. Keys are independent of each
/// other. The entries, bytes and maps of [`CacheStats`] are exact whenever no writer is at work.
///
/// # Memory
/// Spans that share an arena are charged once, for the whole arena. Only [`prune`](Self::prune)
/// evicts entries.
#[derive(Default)]
pub struct MappedFileCache {
    map: papaya::HashMap<(SourceId, EntityKey), Entry>,
    totals: Mutex<CacheTotals>,
    /// The clock of use: the number of hits and inserts so far.
    ticks: AtomicU64,
    misses: AtomicU64,
}

struct Entry {
    /// The span, or `None` after the entry was removed.
    span: RwLock<Option<MappedSpan>>,
    last_used: AtomicU64,
}

/// The totals over all entries, which change together with the map.
#[derive(Default)]
struct CacheTotals {
    /// The number of entries that share each allocation.
    entries_per_allocation: HashMap<Allocation, usize>,
    entries: u64,
    bytes: u64,
    maps: u64,
    inserts: u64,
    evictions: u64,
}

/// The totals of a cache: its content, and its hits and misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// The number of entries.
    pub entries: u64,
    /// The bytes that the entries keep alive; shared memory counts once.
    pub bytes: u64,
    /// The mappings that the entries keep alive.
    pub maps: u64,
    /// The lookups that found a span.
    pub hits: u64,
    /// The lookups that found no span.
    pub misses: u64,
    /// The entries that [`MappedFileCache::prune`] removed.
    pub evictions: u64,
}

impl MappedFileCache {
    /// Returns an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the span of a key.
    pub fn get(&self, source: &SourceId, key: &EntityKey) -> Option<MappedSpan> {
        let map = self.map.pin();
        while let Some(entry) = map.get(&BorrowedKey(source, key)) {
            // An entry without a span has left the map. The next lookup finds its replacement.
            let span = entry.span.read().unwrap_or_else(PoisonError::into_inner).clone();
            if span.is_some() {
                entry.last_used.store(self.tick(), Ordering::Relaxed);
                return span;
            }
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Inserts a span, in place of the span that the key had.
    pub fn insert(&self, source: SourceId, key: EntityKey, span: MappedSpan) {
        let mut totals = self.lock_totals();
        totals.inserts += 1;
        totals.add(&span);
        let entry = Entry { span: RwLock::new(Some(span)), last_used: AtomicU64::new(self.tick()) };
        if let Some(old) = self.map.pin().insert((source, key), entry) {
            totals.drop_span(old);
        }
    }

    /// Removes the span of a key and returns it.
    pub fn remove(&self, source: &SourceId, key: &EntityKey) -> Option<MappedSpan> {
        let mut totals = self.lock_totals();
        let map = self.map.pin();
        totals.drop_span(map.remove(&BorrowedKey(source, key))?)
    }

    /// Removes all spans.
    pub fn clear(&self) {
        let mut totals = self.lock_totals();
        let map = self.map.pin();
        let entries: Vec<_> = map.values().collect();
        map.clear();
        for entry in entries {
            totals.drop_span(entry);
        }
    }

    /// Evicts the least recently used entries until at most `max_bytes` bytes are kept in at most
    /// `max_maps` mappings, and returns the number of evicted entries. Entries that share memory are
    /// evicted together. A use by another thread during the call may count or not.
    pub fn prune(&self, max_bytes: u64, max_maps: u64) -> usize {
        let mut totals = self.lock_totals();
        if totals.bytes <= max_bytes && totals.maps <= max_maps {
            return 0;
        }
        let map = self.map.pin();
        // Group the entries by the memory that they share: only a whole group frees its memory.
        let mut candidates: HashMap<Allocation, EvictionCandidate<'_>> = HashMap::new();
        for (key, entry) in &map {
            let span = entry.span.read().unwrap_or_else(PoisonError::into_inner);
            let Some(allocation) = span.as_ref().and_then(MappedSpan::allocation) else { continue };
            let is_map = span.as_ref().is_some_and(|span| span.backing() == Backing::Mapped);
            let candidate = candidates.entry(allocation).or_insert(EvictionCandidate {
                last_used: 0,
                is_map,
                keys: Vec::new(),
            });
            candidate.last_used = candidate.last_used.max(entry.last_used.load(Ordering::Relaxed));
            candidate.keys.push(key);
        }
        let mut candidates: Vec<_> = candidates.into_values().collect();
        candidates.sort_unstable_by_key(|candidate| candidate.last_used);

        let mut evicted = 0;
        for EvictionCandidate { is_map, keys, .. } in candidates {
            let (bytes_over, maps_over) = (totals.bytes > max_bytes, totals.maps > max_maps);
            if !bytes_over && !maps_over {
                break;
            }
            // Only the number of mappings is too large, so evicting a buffer would not help.
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

    /// Returns the totals of the cache.
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

    /// Returns the next tick. One counter is the clock of use; minus the inserts, it counts the hits.
    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed)
    }

    /// Locks the totals, which gives this thread the turn to write. Code under this lock cannot
    /// panic, so a poisoned lock has no meaning.
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

    /// Takes the span out of an entry that has left the map.
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

/// A borrowed key: it hashes and compares like the pair of keys that the map owns.
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
