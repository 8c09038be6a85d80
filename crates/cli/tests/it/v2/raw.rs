//! Tests of `raw` for 2.x: it finds a row by the ids of the records in it.

use rusqlite::Connection;
use scrollback_fixtures::corpus;
use serde_json::json;

use super::{FRESH, PREVIEW, UPGRADED, oracle, session_id};
use crate::support::run_on;

#[test]
fn a_row_is_printed_as_stored() {
    for (which, name) in [(FRESH, "markers"), (UPGRADED, "kitchen"), (PREVIEW, "switch")] {
        let id = session_id(which, name);
        for message in oracle(which, &id)["messages"].as_array().unwrap() {
            let row = message["id"].as_str().unwrap();
            let raw = run_on(&corpus(which).database, &["raw", row]).json();
            let mut stored = raw["data"].clone();
            assert_eq!((&raw["id"], &raw["session_id"]), (&json!(row), &json!(id)));
            (stored["id"], stored["type"]) = (raw["id"].clone(), raw["type"].clone());
            let mut message = message.clone();
            if let Some(seq) = message.as_object_mut().unwrap().remove("seq") {
                assert_eq!(raw["seq"], seq);
            }
            assert_eq!(stored, message, "{row}");
        }
    }
    // A part is a piece of a row, and a summary is the second message of its row.
    let exported =
        run_on(&corpus(FRESH).database, &["export", &session_id(FRESH, "compaction")]).json();
    for message in exported["messages"].as_array().unwrap() {
        let own = message["info"]["id"].as_str().unwrap();
        let part = message["parts"][0]["id"].as_str().unwrap();
        for id in [own, part] {
            let raw = run_on(&corpus(FRESH).database, &["raw", id]).json();
            assert_eq!(raw["id"], *own.trim_end_matches("#summary"), "{id}");
        }
    }
}

#[test]
fn raw_finds_items_of_a_session_without_a_record() {
    let dir = tempfile::tempdir().unwrap();
    corpus(FRESH).copy_to(dir.path()).unwrap();
    let db = Connection::open(dir.path().join("opencode.db")).unwrap();
    db.execute_batch(
        r#"PRAGMA foreign_keys=OFF;
        INSERT INTO session_message VALUES
            ('msg_lost1', 'ses_lost', 'user', 1, 5, 5, '{"text":"x","time":{"created":5}}'),
            ('msg_lost2', 'ses_lost', 'idle', 2, 6, 6, '{"outcome":"failed"}'),
            ('msg_lost3', 'ses_alone', 'idle', 1, 7, 7, '{"outcome":"succeeded"}');
        INSERT INTO session_inbox VALUES
            ('msg_lost4', 'ses_lost', 'user', '{"text":"later"}', 'queue', 3, 8);"#,
    )
    .unwrap();
    drop(db);
    for _ in 0..2 {
        let raw_json = |id: &str| run_on(dir.path(), &["raw", id]).json();
        assert_eq!(raw_json("msg_lost1")["data"]["text"], "x");
        assert_eq!(raw_json("msg_lost2")["data"]["outcome"], "failed");
        assert_eq!(raw_json("msg_lost3")["session_id"], "ses_alone");
        assert_eq!(
            raw_json("msg_lost4")["payload"]["text"],
            "later",
            "the second time from a snapshot"
        );
    }
}

/// Ids must be complete, and wildcards of SQL are plain characters.
#[test]
fn ids_are_not_sql_patterns() {
    let store = corpus(FRESH).database;
    let exported = run_on(&store, &["export", &session_id(FRESH, "fork_through")]).json();
    let first = &exported["messages"][0];
    let (message, part) = (&first["info"]["id"], &first["parts"][0]["id"]);
    for id in [message, part].map(|id| id.as_str().unwrap()) {
        let record = run_on(&store, &["raw", id]).json();
        assert_eq!(record["id"], *message, "{id}");
        let (start, last) = id.split_at(id.len() - 1);
        assert!(id.contains('_'));
        let patterns =
            [format!("{start}_"), format!("{start}%"), start.to_owned(), format!("%{last}")];
        for pattern in patterns {
            let ran = run_on(&store, &["raw", &pattern]);
            assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{pattern}: {}", ran.stderr);
        }
    }
    for pattern in ["%", "_", "prt_%", "msg_%", "ses_%", "prt_", "prt_20038821b001oArIB5k7v_____"] {
        let ran = run_on(&store, &["raw", pattern]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{pattern}: {}", ran.stderr);
    }
    // A part that its message does not have.
    let part = part.as_str().unwrap();
    let other = format!("{}99", &part[..part.len() - 2]);
    assert_eq!(run_on(&store, &["raw", &other]).code, 1, "{other}");
}

#[test]
fn raw_accepts_latest() {
    let store = corpus(FRESH).database;
    let roots = run_on(&store, &["ls", "--json", "--roots"]).json();
    for (word, at) in [("latest", 0), ("last", 0), ("latest~2", 2)] {
        let id = roots[at]["id"].as_str().unwrap();
        let raw = run_on(&store, &["raw", word]);
        assert_eq!(
            (raw.json()["id"].as_str(), &raw.stdout),
            (Some(id), &run_on(&store, &["raw", id]).stdout)
        );
    }
    assert_eq!(run_on(&corpus(PREVIEW).database, &["raw", "latest~99"]).code, 1);
    assert_eq!(run_on(&store, &["raw", "latest~x"]).code, 2);
}
