//! Tests the fallback chain for opening a database, the files that remain beside it, and reading
//! beside a writer.

use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::Connection;
use scrollback_core_id::Scope;
use scrollback_fixtures::Corpus;
use scrollback_source::{ScanItem, Source};
use scrollback_stor_sqlite::Access;

use crate::calls::scan;
use crate::support::{
    SMALL_ROWS, copy_corpus, database_with_rows, entry_json, open, open_writer, read_everything,
    read_files, sessions, side_file, titles,
};

#[test]
fn an_idle_database_is_read_without_a_trace() {
    for leftover in [None, Some("-wal"), Some("-shm")] {
        let (dir, database) = copy_corpus(Corpus::OpencodeVia);
        if let Some(suffix) = leftover {
            std::fs::write(side_file(&database, suffix), b"").unwrap();
        }
        let before = read_files(dir.path());
        let store = open(&database);
        assert_eq!(store.access().unwrap(), Access::Immutable, "{leftover:?}");
        assert_eq!(read_everything(&store).1, 0);
        assert!(read_files(dir.path()) == before, "{leftover:?}");
        drop(store);
        assert!(read_files(dir.path()) == before, "{leftover:?}");
    }
}

#[test]
fn beside_a_writer_only_committed_data_is_read() {
    let (dir, database) = database_with_rows(SMALL_ROWS);
    let db = open_writer(&database);
    db.execute("UPDATE session SET title = 'committed' WHERE id = 'ses_1'", []).unwrap();
    let names: Vec<_> = read_files(dir.path()).into_keys().collect();
    let store = open(&database);
    let mut reader = store.open().unwrap();
    assert_eq!(store.access().unwrap(), Access::Shared);
    assert_eq!(titles(&mut *reader), ["t", "committed"]);
    db.execute_batch("BEGIN IMMEDIATE; UPDATE session SET title = 'later';").unwrap();
    assert_eq!(titles(&mut *reader), ["t", "committed"]);
    assert_eq!(read_everything(&store).1, 0);
    db.execute_batch("COMMIT").unwrap();
    assert_eq!(titles(&mut *reader), ["later", "later"], "the same reader");
    // The reader blocks no writer: the log can be emptied while the reader is open.
    let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
    assert_eq!(titles(&mut *reader), ["later", "later"]);
    drop(reader);
    drop(store);
    assert!(read_files(dir.path()).into_keys().eq(names), "no file came or went");
}

#[test]
fn a_leftover_log_is_read() {
    let (dir, database) = copy_corpus(Corpus::OpencodeRawWal);
    let before = read_files(dir.path());
    let store = open(&database);
    assert_eq!(store.access().unwrap(), Access::SideFiles);
    let listed = scan(&store, &Scope::Sessions).entries;
    assert_eq!(listed.len(), 59);
    // Columns that only the log contains.
    assert!(listed.iter().all(|entry| entry_json(entry)["tokens"]["input"].is_number()));
    assert!(listed.iter().any(|entry| entry_json(entry)["tokens"]["input"].as_f64() > Some(0.0)));
    assert_eq!(read_everything(&store).1, 0);
    drop(store);
    let mut after = read_files(dir.path());
    assert!(after.remove(std::ffi::OsStr::new("opencode.db-shm")).is_some());
    assert!(after == before, "the log is neither moved nor removed");
}

#[test]
fn the_files_of_a_writer_that_was_killed_are_read() {
    let (dir, database) = database_with_rows(SMALL_ROWS);
    let db = open_writer(&database);
    db.execute("UPDATE session SET title = 'committed'", []).unwrap();
    let killed = dir.path().join("killed.db");
    for end in ["", "-wal", "-shm"] {
        std::fs::copy(side_file(&database, end), side_file(&killed, end)).unwrap();
    }
    let store = open(&killed);
    assert_eq!(store.access().unwrap(), Access::Shared);
    assert_eq!(titles(&mut *store.open().unwrap()), ["committed", "committed"]);
    assert_eq!(read_everything(&store).1, 0);
}

