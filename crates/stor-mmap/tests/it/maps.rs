//! Mappings: disciplines, policies, and the limit of live mappings.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scrollback_core_err::IssueKind;
use scrollback_core_id::Discipline;
use scrollback_stor_mmap::{Backing, Dir, MapPolicy, MappedSpan, PortableDir, Settled, live_maps};

use crate::support::{
    OLD_AGE, Root, ScriptedDirectory, Store, YOUNG_AGE, for_both_directories, open,
};

for_both_directories!(
    a_database_is_refused,
    an_append_after_the_open_is_not_read,
    a_replacement_after_the_open_is_not_read,
    a_frozen_policy_maps_files_in_place,
    rewritten_against_its_discipline,
    unmappable_names_are_refused,
);

/// Locks out other tests that map, because the count of live mappings belongs to the process.
pub(crate) fn lock_live_maps() -> MutexGuard<'static, ()> {
    static LIVE_MAPS_LOCK: Mutex<()> = Mutex::new(());
    LIVE_MAPS_LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn map_all_sizes() -> MapPolicy {
    MapPolicy::default().with_min_len(1)
}

#[test]
fn which_files_are_mapped() {
    use Discipline::{Append, Database, InPlace, Replace, Snapshot};
    const KIB: u64 = 1 << 10;
    for discipline in [Replace, Append, Snapshot] {
        assert!(MapPolicy::default().maps(discipline, 256 * KIB));
        assert!(!MapPolicy::default().maps(discipline, 256 * KIB - 1));
        assert!(MapPolicy::long_lived().maps(discipline, 64 * KIB));
        assert!(!MapPolicy::long_lived().maps(discipline, 64 * KIB - 1));
        assert!(!MapPolicy::never().maps(discipline, u64::MAX));
        assert!(!map_all_sizes().maps(discipline, 0), "no system maps nothing");
    }
    for discipline in [InPlace, Database] {
        assert!(!MapPolicy::long_lived().maps(discipline, u64::MAX));
    }
    assert!(!MapPolicy::default().is_frozen());
}

fn a_database_is_refused<D: Root>() {
    let store = Store::new();
    store.write_file("opencode.db", &[1; 4096], OLD_AGE);
    for policy in [MapPolicy::default(), MapPolicy::never()] {
        let error = open(&store.dir::<D>(), b"opencode.db", Discipline::Database, &policy);
        let IssueKind::Unreadable { action, kind, .. } = error.unwrap_err() else { panic!() };
        assert_eq!((action, kind), ("open a database", std::io::ErrorKind::Unsupported));
    }
}

fn an_append_after_the_open_is_not_read<D: Root>() {
    let _turn = lock_live_maps();
    let store = Store::new();
    for policy in [map_all_sizes(), MapPolicy::never()] {
        store.write_file("log", b"1\n2\n", YOUNG_AGE);
        let append = || {
            let mut file = OpenOptions::new().append(true).open(store.path("log")).unwrap();
            file.write_all(b"3\n").unwrap();
        };
        // The hook also appends between the stat of the length and the read of the end.
        let dir = ScriptedDirectory::after(store.dir::<D>(), |_| append());
        let file = open(&dir, b"log", Discipline::Append, &policy).unwrap();
        append();
        assert_eq!(&file.span()[..], b"1\n2\n");
        assert_eq!((file.span().stamp().size, file.span().settled()), (4, Settled::Settled));
    }
}

fn a_replacement_after_the_open_is_not_read<D: Root>() {
    let _turn = lock_live_maps();
    let store = Store::new();
    for (policy, backing) in
        [(map_all_sizes(), Backing::Mapped), (MapPolicy::never(), Backing::Pooled)]
    {
        store.write_file("f", b"old", YOUNG_AGE);
        let span = open(&store.dir::<D>(), b"f", Discipline::Replace, &policy).unwrap().into_span();
        store.write_file("temporary", b"replaced", YOUNG_AGE);
        fs::rename(store.path("temporary"), store.path("f")).unwrap();
        assert_eq!((&span[..], span.backing(), span.is_settled()), (&b"old"[..], backing, true));
        fs::remove_file(store.path("f")).unwrap();
        assert_eq!(&span[..], b"old");
    }
}

