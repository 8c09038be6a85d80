//! Three storage formats in one data directory: each session is listed once, from the newest format
//! that has it, and totals count nothing twice.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rusqlite::Connection;
use scrollback_core_id::{EntityKey, Scope};
use scrollback_core_type::{Cost, Provenance};
use scrollback_fixtures::write_tree;
use scrollback_flow::{
    MergedSource, PartDetail, RefreshOptions, build_index, refresh_index, run_session_tree_flow,
};
use scrollback_index::SessionIndex;
use tempfile::TempDir;

use crate::calls::{scan, session_key, tree};
use crate::support::{database_source, file_source, source_id};

const SCHEMA: &str = include_str!("../../../../../fixtures/schema/opencode-2.0.sql");
/// The tables that an upgrade leaves of 1.x, with the columns that matter here.
const LEGACY_SCHEMA: &str = "
    CREATE TABLE session (id text PRIMARY KEY, project_id text, directory text, title text,
        time_created integer, time_updated integer);
    CREATE TABLE message (id text PRIMARY KEY, session_id text, time_created integer,
        time_updated integer, data text);
    CREATE INDEX message_session ON message (session_id, time_created, id);
    CREATE TABLE part (id text PRIMARY KEY, message_id text, session_id text,
        time_created integer, time_updated integer, data text);
    CREATE INDEX part_message ON part (message_id, id);
    INSERT INTO kv VALUES ('migration.v1-v2', '{\"phase\":\"completed\"}', 1, 1000);
    INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
        VALUES ('p', '/w', 1, 1, '[]');";

/// Returns an answer that used this many tokens, at a cent each.
fn answer(tokens: i64) -> String {
    let cost = tokens as f64 / 100.0;
    format!(
        r#"{{"role":"assistant","time":{{"created":2,"completed":3}},"cost":{cost},
            "tokens":{{"input":{tokens},"output":0,"reasoning":0,"cache":{{"read":0,"write":0}}}}}}"#
    )
}

/// Inserts a session of 1.x with one answer.
fn insert_v1_session(db: &Connection, name: &str, created: i64, tokens: i64) {
    let insert = "INSERT INTO session VALUES ('ses_' || ?1, 'p', '/w', 'v1', ?2, ?2)";
    db.execute(insert, (name, created)).unwrap();
    let data = answer(tokens);
    let insert = "INSERT INTO message VALUES ('msg_' || ?1, 'ses_' || ?1, 2, 3, ?2)";
    db.execute(insert, (name, data)).unwrap();
    let insert = "INSERT INTO part VALUES ('prt_' || ?1, 'msg_' || ?1, 'ses_' || ?1, 2, 3,
        '{\"type\":\"text\",\"text\":\"v1\"}')";
    db.execute(insert, [name]).unwrap();
}

/// Inserts the record of a session of 2.x, which counts this many tokens.
fn insert_v2_session(db: &Connection, name: &str, fork_of: Option<&str>, tokens: i64) {
    let insert = "INSERT INTO session_v2 (id, project_id, slug, directory, title, version, cost,
            tokens_input, fork_session_id, fork_boundary, time_created, time_updated)
        VALUES ('ses_' || ?1, 'p', 's', '/w', 'v2', '2', ?2, ?3, 'ses_' || ?4,
            iif(?4 IS NULL, NULL, '{\"type\":\"through\",\"messageID\":\"msg_x\"}'), 1, 5)";
    db.execute(insert, (name, tokens as f64 / 100.0, tokens, fork_of)).unwrap();
}

/// Inserts an answer of 2.x.
fn insert_v2_message(db: &Connection, name: &str, id: &str, seq: i64, tokens: i64) {
    let insert = "INSERT INTO session_message VALUES (?1, 'ses_' || ?2, 'assistant', ?3, 2, 3, ?4)";
    db.execute(insert, (id, name, seq, answer(tokens))).unwrap();
}

/// Returns the id of a fork's copy of the row with this number.
fn fork_copy_id(copy: char, seq: i64) -> String {
    format!("msg_2003881ef001mxXSDnk1504UZ{copy}_{seq}")
}

