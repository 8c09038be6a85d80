//! Tests databases whose indexes lack rows, and tables with repeated rows.
//!
//! Source of the first case: `hostile/08-index-lacks-rows`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::Connection;
use scrollback_fixtures::{Corpus, corpus};
use scrollback_flow::{PartDetail, RefreshOptions, build_index, refresh_index};
use scrollback_index::SessionIndex;
use scrollback_source::Source;

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
