//! Checks the floors of the index against the generator's totals, and checks that they detect
//! changes.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "it changes the store")]

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use scrollback_benches::floor::index::{Depth, FloorIndex, FloorSnapshot, RefreshMode, build};
use scrollback_benches::{Contestant, Size, Store, StoreFormat, check_agreement};
use scrollback_fixtures::synth::{Expected, SessionFacts, Usage};
use serde_json::{Value, json};

fn store() -> Store {
    Store::open(Size::S, StoreFormat::Files, 1).unwrap()
}

fn micros(usage: &Usage) -> i64 {
    i64::try_from(usage.cost_nanos / 1000).unwrap()
}

fn total(usage: &Usage) -> i64 {
    let Usage { input, output, reasoning, cache_read, cache_write, .. } = usage;
    i64::try_from(input + output + reasoning + cache_read + cache_write).unwrap()
}

/// Checks a cost. Each message may add a rounding error.
fn is_close(actual: i64, expected: i64, messages: u64) -> bool {
    actual.abs_diff(expected) <= messages
}

#[test]
fn sums_equal_the_generated_ones() {
    let Store { storage, expected, .. } = store();
    for (depth, parts) in [(Depth::Messages, 0), (Depth::PartNames, expected.counts.parts)] {
        let sums = FloorIndex::new(&storage, depth).run().unwrap().checksum().0;
        let sum = |name| sums.iter().find(|(it, _)| *it == name).unwrap().1;
        assert_eq!(sum("sessions") as u64, expected.counts.sessions);
        assert_eq!(sum("messages") as u64, expected.counts.messages);
        assert_eq!(sum("parts") as u64, parts);
        assert_eq!(sum("tokens"), total(&expected.usage));
        let cost = sum("cost in micro-dollars");
        assert!(is_close(cost, micros(&expected.usage), expected.counts.messages), "{cost}");
    }
}

#[test]
fn sessions_equal_the_generated_ones() {
    let Store { storage, expected, .. } = store();
    let proof = FloorIndex::new(&storage, Depth::PartNames).proof().unwrap();
    let proof = proof.as_array().unwrap();
    let mut newest: Vec<&SessionFacts> = expected.sessions.iter().collect();
    newest.sort_by(|a, b| (b.updated, &a.id).cmp(&(a.updated, &b.id)));
    assert_eq!(proof.len(), newest.len());
    for (actual, wanted) in proof.iter().zip(newest) {
        let session = &actual["session"];
        assert_eq!(session["id"], wanted.id);
        assert_eq!(session["project"], wanted.project_id);
        assert_eq!(session["parent"], json!(wanted.parent_id));
        assert_eq!(session["title"], wanted.title);
        assert_eq!(session["created"], wanted.created);
        assert_eq!(session["updated"], wanted.updated);
        assert_eq!(session["archived"], json!(wanted.archived));
        assert_eq!(actual["messages"], wanted.messages);
        assert_eq!(actual["parts"], wanted.parts);
        let Usage { input, output, reasoning, cache_read, cache_write, .. } = wanted.usage;
        assert_eq!(actual["tokens"], json!([input, output, reasoning, cache_read, cache_write]));
        let cost = actual["costMicros"].as_i64().unwrap();
        assert!(is_close(cost, micros(&wanted.usage), wanted.messages), "{cost}");
    }
    assert_eq!(names(proof, "finishes", &expected), json!(expected.finishes));
    assert_eq!(names(proof, "errors", &expected), json!(expected.errors));
}

/// Counts how often each name of one kind occurs, for the names that the generator reports.
fn names(proof: &[Value], kind: &str, expected: &Expected) -> Value {
    let known = if kind == "errors" { &expected.errors } else { &expected.finishes };
    let count = |name: &String| -> u64 {
        proof.iter().filter_map(|session| session["names"][name].as_u64()).sum()
    };
    known.keys().map(|name| (name.clone(), json!(count(name)))).collect()
}

