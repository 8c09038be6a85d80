//! The cache against a model, under threads, and its evictions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::prelude::*;
use scrollback_core_id::{EntityKey, ProjectId, SessionId, SessionKey, SourceId, Stamp};
use scrollback_stor_mmap::{Allocation, CacheStats, MappedFileCache, MappedSpan, Settled};

fn source(n: usize) -> SourceId {
    SourceId::new(&format!("store {n}")).unwrap()
}

fn key(n: usize) -> EntityKey {
    let session = SessionKey { session: SessionId::new(&format!("ses_{n:026}")).unwrap() };
    match n % 3 {
        0 => EntityKey::Session(session),
        1 => EntityKey::Todo(session),
        _ => EntityKey::Project(ProjectId::new(&format!("{n:040x}")).unwrap()),
    }
}

fn span(len: usize) -> MappedSpan {
    MappedSpan::pooled(vec![len as u8; len], Stamp::default(), Settled::Settled)
}

/// Returns the spans of one tree, which share one arena.
fn tree(lens: &[usize]) -> Vec<MappedSpan> {
    let arena = span(lens.iter().sum());
    let mut start = 0;
    let cut = |len: &usize| {
        let piece = arena.slice(start..start + len).unwrap();
        start += len;
        piece
    };
    lens.iter().map(cut).collect()
}

/// Counts what a cache should contain from the spans themselves.
fn expected_totals<'a>(spans: impl Iterator<Item = &'a MappedSpan>) -> (u64, u64) {
    let (mut entries, mut charges) = (0, HashMap::<Allocation, u64>::new());
    for span in spans {
        entries += 1;
        charges.extend(span.allocation().map(|allocation| (allocation, span.charge())));
    }
    (entries, charges.values().sum())
}

#[test]
fn get_returns_the_inserted_span() {
    let cache = MappedFileCache::new();
    assert_eq!(cache.stats(), CacheStats::default());
    assert!(cache.get(&source(1), &key(1)).is_none());
    cache.insert(source(1), key(1), span(10));
    cache.insert(source(2), key(1), span(20));
    assert_eq!(cache.get(&source(1), &key(1)).unwrap().len(), 10);
    assert_eq!(cache.get(&source(2), &key(1)).unwrap().len(), 20);
    assert!(cache.get(&source(1), &key(4)).is_none());

    cache.insert(source(1), key(1), span(30));
    assert_eq!(cache.get(&source(1), &key(1)).unwrap().len(), 30, "the new one replaces the old");
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.bytes, stats.maps), (2, 50, 0));
    assert_eq!((stats.hits, stats.misses, stats.evictions), (3, 2, 0));

    assert_eq!(cache.remove(&source(1), &key(1)).unwrap().len(), 30);
    assert!(cache.remove(&source(1), &key(1)).is_none());
    assert!(cache.get(&source(1), &key(1)).is_none());
    cache.clear();
    assert!(cache.get(&source(2), &key(1)).is_none());
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.bytes), (0, 0));
}

#[test]
fn a_tree_is_charged_once_and_goes_as_one() {
    let cache = MappedFileCache::new();
    for (n, span) in tree(&[10, 20, 30]).into_iter().enumerate() {
        cache.insert(source(1), key(n), span);
    }
    cache.insert(source(1), key(9), span(40));
    assert_eq!((cache.stats().entries, cache.stats().bytes), (4, 100));
    // One entry is not the whole tree.
    assert_eq!(cache.remove(&source(1), &key(0)).unwrap().charge(), 60);
    assert_eq!(cache.stats().bytes, 100);
    // The entries of a tree are as fresh as the freshest of them.
    assert!(cache.get(&source(1), &key(2)).is_some());
    assert_eq!(cache.prune(99, 0), 1);
    assert!(cache.get(&source(1), &key(9)).is_none());
    assert!(cache.get(&source(1), &key(1)).is_some());
    assert_eq!(cache.prune(59, 0), 2);
    assert_eq!((cache.stats().entries, cache.stats().bytes, cache.stats().evictions), (0, 0, 3));
}

