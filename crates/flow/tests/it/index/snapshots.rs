//! Snapshot files: unusable ones are rejected with a reason, and written ones are always whole.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use std::time::Duration;

use scrollback_core_id::{SourceId, UnixNanos};
use scrollback_flow::{NoSnapshot, Snapshots};
use scrollback_index::{
    Batch, Delta, IndexBuilder, SessionContents, SessionIndex, SessionMeta, SessionState, Snapshot,
    SnapshotError,
};

fn source_id(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

/// Returns a snapshot with this many sessions.
fn snapshot_with_sessions(store: SourceId, sessions: usize) -> Snapshot {
    let session = |n: usize| {
        let key: scrollback_core_id::SessionKey =
            format!("ses_{n}").parse::<scrollback_core_id::SessionId>().unwrap().into();
        let record = SessionMeta { title: Some("a title".into()), ..SessionMeta::new(key.clone()) };
        SessionContents { key, state: SessionState::with_record(record), messages: Vec::new() }
    };
    let mut builder = IndexBuilder::new(store);
    (0..sessions).map(session).for_each(|mut session| builder.add_session(&mut session));
    builder.finish().snapshot()
}

fn now() -> UnixNanos {
    UnixNanos(1_800_000_000_000_000_000)
}

#[test]
fn snapshots_load_as_they_were_saved() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(dir.path().join("not/there/yet"));
    assert_eq!(snapshots.load(&source_id("a")).unwrap_err(), NoSnapshot::Missing);
    assert_eq!((snapshots.list(), snapshots.clear().unwrap()), (Vec::new(), 0));
    let (a, b) =
        (snapshot_with_sessions(source_id("a"), 3), snapshot_with_sessions(source_id("b"), 2));
    snapshots.save(&a, now()).unwrap();
    snapshots.save(&b, now()).unwrap();
    assert_eq!(
        snapshots.load(&source_id("a")).unwrap().to_header_and_body(),
        a.to_header_and_body()
    );
    assert_eq!(
        snapshots.load(&source_id("b")).unwrap().to_header_and_body(),
        b.to_header_and_body()
    );
    let mut listed: Vec<_> = snapshots.list().into_iter().map(|saved| saved.store).collect();
    listed.sort();
    assert_eq!(listed, [Some(source_id("a")), Some(source_id("b"))]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&snapshots.path(&source_id("a"))), 0o600);
        assert_eq!(mode(snapshots.dir()), 0o700);
    }
    let is_a = |store: &_| *store == source_id("a");
    assert_eq!(snapshots.clear_stores(is_a).unwrap(), [source_id("a")]);
    assert!(snapshots.clear_stores(is_a).unwrap().is_empty());
    snapshots.load(&source_id("b")).unwrap();
    assert_eq!(snapshots.clear().unwrap(), 1);
    assert_eq!(fs::read_dir(snapshots.dir()).unwrap().count(), 0);
}

#[test]
fn unusable_snapshots_have_distinct_reasons() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(dir.path());
    let sound = snapshot_with_sessions(source_id("a"), 3).to_header_and_body().concat();
    let path = snapshots.path(&source_id("a"));
    let load = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        snapshots.load(&source_id("a")).map(|_| ()).unwrap_err()
    };
    assert_eq!(load(b""), NoSnapshot::Unusable(SnapshotError::Foreign));
    assert_eq!(load(b"something else"), NoSnapshot::Unusable(SnapshotError::Foreign));
    for version_byte in [0, 1, 2, 3, 4, 5, 6, 7, 8, 10] {
        let mut other_version = sound.clone();
        other_version[8] = version_byte;
        let version = SnapshotError::Version { version: version_byte.into() };
        assert_eq!(load(&other_version), NoSnapshot::Unusable(version));
    }
    assert_eq!(load(&sound[..100]), NoSnapshot::Unusable(SnapshotError::Damaged));
    assert_eq!(
        load(&snapshot_with_sessions(source_id("b"), 3).to_header_and_body().concat()),
        NoSnapshot::OtherStore(source_id("b"))
    );
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(snapshots.load(&source_id("a")), Err(NoSnapshot::Unreadable(_))));
    #[cfg(unix)]
    {
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(matches!(snapshots.load(&source_id("a")), Err(NoSnapshot::Unreadable(_))));
    }
}