#[test]
fn messages_are_in_order() {
    let index = build(&store().storage, Depth::PartNames).unwrap();
    let mut any = 0;
    for session in &index.sessions {
        let keys = || session.messages.iter().map(|message| (message.created, message.id));
        assert!(keys().is_sorted(), "{:?}", session.id);
        any += session.messages.iter().filter(|message| message.parts.unwrap().len > 0).count();
    }
    assert!(any > 3_000, "{any}");
}

fn snapshot(storage: &Path, message: &str, warm: RefreshMode) -> FloorSnapshot {
    FloorSnapshot::new(storage, message, warm).unwrap()
}

#[test]
fn a_snapshot_equals_its_index() {
    let store = store();
    let message = store.some_message().unwrap();
    let storage = &store.storage;
    let mut all: Vec<Box<dyn Contestant>> =
        [RefreshMode::Open, RefreshMode::Fast, RefreshMode::Full]
            .map(|warm| Box::new(snapshot(storage, &message, warm)) as Box<dyn Contestant>)
            .into();
    check_agreement(&mut all).unwrap();
    let proof = all[0].proof().unwrap();
    let index = build(storage, Depth::Messages).unwrap();
    let newest = index.facts(&index.sessions[0]);
    let tokens = newest.messages.iter().flat_map(|it| it.tokens.unwrap_or_default());
    let typical = index.sessions.iter().find(|it| it.id.as_str() == store.expected.typical_session);
    let wanted = typical.unwrap().messages.iter().find(|it| it.id.as_str() == message).unwrap();
    assert_eq!(
        proof,
        json!({
            "sessions": index.sessions.len(),
            "messages": store.expected.counts.messages,
            "newest": newest.id,
            "tokens": tokens.sum::<i64>(),
            "created": wanted.created,
            "session": store.expected.typical_session,
        })
    );
    assert!(snapshot(storage, "msg_none", RefreshMode::Open).run().is_err());
}

/// Creates a store of one session with one message, with mtimes in the past.
fn small_store() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let session = dir.path().join("session/p/ses_a.json");
    let message = dir.path().join("message/ses_a/msg_a.json");
    write(&session, r#"{"id":"ses_a","time":{"created":1,"updated":2}}"#);
    write(&message, r#"{"id":"msg_a","role":"user","time":{"created":1}}"#);
    set_old(message.parent().unwrap());
    (dir, session, message)
}

fn set_old(path: &Path) {
    let old = UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    File::open(path).unwrap().set_modified(old).unwrap();
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    set_old(path);
}

#[test]
fn a_changed_store_is_detected() {
    let longer = r#"{"id":"msg_a","role":"user","time":{"created":1},"more":1}"#;
    type Change = fn(&Path, &Path, &Path, &str);
    let changes: [(&str, bool, Change); 5] = [
        ("nothing", false, |_, _, _, _| {}),
        ("a session is rewritten", true, |_, session, _, text| write(session, text)),
        ("a session comes", true, |dir, _, _, text| write(&dir.join("session/q/ses_b.json"), text)),
        ("a session goes", true, |_, session, _, _| fs::remove_file(session).unwrap()),
        ("messages come", true, |dir, _, _, text| write(&dir.join("message/ses_b/m.json"), text)),
    ];
    for (name, is_found, change) in changes {
        for warm in [RefreshMode::Fast, RefreshMode::Full] {
            let (dir, session, message) = small_store();
            let mut floor = snapshot(dir.path(), "msg_a", warm);
            change(dir.path(), &session, &message, longer);
            assert_eq!(floor.run().is_err(), is_found, "{name}, {warm:?}");
        }
    }
    // A rewrite in place does not change the directory.
    for (warm, is_found) in
        [(RefreshMode::Open, false), (RefreshMode::Fast, false), (RefreshMode::Full, true)]
    {
        let (dir, _, message) = small_store();
        let mut floor = snapshot(dir.path(), "msg_a", warm);
        write(&message, longer);
        assert_eq!(floor.run().is_err(), is_found, "{warm:?}");
    }
}