#[test]
fn an_immutable_reader_notices_a_writer_between_two_calls() {
    let (_dir, database) = database_with_rows(SMALL_ROWS);
    drop(open_writer(&database)); // leaves the database in WAL mode, without a log
    let store = open(&database);
    assert_eq!(store.access().unwrap(), Access::Immutable);
    let mut reader = store.open().unwrap();
    assert_eq!(titles(&mut *reader), ["t", "t"]);
    let db = open_writer(&database);
    db.execute("UPDATE session SET title = 'in the log'", []).unwrap();
    assert_eq!(titles(&mut *reader), ["in the log"; 2]);
    drop(db); // moves the log into the database, unless a reader prevents it
    assert_eq!(titles(&mut *reader), ["in the log"; 2]);
    let db = open_writer(&database);
    db.execute_batch("UPDATE session SET title = 'again'; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    assert_eq!(titles(&mut *reader), ["again"; 2]);
    assert_eq!(titles(&mut *store.open().unwrap()), ["again"; 2]);
}

/// A writer commits, runs a checkpoint and closes while the parts are handed out.
#[test]
fn an_immutable_reader_notices_a_writer_during_a_call() {
    for is_vacuumed in [false, true] {
        let (_dir, database) = database_with_rows(SMALL_ROWS);
        let db = open_writer(&database);
        db.execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 59)
             INSERT INTO part SELECT 'prt_' || i, 'msg_1', 'ses_1', 1, 1,
                 '{\"type\":\"text\",\"text\":\"' || hex(zeroblob(100000)) || '\"}' FROM n;
             DELETE FROM part WHERE id = 'prt_10';",
        )
        .unwrap();
        drop(db);
        let store = open(&database);
        assert_eq!(store.access().unwrap(), Access::Immutable);
        let mut keys = Vec::new();
        let mut has_written = false;
        let visit = &mut |item| {
            let ScanItem::Entry(entry) = item else { panic!("{item:?}") };
            keys.push(entry.key.to_string());
            if !std::mem::replace(&mut has_written, true) {
                let db = open_writer(&database);
                db.execute_batch(
                    "UPDATE part SET data = '{\"type\":\"text\"}' WHERE id >= 'prt_30';
                     DELETE FROM part WHERE id = 'prt_58';",
                )
                .unwrap();
                if is_vacuumed {
                    db.execute_batch("VACUUM").unwrap();
                }
            }
            ControlFlow::Continue(())
        };
        store.open().unwrap().scan(&Scope::AllParts, visit).unwrap();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count, "each once");
        assert_eq!(count, 50, "all that were there all along");
    }
}

#[test]
fn a_database_without_a_log_is_read() {
    let (dir, database) = database_with_rows(SMALL_ROWS);
    let db = Connection::open(&database).unwrap();
    let store = open(&database);
    assert_eq!(store.access().unwrap(), Access::Immutable);
    let mut reader = store.open().unwrap();
    assert_eq!(titles(&mut *reader), ["t", "t"]);
    // Pages are in the journal and not yet in the database.
    db.execute_batch("BEGIN; UPDATE session SET title = 'half';").unwrap();
    assert!(side_file(&database, "-journal").exists());
    assert_eq!(titles(&mut *reader), ["t", "t"]);
    assert_eq!(store.access().unwrap(), Access::Shared);
    db.execute_batch("COMMIT").unwrap();
    assert_eq!(titles(&mut *reader), ["half", "half"]);
    drop(db);
    assert_eq!(read_files(dir.path()).len(), 1);
}

