//! Every record of the corpus is in the reading: a message, a part, an item, a side file or an issue.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use scrollback_core_id::{EntityKey, SessionId, SessionKey};
use scrollback_source::{Listing, SourceExt};
use scrollback_source_test::calls::tree;
use scrollback_stor_agents::codetether::Codetether;
use scrollback_stor_agents::engine::AgentSource;
use serde_json::{Value, json};

use super::RICH;
use crate::support::{fixture, settled_store};

fn store() -> AgentSource<Codetether> {
    settled_store(Codetether, &fixture("codetether/root/data/sessions"))
}

fn key(session: &str) -> SessionKey {
    SessionId::new(session).unwrap().into()
}

fn values(listing: &Listing) -> Vec<Value> {
    let spans = listing.entries.iter().filter_map(|entry| entry.span.as_ref());
    spans.map(|span| serde_json::from_slice(span).unwrap()).collect()
}

/// Returns the files of the store by name.
fn files() -> BTreeMap<String, Vec<u8>> {
    let dir = fixture("codetether/root/data/sessions");
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let file = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

/// Returns the ids of the sessions that have a file.
fn sessions() -> Vec<String> {
    let names = files().into_keys().filter(|name| !name.starts_with('.'));
    names.filter_map(|name| name.strip_suffix(".json").map(String::from)).collect()
}

/// The places of everything in a session that is not its head, and of its issues: file and start.
fn places(store: &AgentSource<Codetether>, session: &str) -> Vec<(String, u64)> {
    let listing = tree(store, &key(session));
    let mut places = Vec::new();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    for entry in listing.entries.iter().filter(|it| !matches!(it.key, EntityKey::Session(_))) {
        let originals = store.originals(&entry.key).unwrap();
        places.extend(originals.into_iter().map(|it| (name(&it.path), it.range.start)));
    }
    for (_, issue) in &listing.issues {
        let path = issue.place.path.as_ref().unwrap();
        places.push((name(path), issue.place.offset.unwrap_or(0)));
    }
    places.sort();
    places.dedup();
    places
}

#[test]
fn every_element_of_every_array_is_found() {
    let (store, mut total) = (store(), 0);
    for session in sessions() {
        let bytes = &files()[&format!("{session}.json")];
        let Ok(document) = serde_json::from_slice::<Value>(bytes) else { continue };
        let count = |name: &str| document[name].as_array().map_or(0, Vec::len);
        let parts = document["messages"].as_array().into_iter().flatten();
        let parts: usize = parts.map(|message| message["content"].as_array().unwrap().len()).sum();
        let listing = tree(&store, &key(&session));
        let values = values(&listing);
        let found = |is: &dyn Fn(&Value) -> bool| values.iter().filter(|value| is(value)).count();
        let found_parts = found(&|it| it["messageID"].is_string());
        let results = found(&|it| {
            it["type"] == "tool" && it["tool"] != "unknown" && !it["state"]["output"].is_null()
        });
        assert_eq!(found_parts + results, parts, "{session}");
        assert_eq!(found(&|it| it["type"] == "tool_use"), count("tool_uses"), "{session}");
        let usage = usize::from(document["usage"].is_object());
        assert_eq!(found(&|it| it["type"] == "usage"), usage, "{session}");
        // Two messages of the rich session hold only results of calls in another message.
        let joined = if session == RICH { 2 } else { 0 };
        assert_eq!(found(&|it| it["role"].is_string()) + joined, count("messages"), "{session}");
        total += parts + count("tool_uses") + usage;
    }
    assert_eq!(total, 194);
}

#[test]
fn every_text_is_found() {
    let store = store();
    for session in sessions() {
        let bytes = &files()[&format!("{session}.json")];
        let Ok(document) = serde_json::from_slice::<Value>(bytes) else { continue };
        let all = serde_json::to_string(&values(&tree(&store, &key(&session)))).unwrap();
        for message in document["messages"].as_array().into_iter().flatten() {
            for part in message["content"].as_array().unwrap() {
                for name in ["text", "url", "path", "content", "name", "id", "tool_call_id"] {
                    if let Some(text) = part[name].as_str() {
                        let json = serde_json::to_string(text).unwrap();
                        assert!(all.contains(&json), "{session}: {text:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_line_of_the_side_files_is_an_item_or_an_issue() {
    let (store, mut lines, mut orphans) = (store(), 0, 0);
    for (name, bytes) in files() {
        let Some(session) =
            [".journal.jsonl", ".tasks.jsonl"].iter().find_map(|it| name.strip_suffix(it))
        else {
            continue;
        };
        let mut starts = Vec::new();
        let mut at = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !line.trim_ascii().is_empty() {
                starts.push(at as u64);
            }
            at += line.len();
        }
        if !sessions().iter().any(|it| it == session) {
            // The program left the journal of a deleted session, which no tree has.
            assert_eq!(session, "d3ea5b4c-048b-463f-81a3-ab74a556402c");
            orphans += starts.len();
            continue;
        }
        let places = places(&store, session);
        for start in starts {
            assert!(places.contains(&(name.clone(), start)), "{name} at {start}: {places:?}");
            lines += 1;
        }
    }
    assert_eq!((lines, orphans), (44, 2));
}

#[test]
fn damaged_documents_are_issues() {
    let store = store();
    let mut issues = Vec::new();
    for session in sessions() {
        let listing = tree(&store, &key(&session));
        issues.extend(listing.issues.iter().map(|(_, issue)| issue.to_string()));
    }
    assert_eq!(
        issues,
        [
            "00000000-0000-4000-8000-000000000001.json, bytes 29 to 29: the JSON ends in the middle of a value",
            "00000000-0000-4000-8000-000000000001.json: expected id, created_at, updated_at, metadata and agent",
            "00000000-0000-4000-8000-000000000002.json: expected id, created_at, updated_at, metadata and agent",
            "95e1a368-0a5e-4c46-b5aa-7a411cd4b803.tasks.jsonl, bytes 754 to 783: unknown event \"future_kind\"; kept as raw JSON",
        ]
    );
}

#[test]
fn every_session_is_listed_once() {
    let listed = store().list_sessions().unwrap().entries;
    let mut ids: Vec<String> = listed.iter().map(|entry| entry.key.to_string()).collect();
    ids.sort();
    assert_eq!(ids.len(), sessions().len());
    let head = |session: &str| -> Value { values(&tree(&store(), &key(session))).swap_remove(0) };
    // An older file has its messages before its metadata.
    let older = head("11111111-2222-4333-8444-555555555555");
    assert_eq!(older["directory"], "/tmp/codetether-main/ws-a");
    assert_eq!(
        older["time"],
        json!({"created": 1_772_323_200_000_i64, "updated": 1_772_326_923_500_i64})
    );
    let renamed = head("00000000-0000-4000-8000-000000000004");
    assert_eq!(renamed["agentID"], "inner-id-differs");
    assert_eq!(renamed["model"]["id"], "anthropic/claude-sonnet-4");
}

#[test]
fn calls_have_their_results() {
    let listing = tree(&store(), &key(RICH));
    let values = values(&listing);
    let calls: Vec<&Value> = values.iter().filter(|it| it["type"] == "tool").collect();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0]["tool"], "bash");
    assert_eq!(calls[0]["state"]["input"], json!({"command": "ls"}));
    assert_eq!(calls[0]["state"]["output"], "a\nb");
    assert_eq!(calls[1]["state"]["input"], json!({"path": "src/Ω.rs"}));
    assert_eq!(calls[1]["state"]["output"], "fn main() {}");
    assert_eq!(calls[2]["callID"], "inline", "a result without a call");
    let kinds: Vec<&str> = values.iter().filter_map(|it| it["type"].as_str()).collect();
    for kind in ["tool_use", "usage", "journal.rejected", "tasks.goal_set"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
}
