//! Every record of every file of the corpus is in the reading: a session, a message, a part, an item
//! or an issue.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scrollback_core_id::{EntityKey, SessionId, SessionKey};
use scrollback_source::{Entry, Listing, SourceExt};
use scrollback_source_test::calls::tree;
use scrollback_stor_agents::claw::Claw;
use scrollback_stor_agents::engine::AgentSource;
use serde_json::Value;

use super::{STORES, corpus, paths_below};
use crate::support::settled_store;

fn store(name: &str) -> AgentSource<Claw> {
    settled_store(Claw, &corpus().join(name))
}

/// Returns the files of a store, relative to it.
fn files(root: &Path) -> BTreeSet<PathBuf> {
    let files = paths_below(root).into_iter().filter(|path| path.is_file());
    files.map(|path| path.strip_prefix(root).unwrap().to_owned()).collect()
}

/// Returns the id of the session in a file, after the rule of the names.
fn session(file: &Path) -> SessionKey {
    let name = file.to_str().unwrap();
    SessionId::new(name.strip_suffix(".jsonl").unwrap_or(name)).unwrap().into()
}

fn value(entry: &Entry) -> Value {
    serde_json::from_slice(entry.span.as_ref().unwrap()).unwrap()
}

/// Returns where the records begin that the tree of a session was made from, and its issues.
fn found(store: &AgentSource<Claw>, file: &Path, listing: &Listing) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for entry in &listing.entries {
        if !matches!(entry.key, EntityKey::Session(_)) {
            for original in store.originals(&entry.key).unwrap() {
                assert_eq!(original.path, file);
                found.insert(original.range.start);
            }
        }
    }
    for (_, issue) in &listing.issues {
        assert_eq!(issue.place.path.as_deref(), Some(file));
        found.extend(issue.place.offset);
    }
    found
}

/// Checks that all lines of a log are found. Returns their number.
fn check_log(file: &Path, text: &str, found: &BTreeSet<u64>, record: &Value) -> usize {
    let (mut offset, mut count) = (0, 0);
    for line in text.split_inclusive('\n') {
        let is_head = offset == 0 && line.contains("session_meta") && !found.contains(&0);
        if is_head {
            let meta: Value = serde_json::from_str(line).unwrap_or(Value::Null);
            let is_strict = !meta.is_null();
            assert!(!is_strict || record["metadata"]["sessionMeta"] == meta, "{}", file.display());
        } else if !line.trim().is_empty() {
            assert!(found.contains(&offset), "{}: {line}", file.display());
        }
        offset += line.len() as u64;
        count += usize::from(!line.trim().is_empty());
    }
    count
}

/// Checks that all elements of a document are found. Returns their number.
fn check_document(file: &Path, document: &Value, found: &BTreeSet<u64>, record: &Value) -> usize {
    let count = |name: &str| document[name].as_array().map_or(0, Vec::len);
    let elements = count("messages") + count("prompt_history");
    assert_eq!(found.len(), elements, "{}", file.display());
    if document["version"].is_number() {
        let meta = &record["metadata"]["sessionMeta"];
        let fields = document.as_object().unwrap().iter();
        for (name, value) in fields.filter(|(_, value)| !value.is_array()) {
            assert_eq!(meta[name], *value, "{}", file.display());
        }
    }
    elements
}

#[test]
fn every_record_is_found() {
    let (mut logs, mut lines, mut documents, mut elements, mut left_out) = (0, 0, 0, 0, Vec::new());
    for name in STORES {
        let store = store(name);
        for file in files(&corpus().join(name)) {
            let text = fs::read_to_string(corpus().join(name).join(&file)).unwrap();
            if file.to_str().unwrap().contains(".tmp-") {
                left_out.push(text);
                continue;
            }
            let listing = tree(&store, &session(&file));
            let record = value(&listing.entries[0]);
            let found = found(&store, &file, &listing);
            match serde_json::from_str::<Value>(&text) {
                Ok(document) if document.get("messages").is_some() => {
                    documents += 1;
                    elements += check_document(&file, &document, &found, &record);
                }
                _ => {
                    logs += 1;
                    lines += check_log(&file, &text, &found, &record);
                }
            }
        }
    }
    assert_eq!(left_out, ["{\"partial\":"; 2], "a temporary file is a save that did not end");
    assert_eq!((logs, documents), (70, 12));
    assert_eq!((lines, elements), (447, 20));
}

/// Collects the texts of a record, by the names of their fields.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("text" | "thinking" | "summary" | "output", Value::String(text)) => {
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
    for name in STORES {
        let store = store(name);
        for file in files(&corpus().join(name)) {
            let text = fs::read_to_string(corpus().join(name).join(&file)).unwrap();
            let listing = tree(&store, &session(&file));
            let all: Vec<Value> = listing.entries.iter().map(value).collect();
            let all = serde_json::to_string(&all).unwrap();
            for record in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
                let mut expected = Vec::new();
                texts(&record, &mut expected);
                for text in expected {
                    let json = serde_json::to_string(&text).unwrap();
                    assert!(all.contains(&json), "{}: {text:?}", file.display());
                }
            }
        }
    }
}

