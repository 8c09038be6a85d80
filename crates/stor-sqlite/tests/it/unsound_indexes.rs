//! Tests indexes that lack rows or are damaged. The rows are all in the tables, so nothing may be
//! missing.
//!
//! Sources of the cases: `hostile/08-index-lacks-rows`, `hostile/03-foreign-wal-silent-loss`, and the
//! reports opencode#37821 and opencode#30157 (`05-damaged-unrelated-index`).

use std::path::Path;

use rusqlite::Connection;
use scrollback_core_id::{EntityKey, Scope, SessionId, SessionKey};
use scrollback_fixtures::{Corpus, corpus};
use scrollback_source::{IndexCheck, Listing, Source, Survey};

use crate::calls::{scan, spans, tree};
use crate::support::{
    REAL_CORPORA, V2_CORPORA, copy_corpus, open, read_everything, sessions, side_file,
    survey_sorted,
};

/// Returns the names of all indexes of the tables that hold sessions.
fn index_names(database: &Path) -> Vec<String> {
    let db = Connection::open(database).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name IN \
        ('session', 'session_v2', 'message', 'part', 'session_message', 'event_sequence')";
    let mut names = db.prepare(sql).unwrap();
    names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Gives an index the page of an empty index. SQLite then finds no row through it, without an error.
pub(crate) fn empty_index(database: &Path, index: &str) {
    let db = Connection::open(database).unwrap();
    db.execute_batch("PRAGMA journal_mode=DELETE; PRAGMA writable_schema=ON;").unwrap();
    let columns: i64 = db
        .query_row("SELECT count(*) FROM pragma_index_info(?1)", [index], |row| row.get(0))
        .unwrap();
    let columns: Vec<String> = (0..columns).map(|at| format!("c{at}")).collect();
    let columns = columns.join(", ");
    db.execute_batch(&format!(
        "CREATE TABLE spare ({columns}); CREATE INDEX spare_idx ON spare ({columns});"
    ))
    .unwrap();
    let take = "UPDATE sqlite_schema SET rootpage = \
        (SELECT rootpage FROM sqlite_schema WHERE name = 'spare_idx') WHERE name = ?1";
    assert_eq!(db.execute(take, [index]).unwrap(), 1);
    db.execute("DELETE FROM sqlite_schema WHERE name IN ('spare', 'spare_idx')", []).unwrap();
}

/// Fills the root page of an index with garbage.
fn damage_index(database: &Path, index: &str) {
    let db = Connection::open(database).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: i64 = db.query_row(sql, [index], |row| row.get(0)).unwrap();
    let size: i64 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    db.execute_batch("PRAGMA journal_mode=DELETE").unwrap();
    drop(db);
    let mut bytes = std::fs::read(database).unwrap();
    let start = usize::try_from((page - 1) * size).unwrap();
    bytes[start..start + usize::try_from(size).unwrap()].fill(0x5a);
    std::fs::write(database, bytes).unwrap();
}

/// Returns everything that the calls for a whole store and for each session return.
fn contents(store: &dyn Source, known: &[SessionKey]) -> Vec<String> {
    let mut all = read_everything(store).0;
    for session in known {
        for entry in tree(store, session).entries {
            let bytes = String::from_utf8_lossy(entry.span.as_deref().unwrap()).into_owned();
            all.push(format!("{} {bytes} {:?}", entry.key, entry.provenance));
        }
        for observation in survey_sorted(store, &Survey::Messages(session)).0 {
            all.push(format!("{observation:?}"));
        }
    }
    for survey in [Survey::Sessions, Survey::MessageSets] {
        all.extend(survey_sorted(store, &survey).0.iter().map(|set| format!("{set:?}")));
    }
    all
}

#[test]
fn an_index_without_rows_or_with_garbage_hides_no_record() {
    for corpus_id in [Corpus::OpencodeSqlite].into_iter().chain(V2_CORPORA) {
        let (_dir, sound) = copy_corpus(corpus_id);
        let known = sessions(&open(&sound));
        let expected = contents(&open(&sound), &known);
        for index in index_names(&sound) {
            for break_index in [empty_index, damage_index] {
                let (_dir, database) = copy_corpus(corpus_id);
                break_index(&database, &index);
                let store = open(&database);
                // An index of scrollback is built after this check.
                store.check_indexes(IndexCheck::Messages).unwrap();
                let found = contents(&store, &known);
                assert_eq!(found.len(), expected.len(), "{corpus_id:?} {index}");
                assert_eq!(found, expected, "{corpus_id:?} {index}");
            }
        }
    }
}

#[test]
fn a_single_session_is_read_whole_without_a_check_before() {
    for corpus_id in [Corpus::OpencodeSqlite, Corpus::OpencodeV2Fresh] {
        let (_dir, sound) = copy_corpus(corpus_id);
        let store = open(&sound);
        let known = sessions(&store).into_iter();
        let busiest = known.max_by_key(|session| tree(&store, session).entries.len()).unwrap();
        let names = |store: &dyn Source| {
            let entries = tree(store, &busiest).entries;
            entries.into_iter().map(|entry| entry.key.to_string()).collect::<Vec<_>>()
        };
        let expected = names(&store);
        for index in index_names(&sound) {
            let (_dir, database) = copy_corpus(corpus_id);
            empty_index(&database, &index);
            let key = EntityKey::Session(busiest.clone());
            let store = open(&database);
            assert!(store.open().unwrap().has_session(&busiest).unwrap(), "{index}");
            assert_eq!(spans(&open(&database), &[key]).entries.len(), 1, "{index}");
            assert_eq!(names(&open(&database)), expected, "{index}");
        }
    }
}

#[test]
fn a_check_of_sound_indexes_finds_nothing_and_changes_nothing() {
    for corpus_id in REAL_CORPORA.into_iter().chain(V2_CORPORA) {
        let (_dir, database) = copy_corpus(corpus_id);
        let store = open(&database);
        assert!(!store.check_indexes(IndexCheck::Messages).unwrap(), "{corpus_id:?}");
        assert_eq!(scan(&store, &Scope::Sessions).issues.len(), 0, "{corpus_id:?}");
    }
}

#[test]
fn an_unsound_index_is_an_issue_that_names_the_table() {
    let (_dir, database) = copy_corpus(Corpus::OpencodeSqlite);
    empty_index(&database, "message_session_time_created_id_idx");
    let store = open(&database);
    assert!(store.check_indexes(IndexCheck::Messages).unwrap());
    assert!(
        store.check_indexes(IndexCheck::Messages).unwrap(),
        "another thread may have read before the first check"
    );
    let issues = scan(&store, &Scope::Sessions).issues;
    assert!(issues.iter().any(|(_, issue)| issue.to_string().contains("the table message ")));
}

#[test]
fn a_log_of_another_database_hides_no_session_of_the_table() {
    let (_dir, database) = copy_corpus(Corpus::OpencodeSqlite);
    let log = side_file(&corpus(Corpus::OpencodeRawWal).database, "-wal");
    std::fs::copy(log, side_file(&database, "-wal")).unwrap();
    let store = open(&database);
    store.check_indexes(IndexCheck::Messages).unwrap();
    let db = Connection::open(&database).unwrap();
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table} NOT INDEXED");
        db.query_row(&sql, [], |row| row.get::<_, isize>(0)).unwrap().cast_unsigned()
    };
    assert!(count("session") > 50);
    assert_eq!(sessions(&store).len(), count("session"));
}

