//! Reads any bytes as a session of each dialect. The fuzz targets include this file, and a test runs
//! the same checks on random changes of real sessions.
//!
//! For any bytes: no panic; each key comes once; each issue names a file; and a read that goes on at
//! any place equals a read of the whole.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{EntityKey, Scope, SessionId, SessionKey, SourceId, UnixNanos};
use scrollback_source::{Entry, Listing, Probe, ScanItem, Source};
use scrollback_source_test::calls::{FAR_FUTURE, StoppedClock, scan, tree};
use scrollback_stor_agents::claw::Claw;
use scrollback_stor_agents::codetether::Codetether;
use scrollback_stor_agents::crabtalk::Crabtalk;
use scrollback_stor_agents::engine::{AgentSource, Dialect};
use scrollback_stor_agents::yoi::Yoi;

/// The records of a session: the bytes of each key.
type Records = BTreeMap<EntityKey, Vec<u8>>;

/// Checks the file of a session; `beside` is another file of it, with its text.
fn check_file<D: Dialect + Clone>(
    dialect: &D,
    session: &str,
    file: &str,
    beside: Option<(&str, &str)>,
    bytes: &[u8],
) {
    let (split, bytes) = split(bytes);
    let split = split % (bytes.len() + 1);
    let write = |root: &Path, is_whole: bool| {
        let path = root.join(file);
        if let Some((name, text)) = beside {
            fs::write(root.join(name), text).unwrap();
        }
        match is_whole {
            false => fs::write(&path, &bytes[..split]).unwrap(),
            // In place, as an append.
            true => {
                let mut log = fs::File::options().append(true).open(&path).unwrap();
                std::io::Write::write_all(&mut log, &bytes[split..]).unwrap();
            }
        }
    };
    check(dialect, session, &write);
}

/// Checks a session that is a directory: the first line is the head, and each other line is a file.
fn check_steps<D: Dialect + Clone>(
    dialect: &D,
    session: &str,
    head: &str,
    name: impl Fn(usize) -> String,
    bytes: &[u8],
) {
    /// More files take long, and show nothing else.
    const MAX_FILES: usize = 64;
    let (split, bytes) = split(bytes);
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let meta = lines.next().unwrap_or_default();
    let files: Vec<&[u8]> = lines.take(MAX_FILES).collect();
    let split = split % (files.len() + 1);
    let write = |root: &Path, is_whole: bool| {
        let dir: PathBuf = root.join(session);
        fs::create_dir_all(&dir).unwrap();
        let numbers = if is_whole { split..files.len() } else { 0..split };
        if !is_whole {
            fs::write(dir.join(head), meta).unwrap();
        }
        numbers.for_each(|number| fs::write(dir.join(name(number)), files[number]).unwrap());
    };
    check(dialect, session, &write);
}

/// Takes a place from the first two bytes.
fn split(bytes: &[u8]) -> (usize, &[u8]) {
    match bytes {
        [a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        rest => (0, rest),
    }
}

fn check<D: Dialect + Clone>(dialect: &D, session: &str, write: &dyn Fn(&Path, bool)) {
    // Under an old clock a torn end is left out, under a late one it is an issue.
    for now in [UnixNanos(0), FAR_FUTURE] {
        let dir = directory();
        let id = SourceId::new(D::AGENT).unwrap();
        let clock = Arc::new(StoppedClock(now));
        let store = AgentSource::new(dialect.clone(), dir.path(), id, clock);
        let session = SessionKey::from(SessionId::new(session).unwrap());
        write(dir.path(), false);
        let mut records = whole(&store, &session);
        let token = scan(&store, &Scope::Messages(session.clone())).set.and_then(|set| set.resume);
        write(dir.path(), true);
        let cold = whole(&store, &session);
        let _ = scan(&store, &Scope::Sessions);
        let Some(token) = token else { continue };
        let mut entries = Vec::new();
        let visitor = &mut |item| {
            if let ScanItem::Entry(entry) = item {
                entries.push(entry);
            }
            ControlFlow::Continue(())
        };
        let resumed = store.open().unwrap().resume(&session, &token, visitor).unwrap();
        if resumed.probe == Probe::Rescan {
            continue;
        }
        records.extend(entries.into_iter().map(record));
        assert_eq!(show(&records), show(&cold), "resumed, and cold");
    }
}

fn record(entry: Entry) -> (EntityKey, Vec<u8>) {
    let bytes = entry.span.as_deref().map(<[u8]>::to_vec).unwrap_or_default();
    (entry.key, bytes)
}

fn show(records: &Records) -> BTreeMap<String, String> {
    let show = |(key, bytes): (&EntityKey, &Vec<u8>)| {
        (key.to_string(), String::from_utf8_lossy(bytes).into_owned())
    };
    records.iter().map(show).collect()
}

/// Reads all records of a session, and checks their keys and issues.
fn whole(store: &dyn Source, session: &SessionKey) -> Records {
    let listing: Listing = tree(store, session);
    for (_, issue) in &listing.issues {
        assert!(issue.place.path.is_some(), "{issue:?} names no file");
    }
    let count = listing.entries.len();
    let records: Records = listing.entries.into_iter().map(record).collect();
    assert_eq!(records.len(), count, "a key comes twice");
    records
}

/// Returns a directory in memory if there is one, because a search writes many files.
fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    dir.unwrap()
}

pub(crate) fn claw(bytes: &[u8]) {
    check_file(&Claw, "one", "one.jsonl", None, bytes);
}

pub(crate) fn codetether(bytes: &[u8]) {
    check_file(&Codetether, "one", "one.json", None, bytes);
}

/// Reads the bytes as the journal beside a session.
pub(crate) fn codetether_journal(bytes: &[u8]) {
    let session = r#"{"id":"one","created_at":"2026-11-21T00:10:53Z","updated_at":"2026-11-21T00:10:53Z","metadata":{},"agent":"build","messages":[]}"#;
    let beside = Some(("one.json", session));
    check_file(&Codetether, "one", "one.journal.jsonl", beside, bytes);
}

pub(crate) fn yoi(bytes: &[u8]) {
    const SEGMENT: &str = "019a9a3c-0000-7000-8000-000000000001";
    check_file(&Yoi, SEGMENT, &format!("{SEGMENT}.jsonl"), None, bytes);
}

pub(crate) fn crabtalk(bytes: &[u8]) {
    let name = |number| format!("step-{:06}", number + 1);
    check_steps(&Crabtalk, "crab_user_1", "meta", name, bytes);
}