fn a_frozen_policy_maps_files_in_place<D: Root>() {
    let _turn = lock_live_maps();
    let store = Store::new();
    store.write_file("big", &[b'x'; 100], YOUNG_AGE);
    store.write_file("small", &[b'x'; 99], YOUNG_AGE);
    let dir = store.dir::<D>();
    // SAFETY: no other program knows the store, and nothing below writes to it.
    #[expect(unsafe_code, reason = "the promise is what is tested")]
    let policy = unsafe { MapPolicy::frozen(100) };
    assert!(policy.is_frozen());
    assert!(!policy.maps(Discipline::Database, u64::MAX));
    for (name, backing) in [(&b"big"[..], Backing::Mapped), (b"small", Backing::Pooled)] {
        let span = open(&dir, name, Discipline::InPlace, &policy).unwrap().into_span();
        // The file is young, but nobody writes it, so it is whole.
        assert_eq!((span.backing(), span.settled()), (backing, Settled::Settled));
        assert!(span.iter().all(|&byte| byte == b'x'));
        assert_eq!(span.len() as u64, span.stamp().size);
    }
}

fn rewritten_against_its_discipline<D: Root>() {
    let store = Store::new();
    for (discipline, text) in [
        (Discipline::Replace, &b"longer than before"[..]),
        (Discipline::Replace, b"as it wa2"),
        (Discipline::Append, b"cut"),
    ] {
        store.write_file("f", b"as it was", OLD_AGE);
        let dir =
            ScriptedDirectory::before(store.dir::<D>(), |_| store.write_file("f", text, YOUNG_AGE));
        let result = open(&dir, b"f", discipline, &MapPolicy::never());
        assert_eq!(result.unwrap_err(), IssueKind::Unsettled { tries: 1 });
    }
}

fn unmappable_names_are_refused<D: Root>() {
    let store = Store::new();
    store.mkdir("d");
    let dir = store.dir::<D>();
    for discipline in [Discipline::Replace, Discipline::Append, Discipline::InPlace] {
        let open = |name: &[u8]| open(&dir, name, discipline, &map_all_sizes()).unwrap_err();
        assert_eq!(open(b"d"), IssueKind::NotAFile);
        assert_eq!(open(b"missing"), IssueKind::Vanished);
        assert!(matches!(open(b"../x"), IssueKind::BadId { .. }));
    }
}

#[test]
fn over_the_limit_files_are_read() {
    let _turn = lock_live_maps();
    let store = Store::new();
    store.write_file("f", b"bytes", OLD_AGE);
    let dir = store.dir::<Dir>();
    let before = live_maps();
    let policy = map_all_sizes().with_max_maps(before + 3);
    let spans = |count| -> Vec<MappedSpan> {
        (0..count)
            .map(|_| open(&dir, b"f", Discipline::Replace, &policy).unwrap().into_span())
            .collect()
    };
    let count_mapped = |spans: &[MappedSpan]| {
        assert!(spans.iter().all(|span| &span[..] == b"bytes"));
        spans.iter().filter(|span| span.backing() == Backing::Mapped).count()
    };
    let live_spans = spans(5);
    assert_eq!((count_mapped(&live_spans), live_maps()), (3, before + 3));
    // A clone or a slice is not another mapping. Each keeps its original mapping alive.
    let slice = live_spans[0].slice(1..3).unwrap();
    drop(live_spans);
    assert_eq!((&slice[..], live_maps()), (&b"yt"[..], before + 1));
    assert_eq!(count_mapped(&spans(5)), 2);
    drop(slice);
    assert_eq!(count_mapped(&spans(5)), 3);
    assert_eq!(live_maps(), before);
}

#[test]
fn the_limit_is_4096() {
    let _turn = lock_live_maps();
    let store = Store::new();
    store.write_file("f", b"bytes", OLD_AGE);
    let dir = store.dir::<PortableDir>();
    let spans: Vec<_> = (0..4100)
        .map(|_| open(&dir, b"f", Discipline::Snapshot, &map_all_sizes()).unwrap().into_span())
        .collect();
    let mapped = spans.iter().filter(|span| span.backing() == Backing::Mapped).count();
    assert_eq!(mapped, 4096);
    assert!(spans.iter().all(|span| &span[..] == b"bytes"));
}
