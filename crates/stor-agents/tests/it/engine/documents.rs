//! Documents, and logs whose ids count messages.

use std::fs;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, SessionId, SessionKey};
use scrollback_source::Source;
use scrollback_source_test::calls::tree;
use scrollback_source_test::{Content, Expectations};

use super::papers::Papers;
use crate::support::settled_store;

mod conformance {
    scrollback_source_test::conformance_tests!(super::on_all);
}

const DOCUMENT: &str = r#"{
  "title": "a document", "messages": [
    {"user": "question"}, {"call": "c1", "tool": "ls"}, {"event": "x"},
    {"result": "out", "of": "c1"}, {"model": "done"}
  ], "other": [1, {"user": "not a record"}],
  "prompts": [{"event": "prompt"}]
}
"#;

fn on_all(check: impl Fn(&dyn Source, &Expectations)) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.jsonl"), DOCUMENT).unwrap();
    let log = "{\"title\":\"t\"}\n{\"user\":\"q\"}\n{\"call\":\"c\",\"tool\":\"ls\"}\n{\"event\":\"x\"}\n";
    fs::write(dir.path().join("b.jsonl"), log).unwrap();
    let store = settled_store(Papers, dir.path());
    let expected = Expectations::everything().without(Content::Projects).without(Content::Orphans);
    check(&store, &expected);
}

/// Returns the ids of the messages and items of a file, and the issues.
fn read(content: &[u8]) -> (Vec<String>, Vec<Issue>) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.jsonl"), content).unwrap();
    let session = SessionKey::from(SessionId::new("a").unwrap());
    let listing = tree(&settled_store(Papers, dir.path()), &session);
    let id = |key: &EntityKey| match key {
        EntityKey::Message(key) => Some(key.message.to_string()),
        EntityKey::Item(key) => Some(key.item.to_string()),
        _ => None,
    };
    let ids = listing.entries.iter().filter_map(|entry| id(&entry.key)).collect();
    (ids, listing.issues.into_iter().map(|(_, issue)| issue).collect())
}

#[test]
fn the_arrays_of_a_document_are_read_in_their_own_order() {
    let (ids, issues) = read(DOCUMENT.as_bytes());
    assert_eq!(issues, []);
    // The prompt comes first, because its array is the first one of the dialect.
    let expected =
        ["000000000000", "a:000000000000", "a:000000000001", "000000000001", "a:000000000002"];
    assert_eq!(ids, expected);
}

#[test]
fn ids_stay_when_a_log_is_rewritten() {
    let log = "{\"user\":\"q\"}\n{\"model\":\"a\"}\n";
    let rewritten = format!("{{\"title\":\"a longer first line\"}}\n{log}{{\"user\":\"next\"}}\n");
    let (before, after) = (read(log.as_bytes()).0, read(rewritten.as_bytes()).0);
    assert_eq!(before, after[..2]);
    let document = format!("{{\"messages\":[{}]}}", log.trim_end().replace('\n', ","));
    assert_eq!(read(document.as_bytes()).0, before);
}

#[test]
fn the_elements_before_a_damaged_one_are_read() {
    for cut in 1..DOCUMENT.trim_end().len() {
        let (ids, issues) = read(&DOCUMENT.as_bytes()[..cut]);
        assert_eq!(issues.len(), 1, "{cut}");
        assert!(ids.len() <= 5);
        if cut > DOCUMENT.find("\"other\"").unwrap() {
            assert!(ids.len() >= 4, "{cut}: {ids:?}");
        }
    }
    let damaged = DOCUMENT.replace("\"c1\"}, {\"model\"", "c1}, {\"model\"");
    let (ids, issues) = read(damaged.as_bytes());
    assert_eq!(ids.len(), 3, "{ids:?}");
    let at = damaged.find("c1}").unwrap() as u64;
    assert!(matches!(issues[0].kind, IssueKind::BadJson { .. }));
    assert_eq!(issues[0].place.offset, Some(at));
    assert_eq!(at + u64::from(issues[0].place.len.unwrap()), damaged.len() as u64);
}

#[test]
fn an_element_that_is_not_a_record_is_an_issue() {
    let text = br#"{"messages": [{"user": "a"}, 7, {"x": 1}, {"user": "b"}]}"#;
    let (ids, issues) = read(text);
    assert_eq!(ids.len(), 2);
    let ranges = issues.iter().map(|it| (it.place.offset.unwrap(), it.place.len.unwrap()));
    let texts = ranges.map(|(at, len)| &text[at as usize..][..len as usize]);
    assert!(texts.eq([&b"7"[..], b"{\"x\": 1}"]));
}

#[test]
fn text_after_a_document_is_an_issue() {
    let (ids, issues) = read(b"{\"messages\": [{\"user\": \"a\"}]}\n{\"user\": \"b\"}\n");
    assert_eq!((ids.len(), issues.len()), (1, 1));
}
