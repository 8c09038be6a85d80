//! The program's own operations return what the program itself returned (`oracle.json` and
//! `oracle-counters.json`).

use std::fs;
use std::path::PathBuf;

use scrollback_stor_agents::Version;
use scrollback_stor_agents::crabtalk::program::*;
use serde_json::{Value, json};

use crate::support::{copy_tree, fixture};

fn oracle(name: &str) -> Value {
    serde_json::from_slice(&fs::read(fixture("crabtalk").join(name)).unwrap()).unwrap()
}

fn root() -> PathBuf {
    fixture("crabtalk/sessions")
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn slugs_are_those_of_the_program() {
    let expected = oracle("oracle.json");
    assert_eq!(array(&expected["sender_slug"]).len(), 9);
    for pair in array(&expected["sender_slug"]) {
        assert_eq!(sender_slug(text(&pair[0])), text(&pair[1]));
    }
}

#[test]
fn the_list_is_that_of_the_program() {
    let listed = list_sessions(&root()).unwrap();
    let listed: Vec<Value> = listed
        .into_iter()
        .map(|session| json!({"handle": session.handle, "meta": session.meta}))
        .collect();
    assert_eq!(Value::from(listed), oracle("oracle.json")["list_sessions_sorted_by_handle"]);
    assert!(list_sessions(&root().join("not-there")).unwrap().is_empty());
}

#[test]
fn the_latest_session_is_that_of_the_program() {
    for call in array(&oracle("oracle.json")["find_latest_session"]) {
        let (agent, sender) = (text(&call["agent"]), text(&call["created_by"]));
        let latest = find_latest_session(&root(), agent, sender, Version::Seed);
        assert_eq!(json!(latest.unwrap()), call["latest"], "{call}");
    }
    let missing = root().join("not-there");
    assert_eq!(find_latest_session(&missing, "a", "b", Version::Seed).unwrap(), None);
    // A later version goes by the heads: exact names, and the time of creation.
    let latest = |sender| find_latest_session(&root(), "crab", sender, Version::Head).unwrap();
    assert_eq!(latest("user").as_deref(), Some("crab_user_2"));
    assert_eq!(latest("User"), None);
}

#[test]
fn each_session_is_loaded_as_by_the_program() {
    let expected = oracle("oracle.json");
    let expected = expected["load_session"].as_object().unwrap();
    assert_eq!(expected.len(), 14);
    for (handle, expected) in expected {
        let loaded = match load_session(&root(), handle) {
            Ok(None) => Value::Null,
            Ok(Some(session)) => {
                let accessors: Vec<Value> = session.history.iter().map(accessors).collect();
                json!({
                    "meta": session.meta,
                    "history": session.history,
                    "history_accessors": accessors,
                    "archive": session.archive,
                })
            }
            Err(error) => json!({"error": error.to_string()}),
        };
        assert_eq!(loaded, *expected, "{handle}");
    }
}

fn accessors(entry: &HistoryEntry) -> Value {
    let calls = entry
        .tool_calls()
        .map(|(id, name, input)| json!({"id": id, "name": name, "arguments": input.to_string()}));
    json!({
        "role": entry.message.role,
        "text": entry.text(),
        "reasoning": entry.reasoning(),
        "tool_call_id": entry.tool_call_id(),
        "tool_calls": calls.collect::<Vec<_>>(),
    })
}

#[test]
fn the_next_numbers_are_those_of_the_program() {
    let expected = oracle("oracle-counters.json");
    let steps = expected["next_step_file"].as_object().unwrap();
    assert_eq!(steps.len(), 10);
    for (handle, names) in steps {
        let next = step_file_name(recover_step_counter(&root(), handle).unwrap());
        assert_eq!(json!([next]), *names, "{handle}");
    }
    // The program made the sessions one after the other, on a copy.
    let dir = tempfile::tempdir().unwrap();
    copy_tree(&root(), dir.path());
    for call in array(&expected["next_create"]) {
        let (agent, sender) = (text(&call["agent"]), text(&call["created_by"]));
        let slug = next_session_slug(dir.path(), agent, sender).unwrap();
        assert_eq!(slug, text(&call["created"]));
        fs::create_dir(dir.path().join(slug)).unwrap();
    }
}

/// Writes a `memory.db` after section 7 of the format text. The corpus has none.
fn memory_db(entries: &[(u64, u32, &str, &str, &[&str])]) -> Vec<u8> {
    let mut bytes = b"CRMEM\0\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let put = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    bytes.extend_from_slice(&9_u64.to_le_bytes());
    bytes.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    for (id, kind, name, content, aliases) in entries {
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&(id * 1000).to_le_bytes());
        bytes.extend_from_slice(&kind.to_le_bytes());
        put(&mut bytes, name);
        put(&mut bytes, content);
        bytes.extend_from_slice(&(aliases.len() as u32).to_le_bytes());
        aliases.iter().for_each(|alias| put(&mut bytes, alias));
    }
    bytes
}

#[test]
fn the_archive_comes_before_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let session = load_session(&root(), "crab_tg-12345_1").unwrap().unwrap();
    let first = |memory: Option<&MemoryDb>| resumed_history(&session, memory)[0].text();
    let missing = "[archived context unavailable: crab-tg-12345-1-2]";
    assert_eq!(MemoryDb::read(dir.path()).unwrap(), None);
    assert_eq!(first(None), missing);
    let bytes = memory_db(&[
        (1, 0, "a note", "text", &["alias", "änother"]),
        (2, 1, "crab-tg-12345-1-2", "what was said before", &[]),
        (3, 7, "later kind", "", &[]),
    ]);
    fs::write(dir.path().join("memory.db"), &bytes).unwrap();
    let memory = MemoryDb::read(dir.path()).unwrap().unwrap();
    assert_eq!((memory.next_id, memory.entries.len()), (9, 3));
    assert_eq!(memory.entries[0].aliases, ["alias", "änother"]);
    assert_eq!(memory.entries[2].kind, EntryKind::Unknown(7));
    assert_eq!(first(Some(&memory)), "what was said before");
    assert_eq!(resumed_history(&session, Some(&memory)).len(), session.history.len() + 1);
    assert_eq!(first(Some(&MemoryDb::default())), missing);
}

#[test]
fn a_damaged_memory_is_an_error() {
    let bytes = memory_db(&[(1, 1, "name", "content", &["alias"])]);
    assert!(MemoryDb::parse(&bytes).is_ok());
    for len in 0..bytes.len() {
        assert!(MemoryDb::parse(&bytes[..len]).is_err(), "{len}");
    }
    let mut large = bytes.clone();
    large[24..28].copy_from_slice(&u32::MAX.to_le_bytes()); // the number of entries
    assert!(matches!(MemoryDb::parse(&large), Err(MemoryError::Damaged(_))));
}