#[test]
fn the_oldest_snapshots_are_removed_over_budget() {
    let dir = tempfile::tempdir().unwrap();
    let one = snapshot_with_sessions(source_id("0"), 10).size() as u64;
    let snapshots = Snapshots::new(dir.path()).with_budget(3 * one + one / 2);
    fs::write(dir.path().join("notes.txt"), "another file").unwrap();
    let left = dir.path().join("0123456789abcdef.snapshot.77-0.tmp");
    fs::write(&left, "a process died").unwrap();
    for n in 0..5_i64 {
        let snapshot = snapshot_with_sessions(source_id(&n.to_string()), 10);
        snapshots.save(&snapshot, now()).unwrap();
        let written = std::time::UNIX_EPOCH + Duration::from_secs(1000 + n.unsigned_abs());
        let path = snapshots.path(snapshot.store());
        fs::File::options().append(true).open(path).unwrap().set_modified(written).unwrap();
    }
    // A file that was just written has the time of the system's clock, so it is the newest.
    snapshots.save(&snapshot_with_sessions(source_id("4"), 10), now()).unwrap();
    let saved: Vec<_> = snapshots.list().into_iter().filter_map(|saved| saved.store).collect();
    assert_eq!(saved, [source_id("4"), source_id("3"), source_id("2")]);
    assert!(dir.path().join("notes.txt").exists());
    assert!(!left.exists(), "left behind for longer than a write takes");
}

const WRITE_DIR_VAR: &str = "SCROLLBACK_TEST_WRITE_INTO";
const SMALL_COUNT: usize = 200;
const LARGE_COUNT: usize = 2000;

/// The child process of the test below. It does nothing when it runs as a test.
#[test]
fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(WRITE_DIR_VAR) else { return };
    let snapshots = Snapshots::new(dir);
    let both = [
        snapshot_with_sessions(source_id("a"), SMALL_COUNT),
        snapshot_with_sessions(source_id("a"), LARGE_COUNT),
    ];
    let signal = || std::io::stderr().write_all(b"!").unwrap();
    signal(); // from here on it only writes
    loop {
        for snapshot in &both {
            snapshots.save(snapshot, now()).unwrap();
            signal();
        }
    }
}

#[test]
fn a_killed_writer_leaves_the_old_or_the_new() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(dir.path());
    let mut counts = [0, 0];
    let mut random = 88_172_645_463_325_252_u64;
    snapshots.save(&snapshot_with_sessions(source_id("a"), SMALL_COUNT), now()).unwrap();
    for _ in 0..200 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "index::snapshots::writes_until_it_is_killed"])
            .env(WRITE_DIR_VAR, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // The signals make the kill independent of the machine's speed: the child has written none,
        // one or both of the snapshots.
        let mut signal = vec![0; 1 + random as usize % 3];
        let mut stderr = writer.stderr.take().unwrap();
        stderr.read_exact(&mut signal).unwrap();
        std::thread::sleep(Duration::from_micros(random / 3 % 10_000));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let left = snapshots.load(&source_id("a")).expect("the old or the new");
        let sessions = SessionIndex::from_snapshot(left).view().sessions().count();
        match sessions {
            SMALL_COUNT => counts[0] += 1,
            LARGE_COUNT => counts[1] += 1,
            other => panic!("{other} sessions"),
        }
    }
    assert!(counts[0] > 0 && counts[1] > 0, "killed while it wrote: {counts:?}");
}

#[test]
fn a_reader_keeps_the_snapshot_it_opened() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(dir.path());
    snapshots.save(&snapshot_with_sessions(source_id("a"), LARGE_COUNT), now()).unwrap();
    let index = SessionIndex::from_snapshot(snapshots.load(&source_id("a")).unwrap());
    snapshots.save(&snapshot_with_sessions(source_id("a"), 1), now()).unwrap();
    assert_eq!(index.view().sessions().count(), LARGE_COUNT);
    snapshots.clear().unwrap();
    assert_eq!(index.view().sessions().count(), LARGE_COUNT);
}