#[test]
fn each_file_is_a_session() {
    for name in STORES {
        let listed = store(name).list_sessions().unwrap();
        let expected: BTreeSet<SessionKey> = files(&corpus().join(name))
            .into_iter()
            .filter(|file| !file.to_str().unwrap().contains(".tmp-"))
            .map(|file| session(&file))
            .collect();
        let found: BTreeSet<_> = listed.entries.iter().map(|entry| entry.key.clone()).collect();
        assert_eq!(found, expected.into_iter().map(EntityKey::Session).collect(), "{name}");
    }
}

#[test]
fn damaged_records_are_issues_and_the_others_are_read() {
    let store = store("head/root/malformed");
    let mut issues = Vec::new();
    for file in files(&corpus().join("head/root/malformed")) {
        let listing = tree(&store, &session(&file));
        issues.extend(listing.issues.iter().map(|(_, issue)| issue.to_string()));
    }
    assert_eq!(
        issues,
        [
            "bad-prompt-history.jsonl, bytes 135 to 175: expected a text and a time",
            "bom.jsonl, bytes 0 to 3: expected an object",
            "leading-zero-plus-big.jsonl: expected a session of claw",
            "leading-zero-plus-big.jsonl, bytes 0 to 124: this is not JSON: expected a comma or the end of the object",
            "legacy-no-version.json: expected a session of claw",
            "missing-type.jsonl, bytes 135 to 142: expected a record of claw",
            "torn-last-line.jsonl, bytes 219 to 235: the JSON ends in the middle of a value",
            "trailing-comma-dup-keys.jsonl, bytes 135 to 239: this is not JSON: expected a key",
            "unknown-block.jsonl, bytes 135 to 221: unknown block \"image\"; kept as raw JSON",
            "unknown-role.jsonl, bytes 135 to 196: unknown role \"developer\"; kept as raw JSON",
            "unknown-type.jsonl, bytes 135 to 161: unknown record \"heartbeat\"; kept as raw JSON",
        ]
    );
}

/// Returns the values of a session's tree.
fn values(store_name: &str, file: &str) -> Vec<Value> {
    let listing = tree(&store(store_name), &session(Path::new(file)));
    assert_eq!(listing.issues.len(), 0);
    listing.entries.iter().map(value).collect()
}

const ALPHA: &str = "head/root/ws-alpha/.claw/sessions";

#[test]
fn a_session_has_its_head_its_prompts_and_its_calls_with_their_results() {
    let values = values(ALPHA, "b032f960a71ab618/session-1795220065798-0.jsonl");
    assert_eq!(values[0]["agentID"], "session-1795220065798-0");
    assert_eq!(values[0]["directory"], "/tmp/claw-head-main/ws-alpha");
    assert_eq!(values[0]["model"]["id"], "claude-opus-4-6");
    assert_eq!(values[0]["time"]["created"], 1_795_220_065_797_i64);
    let of_type = |kind: &str| values.iter().filter(|it| it["type"] == kind).collect::<Vec<_>>();
    let prompt = of_type("prompt_history");
    assert_eq!((prompt.len(), &prompt[0]["text"]), (1, &"fix the bug in src/main.rs".into()));
    let reasoning = of_type("reasoning");
    assert_eq!(reasoning[0]["text"], "need to look at main");
    assert_eq!(reasoning[0]["metadata"]["signature"], "c2lnbmVk");
    let calls = of_type("tool");
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0]["state"]["status"], "completed");
    assert_eq!(calls[0]["state"]["input"]["path"], "src/main.rs");
    assert_eq!(calls[1]["state"]["status"], "error");
    assert_eq!(calls[1]["state"]["error"], "invalid input");
    assert_eq!(calls[1]["state"]["input"]["text"], "not json at all");
    let answer = values.iter().find(|it| it["tokens"].is_object()).unwrap();
    assert_eq!(answer["tokens"]["input"], 1200);
    assert_eq!(answer["tokens"]["cache"]["read"], 900);
    assert_eq!(answer["tokens"]["cache"]["write"], 5);
}

#[test]
fn a_fork_names_its_parent_and_a_compaction_has_its_summary() {
    let fork = values(ALPHA, "b032f960a71ab618/session-1795220065876-4.jsonl");
    let parent = "b032f960a71ab618/session-1795220065798-0";
    assert_eq!(fork[0]["fork"]["sessionID"], parent);
    assert_eq!(fork[0]["metadata"]["sessionMeta"]["fork"]["branch_name"], "incident-review");
    let compacted = values(ALPHA, "b032f960a71ab618/session-1795220065925-8.jsonl");
    let boundary = compacted.iter().find(|it| it["type"] == "compaction" && it["count"] == 1);
    assert_eq!(boundary.unwrap()["removedMessageCount"], 20);
    let summary = compacted.iter().position(|it| it["summary"] == true).unwrap();
    assert!(compacted[summary + 1]["text"].as_str().unwrap().starts_with("<summary>"));
    let preamble = compacted.iter().find(|it| it["type"] == "system").unwrap();
    assert_eq!(preamble["role"], "user");
}

