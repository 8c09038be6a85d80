//! Tests of exports of 2.x sessions, in the formats of 2.x and of 1.x.

use std::collections::BTreeMap;

use scrollback_fixtures::{Corpus, corpus};
use serde_json::{Value, json};

use super::{FRESH, PREVIEW, UPGRADED, oracle, session_id};
use crate::support::run_on;

/// Returns the messages of the API that an export of 2.x contains, without the field `seq`.
fn finished_messages(session: &Value) -> Vec<Value> {
    let mut messages = session["messages"].as_array().unwrap().clone();
    messages.retain(|message| match message["type"].as_str() {
        Some("assistant") => message["time"]["completed"].is_number(),
        Some("shell" | "compaction") => message["status"] != "running",
        kind => kind.is_some(),
    });
    for message in &mut messages {
        message.as_object_mut().unwrap().remove("seq");
    }
    messages
}

#[test]
fn an_export_of_2x_is_what_2x_exports() {
    let names: &[(Corpus, &[&str])] = &[
        (
            FRESH,
            &[
                "kitchen",
                "markers",
                "running",
                "errors",
                "compaction",
                "fork_through",
                "empty",
                "odd",
            ],
        ),
        (UPGRADED, &["kitchen", "reverted", "fork_of_fork"]),
        (PREVIEW, &["hello", "switch", "crash_tool", "revert_staged", "hybrid_v1_then_v2"]),
    ];
    for (which, names) in names {
        for name in *names {
            let id = session_id(*which, name);
            let oracle_session = oracle(*which, &id);
            let ran = run_on(&corpus(*which).database, &["export", "--format", "v2", &id]).json();
            let mut info = oracle_session["info"].clone();
            if info["cost"] == json!(0.0) {
                info["cost"] = json!(0); // as JavaScript writes it
            }
            assert_eq!(ran["info"], info, "{name}");
            assert_eq!(ran["messages"], Value::from(finished_messages(&oracle_session)), "{name}");
        }
    }
    for (name, reason) in [
        ("late_v1", "it is read from the tables of 1.x; written by 1.x after the migration, which"),
        (
            "deleted_in_v2",
            "it is read from the tables of 1.x; 2.x deleted it, or did not migrate it",
        ),
    ] {
        let ran = run_on(
            &corpus(UPGRADED).database,
            &["export", "--format", "v2", &session_id(UPGRADED, name)],
        );
        assert_eq!(ran.code, 1);
        let has_reason = ran.stderr.contains("because it is not in the tables of 2.x")
            && ran.stderr.contains(reason);
        assert!(has_reason, "{}", ran.stderr);
    }
    let files = corpus(Corpus::OpencodeJson);
    let id = files.session_of_step("rust").unwrap().unwrap();
    let ran = run_on(&files.data_dir, &["export", "--format", "v2", &id]);
    assert!(ran.stderr.contains("it is read from JSON files"), "{}", ran.stderr);
}

/// Large numbers, unpaired surrogates and the order of fields stay unchanged.
#[test]
fn an_export_of_2x_changes_only_the_indentation() {
    let dir = tempfile::tempdir().unwrap();
    corpus(FRESH).copy_to(dir.path()).unwrap();
    let id = session_id(FRESH, "kitchen");
    let data = r#"{"text" : "\ud83d","metadata":{"z":12345678901234567890123,"a":[1.0,[],{}]},"time":{"created":7}}"#;
    let db = rusqlite::Connection::open(dir.path().join("opencode.db")).unwrap();
    let insert = "INSERT INTO session_message VALUES ('msg_x', ?1, 'user', 9000, 7, 7, ?2)";
    db.execute(insert, (&id, data)).unwrap();
    drop(db);
    let ran = run_on(dir.path(), &["export", "--format", "v2", &id]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("{\n  \"info\": {\n    \""), "{}", ran.stdout);
    let message = r#"
      "text": "\ud83d",
      "metadata": {
        "z": 12345678901234567890123,
        "a": [
          1.0,
          [],
          {}
        ]
      },
      "time": {
        "created": 7
      }"#;
    assert!(ran.stdout.contains(message), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("    }\n  ]\n}\n"), "{}", ran.stdout);
}

#[test]
fn an_export_has_the_shape_of_1x() {
    for (which, name) in
        [(FRESH, "kitchen"), (FRESH, "markers"), (UPGRADED, "compaction"), (PREVIEW, "attached")]
    {
        let id = session_id(which, name);
        let exported = run_on(&corpus(which).database, &["export", &id]).json();
        assert_eq!(exported["info"]["id"], *id);
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        let mut ids = Vec::new();
        for message in exported["messages"].as_array().unwrap() {
            let info = &message["info"];
            assert_eq!(info["sessionID"], *id);
            ids.push(info["id"].clone());
            // The fields that 1.x requires, also where 2.x has no value.
            let needed: &[&str] = match info["role"].as_str().unwrap() {
                "user" => &["agent", "model", "time"],
                "assistant" => {
                    &["parentID", "modelID", "providerID", "mode", "path", "cost", "tokens"]
                }
                role => panic!("{role}"),
            };
            for field in needed {
                assert!(info.get(field).is_some(), "{field} of {info}");
            }
            for part in message["parts"].as_array().unwrap() {
                assert_eq!((&part["sessionID"], &part["messageID"]), (&json!(id), &info["id"]));
                *kinds.entry(part["type"].as_str().unwrap().to_owned()).or_default() += 1;
                if part["type"] == "file" {
                    assert!(part["url"].as_str().unwrap().contains(':'), "{part}");
                }
            }
        }
        assert!(kinds.len() > 1 && kinds["text"] > 0, "{name}: {kinds:?}");
        let count = ids.len();
        ids.sort_by_key(Value::to_string);
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
