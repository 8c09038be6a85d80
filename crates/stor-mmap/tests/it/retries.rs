//! Files that change while they are read: retried, provisional, or given up, and never torn silently.

use std::fs;
use std::time::Duration;

use scrollback_core_err::IssueKind;
use scrollback_stor_mmap::{Arena, Piece, ReadContext, ReadOptions, Settled};

use crate::support::{
    OLD_AGE, Root, ScriptedDirectory, Store, TestClock, YOUNG_AGE, for_both_directories,
    is_whole_object,
};

for_both_directories!(
    young_and_whole,
    young_and_torn,
    torn_and_then_whole,
    settled_after_a_pause,
    rewritten_to_the_same_length,
    cut_after_the_read,
    grown_after_the_read,
    rewritten_while_it_was_parsed,
    a_file_that_always_changes_is_provisional,
    a_file_that_always_grows_is_given_up,
    emptied_and_filled,
    emptied_under_an_old_mtime,
    a_file_that_stays_empty_is_provisional,
    a_file_deleted_between_tries_is_vanished,
    a_short_read_is_continued,
    tries_are_at_least_one,
);

fn read<D: scrollback_stor_mmap::Directory>(
    dir: &D,
    clock: &TestClock<'_>,
    is_whole: &mut dyn FnMut(&[u8]) -> bool,
) -> (Result<Piece, IssueKind>, Vec<u8>) {
    let mut arena = Arena::new();
    let result =
        arena.read(dir, b"f", &ReadContext::begin(clock, ReadOptions::default()), is_whole);
    match result {
        Ok(piece) => {
            let bytes = arena.bytes(&piece).to_vec();
            (Ok(piece), bytes)
        }
        Err(kind) => {
            assert!(arena.is_empty(), "a failed read leaves nothing");
            (Err(kind), Vec::new())
        }
    }
}

fn settled_of(result: Result<Piece, IssueKind>) -> Settled {
    result.unwrap().settled
}

fn young_and_whole<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{1}", YOUNG_AGE);
    let clock = TestClock::new();
    let mut parse_count = 0;
    let (result, bytes) = read(&store.dir::<D>(), &clock, &mut |bytes| {
        parse_count += 1;
        is_whole_object(bytes)
    });
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Provisional, &b"{1}"[..]));
    assert_eq!((parse_count, clock.pauses().len()), (1, 0), "usable at once");
}

fn young_and_torn<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{1}{tail}", YOUNG_AGE);
    let clock = TestClock::new();
    let (result, _) = read(&store.dir::<D>(), &clock, &mut is_whole_object);
    assert_eq!(result, Err(IssueKind::Unsettled { tries: 4 }));
    assert_eq!(clock.pauses(), [1, 2, 4].map(Duration::from_millis));
}

fn torn_and_then_whole<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{1}{tail}", YOUNG_AGE);
    let clock = TestClock::with(|n| {
        if n == 2 {
            store.write_file("f", b"{1}", YOUNG_AGE);
        }
    });
    let (result, bytes) = read(&store.dir::<D>(), &clock, &mut is_whole_object);
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Provisional, &b"{1}"[..]));
    assert_eq!(clock.pauses().len(), 2);
}

fn settled_after_a_pause<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{torn", YOUNG_AGE);
    // The pause was longer than requested, as on a busy machine: the file is old by now.
    let clock = TestClock::with(|_| store.write_file("f", b"not an object", OLD_AGE));
    let (result, bytes) = read(&store.dir::<D>(), &clock, &mut is_whole_object);
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Settled, &b"not an object"[..]));

    // The file stays as it is, and the margin expires. Only a fresh reading of the clock shows it.
    let margin = ReadOptions::default().margin;
    store.write_file("f", b"not an object", margin);
    let clock = TestClock::new();
    let (result, bytes) = read(&store.dir::<D>(), &clock, &mut is_whole_object);
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Settled, &b"not an object"[..]));
    assert_eq!(clock.pauses().len(), 1);
}

fn rewritten_to_the_same_length<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{1}", OLD_AGE);
    let dir = ScriptedDirectory::after(store.dir::<D>(), |n| {
        if n == 1 {
            store.write_file("f", b"{2}", YOUNG_AGE);
        }
    });
    // Size and bytes agree. Only the mtime after the read reveals the change.
    let (result, bytes) = read(&dir, &TestClock::new(), &mut is_whole_object);
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Provisional, &b"{1}"[..]));
    let (result, bytes) = read(&dir, &TestClock::new(), &mut is_whole_object);
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Provisional, &b"{2}"[..]));
}

fn cut_after_the_read<D: Root>() {
    let store = Store::new();
    // The new text is over a longer old text that is not cut yet. The old mtime is the worst case.
    store.write_file("f", b"{12345}{tail}", OLD_AGE);
    let dir = ScriptedDirectory::after(store.dir::<D>(), |n| {
        if n == 1 {
            store.write_file("f", b"{12345}", OLD_AGE);
        }
    });
    let clock = TestClock::new();
    let (result, bytes) = read(&dir, &clock, &mut is_whole_object);
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Settled, &b"{12345}"[..]));
    assert_eq!(dir.reads(), 2);
}

