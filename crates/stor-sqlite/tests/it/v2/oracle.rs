//! Compares databases with the answers of the preview's API, and with the data that the synthetic
//! databases were made from.

use std::collections::BTreeMap;

use scrollback_core_id::{EntityKey, Scope, SessionKey};
use scrollback_core_type::Entity;
use scrollback_fixtures::{Corpus, corpus};
use scrollback_source::{Entry, Reader, Source};
use scrollback_stor_sqlite::SqliteReader;
use serde_json::{Value, json};

use crate::calls::{scan, session_key, tree};
use crate::support::{V2_CORPORA, copy_corpus, entry_json, open, sessions};

fn oracle(corpus_id: Corpus) -> Value {
    serde_json::from_slice(&std::fs::read(corpus(corpus_id).oracle).unwrap()).unwrap()
}

/// Returns the sessions of an oracle, with its answers for each.
fn sessions_by_id(corpus_id: Corpus) -> BTreeMap<String, Value> {
    let oracle = oracle(corpus_id);
    let sessions = match corpus_id {
        Corpus::OpencodePrelaunch => oracle.as_object().unwrap().clone(),
        _ => oracle["sessions"].as_object().unwrap().clone(),
    };
    sessions.into_iter().filter(|(id, _)| id != "list").collect()
}

/// Returns the rows of a tree in the form of the API: `{...data, id, type}`.
fn api_rows(reader: &mut dyn Reader, tree: &[Entry]) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    for entry in tree {
        let is_row = matches!(&entry.key, EntityKey::Message(_) | EntityKey::Item(_));
        let Some(raw) = reader.raw(&entry.key).unwrap().filter(|_| is_row) else { continue };
        let mut row: Value = serde_json::from_slice(&raw).unwrap();
        let mut api_row = row["data"].take();
        if api_row.is_object() {
            api_row["id"] = row["id"].take();
            api_row["type"] = row["type"].take();
        }
        if rows.last().is_none_or(|last| last["id"] != api_row["id"] || api_row.is_string()) {
            rows.push(api_row); // two messages may come from one row
        }
    }
    rows
}

fn native_json(store: &SqliteReader, session: &SessionKey) -> Value {
    let native = store.open().unwrap().native(session).unwrap();
    native.map_or(Value::Null, |native| serde_json::from_slice(&native).unwrap())
}

/// Returns the messages of the API that will not change any more.
fn settled_messages(messages: &[Value]) -> Vec<Value> {
    let is_settled = |message: &&Value| match message["type"].as_str() {
        Some("assistant") => message["time"]["completed"].is_number(),
        Some("shell" | "compaction") => message["status"] != "running",
        _ => message.is_object(),
    };
    messages.iter().filter(is_settled).cloned().collect()
}

