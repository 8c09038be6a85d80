//! Texts of databases are as hostile as those of files: nothing of them reaches a terminal as a
//! command.

use rusqlite::Connection;

use crate::hostile::{EVIL, assert_harmless, assert_json_is_harmless};
use crate::support::on;

pub(crate) const SCHEMA: &str = include_str!("../../../../../fixtures/schema/opencode-2.0.sql");

/// A database in which every text that may be printed is hostile.
pub(crate) fn evil_store() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let db = Connection::open(dir.path().join("opencode.db")).unwrap();
    db.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
    db.execute_batch(SCHEMA).unwrap();
    let evil: String = serde_json::from_str(&format!("\"{EVIL}\"")).unwrap();
    // A column takes what JSON would escape, but for what ends a text there.
    let column = evil.replace('\0', "") + "\u{9b}31m\u{85}";
    db.execute(
        "INSERT INTO session_v2 (id, project_id, slug, directory, title, version, agent, model, fork_session_id,
            fork_boundary, idle_outcome, revert, time_created, time_updated)
         VALUES ('ses_1', 'p', ?1, '/d' || ?1, 'T' || ?1, ?1, ?1, ?2, 'ses_' || 'x', ?3, ?1, ?4, 1, 2)",
        (
            &column,
            format!(r#"{{"id":"{EVIL}","providerID":"{EVIL}"}}"#),
            format!(r#"{{"type":"{EVIL}","messageID":"{EVIL}"}}"#),
            format!(r#"{{"messageID":"msg_99","snapshot":"{EVIL}"}}"#),
        ),
    )
    .unwrap();
    let model = format!(r#"{{"id":"{EVIL}","providerID":"{EVIL}"}}"#);
    let error = format!(r#"{{"type":"{EVIL}","message":"{EVIL}"}}"#);
    let rows = [
        ("agent-switched", format!(r#"{{"agent":"{EVIL}","previous":"{EVIL}"}}"#)),
        ("model-switched", format!(r#"{{"model":{model},"previous":{model}}}"#)),
        (
            "location-switched",
            format!(
                r#"{{"location":{{"directory":"{EVIL}"}},"previous":{{"location":{{"directory":"{EVIL}"}}}}}}"#
            ),
        ),
        ("idle", format!(r#"{{"outcome":"{EVIL}","error":{error}}}"#)),
        (&column, format!(r#"{{"payload":"{EVIL}"}}"#)),
        (
            "user",
            format!(
                r#"{{"text":"{EVIL}\n\ttabs stay","files":[{{"data":"","mime":"{EVIL}","name":"{EVIL}"}}],"agents":[{{"name":"{EVIL}"}}],"skills":[{{"id":"{EVIL}","text":"{EVIL}"}}]}}"#
            ),
        ),
        ("system", format!(r#"{{"text":"{EVIL}","description":"{EVIL}"}}"#)),
        (
            "shell",
            format!(
                r#"{{"shellID":"{EVIL}","command":"{EVIL}","status":"exited","output":{{"output":"{EVIL}"}}}}"#
            ),
        ),
        (
            "compaction",
            format!(r#"{{"status":"failed","summary":"{EVIL}","error":{error},"model":{model}}}"#),
        ),
        (
            "assistant",
            format!(
                r#"{{"agent":"{EVIL}","model":{model},"content":[
            {{"type":"text","text":"{EVIL}"}},{{"type":"reasoning","text":"{EVIL}"}},{{"type":"{EVIL}"}},
            {{"type":"tool","id":"{EVIL}","name":"{EVIL}","state":{{"status":"completed","input":{{"x":"{EVIL}"}},"content":[{{"type":"text","text":"{EVIL}"}},{{"type":"file","name":"{EVIL}","mime":"{EVIL}","uri":"{EVIL}"}}]}}}},
            {{"type":"tool","id":"c","name":"x","state":{{"status":"error","input":"{EVIL}","error":{error}}}}},
            {{"type":"tool","id":"d","name":"x","state":{{"status":"streaming","input":"{EVIL}"}}}}],
            "finish":"{EVIL}","error":{error},"snapshot":{{"start":"{EVIL}","files":["{EVIL}"]}},
            "retry":{{"attempt":1,"error":{error}}}}}"#
            ),
        ),
    ];
    for (seq, (kind, data)) in (1..).zip(rows) {
        let insert = "INSERT INTO session_message VALUES ('msg_' || ?1, 'ses_1', ?2, ?1, 1, 1, ?3)";
        db.execute(insert, (seq, kind, data)).unwrap();
    }
    // Ids, whole rows that are none, and what waits.
    let insert = "INSERT INTO session_message VALUES (?1, 'ses_1', 'user', 98, 1, 1, ?1)";
    db.execute(insert, [&column]).unwrap();
    let insert = "INSERT INTO session_message VALUES ('msg_99', 'ses_1', 'user', 99, 1, 1, ?1)";
    db.execute(insert, [&column]).unwrap();
    let insert = "INSERT INTO session_inbox VALUES ('msg_w', 'ses_1', ?1, ?2, ?1, 100, 1)";
    db.execute(insert, (&column, format!(r#"{{"text":"{EVIL}"}}"#))).unwrap();
    dir
}

#[test]
fn text_of_databases_is_shown_and_never_sent() {
    let store = evil_store();
    for args in [
        &["ls", "--issues"][..],
        &["show", "ses_1", "--issues"],
        &["show", "ses_1", "--full", "--context"],
        &["tree", "ses_1", "--issues"],
        &["stores"],
        &["export", "ses_1", "--issues"],
        &["export", "--format", "v2", "ses_1"],
    ] {
        let ran = on(store.path(), args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        assert_harmless(&ran.err, args);
        // To a pipe an export is JSON as others write it.
        if args[0] != "export" {
            assert_harmless(&ran.out, args);
        }
    }
    let shown = on(store.path(), &["show", "ses_1"]).out;
    for told in
        ["──── agent ␛]0;owned", "──── model ", "──── directory ", "──── idle, ", "──── waiting ("]
    {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    assert!(shown.contains("\\u{202e}evil") && shown.contains("tabs stay"), "{shown}");
}

#[test]
fn json_of_databases_holds_no_control_either() {
    let store = evil_store();
    for args in [
        &["ls", "--json"][..],
        &["tree", "--json", "ses_1"],
        &["stores", "--json"],
        &["show", "--json", "ses_1"],
    ] {
        assert_json_is_harmless(store.path(), args);
    }
    // What was stored is what comes out.
    for args in [&["export", "ses_1"][..], &["export", "--format", "v2", "ses_1"]] {
        let exported = on(store.path(), args).json();
        let title = exported["info"]["title"].as_str().unwrap();
        assert!(title.starts_with("T\u{1b}]0;owned\u{7}"), "{title:?}");
    }
}
