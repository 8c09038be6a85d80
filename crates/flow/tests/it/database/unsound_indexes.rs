//! Tests databases whose indexes lack rows, and tables with repeated rows.
//!
//! Source of the first case: `hostile/08-index-lacks-rows`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::Connection;
use scrollback_core_id::EntityKey;
use scrollback_fixtures::{Corpus, corpus};
use scrollback_flow::{PartDetail, RefreshOptions, Verify, build_index, refresh_index};
use scrollback_index::SessionIndex;
use scrollback_source::{Source, Survey, SurveyItem};

use super::world::SCHEMA;
use crate::support::database_source;

fn build(source: &dyn Source) -> SessionIndex {
    let built = build_index(source, PartDetail::Later, &|_| ControlFlow::Continue(()));
    built.unwrap().continue_value().unwrap().value
}

/// Returns the ids of all messages by their session.
fn contents(index: &SessionIndex) -> BTreeMap<String, Vec<String>> {
    let view = index.view();
    let session = |id: scrollback_core_id::SessionId| {
        let messages = view.by_session(&id);
        (id.to_string(), messages.iter().map(|message| message.key.message.to_string()).collect())
    };
    view.session_ids().into_iter().map(session).collect()
}

/// Gives an index of three columns or fewer the page of an empty index.
fn empty_index(database: &Path, index: &str) {
    let db = Connection::open(database).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode=DELETE; PRAGMA writable_schema=ON;
         CREATE TABLE spare (a, b, c); CREATE INDEX spare_idx ON spare (a, b, c);",
    )
    .unwrap();
    let take = "UPDATE sqlite_schema SET rootpage = \
        (SELECT rootpage FROM sqlite_schema WHERE name = 'spare_idx') WHERE name = ?1";
    assert_eq!(db.execute(take, [index]).unwrap(), 1);
    db.execute("DELETE FROM sqlite_schema WHERE name IN ('spare', 'spare_idx')", []).unwrap();
}

#[test]
fn an_index_without_rows_costs_no_record_in_a_build_or_a_refresh() {
    for name in [
        "sqlite_autoindex_session_1",
        "sqlite_autoindex_message_1",
        "message_session_time_created_id_idx",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let database = corpus(Corpus::OpencodeSqlite).copy_to(dir.path()).unwrap().database;
        let known = build(&*database_source(&database));
        let expected = contents(&known);
        assert!(expected.len() > 50);
        empty_index(&database, name);
        assert_eq!(contents(&build(&*database_source(&database))), expected, "{name}");
        let options = RefreshOptions::default();
        let source = database_source(&database);
        let progress = |_| ControlFlow::Continue(());
        let refreshed = refresh_index(&*source, &known, &options, &progress).unwrap();
        assert!(refreshed.is_continue());
        assert_eq!(contents(&known), expected, "{name}: a refresh removes nothing");
    }
}

/// Ways to change the entries of an index. Each runs on a copy of its entries: `rid` is the number of the
/// row, and `c0` is the first column.
const CHANGES: [(&str, &str); 4] = [
    (
        "entries of another session",
        "UPDATE spare SET c0 = (SELECT max(c0) FROM spare) WHERE rid <= (SELECT max(rid) FROM spare) / 3",
    ),
    ("one entry with an unknown key", "UPDATE spare SET c0 = c0 || 'x' WHERE rid = 1"),
    ("too few entries", "DELETE FROM spare WHERE rid % 2"),
    (
        "too many entries",
        "INSERT INTO spare SELECT s.rid + m.most, s.* FROM spare AS s, \
         (SELECT max(rid) AS most FROM spare) AS m",
    ),
];

