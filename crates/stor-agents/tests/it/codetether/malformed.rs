//! Malformed input: an issue with the file, the range of bytes and the kind, and everything else.

use std::fs;

use scrollback_core_id::{EntityKey, SessionId, SessionKey};
use scrollback_source_test::calls::tree;
use scrollback_stor_agents::codetether::Codetether;
use serde_json::Value;

use crate::support::settled_store;

const HEAD: &str = r#"{"id":"a","title":"t","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","metadata":{"directory":"/w","shared":false},"agent":"build","messages":["#;
const END: &str = r#"],"pages":[],"tool_uses":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#;

fn text(text: &str) -> String {
    format!(r#"{{"role":"user","content":[{{"type":"text","text":"{text}"}}]}}"#)
}

/// Reads a session with this file and this journal. Returns its texts, the kinds of its items, its title
/// and its issues.
fn read(
    document: &[u8],
    journal: &[u8],
) -> (Vec<String>, Vec<String>, Option<String>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.json"), document).unwrap();
    if !journal.is_empty() {
        fs::write(dir.path().join("a.journal.jsonl"), journal).unwrap();
    }
    let key = SessionKey::from(SessionId::new("a").unwrap());
    let listing = tree(&settled_store(Codetether, dir.path()), &key);
    let (mut texts, mut items, mut title) = (Vec::new(), Vec::new(), None);
    for entry in &listing.entries {
        let value: Value = serde_json::from_slice(entry.span.as_ref().unwrap()).unwrap();
        let field = |name: &str| value[name].as_str().map(String::from);
        match entry.key {
            EntityKey::Session(_) => title = field("title"),
            EntityKey::Part(_) => texts.extend(field("text")),
            EntityKey::Item(_) => items.extend(field("type")),
            _ => {}
        }
    }
    let issues = listing.issues.iter().map(|(_, issue)| issue.to_string()).collect();
    (texts, items, title, issues)
}

/// Reads a session with these messages. The second of them is damaged; the others have texts.
fn read_messages(messages: [&str; 3]) -> (Vec<String>, Vec<String>) {
    let document = format!("{HEAD}{}{END}", messages.join(","));
    let (texts, items, title, issues) = read(document.as_bytes(), b"");
    assert_eq!(title.as_deref(), Some("t"));
    assert_eq!(items, ["usage"]);
    (texts, issues)
}

#[test]
fn a_message_of_a_wrong_shape_is_an_issue_and_the_others_are_there() {
    let (first, last) = (text("first"), text("last"));
    for (damaged, problem) in [
        ("7", "expected an object"),
        ("{}", "expected a message of codetether"),
        (r#"{"role":"user"}"#, "expected a message of codetether"),
        (r#"{"role":1,"content":[]}"#, "expected a message of codetether"),
        (r#"{"role":"user","content":[null]}"#, "expected a message of codetether"),
        (r#"{"role":"robot","content":[]}"#, "unknown role \"robot\"; kept as raw JSON"),
        (
            r#"{"role":"user","content":[{"type":"smell"}]}"#,
            "unknown part \"smell\"; kept as raw JSON",
        ),
        (
            r#"{"role":"user","content":[{"type":"text"}]}"#,
            "unknown part \"text\"; kept as raw JSON",
        ),
        (r#"{"role":"user","content":[{}]}"#, "unknown part \"unknown\"; kept as raw JSON"),
    ] {
        let (texts, issues) = read_messages([&first, damaged, &last]);
        assert_eq!(texts, ["first", "last"], "{damaged}");
        let start = HEAD.len() + first.len() + 1;
        let place = format!("a.json, bytes {start} to {}: ", start + damaged.len());
        assert_eq!(issues, [format!("{place}{problem}")]);
    }
}

#[test]
fn a_document_that_ends_early_has_what_comes_before() {
    let whole = format!("{HEAD}{},{}{END}", text("first"), text("last"));
    let end_of_first = HEAD.len() + text("first").len();
    for len in 0..whole.len() {
        let (texts, _, title, issues) = read(&whole.as_bytes()[..len], b"");
        assert!(!issues.is_empty(), "{len}");
        assert!(issues.iter().all(|issue| issue.starts_with("a.json")), "{issues:?}");
        assert_eq!(!texts.is_empty(), len >= end_of_first, "{len}");
        assert_eq!(title.is_some(), len >= HEAD.find(r#","messages""#).unwrap(), "{len}");
    }
    let (texts, _, _, issues) = read(format!("{whole}}}").as_bytes(), b"");
    assert_eq!(texts, ["first", "last"]);
    let place = format!("a.json, bytes {} to {}: ", whole.len(), whole.len() + 1);
    assert!(issues.len() == 1 && issues[0].starts_with(&place), "{issues:?}");
}

#[test]
fn bytes_that_are_no_text_are_an_issue() {
    let (first, broken, last) = (text("first"), text("broken"), text("last"));
    let whole = format!("{HEAD}{first},{broken},{last}{END}");
    let damage = |at: usize| {
        let mut document = whole.clone().into_bytes();
        document[at] = 0xFF;
        read(&document, b"")
    };
    // In a message: the message is lost, and nothing else.
    let (texts, items, title, issues) = damage(whole.find("broken").unwrap());
    assert_eq!(
        (texts, items),
        (vec!["first".to_owned(), "last".to_owned()], vec!["usage".to_owned()])
    );
    assert_eq!(title.as_deref(), Some("t"));
    let start = HEAD.len() + first.len() + 1;
    let place = format!("a.json, bytes {start} to {}: ", start + broken.len());
    assert!(issues.len() == 1 && issues[0].starts_with(&place), "{issues:?}");
    // Beside the messages: an issue, and all messages are there.
    let at = whole.find("build").unwrap();
    let (texts, _, _, issues) = damage(at);
    assert_eq!(texts, ["first", "broken", "last"]);
    assert!(issues[0].starts_with(&format!("a.json, bytes {at} to ")), "{issues:?}");
    for damaged in [&b""[..], b"\0\0\0\0", b"[]", b"null"] {
        let (texts, _, _, issues) = read(damaged, b"");
        assert!(texts.is_empty() && !issues.is_empty(), "{damaged:?}");
    }
}

#[test]
fn lines_of_the_journal_that_are_glued_or_torn_are_split_or_reported() {
    let document = format!("{HEAD}{}{END}", text("first"));
    let line = r#"{"phase":"committed","txn":0,"at":"2026-01-01T00:00:00Z"}"#;
    let journal =
        format!("{line}{line}\n{{\"phase\":\"sta{line}\n{{\"phase\":7}}\n{line}\n{{\"pha");
    let (texts, items, _, issues) = read(document.as_bytes(), journal.as_bytes());
    assert_eq!(texts, ["first"]);
    assert_eq!(items.iter().filter(|kind| *kind == "journal.committed").count(), 4);
    let torn = 2 * line.len() + 1;
    let shape = torn + 13 + line.len() + 1;
    let last = shape + 11 + 1 + line.len() + 1;
    assert_eq!(issues.len(), 3, "{issues:?}");
    for (issue, (start, end)) in
        issues.iter().zip([(torn, torn + 13), (shape, shape + 11), (last, last + 5)])
    {
        let place = format!("a.journal.jsonl, bytes {start} to {end}: ");
        assert!(issue.starts_with(&place), "{place}: {issue}");
    }
}
