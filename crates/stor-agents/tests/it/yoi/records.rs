//! Every record of every log and trace of the corpus is in the reading: a message, a part, an item or
//! an issue.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scrollback_core_id::{EntityKey, SessionId, SessionKey};
use scrollback_source::SourceExt;
use scrollback_source_test::calls::tree;
use scrollback_stor_agents::yoi::Yoi;
use serde_json::{Value, json};

use super::sessions;
use crate::support::{check_single_reads, fixture, settled_store};

/// Returns the logs and traces of a store, relative to it.
fn files(root: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "jsonl") {
                files.insert(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    files
}

fn key(id: &str) -> SessionKey {
    SessionId::new(id).unwrap().into()
}

fn stores() -> [PathBuf; 3] {
    [sessions("seed"), sessions("head"), fixture("yoi/head/root/aggregate")]
}

#[test]
fn every_record_is_found() {
    let (mut records, mut left_out) = (0, 0);
    for root in stores() {
        let store = settled_store(Yoi, &root);
        let listed = store.list_sessions().unwrap();
        for file in files(&root) {
            let name = file.to_str().unwrap();
            let id = name.trim_end_matches(".jsonl").trim_end_matches(".trace");
            if name.contains("not-a-uuid") {
                left_out += 1;
                continue;
            }
            if name.contains("stray") {
                let is_reported = |issue: &scrollback_core_err::Issue| {
                    issue.place.path.as_ref().is_some_and(|path| path.ends_with("stray.jsonl"))
                };
                assert!(listed.issues.iter().any(|(_, issue)| is_reported(issue)));
                continue;
            }
            let listing = tree(&store, &key(id));
            let mut found = BTreeSet::new();
            for entry in &listing.entries {
                if !matches!(entry.key, EntityKey::Session(_)) {
                    for original in store.originals(&entry.key).unwrap() {
                        if original.path == file {
                            found.insert(original.range.start);
                        }
                    }
                }
            }
            for (_, issue) in &listing.issues {
                if issue.place.path.as_deref() == Some(&file) {
                    found.extend(issue.place.offset);
                }
            }
            let mut offset = 0;
            for line in fs::read(root.join(&file)).unwrap().split_inclusive(|byte| *byte == b'\n') {
                if !line.trim_ascii().is_empty() {
                    records += 1;
                    let text = String::from_utf8_lossy(line);
                    assert!(
                        found.contains(&offset),
                        "{name} at {offset}: {text}\n{:?}",
                        listing.issues
                    );
                }
                offset += line.len() as u64;
            }
        }
    }
    assert_eq!(left_out, 2, "the empty files in directories that are no sessions");
    assert!(records > 250, "{records}");
}

/// Collects the texts of a record, by the names of their fields.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    (
                        "text" | "content" | "summary" | "body" | "refusal" | "message" | "path"
                        | "signature" | "encrypted_content",
                        Value::String(text),
                    ) => found.push(text.clone()),
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
    for root in stores() {
        let store = settled_store(Yoi, &root);
        for session in store.list_sessions().unwrap().entries {
            let EntityKey::Session(session) = session.key else { continue };
            let listing = tree(&store, &session);
            let spans = listing.entries.iter().map(|entry| &**entry.span.as_ref().unwrap());
            let all: Vec<Value> = spans.map(|span| serde_json::from_slice(span).unwrap()).collect();
            let all = serde_json::to_string(&all).unwrap();
            let bytes = fs::read(root.join(format!("{}.jsonl", session.session))).unwrap();
            for line in bytes.split(|byte| *byte == b'\n') {
                let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
                let mut expected = Vec::new();
                texts(&record, &mut expected);
                for text in expected {
                    let json = serde_json::to_string(&text).unwrap();
                    assert!(all.contains(&json), "{session}: {text:?}");
                }
            }
            check_single_reads(&store, &session);
        }
    }
}

/// Returns the values of one kind in the tree of a segment.
fn values(id: &str) -> Vec<Value> {
    let store = settled_store(Yoi, &sessions("seed"));
    let listing = tree(&store, &key(id));
    let spans = listing.entries.iter().map(|entry| &**entry.span.as_ref().unwrap());
    spans.map(|span| serde_json::from_slice(span).unwrap()).collect()
}

const SESSION: &str = "01a1fb77-eb56-7382-8d45-b2e79f7211da";
const FIRST: &str = "01a1fb77-eb57-727f-b82b-d84049f4a850";

#[test]
fn segments_have_their_origins_and_mark_copies() {
    let id = format!("{SESSION}/01a1fb77-eb79-7120-835c-563575b168bf");
    let fork = values(&id);
    assert_eq!(fork[0]["metadata"]["forkedFrom"], json!({"segment_id": FIRST, "at_turn_index": 1}));
    let store = settled_store(Yoi, &sessions("seed"));
    let copies = |id: &str| -> Vec<bool> {
        let messages = store.list_messages(&key(id)).unwrap().entries;
        messages.iter().map(|entry| entry.is_copy).collect()
    };
    assert_eq!(copies(&id), [true, true, true, true, false, false]);
    let compacted = format!("{SESSION}/01a1fb77-eb94-7670-994d-495bfaab28e0");
    assert_eq!(copies(&compacted), [false, false, true, true, false, false]);
}

#[test]
fn calls_have_their_results() {
    let values = values(&format!("{SESSION}/{FIRST}"));
    let tools: Vec<&Value> = values.iter().filter(|value| value["type"] == "tool").collect();
    let states: Vec<&Value> = tools.iter().map(|tool| &tool["state"]["status"]).collect();
    assert_eq!(states, ["completed", "error", "completed"], "{tools:#?}");
}

#[test]
fn damaged_records_are_issues_and_the_others_are_read() {
    let store = settled_store(Yoi, &sessions("seed"));
    let id = |number: u8| {
        format!(
            "01900000-0000-7000-8000-0000000000{number:02x}/01900000-0000-7000-8000-0000000001{number:02x}"
        )
    };
    for (number, count) in
        [(1, 1), (2, 0), (3, 1), (4, 1), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 0)]
    {
        let listing = tree(&store, &key(&id(number)));
        let issues: Vec<String> =
            listing.issues.iter().map(|(_, issue)| issue.to_string()).collect();
        assert_eq!(issues.len(), count, "{number}: {issues:?}");
        assert!(issues.iter().all(|issue| issue.contains("bytes ")), "{issues:?}");
    }
}