fn write_stores() -> (TempDir, MergedSource) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("opencode.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
    db.execute_batch(SCHEMA).unwrap();
    db.execute_batch(LEGACY_SCHEMA).unwrap();

    insert_v1_session(&db, "v1_and_files", 1, 20);
    insert_v1_session(&db, "all_three", 1, 888);
    insert_v2_session(&db, "all_three", None, 30); // five of them for its title
    insert_v2_message(&db, "all_three", "msg_c", 0, 25);
    insert_v1_session(&db, "late", 2000, 40);
    insert_v2_session(&db, "v2", None, 50);
    insert_v2_message(&db, "v2", "msg_e", 1, 50);
    insert_v2_session(&db, "fork", Some("v2"), 5);
    insert_v2_message(&db, "fork", &fork_copy_id('F', 1), 1, 50);
    insert_v2_message(&db, "fork", "msg_f", 9, 5);
    insert_v2_session(&db, "fork_of_fork", Some("fork"), 7);
    insert_v2_message(&db, "fork_of_fork", &fork_copy_id('G', 1), 1, 50);
    insert_v2_message(&db, "fork_of_fork", &fork_copy_id('G', 9), 9, 5);
    insert_v2_message(&db, "fork_of_fork", "msg_g", 20, 7);
    insert_v1_session(&db, "without_rows", 1, 60);
    insert_v2_session(&db, "without_rows", None, 61);
    insert_v1_session(&db, "legacy", 1, 70);
    drop(db);

    let storage = dir.path().join("storage");
    let mut text = String::new();
    for (name, tokens) in [("files", 10), ("v1_and_files", 999), ("all_three", 999)] {
        let answer = answer(tokens).replace('\n', " ");
        text.push_str(&format!(
            "//- session/p/ses_{name}.json\n{{\"id\":\"ses_{name}\",\"title\":\"files\",\"time\":\
             {{\"created\":1,\"updated\":4}}}}\n//- message/ses_{name}/msg_{name}.json\n{answer}\n"
        ));
    }
    write_tree(&storage, &text).unwrap();
    (
        dir,
        MergedSource::new(source_id("all"), database_source(&path))
            .with_source(file_source(&storage)),
    )
}

fn build(store: &MergedSource) -> SessionIndex {
    let built = build_index(store, PartDetail::Later, &|_| ControlFlow::Continue(())).unwrap();
    built.continue_value().unwrap().value
}

fn refresh(store: &MergedSource, index: &SessionIndex) {
    let options = RefreshOptions::default();
    let refreshed = refresh_index(store, index, &options, &|_| ControlFlow::Continue(()));
    assert!(refreshed.unwrap().is_continue());
}

