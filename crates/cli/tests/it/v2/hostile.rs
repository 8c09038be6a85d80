//! Tests with hostile text in a database: no control character of it reaches the output.

use rusqlite::Connection;

use crate::hostile::{HOSTILE_TEXT, assert_harmless, assert_json_is_harmless};
use crate::support::run_on;

pub(crate) const SCHEMA: &str = include_str!("../../../../../fixtures/schema/opencode-2.0.sql");

/// Creates a database in which every text that can be printed is hostile.
pub(crate) fn hostile_store() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let db = Connection::open(dir.path().join("opencode.db")).unwrap();
    db.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
    db.execute_batch(SCHEMA).unwrap();
    let evil: String = serde_json::from_str(&format!("\"{HOSTILE_TEXT}\"")).unwrap();
    // A column can hold every character unescaped, except NUL, which ends the text.
    let column = evil.replace('\0', "") + "\u{9b}31m\u{85}";
    db.execute(
        "INSERT INTO session_v2 (id, project_id, slug, directory, title, version, agent, model, fork_session_id,
            fork_boundary, idle_outcome, revert, time_created, time_updated)
         VALUES ('ses_1', 'p', ?1, '/d' || ?1, 'T' || ?1, ?1, ?1, ?2, 'ses_' || 'x', ?3, ?1, ?4, 1, 2)",
        (
            &column,
            format!(r#"{{"id":"{HOSTILE_TEXT}","providerID":"{HOSTILE_TEXT}"}}"#),
            format!(r#"{{"type":"{HOSTILE_TEXT}","messageID":"{HOSTILE_TEXT}"}}"#),
            format!(r#"{{"messageID":"msg_99","snapshot":"{HOSTILE_TEXT}"}}"#),
        ),
    )
    .unwrap();
    let model = format!(r#"{{"id":"{HOSTILE_TEXT}","providerID":"{HOSTILE_TEXT}"}}"#);
    let error = format!(r#"{{"type":"{HOSTILE_TEXT}","message":"{HOSTILE_TEXT}"}}"#);
    let rows = [
        ("agent-switched", format!(r#"{{"agent":"{HOSTILE_TEXT}","previous":"{HOSTILE_TEXT}"}}"#)),
        ("model-switched", format!(r#"{{"model":{model},"previous":{model}}}"#)),
        (
            "location-switched",
            format!(
                r#"{{"location":{{"directory":"{HOSTILE_TEXT}"}},"previous":{{"location":{{"directory":"{HOSTILE_TEXT}"}}}}}}"#
            ),
        ),
        ("idle", format!(r#"{{"outcome":"{HOSTILE_TEXT}","error":{error}}}"#)),
        (&column, format!(r#"{{"payload":"{HOSTILE_TEXT}"}}"#)),
        (
            "user",
            format!(
                r#"{{"text":"{HOSTILE_TEXT}\n\ttabs stay","files":[{{"data":"","mime":"{HOSTILE_TEXT}","name":"{HOSTILE_TEXT}"}}],"agents":[{{"name":"{HOSTILE_TEXT}"}}],"skills":[{{"id":"{HOSTILE_TEXT}","text":"{HOSTILE_TEXT}"}}]}}"#
            ),
        ),
        ("system", format!(r#"{{"text":"{HOSTILE_TEXT}","description":"{HOSTILE_TEXT}"}}"#)),
        (
            "shell",
            format!(
                r#"{{"shellID":"{HOSTILE_TEXT}","command":"{HOSTILE_TEXT}","status":"exited","output":{{"output":"{HOSTILE_TEXT}"}}}}"#
            ),
        ),
        (
            "compaction",
            format!(
                r#"{{"status":"failed","summary":"{HOSTILE_TEXT}","error":{error},"model":{model}}}"#
            ),
        ),
        (
            "assistant",
            format!(
                r#"{{"agent":"{HOSTILE_TEXT}","model":{model},"content":[
            {{"type":"text","text":"{HOSTILE_TEXT}"}},{{"type":"reasoning","text":"{HOSTILE_TEXT}"}},{{"type":"{HOSTILE_TEXT}"}},
            {{"type":"tool","id":"{HOSTILE_TEXT}","name":"{HOSTILE_TEXT}","state":{{"status":"completed","input":{{"x":"{HOSTILE_TEXT}"}},"content":[{{"type":"text","text":"{HOSTILE_TEXT}"}},{{"type":"file","name":"{HOSTILE_TEXT}","mime":"{HOSTILE_TEXT}","uri":"{HOSTILE_TEXT}"}}]}}}},
            {{"type":"tool","id":"c","name":"x","state":{{"status":"error","input":"{HOSTILE_TEXT}","error":{error}}}}},
            {{"type":"tool","id":"d","name":"x","state":{{"status":"streaming","input":"{HOSTILE_TEXT}"}}}}],
            "finish":"{HOSTILE_TEXT}","error":{error},"snapshot":{{"start":"{HOSTILE_TEXT}","files":["{HOSTILE_TEXT}"]}},
            "retry":{{"attempt":1,"error":{error}}}}}"#
            ),
        ),
    ];
    for (seq, (kind, data)) in (1..).zip(rows) {
        let insert = "INSERT INTO session_message VALUES ('msg_' || ?1, 'ses_1', ?2, ?1, 1, 1, ?3)";
        db.execute(insert, (seq, kind, data)).unwrap();
    }
    // Hostile ids, rows that are not JSON, and a waiting prompt.
    let insert = "INSERT INTO session_message VALUES (?1, 'ses_1', 'user', 98, 1, 1, ?1)";
    db.execute(insert, [&column]).unwrap();
    let insert = "INSERT INTO session_message VALUES ('msg_99', 'ses_1', 'user', 99, 1, 1, ?1)";
    db.execute(insert, [&column]).unwrap();
    let insert = "INSERT INTO session_inbox VALUES ('msg_w', 'ses_1', ?1, ?2, ?1, 100, 1)";
    db.execute(insert, (&column, format!(r#"{{"text":"{HOSTILE_TEXT}"}}"#))).unwrap();
    dir
}

#[test]
fn database_text_is_escaped() {
    let store = hostile_store();
    for args in [
        &["ls", "--issues"][..],
        &["show", "ses_1", "--issues"],
        &["show", "ses_1", "--full", "--context"],
        &["tree", "ses_1", "--issues"],
        &["stores"],
        &["export", "ses_1", "--issues"],
        &["export", "--format", "v2", "ses_1"],
    ] {
        let ran = run_on(store.path(), args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
        assert_harmless(&ran.stderr, args);
        // An export to a pipe is plain JSON.
        if args[0] != "export" {
            assert_harmless(&ran.stdout, args);
        }
    }
    let shown = run_on(store.path(), &["show", "ses_1"]).stdout;
    for line in
        ["──── agent ␛]0;owned", "──── model ", "──── directory ", "──── idle, ", "──── waiting ("]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(shown.contains("\\u{202e}evil") && shown.contains("tabs stay"), "{shown}");
}

#[test]
fn database_json_has_no_control_characters() {
    let store = hostile_store();
    for args in [
        &["ls", "--json"][..],
        &["tree", "--json", "ses_1"],
        &["stores", "--json"],
        &["show", "--json", "ses_1"],
    ] {
        assert_json_is_harmless(store.path(), args);
    }
    // An export has the stored values.
    for args in [&["export", "ses_1"][..], &["export", "--format", "v2", "ses_1"]] {
        let exported = run_on(store.path(), args).json();
        let title = exported["info"]["title"].as_str().unwrap();
        assert!(title.starts_with("T\u{1b}]0;owned\u{7}"), "{title:?}");
    }
}
