//! Every step file of the corpus is in the reading: a message, a part, an item or an issue.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use scrollback_core_id::{EntityKey, SessionId};
use scrollback_source::SourceExt;
use scrollback_source_test::calls::tree;
use scrollback_stor_agents::crabtalk::Crabtalk;
use serde_json::{Value, json};

use crate::support::{fixture, settled_store};

/// Returns the files of a session that a program of crabtalk looks at, relative to the store.
fn step_files(session: &str) -> BTreeSet<PathBuf> {
    let dir = fixture("crabtalk/sessions").join(session);
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let steps = names.filter(|name| name.to_str().unwrap().starts_with("step-"));
    steps.map(|name| PathBuf::from(session).join(name)).collect()
}

fn sessions() -> Vec<String> {
    let entries = fs::read_dir(fixture("crabtalk/sessions")).unwrap().map(Result::unwrap);
    let directories = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    directories.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[test]
fn every_step_file_is_found() {
    let store = settled_store(Crabtalk, &fixture("crabtalk/sessions"));
    let mut total = 0;
    for session in sessions() {
        let listing = tree(&store, &SessionId::new(&session).unwrap().into());
        let mut found = BTreeSet::new();
        for entry in &listing.entries {
            if !matches!(entry.key, EntityKey::Session(_)) {
                found.extend(store.originals(&entry.key).unwrap().into_iter().map(|it| it.path));
            }
        }
        found.extend(listing.issues.iter().filter_map(|(_, issue)| issue.place.path.clone()));
        let expected = step_files(&session);
        total += expected.len();
        let missing: Vec<_> = expected.difference(&found).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
    assert_eq!(total, 56);
}

/// Collects the texts of a record, by the names of their fields.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    (
                        "text" | "thinking" | "reasoning_content" | "compact" | "content",
                        Value::String(text),
                    ) if !text.is_empty() => {
                        found.push(text.clone());
                    }
                    _ => texts(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        _ => {}
    }
}

#[test]
fn every_text_is_found() {
    let store = settled_store(Crabtalk, &fixture("crabtalk/sessions"));
    for session in sessions() {
        let listing = tree(&store, &SessionId::new(&session).unwrap().into());
        let spans = listing.entries.iter().map(|entry| &**entry.span.as_ref().unwrap());
        let all: Vec<Value> = spans.map(|span| serde_json::from_slice(span).unwrap()).collect();
        let all = serde_json::to_string(&all).unwrap();
        for file in step_files(&session) {
            let bytes = fs::read(fixture("crabtalk/sessions").join(file)).unwrap();
            let Ok(record) = serde_json::from_slice::<Value>(&bytes) else { continue };
            let mut expected = Vec::new();
            texts(&record, &mut expected);
            for text in expected {
                let json = serde_json::to_string(&text).unwrap();
                assert!(all.contains(&json), "{session}: {text:?}");
            }
        }
    }
}

#[test]
fn damaged_steps_are_issues_and_the_others_are_read() {
    let store = settled_store(Crabtalk, &fixture("crabtalk/sessions"));
    let key = SessionId::new("damaged_case_1").unwrap().into();
    let listing = tree(&store, &key);
    let issues: Vec<String> = listing.issues.iter().map(|(_, issue)| issue.to_string()).collect();
    assert_eq!(
        issues,
        [
            "damaged_case_1/step-000002, bytes 0 to 55: the JSON ends in the middle of a value",
            "damaged_case_1/step-000003, bytes 0 to 0: the file is empty",
            "damaged_case_1/step-000005, bytes 0 to 36: unknown event \"brand_new_event\"; kept as raw JSON",
            "damaged_case_1/step-000006, bytes 0 to 43: expected a step of crabtalk",
        ]
    );
    let messages = store.list_messages(&key).unwrap().entries;
    assert_eq!(messages.len(), 5, "three with numbers, one temporary, one without a number");
}

#[test]
fn a_session_without_a_sound_head_is_there_with_an_issue() {
    let store = settled_store(Crabtalk, &fixture("crabtalk/sessions"));
    let listing = store.list_sessions().unwrap();
    assert_eq!(listing.entries.len(), sessions().len());
    let mut issues: Vec<String> =
        listing.issues.iter().map(|(_, issue)| issue.to_string()).collect();
    issues.sort();
    assert_eq!(issues.len(), 3, "{issues:?}");
    assert!(issues[0].starts_with("badmeta_case_1/meta: "), "{issues:?}");
    assert_eq!(issues[1], "crab_user_99: expected a directory");
    assert!(issues[2].starts_with("nometa_case_1/meta: "), "{issues:?}");
}

#[test]
fn calls_have_their_results_and_answers_their_usage() {
    let store = settled_store(Crabtalk, &fixture("crabtalk/sessions"));
    let (mut calls, mut usage) = (0, None);
    for session in ["crab_user_1", "crab_user_2", "crab_legacy_1"] {
        let listing = tree(&store, &SessionId::new(session).unwrap().into());
        for entry in &listing.entries {
            let value: Value = serde_json::from_slice(entry.span.as_ref().unwrap()).unwrap();
            if value["role"] == "assistant" && value["tokens"].is_object() {
                usage = Some(value.clone());
            }
            // One result in the corpus comes a second time, without a call that waits for it.
            if value["type"] == "tool" && value["tool"] != "unknown" {
                calls += 1;
                assert_eq!(value["state"]["status"], "completed", "{value}");
                assert!(value["state"]["output"].is_string());
            }
        }
    }
    assert_eq!(calls, 3);
    let usage = usage.unwrap();
    assert_eq!(
        (&usage["modelID"], &usage["finish"]),
        (&json!("claude-sonnet-4-5"), &json!("text_response"))
    );
    let cache = json!({"read": 900, "write": 0});
    let tokens = json!({"input": 300, "output": 80, "reasoning": 0, "cache": cache});
    assert_eq!(usage["tokens"], tokens);
}
