//! Reading into an arena: settled reads, the limit of the size, and pieces that keep their bytes.

use std::fs::File;
use std::sync::Arc;

use proptest::prelude::*;
use scrollback_core_err::IssueKind;
use scrollback_core_id::Discipline;
use scrollback_stor_mmap::{
    Arena, Backing, Dir, MapPolicy, PortableDir, ReadContext, ReadOptions, Settled,
};

use crate::support::{NOW, OLD_AGE, Root, Store, TestClock, for_both_directories, open};

for_both_directories!(
    an_old_file_is_settled,
    settled_bytes_need_not_parse,
    the_margin_counts,
    an_empty_file_is_provisional,
    files_over_the_limit_are_issues,
    files_over_the_total_limit_are_left_out,
    files_around_the_buffer_sizes_are_read_whole,
    in_place_files_are_read_into_their_own_buffer,
);

fn never_parses(_: &[u8]) -> bool {
    panic!("settled bytes must not be checked")
}

fn an_old_file_is_settled<D: Root>() {
    let store = Store::new();
    store.write_file("a", b"{a}", OLD_AGE);
    let dir = store.dir::<D>();
    let clock = TestClock::new();
    let context = ReadContext::begin(&clock, ReadOptions::default());
    assert_eq!(context.started(), NOW);
    let mut arena = Arena::new();
    let piece = arena.read(&dir, b"a", &context, &mut never_parses).unwrap();
    assert_eq!(arena.bytes(&piece), b"{a}");
    assert_eq!(piece.settled, Settled::Settled);
    assert_eq!(piece.stamp, dir.stat(b"a").unwrap().1);
    assert!(clock.pauses().is_empty());
}

fn settled_bytes_need_not_parse<D: Root>() {
    let store = Store::new();
    store.write_file("nul", &[0; 100], OLD_AGE);
    let clock = TestClock::new();
    let context = ReadContext::begin(&clock, ReadOptions::default());
    let mut arena = Arena::new();
    let piece = arena.read(&store.dir::<D>(), b"nul", &context, &mut never_parses).unwrap();
    assert_eq!((arena.bytes(&piece), piece.settled), (&[0; 100][..], Settled::Settled));
}

fn the_margin_counts<D: Root>() {
    let store = Store::new();
    let margin = ReadOptions::default().margin;
    store.write_file("at", b"{}", margin);
    store.write_file("beyond", b"{}", margin + std::time::Duration::from_micros(1));
    store.write_file("future", b"{}", std::time::Duration::ZERO);
    let dir = store.dir::<D>();
    let clock = TestClock::new();
    let context = ReadContext::begin(&clock, ReadOptions::default());
    let settled =
        |name: &[u8]| Arena::new().read(&dir, name, &context, &mut |_| true).unwrap().settled;
    assert_eq!(settled(b"at"), Settled::Provisional);
    assert_eq!(settled(b"beyond"), Settled::Settled);
    assert_eq!(settled(b"future"), Settled::Provisional);
}

fn an_empty_file_is_provisional<D: Root>() {
    let store = Store::new();
    store.write_file("empty", b"", OLD_AGE);
    let clock = TestClock::new();
    let context = ReadContext::begin(&clock, ReadOptions::default());
    let mut arena = Arena::new();
    let piece = arena.read(&store.dir::<D>(), b"empty", &context, &mut |_| false).unwrap();
    let span = arena.freeze().span(&piece);
    assert_eq!((span.backing(), &span[..], span.is_settled()), (Backing::Empty, &b""[..], false));
    assert_eq!(span.stamp(), &piece.stamp);
}

fn files_over_the_total_limit_are_left_out<D: Root>() {
    let store = Store::new();
    for (name, len) in [("a", 60_000), ("b", 50_000), ("c", 40_000)] {
        store.write_file(name, &vec![b'x'; len], OLD_AGE);
    }
    let dir = store.dir::<D>();
    let clock = TestClock::new();
    let options = ReadOptions { max_total: 100_000, ..ReadOptions::default() };
    let context = ReadContext::begin(&clock, options);
    let mut arena = Arena::new();
    arena.read(&dir, b"a", &context, &mut never_parses).unwrap();
    let expected = IssueKind::OverTotal { size: 50_000, limit: 100_000 };
    assert_eq!(arena.read(&dir, b"b", &context, &mut never_parses), Err(expected.clone()));
    assert_eq!(arena.make_room(50_000, &options), Err(expected));
    arena.make_room(40_000, &options).unwrap();
    arena.read(&dir, b"c", &context, &mut never_parses).unwrap();
    assert_eq!(arena.len(), 100_000);
    assert!(arena.make_room(u64::MAX, &ReadOptions { max_total: u64::MAX, ..options }).is_err());
}