fn grown_after_the_read<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{1}", OLD_AGE);
    let dir = ScriptedDirectory::after(store.dir::<D>(), |n| {
        if n == 1 {
            store.write_file("f", b"{1,2,3}", YOUNG_AGE);
        }
    });
    // The bytes after the first read belong to another version: the result must not be `{1}2,3}`.
    let clock = TestClock::new();
    let (result, bytes) = read(&dir, &clock, &mut is_whole_object);
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Provisional, &b"{1,2,3}"[..]));
    assert_eq!(clock.pauses().len(), 1);
}

fn rewritten_while_it_was_parsed<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{1}", YOUNG_AGE);
    let mut parse_count = 0;
    let clock = TestClock::new();
    let (result, bytes) = read(&store.dir::<D>(), &clock, &mut |bytes| {
        parse_count += 1;
        if parse_count == 1 {
            store.write_file("f", b"{2}", YOUNG_AGE / 2);
        }
        is_whole_object(bytes)
    });
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Provisional, &b"{2}"[..]));
    assert_eq!((parse_count, clock.pauses().len()), (2, 1));
}

fn a_file_that_always_changes_is_provisional<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{0}", YOUNG_AGE);
    let mut parse_count = 0;
    let clock = TestClock::new();
    let (result, bytes) = read(&store.dir::<D>(), &clock, &mut |bytes| {
        parse_count += 1;
        store.write_file(
            "f",
            format!("{{{parse_count}}}").as_bytes(),
            YOUNG_AGE / (parse_count + 1),
        );
        is_whole_object(bytes)
    });
    // The bytes parse, so they are usable, and they are marked.
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Provisional, &b"{3}"[..]));
    assert_eq!((parse_count, clock.pauses().len()), (4, 3));
}

fn a_file_that_always_grows_is_given_up<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{", YOUNG_AGE);
    let mut text = b"{".to_vec();
    let dir = ScriptedDirectory::after(store.dir::<D>(), |_| {
        text.push(b' ');
        store.write_file("f", &text, YOUNG_AGE);
    });
    // Each try ends where the file ended when the try began.
    let (result, _) = read(&dir, &TestClock::new(), &mut is_whole_object);
    assert_eq!(result, Err(IssueKind::Unsettled { tries: 4 }));
    assert_eq!(dir.reads(), 2 * 4);
}

fn emptied_and_filled<D: Root>() {
    // opencode writes 256 KiB and more in these steps: empty, then all NUL, then the text.
    let store = Store::new();
    let text = [b"{".to_vec(), vec![b' '; 300_000], b"}".to_vec()].concat();
    store.write_file("f", b"", YOUNG_AGE);
    let clock = TestClock::with(|n| match n {
        1 => store.write_file("f", &vec![0; text.len()], YOUNG_AGE),
        2 => store.write_file(
            "f",
            &[&text[..100_000], &vec![0; text.len() - 100_000]].concat(),
            YOUNG_AGE,
        ),
        _ => store.write_file("f", &text, YOUNG_AGE),
    });
    let (result, bytes) = read(&store.dir::<D>(), &clock, &mut is_whole_object);
    assert_eq!(settled_of(result), Settled::Provisional);
    assert!(bytes == text);
    assert_eq!(clock.pauses().len(), 3);
}

fn emptied_under_an_old_mtime<D: Root>() {
    // `O_TRUNC` sets the size some time before the mtime, so an empty file with an old mtime may
    // be in the middle of a write.
    let store = Store::new();
    store.write_file("f", b"", OLD_AGE);
    let clock = TestClock::with(|_| store.write_file("f", b"{new}", YOUNG_AGE));
    let (result, bytes) = read(&store.dir::<D>(), &clock, &mut is_whole_object);
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Provisional, &b"{new}"[..]));
}

fn a_file_that_stays_empty_is_provisional<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"", OLD_AGE);
    let clock = TestClock::new();
    let (result, bytes) = read(&store.dir::<D>(), &clock, &mut is_whole_object);
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Provisional, &b""[..]));
    assert_eq!(clock.pauses().len(), 1, "one pause tells");
}

fn a_file_deleted_between_tries_is_vanished<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{torn", YOUNG_AGE);
    let clock = TestClock::with(|_| fs::remove_file(store.path("f")).unwrap());
    let (result, _) = read(&store.dir::<D>(), &clock, &mut is_whole_object);
    assert_eq!(result, Err(IssueKind::Vanished));
}

fn a_short_read_is_continued<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{123", OLD_AGE);
    // A file system may return fewer bytes than requested: more bytes follow a short read. The read
    // needs no retry, and the bytes are settled.
    let dir = ScriptedDirectory::after(store.dir::<D>(), |n| {
        if n == 1 {
            store.write_file("f", b"{123}", OLD_AGE);
        }
    });
    let clock = TestClock::new();
    let (result, bytes) = read(&dir, &clock, &mut is_whole_object);
    assert_eq!((settled_of(result), &bytes[..]), (Settled::Settled, &b"{123}"[..]));
    assert_eq!((dir.reads(), clock.pauses().len()), (2, 0));
}

fn tries_are_at_least_one<D: Root>() {
    let store = Store::new();
    store.write_file("f", b"{torn", YOUNG_AGE);
    let clock = TestClock::new();
    let context = ReadContext::begin(&clock, ReadOptions { tries: 0, ..ReadOptions::default() });
    let result = Arena::new().read(&store.dir::<D>(), b"f", &context, &mut is_whole_object);
    assert_eq!(result, Err(IssueKind::Unsettled { tries: 1 }));
    assert!(clock.pauses().is_empty());
}