/// A connection rebuilds the indexes of a table again after each change of the database.
#[test]
fn rows_that_are_written_after_an_index_was_rebuilt_are_read() {
    let (_dir, database) = copy_corpus(Corpus::OpencodeSqlite);
    empty_index(&database, "message_session_time_created_id_idx");
    // With a log and a living writer, connections stay open across changes.
    let db = Connection::open(&database).unwrap();
    db.execute_batch("PRAGMA journal_mode=WAL; UPDATE project SET time_updated = time_updated")
        .unwrap();
    let store = open(&database);
    assert!(store.check_indexes(IndexCheck::Messages).unwrap());
    let mut reader = store.open().unwrap();
    let (session, before): (String, isize) = db
        .query_row(
            "SELECT session_id, count(*) FROM message NOT INDEXED GROUP BY session_id LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let scope = Scope::Messages(SessionKey::from(SessionId::new(&session).unwrap()));
    let mut messages = || Listing::collect(|visitor| reader.scan(&scope, visitor)).unwrap();
    assert_eq!(messages().entries.len(), before.cast_unsigned());
    let insert = "INSERT INTO message (id, session_id, time_created, time_updated, data) \
        SELECT id || 'x', session_id, time_created, time_updated, data FROM message NOT INDEXED \
        WHERE session_id = ?1 LIMIT 1";
    assert_eq!(db.execute(insert, [&session]).unwrap(), 1);
    assert_eq!(messages().entries.len(), before.cast_unsigned() + 1);
}

/// Makes a table anew as a recovered dump may have it: without keys and indexes, and with each row
/// twice.
fn without_keys(database: &Path, table: &str) {
    let db = Connection::open(database).unwrap();
    db.execute_batch(&format!(
        "PRAGMA foreign_keys=OFF; CREATE TABLE copied AS SELECT * FROM {table};
         DROP TABLE {table}; ALTER TABLE copied RENAME TO {table};
         INSERT INTO {table} SELECT * FROM {table};"
    ))
    .unwrap();
}

#[test]
fn a_row_that_a_table_without_keys_has_twice_is_read_once() {
    for corpus_id in
        [Corpus::OpencodeSqlite, Corpus::OpencodeMigrated].into_iter().chain(V2_CORPORA)
    {
        let (_dir, sound) = copy_corpus(corpus_id);
        let known = sessions(&open(&sound));
        let sorted_contents = |store: &dyn Source| {
            let mut all = contents(store, &known);
            all.sort_unstable();
            all
        };
        let expected = sorted_contents(&open(&sound));
        for table in [
            "session",
            "session_v2",
            "message",
            "part",
            "session_message",
            "project",
            "todo",
            "session_share",
            "session_inbox",
            "event_sequence",
        ] {
            let (_dir, database) = copy_corpus(corpus_id);
            let db = Connection::open(&database).unwrap();
            let is_table = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
            if db.query_row(is_table, [table], |row| row.get::<_, i64>(0)).unwrap() == 0 {
                continue;
            }
            let count = format!("SELECT count(*) FROM {table}");
            let count: i64 = db.query_row(&count, [], |row| row.get(0)).unwrap();
            drop(db);
            without_keys(&database, table);
            let store = open(&database);
            let found = sorted_contents(&store);
            assert_eq!(found.len(), expected.len(), "{corpus_id:?} {table}");
            assert_eq!(found, expected, "{corpus_id:?} {table}");
            let issues = scan(&store, &Scope::Sessions).issues;
            let named = format!("in the table {table}, {count} rows have the ids");
            let is_named = issues.iter().any(|(_, issue)| issue.to_string().contains(&named));
            assert_eq!(is_named, count > 0, "{corpus_id:?} {table}: {issues:?}");
        }
    }
}

#[test]
fn of_rows_with_the_same_ids_the_last_one_is_read() {
    let (_dir, database) = copy_corpus(Corpus::OpencodeSqlite);
    without_keys(&database, "part");
    let db = Connection::open(&database).unwrap();
    let (session, part): (String, String) = db
        .query_row("SELECT session_id, id FROM part ORDER BY rowid LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let change = "UPDATE part SET data = '{\"type\":\"text\",\"text\":\"later\"}' \
        WHERE rowid = (SELECT max(rowid) FROM part WHERE id = ?1)";
    assert_eq!(db.execute(change, [&part]).unwrap(), 1);
    drop(db);
    let store = open(&database);
    let session = SessionKey::from(SessionId::new(&session).unwrap());
    let is_part =
        |key: &EntityKey| matches!(key, EntityKey::Part(key) if key.part.as_str() == part);
    let all_parts = scan(&store, &Scope::AllParts).entries;
    for entries in [tree(&store, &session).entries, all_parts] {
        let found: Vec<_> = entries.iter().filter(|entry| is_part(&entry.key)).collect();
        let [entry] = found[..] else { panic!("{} times", found.len()) };
        assert!(String::from_utf8_lossy(entry.span.as_deref().unwrap()).contains("later"));
    }
}

/// Replaces a text in the pages of an index, and in no other page.
fn replace_in_index(database: &Path, index: &str, from: &str, to: &[u8]) {
    let db = Connection::open(database).unwrap();
    let sql = "SELECT pageno FROM dbstat WHERE name = ?1";
    let pages: Vec<usize> = {
        let mut pages = db.prepare(sql).unwrap();
        pages
            .query_map([index], |row| row.get::<_, isize>(0))
            .unwrap()
            .map(|page| page.unwrap().cast_unsigned())
            .collect()
    };
    let size: isize = db.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    db.execute_batch("PRAGMA journal_mode=DELETE").unwrap();
    drop(db);
    let (size, mut bytes) = (size.cast_unsigned(), std::fs::read(database).unwrap());
    let mut is_replaced = false;
    for page in pages {
        let page = &mut bytes[(page - 1) * size..page * size];
        let found = page.windows(from.len()).position(|window| window == from.as_bytes());
        if let Some(at) = found.filter(|_| !is_replaced) {
            page[at..at + to.len()].copy_from_slice(to);
            is_replaced = true;
        }
    }
    assert!(is_replaced, "{index} has no {from}");
    std::fs::write(database, bytes).unwrap();
}

/// An index with as many entries as its table, one of which has another key.
#[test]
fn a_changed_key_in_an_index_hides_no_record_of_a_session() {
    for (index, column) in [
        ("message_session_time_created_id_idx", "session_id"),
        ("part_message_id_id_idx", "message_id"),
    ] {
        for changed in [&b"zzz"[..], &[0xde, 0xff, 0x80]] {
            let (_dir, database) = copy_corpus(Corpus::OpencodeSqlite);
            let table = index.split('_').next().unwrap();
            let (session, owner): (String, String) = Connection::open(&database)
                .unwrap()
                .query_row(
                    &format!(
                        "SELECT session_id, {column} FROM {table} NOT INDEXED WHERE \
                         session_id IN (SELECT session_id FROM part) ORDER BY rowid DESC LIMIT 1"
                    ),
                    [],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .unwrap();
            let session = SessionKey::from(SessionId::new(&session).unwrap());
            let names = |store: &dyn Source| {
                let entries = tree(store, &session).entries;
                let mut names: Vec<_> = entries.iter().map(|entry| entry.key.to_string()).collect();
                names.sort_unstable();
                names
            };
            let expected = names(&open(&database));
            replace_in_index(&database, index, &owner, changed);
            assert_eq!(names(&open(&database)), expected, "{index} {changed:?}");
        }
    }
}
