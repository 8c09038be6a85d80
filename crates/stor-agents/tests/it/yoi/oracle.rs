//! The program's own operations return what the program itself returned (`oracle.json`).

use std::fs;

use scrollback_stor_agents::Version;
use scrollback_stor_agents::yoi::program::{FsStore, MetadataStore, RestoredState, StoreError};
use serde_json::{Value, json};

use super::sessions;
use crate::support::fixture;

const VERSIONS: [(&str, Version); 2] = [("seed", Version::Seed), ("head", Version::Head)];
const MISSING: &str = "00000000-0000-0000-0000-000000000000";

fn oracle(version: &str) -> Value {
    let path = fixture("yoi").join(version).join("oracle.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn outcome<T: Into<Value>>(result: Result<T, StoreError>) -> Value {
    result.map_or_else(|error| json!({"error": error.to_string()}), Into::into)
}

fn restored(result: Result<RestoredState, StoreError>, version: Version) -> Value {
    outcome(result.map(|state| {
        let mut value = serde_json::to_value(state).unwrap();
        if version == Version::Head {
            value.as_object_mut().unwrap().remove("pod_scope");
        }
        value
    }))
}

#[test]
fn sessions_and_segments_are_those_of_the_program() {
    for (name, version) in VERSIONS {
        let expected = oracle(name);
        let store = FsStore::new(&sessions(name), version);
        assert_eq!(json!(store.list_sessions().unwrap()), expected["list_sessions"]);
        let mut count = 0;
        for (session, expected) in expected["sessions"].as_object().unwrap() {
            assert_eq!(json!(store.list_segments(session).unwrap()), expected["list_segments"]);
            let tree = store.segment_tree(session).unwrap();
            for (node, listed) in
                tree.into_iter().zip(expected["list_segments"].as_array().unwrap())
            {
                assert_eq!(node.segment_id, listed.as_str().unwrap());
                let expected = &expected["segments"][&node.segment_id]["lineage"];
                assert_eq!(outcome(node.lineage), *expected);
            }
            for (segment, expected) in expected["segments"].as_object().unwrap() {
                count += 1;
                let actual = json!({
                    "lineage": outcome(store.lineage(session, segment)),
                    "lookup_session_of": store.lookup_session_of(segment).unwrap(),
                    "read_entry_count": outcome(store.read_entry_count(session, segment)),
                    "restore": restored(store.restore(session, segment), version),
                });
                assert_eq!(actual, *expected, "{name}: {segment}");
                let by_segment = restored(store.restore_by_segment(segment), version);
                assert_eq!(by_segment, expected["restore"]);
                assert!(store.exists(session, segment).unwrap());
            }
        }
        assert_eq!(count, 20);
        let read = store.read_all(MISSING, MISSING).map(|_| Value::Null);
        let missing = json!({
            "exists": store.exists(MISSING, MISSING).unwrap(),
            "list_segments": store.list_segments(MISSING).unwrap(),
            "lookup_session_of": store.lookup_session_of(MISSING).unwrap(),
            "read_all": outcome(read),
            "restore_by_segment": restored(store.restore_by_segment(MISSING), version),
        });
        assert_eq!(missing, expected["missing"]);
    }
}

#[test]
fn metadata_are_those_of_the_program() {
    let places =
        [("pods", sessions("seed").join("pods")), ("workers", fixture("yoi/head/root/workers"))];
    for ((name, version), (kind, root)) in VERSIONS.into_iter().zip(places) {
        let expected = &oracle(name)[kind];
        let store = MetadataStore::new(&root, version);
        assert_eq!(json!(store.list_names().unwrap()), expected["list_names"]);
        for (name, expected) in expected["read_by_name"].as_object().unwrap() {
            assert_eq!(outcome(store.read_by_name(name)), *expected, "{name}");
        }
    }
}

#[test]
fn a_store_of_a_worker_has_one_session() {
    let store = FsStore::of_worker(&fixture("yoi/head/root/aggregate")).unwrap();
    let expected = oracle("head");
    let expected = expected["aggregate"].as_array().unwrap();
    let session = expected[0]["session"].as_str().unwrap();
    assert_eq!(store.list_sessions().unwrap(), [session]);
    let segments = store.list_segments(session).unwrap();
    assert_eq!(segments.len(), expected.len());
    for (segment, expected) in segments.iter().zip(expected) {
        assert_eq!(*segment, expected["segment"].as_str().unwrap());
        assert_eq!(restored(store.restore(session, segment), Version::Head), expected["restore"]);
    }
}

#[test]
fn traces_are_read_as_they_stand() {
    let store = FsStore::new(&sessions("seed"), Version::Seed);
    let session = "01a1fb77-eb56-7382-8d45-b2e79f7211da";
    let records = store.read_trace(session, "01a1fb77-eb57-727f-b82b-d84049f4a850").unwrap();
    assert_eq!(records.len(), 10);
    assert_eq!(records[9]["data"], json!({"status": 200}));
    assert!(store.read_trace(session, MISSING).unwrap().is_empty());
}