#[test]
fn half_a_transaction_is_never_read() {
    let (dir, database) = database_with_rows(SMALL_ROWS);
    let db = Connection::open(&database).unwrap();
    // With so small a cache, pages reach the database before the transaction ends.
    db.execute_batch(
        "PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN; UPDATE session SET title = 'half';
         WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
         INSERT INTO part SELECT 'prt_' || i, 'msg_1', 'ses_1', 1, 1, hex(zeroblob(999)) FROM n;",
    )
    .unwrap();
    let died = dir.path().join("died.db");
    for end in ["", "-journal"] {
        std::fs::copy(side_file(&database, end), side_file(&died, end)).unwrap();
    }
    assert!(std::fs::read(&died).unwrap().windows(4).any(|at| at == b"half"), "it is written");
    let before = read_files(dir.path());
    let error = open(&died).open().map(|_| ()).unwrap_err();
    let message = std::error::Error::source(&error).unwrap().to_string();
    assert!(message.contains("died while it wrote"), "{message}");
    assert!(read_files(dir.path()) == before);
    // A connection with write access repairs the database.
    Connection::open(&died).unwrap().execute("UPDATE session SET title = 'mended'", []).unwrap();
    assert_eq!(titles(&mut *open(&died).open().unwrap()), ["mended", "mended"]);
}

#[test]
fn any_path_is_opened() {
    for name in ["a b", "100%", "%41", "what?mode=rw", "#1", "é 😀", "a&b=c", "file:x", "a'b\"c"]
    {
        let (dir, database) = database_with_rows(SMALL_ROWS);
        let place = dir.path().join(name);
        std::fs::create_dir(&place).unwrap();
        let moved = place.join(name);
        std::fs::rename(&database, &moved).unwrap();
        let before = read_files(&place);
        for has_writer in [false, true] {
            let db = has_writer.then(|| open_writer(&moved));
            let store = open(&moved);
            assert_eq!(titles(&mut *store.open().unwrap()), ["t", "t"], "{name}");
            drop((store, db));
            assert!(read_files(&place).keys().eq(before.keys()), "{name}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_database_is_followed_to_its_log() {
    let (_dir, database) = database_with_rows(SMALL_ROWS);
    let db = open_writer(&database);
    db.execute("UPDATE session SET title = 'committed'", []).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.db");
    std::os::unix::fs::symlink(&database, &link).unwrap();
    let store = open(&link);
    assert_eq!(store.access().unwrap(), Access::Shared);
    assert_eq!(titles(&mut *store.open().unwrap()), ["committed", "committed"]);
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    // A link with a new target is followed again.
    let (_other, other) = database_with_rows(&SMALL_ROWS.replace("'t'", "'other'"));
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&other, &link).unwrap();
    assert_eq!(titles(&mut *store.open().unwrap()), ["other", "other"]);
}

#[test]
fn a_database_in_place_of_another_is_read() {
    let replace = |from: &Path, to: &Path| {
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(side_file(to, end));
        }
        std::fs::rename(from, to).unwrap();
    };
    for has_writer in [false, true] {
        let (_dir, database) = database_with_rows(SMALL_ROWS);
        let (_other, other) = database_with_rows(&SMALL_ROWS.replace("'t'", "'other'"));
        let db = has_writer.then(|| open_writer(&database));
        let store = open(&database);
        assert_eq!(titles(&mut *store.open().unwrap()), ["t", "t"]);
        let token = store.probe(None).unwrap().token.unwrap();
        drop(db);
        replace(&other, &database);
        assert_eq!(titles(&mut *store.open().unwrap()), ["other", "other"], "{has_writer}");
        assert_ne!(store.probe(Some(&token)).unwrap().probe, scrollback_source::Probe::Unchanged);
    }
    // The same holds if the whole directory is replaced.
    let (dir, database) = database_with_rows(SMALL_ROWS);
    let (other, _) = database_with_rows(&SMALL_ROWS.replace("'t'", "'other'"));
    let store = open(&database);
    assert_eq!(sessions(&store).len(), 2);
    let (away, here) = (tempfile::tempdir().unwrap(), dir.path().to_owned());
    std::fs::rename(&here, away.path().join("old")).unwrap();
    std::fs::rename(other.path(), &here).unwrap();
    assert_eq!(titles(&mut *store.open().unwrap()), ["other", "other"]);
}
