//! One suite over the three backings: a span has its bytes, its stamp, and its memory.

use proptest::prelude::*;
use scrollback_core_id::{Stamp, UnixNanos};
use scrollback_stor_mmap::{Backing, MappedSpan, Piece, Settled};

const STAMP: Stamp = Stamp { size: 70_000, mtime: UnixNanos(1), inode: 2 };

/// Returns enough bytes to be mapped by a policy for bytes that are kept.
fn long_text() -> Vec<u8> {
    (0..70_000_u32).map(|n| (n % 251) as u8).collect()
}

fn assert_span(span: &MappedSpan, expected: &[u8], backing: Backing) {
    assert!(span[..] == *expected && span.as_ref() == expected);
    assert_eq!((span.len(), span.is_empty()), (expected.len(), expected.is_empty()));
    assert_eq!(span.backing(), backing);
    assert_eq!(span.allocation().is_none(), backing == Backing::Empty);
    assert!(span.charge() >= span.len() as u64);

    let clone = span.clone();
    assert!(clone[..] == *expected);
    assert_eq!(clone.as_ptr(), span.as_ptr(), "a clone copies nothing");
    assert_eq!(clone.is_same_allocation(span), backing != Backing::Empty);
    assert_eq!((clone.stamp(), clone.settled()), (span.stamp(), span.settled()));

    for start in [0, 1, expected.len() / 2, expected.len(), expected.len() + 1, usize::MAX] {
        for end in [0, 1, expected.len() / 2, expected.len(), expected.len() + 1, usize::MAX] {
            assert_slice(span, expected, start, end);
        }
    }

    // The memory lives as long as the last span.
    let tail = span.slice(expected.len() / 2..expected.len()).unwrap();
    let debug = format!("{span:?}");
    assert!(debug.len() < 250, "bytes do not belong into a log: {debug}");
    assert!(tail[..] == expected[expected.len() / 2..]);
}

fn assert_slice(span: &MappedSpan, expected: &[u8], start: usize, end: usize) {
    match (span.slice(start..end), expected.get(start..end)) {
        (None, None) => {}
        (Some(slice), Some(expected)) => {
            assert!(slice[..] == *expected, "{start}..{end}");
            assert_eq!((slice.stamp(), slice.settled()), (span.stamp(), span.settled()));
            assert_eq!(slice.is_same_allocation(span), !expected.is_empty());
            assert_eq!(slice.backing() == Backing::Empty, expected.is_empty());
        }
        (slice, expected) => panic!("{start}..{end}: {slice:?}, expected {expected:?}"),
    }
}

#[test]
fn an_empty_span_has_no_allocation() {
    assert_span(&MappedSpan::empty(STAMP, Settled::Provisional), b"", Backing::Empty);
    assert_span(&MappedSpan::pooled(Vec::new(), STAMP, Settled::Settled), b"", Backing::Empty);
    assert_span(&MappedSpan::default(), b"", Backing::Empty);
}

#[test]
fn a_pooled_span_has_its_buffer() {
    for settled in [Settled::Settled, Settled::Provisional] {
        let span = MappedSpan::pooled(long_text(), STAMP, settled);
        assert_span(&span, &long_text(), Backing::Pooled);
        assert_eq!((span.stamp(), span.settled()), (&STAMP, settled));
        assert_eq!(span.is_settled(), settled == Settled::Settled);
        assert_span(&span.slice(100..200).unwrap(), &long_text()[100..200], Backing::Pooled);
    }
    let one = MappedSpan::pooled(vec![1], STAMP, Settled::Settled);
    let other = MappedSpan::pooled(vec![1], STAMP, Settled::Settled);
    assert!(!one.is_same_allocation(&other));
    assert!(!MappedSpan::default().is_same_allocation(&MappedSpan::default()));
}

/// The same checks on the spans of `MappedFile` and of both directories.
#[cfg(not(miri))]
mod from_disk {
    use scrollback_core_id::Discipline;
    use scrollback_stor_mmap::{Arena, Backing, MapPolicy, ReadContext, ReadOptions};

    use super::{assert_span, long_text};
    use crate::support::{
        OLD_AGE, Root, Store, TestClock, for_both_directories, is_whole_object, open,
    };

    for_both_directories!(
        spans_of_opened_files_have_their_bytes,
        spans_of_an_arena_share_its_buffer
    );

    fn spans_of_opened_files_have_their_bytes<D: Root>() {
        let _turn = crate::maps::lock_live_maps();
        let store = Store::new();
        store.write_file("f", &long_text(), OLD_AGE);
        store.write_file("empty", b"", OLD_AGE);
        let dir = store.dir::<D>();
        for (discipline, backing) in [
            (Discipline::InPlace, Backing::Pooled),
            (Discipline::Replace, Backing::Mapped),
            (Discipline::Append, Backing::Mapped),
            (Discipline::Snapshot, Backing::Mapped),
        ] {
            for (policy, backing) in [
                (MapPolicy::long_lived(), backing),
                (MapPolicy::default(), Backing::Pooled),
                (MapPolicy::never(), Backing::Pooled),
            ] {
                let file = open(&dir, b"f", discipline, &policy).unwrap();
                assert_eq!(file.discipline(), discipline);
                assert_span(file.span(), &long_text(), backing);
                assert_span(&file.into_span().slice(5..9).unwrap(), &long_text()[5..9], backing);
                let empty = open(&dir, b"empty", discipline, &policy).unwrap();
                assert_span(empty.span(), b"", Backing::Empty);
            }
        }
    }

    fn spans_of_an_arena_share_its_buffer<D: Root>() {
        let store = Store::new();
        store.write_file("a", b"{a}", OLD_AGE);
        store.write_file("f", &long_text(), OLD_AGE);
        let dir = store.dir::<D>();
        let clock = TestClock::new();
        let context = ReadContext::begin(&clock, ReadOptions::default());
        let mut arena = Arena::new();
        let pieces = [b"a", b"f"]
            .map(|name| arena.read(&dir, name, &context, &mut is_whole_object).unwrap());
        let frozen = arena.freeze();
        let spans = pieces.map(|piece| frozen.span(&piece));
        assert_span(&spans[0], b"{a}", Backing::Pooled);
        assert_span(&spans[1], &long_text(), Backing::Pooled);
        assert!(spans[0].is_same_allocation(&spans[1]));
    }
}

#[test]
fn spans_and_pieces_are_small() {
    // Plans and trees contain many spans.
    assert!(size_of::<MappedSpan>() <= 64);
    assert_eq!(size_of::<Option<MappedSpan>>(), size_of::<MappedSpan>());
    assert!(size_of::<Piece>() <= 48);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 8 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A slice of a slice is the same as one slice.
    #[test]
    fn slices_compose(
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        cuts in prop::collection::vec((0_usize..45, 0_usize..45), 1..4),
    ) {
        let mut span = MappedSpan::pooled(bytes.clone(), STAMP, Settled::Settled);
        let mut expected = &bytes[..];
        for (start, end) in cuts {
            assert_slice(&span, expected, start, end);
            let Some(next) = span.slice(start..end) else { break };
            (span, expected) = (next, &expected[start..end]);
        }
        prop_assert_eq!(&span[..], expected);
    }
}