fn files_over_the_limit_are_issues<D: Root>() {
    const LEN: u64 = 300_000_000;
    let store = Store::new();
    store.write_file("sparse", b"", OLD_AGE);
    let file = File::options().write(true).open(store.path("sparse")).unwrap();
    file.set_len(LEN).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let dir = store.dir::<D>();
    let clock = TestClock::new();
    let mut options = ReadOptions::default();
    let mut arena = Arena::new();
    let context = ReadContext::begin(&clock, options);
    let expected = IssueKind::TooLarge { size: LEN, limit: 64 << 20 };
    assert_eq!(arena.read(&dir, b"sparse", &context, &mut never_parses), Err(expected.clone()));
    assert!(arena.is_empty());
    for discipline in [Discipline::InPlace, Discipline::Replace] {
        let error = open(&dir, b"sparse", discipline, &MapPolicy::default()).unwrap_err();
        assert_eq!(error, expected);
    }

    options.max_len = LEN;
    let context = ReadContext::begin(&clock, options);
    let piece = arena.read(&dir, b"sparse", &context, &mut never_parses).unwrap();
    assert_eq!((piece.range.len() as u64, piece.settled), (LEN, Settled::Settled));
    // Every 4099th byte is enough: a check of all bytes takes long without optimisation.
    assert!(arena.bytes(&piece).iter().step_by(4099).all(|&byte| byte == 0));
}

fn files_around_the_buffer_sizes_are_read_whole<D: Root>() {
    let store = Store::new();
    let dir = store.dir::<D>();
    let clock = TestClock::new();
    let context = ReadContext::begin(&clock, ReadOptions::default());
    for len in [2, 32 << 10, 64 << 10, 96 << 10, 128 << 10] {
        for len in len - 1..=len + 1 {
            let bytes: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            store.write_file("f", &bytes, OLD_AGE);
            let mut arena = Arena::with_capacity(64 << 10);
            let piece = arena.read(&dir, b"f", &context, &mut never_parses).unwrap();
            assert!(arena.bytes(&piece) == bytes, "{len}");
            assert_eq!(piece.settled, Settled::Settled, "{len}");
        }
    }
}

fn in_place_files_are_read_into_their_own_buffer<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{f}", OLD_AGE);
    store.write_file("young", b"{y}", crate::support::YOUNG_AGE);
    let dir = store.dir::<D>();
    let span = |name: &[u8]| {
        open(&dir, name, Discipline::InPlace, &MapPolicy::long_lived()).unwrap().into_span()
    };
    assert_eq!((&span(b"f")[..], span(b"f").settled()), (&b"{f}"[..], Settled::Settled));
    assert_eq!(
        (&span(b"young")[..], span(b"young").settled()),
        (&b"{y}"[..], Settled::Provisional)
    );
    // The spare memory was returned.
    assert!(span(b"f").charge() < 64, "{}", span(b"f").charge());
}

#[test]
fn a_cleared_arena_can_be_reused() {
    let store = Store::new();
    store.write_file("a", b"{a}", OLD_AGE);
    let dir = store.dir::<Dir>();
    let clock = TestClock::new();
    let context = ReadContext::begin(&clock, ReadOptions::default());
    let mut arena = Arena::new();
    for _ in 0..3 {
        assert!(arena.is_empty());
        let piece = arena.read(&dir, b"a", &context, &mut never_parses).unwrap();
        assert_eq!((piece.range, arena.len()), (0..3, 3));
        arena.clear();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A piece keeps its bytes, independent of the reads before and after it and of failed reads.
    #[test]
    fn pieces_keep_their_bytes(files in prop::collection::vec((0_usize..90_000, any::<u8>()), 1..12)) {
        let store = Store::new();
        let clock = TestClock::new();
        let context = ReadContext::begin(&clock, ReadOptions::default());
        let dirs = (store.dir::<Dir>(), store.dir::<PortableDir>());
        let mut arena = Arena::new();
        let mut pieces = Vec::new();
        for (n, (len, fill)) in files.iter().enumerate() {
            let (name, bytes) = (n.to_string(), vec![*fill; *len]);
            store.write_file(&name, &bytes, OLD_AGE);
            let piece = match n % 2 {
                0 => arena.read(&dirs.0, name.as_bytes(), &context, &mut never_parses),
                _ => arena.read(&dirs.1, name.as_bytes(), &context, &mut never_parses),
            };
            pieces.push((piece.unwrap(), bytes));
            let before = arena.len();
            let missing = arena.read(&dirs.0, b"missing", &context, &mut never_parses);
            prop_assert_eq!(missing, Err(IssueKind::Vanished));
            prop_assert_eq!(arena.len(), before);
        }
        let total = arena.len();
        let frozen = Arc::new(arena.freeze());
        let spans: Vec<_> = pieces.iter().map(|(piece, _)| frozen.span(piece)).collect();
        drop(frozen);
        let non_empty: Vec<_> = spans.iter().filter(|span| !span.is_empty()).collect();
        for (span, (piece, bytes)) in spans.iter().zip(&pieces) {
            prop_assert!(span[..] == bytes[..]);
            prop_assert_eq!(span.stamp(), &piece.stamp);
        }
        for span in &non_empty {
            prop_assert!(span.is_same_allocation(non_empty[0]));
            prop_assert!(span.charge() >= total as u64);
            prop_assert!(span.charge() <= 2 * total as u64);
        }
    }
}