#[test]
fn a_rotation_is_a_copy_and_a_session_that_was_cleared_is_not() {
    let name = "seed/root/ws-alpha/.claw/sessions";
    let store = store(name);
    let is_copy = |file: &str| -> Vec<bool> {
        let key = session(Path::new(file));
        let messages = store.list_messages(&key).unwrap().entries;
        let mut marks: Vec<_> = messages.iter().map(|entry| entry.is_copy).collect();
        marks.dedup();
        marks
    };
    let rotation = "8d09d5bbd9c78a87/session-1795220061312-11.rot-1795220061474.jsonl";
    assert_eq!(is_copy(rotation), [true]);
    assert_eq!(is_copy("8d09d5bbd9c78a87/session-1795220061312-11.jsonl"), [false]);
    let copy = &values(name, rotation)[0]["metadata"];
    assert_eq!(copy["olderCopyOf"], "8d09d5bbd9c78a87/session-1795220061312-11");
    assert_eq!(
        (&copy["reason"], &copy["copied"]),
        (&"rotation".into(), &1_795_220_061_474_i64.into())
    );
    let cleared = "8d09d5bbd9c78a87/session-1795220061157-2.jsonl.before-clear-1779000000000.bak";
    assert_eq!(is_copy(cleared), [false]);
    let copy = &values(name, cleared)[0]["metadata"];
    assert_eq!(copy["olderCopyOf"], "8d09d5bbd9c78a87/session-1795220061157-2");
    assert_eq!(copy["reason"], "clear");
}

#[test]
fn damaged_messages_keep_what_they_have() {
    let dir = tempfile::tempdir().unwrap();
    let lines = [
        r#"{"created_at_ms":1,"session_id":"s","type":"session_meta","updated_at_ms":2,"version":1}"#,
        r#" {"type":"message", "message" : {"role":"user","blocks":[ 7 , {"type":"text","text":"a"} ]}}"#,
        r#"{"type":"message","message":{"role":"user","blocks":{}}}"#,
        r#"{"type":"message","message":[]}"#,
        r#"{"type":"message"}"#,
        r#"{"type":"message","message":{"role":"user"}}{"type":"message","message":{"role":"user","blocks":[{"type":"text","text":"b"}]}}"#,
        r#"{"type":"message","message":{"role":"assistant","blocks":[{"type":"text","text":"c"}],"usage":{"input_tokens":1}}}"#,
        r#"{"type":"mess{"type":"message","message":{"role":"user","blocks":[{"type":"text","text":"d"}]}}"#,
        r#"{"type":"compaction","count":1}"#,
        r#"{"type":"message","message":{"role":"assistant","blocks":[{"type":"text"}],"incomplete":true,"incomplete_reason":"max_tokens"}}"#,
        "[]",
        "\0\0",
    ];
    fs::write(dir.path().join("s.jsonl"), lines.join("\n")).unwrap();
    let store = settled_store(Claw, dir.path());
    let listing = tree(&store, &session(Path::new("s.jsonl")));
    let values: Vec<Value> = listing.entries.iter().map(value).collect();
    let of_type = |kind: &str| values.iter().filter(|it| it["type"] == kind).collect::<Vec<_>>();
    let texts: Vec<_> =
        of_type("text").iter().map(|it| it["text"].as_str().unwrap_or("?")).collect();
    assert_eq!(texts, ["a", "b", "c", "d", "?"]);
    assert_eq!(of_type("unknown")[0]["original"], 7);
    assert_eq!(values.iter().filter(|it| it["finish"] == "max_tokens").count(), 1);
    let mut starts = vec![0];
    for line in lines {
        starts.push(starts.last().unwrap() + line.len() as u64 + 1);
    }
    let line_of = |offset: u64| starts.partition_point(|start| *start <= offset) - 1;
    let issues: Vec<_> = listing.issues.iter().map(|(_, it)| &it.place).collect();
    let lines: Vec<_> = issues.iter().map(|place| line_of(place.offset.unwrap())).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert!(issues.iter().all(|place| place.len.is_some()));
}

#[cfg(unix)]
#[test]
fn a_name_that_cannot_be_an_id_is_an_issue() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a\nb.jsonl"), "").unwrap();
    fs::write(dir.path().join("a.jsonl"), "").unwrap();
    let listing = settled_store(Claw, dir.path()).list_sessions().unwrap();
    assert_eq!((listing.entries.len(), listing.issues.len()), (1, 1));
    assert!(listing.issues[0].1.to_string().contains("not a valid id"));
}