#[test]
fn two_caches_count_separately() {
    let caches = [MappedFileCache::new(), MappedFileCache::new()];
    let spans = tree(&[10, 20]);
    for cache in &caches {
        cache.insert(source(1), key(1), spans[0].clone());
        cache.insert(source(1), key(2), spans[1].clone());
        assert_eq!(cache.stats().bytes, 30);
    }
    caches[0].clear();
    assert_eq!((caches[0].stats().bytes, caches[1].stats().bytes), (0, 30));
}

#[test]
fn the_least_used_goes_first() {
    let cache = MappedFileCache::new();
    for n in 0..10 {
        cache.insert(source(1), key(n), span(10));
    }
    for n in [3, 0, 7] {
        cache.get(&source(1), &key(n));
    }
    assert_eq!(cache.prune(100, 0), 0, "it is not over the limit");
    assert_eq!(cache.prune(35, 0), 7);
    let kept: Vec<_> = (0..10).filter(|&n| cache.get(&source(1), &key(n)).is_some()).collect();
    assert_eq!(kept, [0, 3, 7]);
    assert_eq!(cache.prune(19, 0), 2);
    assert!(cache.get(&source(1), &key(7)).is_some(), "used last before that, by the check above");
}

#[cfg(not(miri))]
#[test]
fn mappings_are_counted_and_released() {
    use scrollback_core_id::Discipline;
    use scrollback_stor_mmap::{Dir, MapPolicy, live_maps};

    use crate::support::{OLD_AGE, Store, open};

    let _turn = crate::maps::lock_live_maps();
    let store = Store::new();
    store.write_file("f", &[1; 100], OLD_AGE);
    let dir = store.dir::<Dir>();
    let policy = MapPolicy::default().with_min_len(1);
    let before = live_maps();
    let cache = MappedFileCache::new();
    for n in 0..50 {
        let file = open(&dir, b"f", Discipline::Replace, &policy).unwrap();
        cache.insert(source(1), key(n), file.into_span());
        cache.insert(source(2), key(n), span(100));
    }
    assert_eq!((cache.stats().maps, cache.stats().bytes), (50, 10_000));
    // Only the limit of maps is exceeded, so the spans that were read stay.
    assert_eq!(cache.prune(u64::MAX, 20), 30);
    // No mapping waits until papaya frees its entry.
    assert_eq!((cache.stats().maps, live_maps() - before), (20, 20));
    assert_eq!((cache.stats().entries, cache.stats().bytes), (70, 7000));
    cache.remove(&source(1), &key(49)).unwrap();
    assert_eq!(live_maps() - before, 19);
    cache.insert(source(1), key(48), span(1));
    assert_eq!(live_maps() - before, 18);
    cache.clear();
    assert_eq!(live_maps() - before, 0);
}

#[test]
fn counts_are_exact_under_threads() {
    const KEYS: usize = 40;
    let rounds = if cfg!(miri) { 20 } else { 5_000 };
    let cache = MappedFileCache::new();
    let (hits, misses) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for thread in 0..4_usize {
            let (cache, hits, misses) = (&cache, &hits, &misses);
            scope.spawn(move || {
                for round in 0..rounds {
                    let n = (round * 7 + thread * 13) % KEYS;
                    match (round + thread) % 8 {
                        0 => cache.insert(source(1), key(n), span(n + 1)),
                        1 => {
                            // A tree over this key and the next key.
                            let next = (n + 1) % KEYS;
                            let spans = tree(&[n + 1, next + 1]);
                            cache.insert(source(1), key(n), spans[0].clone());
                            cache.insert(source(1), key(next), spans[1].clone());
                        }
                        2 if round % 3 == 0 => drop(cache.remove(&source(1), &key(n))),
                        3 if round % 50 == 3 => drop(cache.prune(300, 0)),
                        4 if round % 500 == 4 => cache.clear(),
                        _ => match cache.get(&source(1), &key(n)) {
                            // Every span under this key has this length.
                            Some(span) => {
                                assert_eq!(span.len(), n + 1);
                                hits.fetch_add(1, Ordering::Relaxed);
                            }
                            None => {
                                misses.fetch_add(1, Ordering::Relaxed);
                            }
                        },
                    }
                }
            });
        }
    });
    let stats = cache.stats();
    assert_eq!(stats.hits, hits.into_inner() as u64);
    assert_eq!(stats.misses, misses.into_inner() as u64);
    let spans: Vec<_> = (0..KEYS).filter_map(|n| cache.get(&source(1), &key(n))).collect();
    assert_eq!((stats.entries, stats.bytes), expected_totals(spans.iter()));

    cache.prune(200, 0);
    let left: Vec<_> = (0..KEYS).filter_map(|n| cache.get(&source(1), &key(n))).collect();
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.bytes), expected_totals(left.iter()));
    assert!(stats.bytes <= 200);
    cache.clear();
    assert_eq!((cache.stats().entries, cache.stats().bytes), (0, 0));
}