/// Gives an index the entries of its table's rows after a change.
fn change_entries(database: &Path, index: &str, change: &str) {
    let db = Connection::open(database).unwrap();
    db.execute_batch("PRAGMA journal_mode=DELETE; PRAGMA writable_schema=ON;").unwrap();
    let table: String = db
        .query_row("SELECT tbl_name FROM sqlite_schema WHERE name = ?1", [index], |row| row.get(0))
        .unwrap();
    let mut names = db.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno").unwrap();
    let names: Vec<String> =
        names.query_map([index], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let copies: Vec<String> = (0..names.len()).map(|at| format!("c{at}")).collect();
    let change = change
        .replace("s.*", &copies.iter().map(|c| format!("s.{c}")).collect::<Vec<_>>().join(", "));
    let (names, copies) = (names.join(", "), copies.join(", "));
    db.execute_batch(&format!(
        "CREATE TABLE spare (rid INTEGER PRIMARY KEY, {copies});
         INSERT INTO spare SELECT rowid, {names} FROM {table} NOT INDEXED;
         {change};
         CREATE INDEX spare_idx ON spare ({copies});"
    ))
    .unwrap();
    let take = "UPDATE sqlite_schema SET rootpage = \
        (SELECT rootpage FROM sqlite_schema WHERE name = 'spare_idx') WHERE name = ?1";
    assert_eq!(db.execute(take, [index]).unwrap(), 1);
    db.execute("DELETE FROM sqlite_schema WHERE name IN ('spare', 'spare_idx')", []).unwrap();
}

const INDEXES: [(Corpus, &[&str]); 2] = [
    (
        Corpus::OpencodeSqlite,
        &[
            "sqlite_autoindex_session_1",
            "sqlite_autoindex_message_1",
            "message_session_time_created_id_idx",
        ],
    ),
    (
        Corpus::OpencodeV2Fresh,
        &[
            "sqlite_autoindex_session_v2_1",
            "sqlite_autoindex_session_message_1",
            "session_message_session_seq_idx",
            "session_message_session_time_created_id_idx",
        ],
    ),
];

#[test]
fn an_index_with_other_entries_costs_no_record_in_a_build() {
    for (corpus_id, indexes) in INDEXES {
        for index in indexes {
            for (name, change) in CHANGES {
                let dir = tempfile::tempdir().unwrap();
                let database = corpus(corpus_id).copy_to(dir.path()).unwrap().database;
                let expected = contents(&build(&*database_source(&database)));
                change_entries(&database, index, change);
                let source = database_source(&database);
                let built = build(&*source);
                assert_eq!(contents(&built), expected, "{index}: {name}");
                let (options, progress) =
                    (RefreshOptions::default(), |_| ControlFlow::Continue(()));
                let refreshed = refresh_index(&*source, &built, &options, &progress).unwrap();
                assert!(refreshed.is_continue());
                assert_eq!(contents(&built), expected, "{index}: {name}, after a refresh");
            }
        }
    }
}

#[test]
fn sets_in_tables_have_the_stamps_that_a_build_keeps() {
    for corpus_id in [Corpus::OpencodeSqlite, Corpus::OpencodeV2Fresh, Corpus::OpencodeV2Upgraded] {
        let dir = tempfile::tempdir().unwrap();
        let database = corpus(corpus_id).copy_to(dir.path()).unwrap().database;
        let source = database_source(&database);
        let index = build(&*source);
        let view = index.view();
        let (mut reader, mut count) = (source.open().unwrap(), 0);
        let flow = reader.survey(&Survey::TableSets, &mut |item| {
            let SurveyItem::Observation(set) = item else { panic!("{item:?}") };
            let EntityKey::Session(key) = set.key else { panic!("{:?}", set.key) };
            let state = view.session_state(&key.session).unwrap();
            let kept = state.refresh_state.message_set.unwrap();
            assert_eq!(kept.stamp, set.stamp, "{corpus_id:?} {key}");
            count += 1;
            ControlFlow::Continue(())
        });
        flow.unwrap();
        let with_set = |id: &scrollback_core_id::SessionId| {
            view.session_state(id).unwrap().refresh_state.message_set.is_some()
        };
        assert_eq!(view.session_ids().iter().filter(|id| with_set(id)).count(), count);
        assert!(count > 3, "{corpus_id:?}");
    }
}

#[test]
fn a_full_verification_finds_an_index_with_other_entries() {
    for (corpus_id, indexes) in INDEXES {
        for index in indexes {
            for (name, change) in CHANGES {
                let dir = tempfile::tempdir().unwrap();
                let database = corpus(corpus_id).copy_to(dir.path()).unwrap().database;
                let known = build(&*database_source(&database));
                let expected = contents(&known);
                change_entries(&database, index, change);
                let options = RefreshOptions { verify: Verify::Full, ..RefreshOptions::default() };
                let progress = |_| ControlFlow::Continue(());
                let source = database_source(&database);
                let refreshed = refresh_index(&*source, &known, &options, &progress).unwrap();
                assert_eq!(contents(&known), expected, "{index}: {name}");
                let issues = refreshed.continue_value().unwrap().report.issues;
                let is_named = issues.iter().any(|issue| issue.to_string().contains("the table "));
                assert!(is_named, "{index}: {name}: {issues:?}");
            }
        }
    }
}

/// A build reads no index of parts. A full verification finds an entry that has another id.
#[test]
fn a_full_verification_finds_an_index_of_parts_with_other_entries() {
    for index in ["sqlite_autoindex_part_1", "part_message_id_id_idx", "part_session_idx"] {
        for (name, change) in CHANGES {
            let dir = tempfile::tempdir().unwrap();
            let database = corpus(Corpus::OpencodeSqlite).copy_to(dir.path()).unwrap().database;
            let known = build(&*database_source(&database));
            change_entries(&database, index, change);
            let options = RefreshOptions { verify: Verify::Full, ..RefreshOptions::default() };
            let progress = |_| ControlFlow::Continue(());
            let source = database_source(&database);
            let refreshed = refresh_index(&*source, &known, &options, &progress).unwrap();
            let issues = refreshed.continue_value().unwrap().report.issues;
            let is_named = issues.iter().any(|issue| issue.to_string().contains("the table part "));
            assert!(is_named, "{index}: {name}: {issues:?}");
        }
    }
}

#[test]
fn a_row_that_a_table_has_twice_appears_once() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("opencode.db");
    let db = Connection::open(&database).unwrap();
    db.execute_batch(SCHEMA).unwrap();
    db.execute_batch(
        "PRAGMA foreign_keys=OFF;
         INSERT INTO session (id, project_id, slug, directory, title, version, time_created, time_updated)
             VALUES ('ses_1', 'p', 's', '/w', 't', '1.18.33', 1, 1);
         CREATE TABLE copy AS SELECT * FROM message;
         DROP TABLE message; ALTER TABLE copy RENAME TO message;
         INSERT INTO message (id, session_id, time_created, time_updated, data)
             VALUES ('msg_1', 'ses_1', 1, 1, '{\"role\":\"user\"}'),
                 ('msg_1', 'ses_1', 1, 1, '{\"role\":\"user\"}'),
                 (x'ff00', 'ses_1', 1, 1, '{}'), (17, 'ses_1', 1, 1, '{}'),
                 ('msg_2', 'ses_1', 2, 2, '{\"role\":\"user\"}');",
    )
    .unwrap();
    let found = contents(&build(&*database_source(&database)));
    let messages: Vec<&str> = found["ses_1"].iter().map(String::as_str).collect();
    assert!(messages.ends_with(&["msg_1", "msg_2"]), "{messages:?}");
    assert_eq!(messages.iter().filter(|id| **id == "msg_1").count(), 1);
}