/// Compares a database with the API's answers. Returns how many rows and events were compared.
fn compare_with_api(store: &SqliteReader, oracle: &Value) -> (usize, usize) {
    let listed: Vec<String> = sessions(store).iter().map(ToString::to_string).collect();
    let list = oracle["list"].as_array().unwrap().iter();
    assert_eq!(listed, list.map(|entry| entry["id"].as_str().unwrap()).collect::<Vec<_>>());
    let (mut compared, mut events) = (0, 0);
    for id in listed {
        let (answers, session) = (&oracle[&id], session_key(&id));
        let tree = tree(store, &session);
        assert!(tree.issues.is_empty());
        let messages = answers["messages"].as_array().unwrap();
        let mut reader = store.open().unwrap();
        let rows = api_rows(&mut *reader, &tree.entries);
        assert_eq!(rows, *messages, "{id}");
        compared += rows.len();

        let native = native_json(store, &session);
        if !messages.is_empty() {
            assert_eq!(native["info"], answers["info"], "{id}");
            assert_eq!(native["messages"], Value::from(settled_messages(messages)), "{id}");
        }
        for message in answers["v1_messages"].as_array().unwrap() {
            let parts = message["parts"].as_array().unwrap().iter();
            for record in parts.chain([&message["info"]]) {
                assert!(
                    tree.entries.iter().any(|entry| entry_json(entry) == *record),
                    "{id}: {record}"
                );
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
        assert_eq!(Value::from(history.clone()), answers["history"], "{id}");
        events += history.len();
    }
    (compared, events)
}

#[test]
fn the_preview_matches_its_api() {
    let (_dir, database) = copy_corpus(Corpus::OpencodePrelaunch);
    let (rows, events) = compare_with_api(&open(&database), &oracle(Corpus::OpencodePrelaunch));
    assert_eq!((rows, events > 500), (116, true));
}

/// A store that the real program has just written and may still have open.
#[test]
#[ignore = "`cargo xtask live v2` runs it"]
fn a_live_store_is_what_its_api_says() {
    let root = std::env::var_os("SCROLLBACK_LIVE").map(std::path::PathBuf::from).unwrap();
    let oracle = std::fs::read(root.join("oracle.json")).unwrap();
    let oracle: Value = serde_json::from_slice(&oracle).unwrap();
    let store = open(&root.join("data/opencode/opencode.db"));
    let (rows, events) = compare_with_api(&store, &oracle);
    let access = store.access().unwrap();
    println!("{rows} rows and {events} events match the API; read {access}");
    assert!(rows > 20 && events > 100);
}

#[test]
fn sessions_with_turns_of_both_formats_have_both() {
    let (_dir, database) = copy_corpus(Corpus::OpencodePrelaunch);
    let store = open(&database);
    let mut both = 0;
    for (id, answers) in sessions_by_id(Corpus::OpencodePrelaunch) {
        let entries = tree(&store, &session_key(&id)).entries;
        let provenance = &entries[0].provenance;
        let v1 = answers["v1_messages"].as_array().unwrap();
        let has_v2 = !answers["messages"].as_array().unwrap().is_empty();
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
        // All messages are in the order of time.
        let is_message = |entry: &&Entry| matches!(entry.key, EntityKey::Message(_));
        let messages: Vec<Value> = entries.iter().filter(is_message).map(entry_json).collect();
        if !v1.is_empty() {
            assert!(
                messages.is_sorted_by_key(|message| message["time"]["created"].as_i64()),
                "{id}"
            );
        }
    }
    assert_eq!(both, 2);
}

#[test]
fn synthetic_databases_match_their_oracle() {
    for corpus_id in [Corpus::OpencodeV2Fresh, Corpus::OpencodeV2Upgraded] {
        let (_dir, database) = copy_corpus(corpus_id);
        let store = open(&database);
        let mut compared = 0;
        for (id, expected) in sessions_by_id(corpus_id) {
            let session = session_key(&id);
            let entries = tree(&store, &session).entries;
            let mut messages = expected["messages"].as_array().unwrap().clone();
            for message in &mut messages {
                message.as_object_mut().unwrap().remove("seq");
            }
            messages.retain(|message| message.get("_undecodable").is_none());
            let mut reader = store.open().unwrap();
            let mut rows = api_rows(&mut *reader, &entries);
            // A row that is not JSON appears as a string.
            let cut: Vec<Value> = rows.extract_if(.., |row| row.is_string()).collect();
            assert_eq!(
                cut.len(),
                usize::from(expected["messages"].as_array().unwrap().len() > messages.len())
            );
            assert_eq!(rows, messages, "{corpus_id:?} {id}");
            let native = native_json(&store, &session);
            let mut info = expected["info"].clone();
            if info["cost"] == json!(0.0) {
                info["cost"] = json!(0); // as JavaScript writes this number
            }
            assert_eq!(native["info"], info, "{corpus_id:?} {id}");
            assert_eq!(
                native["messages"],
                Value::from(settled_messages(&messages)),
                "{corpus_id:?} {id}"
            );
            compared += rows.len();
        }
        assert!(compared > 80, "{corpus_id:?}: {compared}");
    }
}

#[test]
fn what_rows_become_can_be_read() {
    let odd = [
        "item msg_2003881fd001MVmYYLaw9V74Jq: unknown item type \"hologram\"; kept as raw JSON",
        "part prt_20038821b001oArIB5k7v00002: unknown part type \"video\"; kept as raw JSON",
        "message msg_2003883ab001YHV5tF5bywS9ku: the JSON ends in the middle of a value",
    ];
    for corpus_id in V2_CORPORA {
        let (_dir, database) = copy_corpus(corpus_id);
        let store = open(&database);
        let mut messages = Vec::new();
        for session in sessions(&store) {
            for entry in tree(&store, &session).entries {
                let issues = match Entity::parse(&entry.key, entry.span.as_ref().unwrap()) {
                    Ok(parsed) => parsed.issues,
                    Err(issue) => vec![*issue],
                };
                let key = entry.key.to_string();
                let (kind, id) = (key.split(' ').next().unwrap(), key.rsplit('/').next().unwrap());
                messages.extend(issues.iter().map(|issue| format!("{kind} {id}: {}", issue.kind)));
            }
        }
        let expected = if corpus_id == Corpus::OpencodePrelaunch { &[] } else { &odd[..] };
        assert_eq!(messages, expected, "{corpus_id:?}");
    }
}

#[test]
fn sessions_report_their_provenance() {
    let (_dir, database) = copy_corpus(Corpus::OpencodeV2Upgraded);
    let store = open(&database);
    let names = oracle(Corpus::OpencodeV2Upgraded)["names"].clone();
    let provenance_of = |name: &str| {
        let entries = tree(&store, &session_key(names[name].as_str().unwrap())).entries;
        let provenance = &entries[0].provenance;
        assert_eq!(provenance.agent(), "opencode");
        let formats = provenance.formats().collect::<Vec<_>>().join(" ");
        let other_formats = provenance.also_in().collect::<Vec<_>>().join(" ");
        let migration = provenance.migration().unwrap_or_default().to_owned();
        (formats, other_formats, migration, provenance.has_complete_totals(), entries.len())
    };
    let expected = |formats: &str, migration: &str, complete, len| {
        (formats.to_owned(), String::new(), migration.to_owned(), complete, len)
    };
    assert_eq!(provenance_of("kitchen"), expected("v2", "", true, 21));
    assert_eq!(provenance_of("empty"), expected("v2", "", true, 1));
    let (late, gone) = (provenance_of("late_v1"), provenance_of("deleted_in_v2"));
    assert_eq!(late, expected("v1", "lateLegacy", true, late.4));
    assert_eq!(gone, expected("v1", "legacyOnly", true, gone.4));
    assert!(late.4 > 1 && gone.4 > 1, "they are shown");
    // The other sessions were migrated and are read only from their new rows.
    let listed = scan(&store, &Scope::Sessions).entries;
    let migrated = listed.iter().filter(|provenance| provenance.provenance.also_in().eq(["v1"]));
    assert!(migrated.clone().all(|provenance| provenance.provenance.formats().eq(["v2"])));
    assert_eq!((listed.len(), migrated.count()), (74, 58));
}
