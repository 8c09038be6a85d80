//! What the API of the real preview answered, and what the synthetic databases were made from.

use std::collections::BTreeMap;

use scrollback_core_id::{EntityKey, Scope, SessionKey};
use scrollback_core_type::Entity;
use scrollback_fixtures::{Corpus, corpus};
use scrollback_source::{Entry, Reader, Source};
use scrollback_stor_sqlite::SqliteReader;
use serde_json::{Value, json};

use crate::calls::{scan, session_key, tree};
use crate::support::{V2_CORPORA, copy_corpus, entry_json, open, sessions};

fn oracle(which: Corpus) -> Value {
    serde_json::from_slice(&std::fs::read(corpus(which).oracle).unwrap()).unwrap()
}

/// The sessions that an oracle speaks of, with what it says.
fn sessions_by_id(which: Corpus) -> BTreeMap<String, Value> {
    let oracle = oracle(which);
    let sessions = match which {
        Corpus::OpencodePrelaunch => oracle.as_object().unwrap().clone(),
        _ => oracle["sessions"].as_object().unwrap().clone(),
    };
    sessions.into_iter().filter(|(id, _)| id != "list").collect()
}

/// The rows that a tree is made of, as the API shows them: `{...data, id, type}`.
fn api_rows(reader: &mut dyn Reader, tree: &[Entry]) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    for entry in tree {
        let is_row = matches!(&entry.key, EntityKey::Message(_) | EntityKey::Item(_));
        let Some(raw) = reader.raw(&entry.key).unwrap().filter(|_| is_row) else { continue };
        let mut row: Value = serde_json::from_slice(&raw).unwrap();
        let mut shown = row["data"].take();
        if shown.is_object() {
            shown["id"] = row["id"].take();
            shown["type"] = row["type"].take();
        }
        if rows.last().is_none_or(|last| last["id"] != shown["id"] || shown.is_string()) {
            rows.push(shown); // two messages may be made of one
        }
    }
    rows
}

fn native_json(store: &SqliteReader, session: &SessionKey) -> Value {
    let native = store.open().unwrap().native(session).unwrap();
    native.map_or(Value::Null, |native| serde_json::from_slice(&native).unwrap())
}

/// Those of the messages of the API that are as they will stay.
fn settled_messages(messages: &[Value]) -> Vec<Value> {
    let is_settled = |message: &&Value| match message["type"].as_str() {
        Some("assistant") => message["time"]["completed"].is_number(),
        Some("shell" | "compaction") => message["status"] != "running",
        _ => message.is_object(),
    };
    messages.iter().filter(is_settled).cloned().collect()
}

/// Compares a database with what the API says of its sessions: how many rows and events there are.
fn compare_with_api(store: &SqliteReader, oracle: &Value) -> (usize, usize) {
    let listed: Vec<String> = sessions(store).iter().map(ToString::to_string).collect();
    let list = oracle["list"].as_array().unwrap().iter();
    assert_eq!(listed, list.map(|it| it["id"].as_str().unwrap()).collect::<Vec<_>>());
    let (mut compared, mut events) = (0, 0);
    for id in listed {
        let (said, session) = (&oracle[&id], session_key(&id));
        let tree = tree(store, &session);
        assert!(tree.issues.is_empty());
        let messages = said["messages"].as_array().unwrap();
        let mut reader = store.open().unwrap();
        let found = api_rows(&mut *reader, &tree.entries);
        assert_eq!(found, *messages, "{id}");
        compared += found.len();

        let native = native_json(store, &session);
        if !messages.is_empty() {
            assert_eq!(native["info"], said["info"], "{id}");
            assert_eq!(native["messages"], Value::from(settled_messages(messages)), "{id}");
        }
        for message in said["v1_messages"].as_array().unwrap() {
            let parts = message["parts"].as_array().unwrap().iter();
            for record in parts.chain([&message["info"]]) {
                assert!(tree.entries.iter().any(|it| entry_json(it) == *record), "{id}: {record}");
            }
        }
        let (history, issues) = store.history(&session).unwrap();
        assert!(issues.is_empty());
        let history = history.iter().filter(|event| event.name.starts_with("session.next."));
        let history: Vec<Value> = history
            .map(|event| {
                let data: Value = serde_json::from_str(event.data.get()).unwrap();
                let durable =
                    json!({ "aggregateID": id, "seq": event.seq, "version": event.version });
                json!({ "id": event.id, "type": event.name, "durable": durable, "data": data })
            })
            .collect();
        assert_eq!(Value::from(history.clone()), said["history"], "{id}");
        events += history.len();
    }
    (compared, events)
}

#[test]
fn the_preview_is_what_its_api_says() {
    let (_dir, database) = copy_corpus(Corpus::OpencodePrelaunch);
    let (rows, events) = compare_with_api(&open(&database), &oracle(Corpus::OpencodePrelaunch));
    assert_eq!((rows, events > 500), (116, true));
}

/// A store that the real program was driven to write just now, and may still have open.
#[test]
#[ignore = "`cargo xtask live v2` runs it"]
fn a_live_store_is_what_its_api_says() {
    let root = std::env::var_os("SCROLLBACK_LIVE").map(std::path::PathBuf::from).unwrap();
    let oracle = std::fs::read(root.join("oracle.json")).unwrap();
    let oracle: Value = serde_json::from_slice(&oracle).unwrap();
    let store = open(&root.join("data/opencode/opencode.db"));
    let (rows, events) = compare_with_api(&store, &oracle);
    let access = store.access().unwrap();
    println!("{rows} rows and {events} events are what the API says; read {access}");
    assert!(rows > 20 && events > 100);
}