/// The storage formats that a session was read from, the formats that have copies of it, and its
/// migration state.
type SessionLocation = (String, String, &'static str);

fn location(read: &str, also: &str, migration: &'static str) -> SessionLocation {
    (read.to_owned(), also.to_owned(), migration)
}

fn location_of(provenance: &Provenance) -> SessionLocation {
    let names = |all: Vec<&str>| all.join(", ");
    assert_eq!(provenance.agent(), "opencode");
    let states = ["lateLegacy", "legacyOnly", "withoutRows"];
    let state = |name: &str| states.into_iter().find(|state| *state == name).unwrap();
    let migration = provenance.migration().map(state).unwrap_or_default();
    (names(provenance.formats().collect()), names(provenance.also_in().collect()), migration)
}

/// Returns the location, tokens and number of messages of each session.
fn session_totals(index: &SessionIndex) -> BTreeMap<String, (SessionLocation, i64, u64)> {
    let view = index.view();
    let totals = view.sessions().map(|meta| {
        let usage = view.usage(&meta.key.session);
        let cents = i128::from(usage.tokens.input) * Cost::UNITS_PER_DOLLAR / 100;
        assert_eq!(usage.cost, Cost::from_units(cents), "{}", meta.key);
        let name = meta.key.session.as_str().strip_prefix("ses_").unwrap().to_owned();
        (name, (location_of(&meta.provenance), usage.tokens.input, usage.messages))
    });
    totals.collect()
}

#[test]
fn each_session_is_there_once_and_counts_once() {
    let (_dir, store) = write_stores();
    let index = build(&store);
    let all = session_totals(&index);
    let expected = [
        // Read from 2.x, with copies in the formats that it was migrated from. Its answer used 25
        // tokens, its title 5.
        ("all_three", (location("v2", "json, v1", ""), 30, 1)),
        ("files", (location("json", "", ""), 10, 1)),
        // The usage of copied messages counts in the session that they were copied from.
        ("fork", (location("v2", "", ""), 5, 2)),
        ("fork_of_fork", (location("v2", "", ""), 7, 3)),
        ("late", (location("v1", "", "lateLegacy"), 40, 1)),
        ("legacy", (location("v1", "", "legacyOnly"), 70, 1)),
        ("v1_and_files", (location("v1", "json", "legacyOnly"), 20, 1)),
        ("v2", (location("v2", "", ""), 50, 1)),
        // Read from 1.x, because 2.x has only the record of the session.
        ("without_rows", (location("v1", "v2", "withoutRows"), 60, 1)),
    ];
    let expected = expected.map(|(name, totals)| (name.to_owned(), totals));
    assert_eq!(all, BTreeMap::from(expected));
    assert_eq!(all.values().map(|(_, tokens, _)| tokens).sum::<i64>(), 292);

    // The sum over messages is the same, without the title, which has no message.
    let view = index.view();
    let metas = view.sessions().flat_map(|meta| view.by_session(&meta.key.session));
    assert_eq!(metas.map(|meta| meta.usage().tokens.input).sum::<i64>(), 292 - 5);
    // The flows count the same.
    for (name, (place, tokens, messages)) in &all {
        let session = session_key(&format!("ses_{name}"));
        run_session_tree_flow(&store, &session, |tree| {
            let usage = tree.usage();
            assert_eq!((usage.tokens.input, usage.messages), (*tokens, *messages), "{name}");
            assert_eq!(location_of(&tree.node.provenance), *place, "{name}");
        })
        .unwrap();
    }
}

#[test]
fn parts_of_migrated_sessions_are_hidden() {
    let (_dir, store) = write_stores();
    let mut shown: Vec<String> = Vec::new();
    for entry in scan(&store, &Scope::AllParts).entries {
        shown.push(entry.key.to_string());
    }
    let mut in_trees: Vec<String> = Vec::new();
    for session in scan(&store, &Scope::Sessions).entries {
        let EntityKey::Session(session) = session.key else { continue };
        let parts = tree(&store, &session).entries.into_iter();
        let parts = parts.filter(|entry| matches!(entry.key, EntityKey::Part(_)));
        in_trees.extend(parts.map(|entry| entry.key.to_string()));
    }
    shown.sort_unstable();
    in_trees.sort_unstable();
    assert_eq!(shown, in_trees);
    assert!(shown.iter().all(|part| !part.contains("all_three")), "{shown:?}");
    assert!(shown.iter().any(|part| part.contains("without_rows")));
}

#[test]
fn a_session_that_moves_between_storage_formats_is_followed() {
    let (dir, store) = write_stores();
    let index = build(&store);
    refresh(&store, &index);
    let db = Connection::open(dir.path().join("opencode.db")).unwrap();
    // Deleted in 2.x: the copy in 1.x becomes visible.
    db.execute_batch(
        "DELETE FROM session_message WHERE session_id = 'ses_all_three';
         DELETE FROM session_v2 WHERE id = 'ses_all_three';",
    )
    .unwrap();
    // Migrated: the rows of 2.x appear.
    insert_v2_message(&db, "without_rows", "msg_without_rows", 0, 61);
    // Removed from the files.
    std::fs::remove_dir_all(dir.path().join("storage/session/p")).unwrap();
    refresh(&store, &index);
    let all = session_totals(&index);
    assert_eq!(all["all_three"], (location("v1", "", "legacyOnly"), 888, 1));
    assert_eq!(all["without_rows"], (location("v2", "v1", ""), 61, 1));
    assert_eq!(all["v1_and_files"], (location("v1", "", "legacyOnly"), 20, 1));
    assert_eq!(all, session_totals(&build(&store)), "equal to a rebuilt index");
}
