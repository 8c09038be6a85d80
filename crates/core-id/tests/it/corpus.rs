//! Compares the decoded time of every id in a store of opencode 1.1.65 with the recorded time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use scrollback_core_id::{CallId, IdClock, MessageId, PartId, ProjectId, SessionId, ToolOutputId};
use scrollback_fixtures::{Corpus, CorpusPaths, corpus};
use serde_json::Value;

fn corpus_paths() -> CorpusPaths {
    corpus(Corpus::OpencodeJson)
}

fn list_dir(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Returns the records two levels below `storage/<kind>`: the name of the directory, and the JSON.
fn records(kind: &str) -> Vec<(String, Value)> {
    let directories = list_dir(&corpus_paths().storage.join(kind));
    let read = |file: &PathBuf| {
        let directory = file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        (directory, serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
    };
    directories.iter().flat_map(|dir| list_dir(dir)).map(|file| read(&file)).collect()
}

fn text_field<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_else(|| panic!("no {field} in {record}"))
}

fn created_ms(record: &Value) -> i64 {
    record["time"]["created"].as_i64().unwrap()
}

/// Returns the sessions that were forked from another session. Their messages are copies.
fn fork_ids() -> BTreeSet<String> {
    ["fork-cli", "fork-at", "fork-full"]
        .map(|step| corpus_paths().session_of_step(step).unwrap().unwrap())
        .into()
}

#[test]
fn session_ids_hold_the_creation_time_of_their_record() {
    let sessions = records("session");
    assert_eq!(sessions.len(), 59);
    for (project, record) in &sessions {
        let id = SessionId::new(text_field(record, "id")).unwrap();
        let delay_ms = created_ms(record) - id.time(created_ms(record)).unwrap();
        assert!((0..=1).contains(&delay_ms), "{id}: {delay_ms} ms");
        assert_eq!(id.clock().unwrap().counter(), 1, "{id}");
        assert_eq!(project, text_field(record, "projectID"));
        assert!(ProjectId::new(project).is_ok());
    }
}

#[test]
fn message_ids_hold_the_creation_time_of_their_record_unless_copied() {
    let sessions: BTreeMap<_, _> = records("session")
        .iter()
        .map(|(_, record)| (text_field(record, "id").to_owned(), created_ms(record)))
        .collect();
    let forks = fork_ids();
    assert_eq!(forks.len(), 3);
    let (mut original, mut copied) = (0, 0);
    for (session, record) in records("message") {
        let id = MessageId::new(text_field(&record, "id")).unwrap();
        let id_time = id.time(created_ms(&record)).unwrap();
        // The record of a copy has the time of its original, which is before the forked session.
        if forks.contains(&session) && created_ms(&record) < sessions[&session] {
            copied += 1;
            assert!(id_time >= sessions[&session], "{id}");
            assert!(created_ms(&record) < id_time, "{id}");
        } else {
            original += 1;
            let delay_ms = created_ms(&record) - id_time;
            assert!((0..=100).contains(&delay_ms), "{id}: {delay_ms} ms");
        }
    }
    assert_eq!((original, copied), (171, 15));
}

#[test]
fn part_ids_are_later_than_their_message() {
    let mut counters = BTreeMap::new();
    let parts = records("part");
    for (message, record) in &parts {
        let message = MessageId::new(message).unwrap().clock().unwrap();
        let id = PartId::new(text_field(record, "id")).unwrap();
        let clock = id.clock().unwrap();
        *counters.entry(clock.counter()).or_insert(0) += 1;
        let after = clock.ticks_after(message);
        assert!((1..=3_000 * 4096).contains(&after), "{id}: {after} ticks");
    }
    assert_eq!(parts.len(), 511);
    assert!(!counters.contains_key(&0) && counters.len() > 1, "{counters:?}");
}

/// Checks the value of a field that holds an id. Returns `false` if the field's name is not such a name.
fn check_field(name: &str, id: &str) -> bool {
    let clock: Option<IdClock> = match name {
        "sessionID" | "sessionId" => SessionId::new(id).unwrap().clock(),
        "parentID" if id.starts_with("ses") => SessionId::new(id).unwrap().clock(),
        "messageID" | "parentID" => MessageId::new(id).unwrap().clock(),
        "partID" => PartId::new(id).unwrap().clock(),
        // The provider chooses the text.
        "callID" => return CallId::new(id).unwrap().as_str() == id,
        _ => return false,
    };
    assert!(clock.is_some(), "{name}: {id}");
    true
}

fn check_fields(record: &Value, counts: &mut BTreeMap<String, usize>) {
    match record {
        Value::Object(fields) => {
            for (name, value) in fields {
                if value.as_str().is_some_and(|id| check_field(name, id)) {
                    *counts.entry(name.clone()).or_default() += 1;
                }
                check_fields(value, counts);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| check_fields(value, counts)),
        _ => {}
    }
}

#[test]
fn ids_in_fields_are_ids() {
    let mut counts = BTreeMap::new();
    for kind in ["session", "message", "part"] {
        records(kind).iter().for_each(|(_, record)| check_fields(record, &mut counts));
    }
    for name in ["sessionID", "sessionId", "messageID", "parentID", "partID", "callID"] {
        assert!(counts.contains_key(name), "{name} in {counts:?}");
    }
}

#[test]
fn tool_outputs_are_named_by_an_id() {
    let outputs = list_dir(&corpus_paths().data_dir.join("tool-output"));
    assert!(!outputs.is_empty());
    for file in outputs {
        let id = ToolOutputId::new(file.file_name().unwrap().to_str().unwrap()).unwrap();
        assert!(id.clock().is_some(), "{id}");
    }
}