/// Returns the snapshot of an index that started from `from` and was changed.
fn changed_snapshot(from: &Snapshot, title: &str, has_cursors: bool) -> Snapshot {
    let index = match has_cursors {
        true => SessionIndex::from_snapshot(from.clone()),
        false => SessionIndex::from_snapshot_without_cursors(from.clone()),
    };
    let key = scrollback_core_id::SessionKey::from(
        "ses_0".parse::<scrollback_core_id::SessionId>().unwrap(),
    );
    let record = SessionMeta { title: Some(title.into()), ..SessionMeta::new(key.clone()) };
    let mut batch = Batch::new();
    batch.put_session(key, SessionState::with_record(record));
    index.commit(batch);
    index.snapshot()
}

#[test]
fn a_snapshot_replaces_only_the_one_it_began_with_or_an_ancestor() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(dir.path());
    let first = snapshot_with_sessions(source_id("a"), 3);
    assert!(snapshots.save_after(&first, None, now()).unwrap(), "no snapshot was saved before");
    let begun = first.cursor();
    let (ours, theirs) =
        (changed_snapshot(&first, "ours", true), changed_snapshot(&first, "theirs", true));
    assert!(snapshots.save_after(&theirs, Some(&begun), now()).unwrap());
    assert!(
        !snapshots.save_after(&ours, Some(&begun), now()).unwrap(),
        "the other process saved in between"
    );
    assert_eq!(snapshots.load(&source_id("a")).unwrap().cursor(), theirs.cursor());
    let next = changed_snapshot(&theirs, "next", true);
    assert!(snapshots.save_after(&next, None, now()).unwrap(), "the saved snapshot is an ancestor");
    // A rebuilt index has no ancestor. Its snapshot replaces only an unusable one.
    let anew = snapshot_with_sessions(source_id("a"), 1);
    assert!(!snapshots.save_after(&anew, None, now()).unwrap());
    fs::write(snapshots.path(&source_id("a")), "damaged").unwrap();
    assert!(snapshots.save_after(&anew, None, now()).unwrap());
}

#[test]
fn a_locked_snapshot_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = || Snapshots::new(dir.path());
    let first = snapshot_with_sessions(source_id("a"), 3);
    let follower = snapshots().with_lock(&source_id("a"));
    assert!(follower.is_locked(&source_id("a")) && !follower.is_locked(&source_id("b")));
    assert!(!snapshots().with_lock(&source_id("a")).is_locked(&source_id("a")), "one at a time");
    assert!(follower.save_after(&first, None, now()).unwrap());
    let other = changed_snapshot(&first, "other", true);
    assert!(!snapshots().save_after(&other, Some(&first.cursor()), now()).unwrap());
    assert_eq!(snapshots().clear().unwrap(), 1, "the snapshot is removed, the held lock stays");
    assert!(!snapshots().with_lock(&source_id("a")).is_locked(&source_id("a")));
    drop(follower);
    assert!(snapshots().save_after(&other, Some(&first.cursor()), now()).unwrap());
}

#[test]
fn processes_without_cursors_keep_the_cursors_of_others_valid() {
    let mut snapshot = changed_snapshot(&snapshot_with_sessions(source_id("a"), 3), "0", true);
    let cursor = snapshot.cursor();
    for run in 1..=100 {
        snapshot = changed_snapshot(&snapshot, &run.to_string(), false);
    }
    assert!(snapshot.continues(&cursor));
    let last = SessionIndex::from_snapshot(snapshot);
    let Delta::Changed(changes) = last.changes(Some(&cursor)).delta else { panic!("fresh") };
    assert_eq!(changes.len(), 1);
    // Each snapshot of a process that hands out cursors adds an epoch to the lineage, which is limited.
    let mut snapshot = changed_snapshot(&snapshot_with_sessions(source_id("a"), 3), "0", true);
    let cursor = snapshot.cursor();
    for run in 1..=100 {
        snapshot = changed_snapshot(&snapshot, &run.to_string(), true);
    }
    assert!(!snapshot.continues(&cursor));
}