#[test]
fn sessions_with_turns_of_both_models_have_both() {
    let (_dir, database) = copy_corpus(Corpus::OpencodePrelaunch);
    let store = open(&database);
    let mut both = 0;
    for (id, said) in sessions_by_id(Corpus::OpencodePrelaunch) {
        let entries = tree(&store, &session_key(&id)).entries;
        let provenance = &entries[0].provenance;
        let v1 = said["v1_messages"].as_array().unwrap();
        let has_v2 = !said["messages"].as_array().unwrap().is_empty();
        let formats: Vec<_> = provenance.formats().collect();
        match (v1.is_empty(), has_v2) {
            (false, true) => {
                both += 1;
                assert_eq!(formats, ["v1", "v2"]);
                assert_eq!(provenance.migration(), Some("preview"));
            }
            (_, true) => assert_eq!(formats, ["v2"]),
            (_, false) => assert_eq!(formats, ["v1"]),
        }
        // All is in the order of time.
        let is_message = |entry: &&Entry| matches!(entry.key, EntityKey::Message(_));
        let messages: Vec<Value> = entries.iter().filter(is_message).map(entry_json).collect();
        if !v1.is_empty() {
            assert!(messages.is_sorted_by_key(|it| it["time"]["created"].as_i64()), "{id}");
        }
    }
    assert_eq!(both, 2);
}

#[test]
fn synthetic_databases_are_what_they_were_made_from() {
    for which in [Corpus::OpencodeV2Fresh, Corpus::OpencodeV2Upgraded] {
        let (_dir, database) = copy_corpus(which);
        let store = open(&database);
        let mut compared = 0;
        for (id, said) in sessions_by_id(which) {
            let session = session_key(&id);
            let entries = tree(&store, &session).entries;
            let mut messages = said["messages"].as_array().unwrap().clone();
            for message in &mut messages {
                message.as_object_mut().unwrap().remove("seq");
            }
            messages.retain(|message| message.get("_undecodable").is_none());
            let mut reader = store.open().unwrap();
            let mut found = api_rows(&mut *reader, &entries);
            // A row that is no JSON is shown as the text that it is.
            let cut: Vec<Value> = found.extract_if(.., |row| row.is_string()).collect();
            assert_eq!(
                cut.len(),
                usize::from(said["messages"].as_array().unwrap().len() > messages.len())
            );
            assert_eq!(found, messages, "{which:?} {id}");
            let native = native_json(&store, &session);
            let mut info = said["info"].clone();
            if info["cost"] == json!(0.0) {
                info["cost"] = json!(0); // as JavaScript writes it
            }
            assert_eq!(native["info"], info, "{which:?} {id}");
            assert_eq!(
                native["messages"],
                Value::from(settled_messages(&messages)),
                "{which:?} {id}"
            );
            compared += found.len();
        }
        assert!(compared > 80, "{which:?}: {compared}");
    }
}

#[test]
fn what_rows_become_can_be_read() {
    let odd = [
        "item msg_2003881fd001MVmYYLaw9V74Jq: unknown item type \"hologram\"; kept as raw JSON",
        "part prt_20038821b001oArIB5k7v00002: unknown part type \"video\"; kept as raw JSON",
        "message msg_2003883ab001YHV5tF5bywS9ku: the JSON ends in the middle of a value",
    ];
    for which in V2_CORPORA {
        let (_dir, database) = copy_corpus(which);
        let store = open(&database);
        let mut met = Vec::new();
        for session in sessions(&store) {
            for entry in tree(&store, &session).entries {
                let issues = match Entity::parse(&entry.key, entry.span.as_ref().unwrap()) {
                    Ok(parsed) => parsed.issues,
                    Err(issue) => vec![*issue],
                };
                let key = entry.key.to_string();
                let (kind, id) = (key.split(' ').next().unwrap(), key.rsplit('/').next().unwrap());
                met.extend(issues.iter().map(|issue| format!("{kind} {id}: {}", issue.kind)));
            }
        }
        let expected = if which == Corpus::OpencodePrelaunch { &[] } else { &odd[..] };
        assert_eq!(met, expected, "{which:?}");
    }
}

#[test]
fn sessions_say_where_they_are() {
    let (_dir, database) = copy_corpus(Corpus::OpencodeV2Upgraded);
    let store = open(&database);
    let names = oracle(Corpus::OpencodeV2Upgraded)["names"].clone();
    let place = |name: &str| {
        let entries = tree(&store, &session_key(names[name].as_str().unwrap())).entries;
        let it = &entries[0].provenance;
        assert_eq!(it.agent(), "opencode");
        let read = it.formats().collect::<Vec<_>>().join(" ");
        let also = it.also_in().collect::<Vec<_>>().join(" ");
        let migration = it.migration().unwrap_or_default().to_owned();
        (read, also, migration, it.has_complete_totals(), entries.len())
    };
    let said = |read: &str, migration: &str, complete, len| {
        (read.to_owned(), String::new(), migration.to_owned(), complete, len)
    };
    assert_eq!(place("kitchen"), said("v2", "", true, 21));
    assert_eq!(place("empty"), said("v2", "", true, 1));
    let (late, gone) = (place("late_v1"), place("deleted_in_v2"));
    assert_eq!(late, said("v1", "lateLegacy", false, late.4));
    assert_eq!(gone, said("v1", "legacyOnly", false, gone.4));
    assert!(late.4 > 1 && gone.4 > 1, "they are shown");
    // The others were migrated, and are read from their new rows alone.
    let listed = scan(&store, &Scope::Sessions).entries;
    let migrated = listed.iter().filter(|it| it.provenance.also_in().eq(["v1"]));
    assert!(migrated.clone().all(|it| it.provenance.formats().eq(["v2"])));
    assert_eq!((listed.len(), migrated.count()), (74, 58));
}