#[test]
fn a_key_that_is_replaced_is_never_missed() {
    let cache = MappedFileCache::new();
    cache.insert(source(1), key(1), span(1));
    let rounds = if cfg!(miri) { 50 } else { 20_000 };
    thread::scope(|scope| {
        scope.spawn(|| (0..rounds).for_each(|_| cache.insert(source(1), key(1), span(1))));
        for _ in 0..rounds {
            assert!(cache.get(&source(1), &key(1)).is_some());
        }
    });
    assert_eq!(cache.stats().misses, 0);
}

#[derive(Debug, Clone)]
enum Step {
    Insert(usize, usize),
    Tree(usize, usize),
    Get(usize),
    Remove(usize),
    Prune(u64),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_usize, 0..50_usize).prop_map(|(n, len)| Step::Insert(n, len)),
        2 => (0..12_usize, 0..12_usize).prop_map(|(from, to)| Step::Tree(from, to)),
        4 => (0..12_usize).prop_map(Step::Get),
        2 => (0..12_usize).prop_map(Step::Remove),
        2 => (0..400_u64).prop_map(Step::Prune),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// After each step the cache contains what the model contains, and charges its memory.
    #[test]
    fn the_cache_behaves_like_a_map(steps in prop::collection::vec(step(), 1..60)) {
        let cache = MappedFileCache::new();
        let mut model = HashMap::<usize, MappedSpan>::new();
        let (mut hits, mut misses) = (0, 0);
        for step in steps {
            match step {
                Step::Insert(n, len) => {
                    let span = span(len);
                    cache.insert(source(1), key(n), span.clone());
                    model.insert(n, span);
                }
                Step::Tree(from, to) => {
                    let lens: Vec<_> = (from..=to).collect();
                    for (n, span) in (from..=to).zip(tree(&lens)) {
                        cache.insert(source(1), key(n), span.clone());
                        model.insert(n, span);
                    }
                }
                Step::Get(n) => {
                    let span = cache.get(&source(1), &key(n));
                    hits += u64::from(span.is_some());
                    misses += u64::from(span.is_none());
                    let expected = model.get(&n);
                    prop_assert_eq!(span.as_deref(), expected.map(|span| &span[..]));
                }
                Step::Remove(n) => {
                    let (span, expected) = (cache.remove(&source(1), &key(n)), model.remove(&n));
                    prop_assert_eq!(span.as_deref(), expected.as_deref());
                }
                Step::Prune(max) => {
                    let (evicted, before) = (cache.prune(max, 0), cache.stats());
                    prop_assert!(before.bytes <= max);
                    let all = model.len();
                    model.retain(|&n, _| {
                        let is_kept = cache.get(&source(1), &key(n)).is_some();
                        hits += u64::from(is_kept);
                        misses += u64::from(!is_kept);
                        is_kept
                    });
                    prop_assert_eq!(evicted, all - model.len());
                }
                Step::Clear => {
                    cache.clear();
                    model.clear();
                }
            }
            let stats = cache.stats();
            prop_assert_eq!((stats.entries, stats.bytes), expected_totals(model.values()));
            prop_assert_eq!((stats.hits, stats.misses), (hits, misses));
        }
    }
}
