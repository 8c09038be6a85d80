//! Damaged logs, single messages, originals, and the cost of a resume.

use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, Scope, SessionId, SessionKey, UnixNanos};
use scrollback_source::{Probe, ScanItem, Source, SourceChange, SourceExt};
use scrollback_source_test::calls::{StoppedClock, scan, spans, tree};

use scrollback_stor_mmap::{MapPolicy, ReadOptions};

use super::notes::Notes;
use crate::support::{settled_store, store_at};

fn session() -> SessionKey {
    SessionId::new("a").unwrap().into()
}

/// Returns the texts of all parts, and the issues, of a log.
fn read(log: &[u8]) -> (Vec<String>, Vec<Issue>) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.jsonl"), log).unwrap();
    let listing = tree(&settled_store(Notes, dir.path()), &session());
    let texts = listing.entries.iter().filter(|entry| matches!(entry.key, EntityKey::Part(_)));
    let text = |bytes: &[u8]| {
        serde_json::from_slice::<serde_json::Value>(bytes).unwrap()["text"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let texts = texts.map(|entry| text(entry.span.as_ref().unwrap())).collect();
    (texts, listing.issues.into_iter().map(|(_, issue)| issue).collect())
}

/// Returns the byte range of an issue.
fn range(issue: &Issue) -> (u64, u64) {
    let offset = issue.place.offset.unwrap();
    (offset, offset + u64::from(issue.place.len.unwrap()))
}

#[test]
fn a_damaged_line_takes_nothing_else_with_it() {
    let (texts, issues) = read(b"{\"user\":\"a\"}\n{\"user\": nonsense}\n\xff\xfe\n\n\0\0\0\n[1]\n{\"x\":1}\n{\"user\":\"b\"}\n");
    assert_eq!(texts, ["a", "b"]);
    let kinds: Vec<_> = issues.iter().map(|issue| issue.kind.clone()).collect();
    assert!(matches!(kinds[0], IssueKind::BadJson { .. }), "{kinds:?}");
    assert_eq!(kinds[1..3], [IssueKind::NotUtf8, IssueKind::NulFilled]);
    assert!(kinds[3..].iter().all(|kind| matches!(kind, IssueKind::WrongShape { .. })));
    assert_eq!(kinds.len(), 5);
    assert_eq!(range(&issues[0]), (13, 31));
    assert_eq!(issues[0].place.path.as_deref(), Some("a.jsonl".as_ref()));
}

#[test]
fn glued_lines_are_split() {
    let (texts, issues) =
        read(b"{\"user\":\"a\"}{\"user\":\"b\"} {\"user\":\"c\"}\n{\"user\":\"d\"}\n");
    assert_eq!((texts.concat(), issues), ("abcd".to_owned(), Vec::new()));
}

#[test]
fn a_record_behind_a_torn_one_is_read() {
    let (texts, issues) =
        read(b"{\"user\":\"a\"}\n{\"user\":\"to{\"user\":\"b\"}\n{\"user\":\"c\"}\n");
    assert_eq!(texts, ["a", "b", "c"]);
    assert_eq!(issues.len(), 1);
    assert_eq!(range(&issues[0]), (13, 24));
}

#[test]
fn an_object_inside_a_torn_record_is_not_a_record() {
    let (texts, issues) =
        read(b"{\"user\":\"a\"}\n{\"event\":{\"b\":{\"c\":1}\n{\"user\":\"c\"}\n");
    assert_eq!(texts, ["a", "c"]);
    assert_eq!(issues.len(), 1);
    assert_eq!(range(&issues[0]), (13, 34));
}

#[test]
fn a_torn_end_is_an_issue_once_it_is_old() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.jsonl"), "{\"user\":\"a\"}\n{\"user\":\"b").unwrap();
    let old = scan(&settled_store(Notes, dir.path()), &Scope::Messages(session()));
    assert_eq!((old.entries.len(), old.issues.len()), (1, 1));
    assert_eq!(old.issues[0].1.kind, IssueKind::Truncated);
    let young = store_at(Notes, dir.path(), Arc::new(StoppedClock(UnixNanos(0))));
    let young = scan(&young, &Scope::Messages(session()));
    assert_eq!((young.entries.len(), young.issues.len()), (1, 0));
    assert!(old.set.unwrap().settled != young.set.unwrap().settled, "it is read again later");
}

#[test]
fn an_end_without_a_line_feed_is_a_record_once_it_is_old() {
    let (texts, issues) = read(b"{\"user\":\"a\"}\n{\"user\":\"b\"}");
    assert_eq!((texts.concat(), issues), ("ab".to_owned(), Vec::new()));
}

#[test]
fn originals_have_their_file_and_range() {
    let dir = tempfile::tempdir().unwrap();
    let log = "{\"user\":\"q\"}\n{\"call\":\"c\",\"tool\":\"ls\"}\n{\"event\":\"x\"}\n{\"result\":\"r\",\"of\":\"c\"}\n";
    fs::write(dir.path().join("a.jsonl"), log).unwrap();
    let store = settled_store(Notes, dir.path());
    let listing = tree(&store, &session());
    let mut part = listing.entries.iter().filter(|entry| matches!(entry.key, EntityKey::Part(_)));
    let originals = store.originals(&part.next_back().unwrap().key).unwrap();
    let texts: Vec<&[u8]> = originals.iter().map(|original| &*original.bytes).collect();
    assert_eq!(
        texts,
        [&b"{\"call\":\"c\",\"tool\":\"ls\"}"[..], b"{\"result\":\"r\",\"of\":\"c\"}"]
    );
    for original in originals {
        let range = original.range.start as usize..original.range.end as usize;
        assert_eq!(original.bytes, log.as_bytes()[range]);
        assert_eq!(original.path, std::path::Path::new("a.jsonl"));
    }
}

#[test]
fn no_id_leads_out_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("store")).unwrap();
    fs::write(dir.path().join("out.jsonl"), "{\"user\":\"secret\"}\n").unwrap();
    let store = settled_store(Notes, &dir.path().join("store"));
    for id in ["../out", "/out", "..", "a/../../out", "./../out"] {
        let key = SessionKey::from(SessionId::new(id).unwrap());
        assert!(store.read_session(&key).is_err(), "{id}");
        assert!(tree(&store, &key).entries.is_empty(), "{id}");
    }
}

#[test]
fn a_message_of_a_large_log_is_read_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = String::new();
    for number in 0..3000 {
        log.push_str(&format!(
            "{{\"user\":\"{number}\"}}\n{{\"call\":\"c{number}\",\"tool\":\"ls\"}}\n"
        ));
        log.push_str(&format!("{{\"result\":\"{}\",\"of\":\"c{number}\"}}\n", "x".repeat(number)));
    }
    fs::write(dir.path().join("a.jsonl"), log).unwrap();
    let store = settled_store(Notes, dir.path());
    let all = tree(&store, &session()).entries;
    for entry in all.iter().skip(1).step_by(997) {
        // Each call opens its own read transaction, so nothing is cached.
        let single = spans(&store, std::slice::from_ref(&entry.key)).entries.remove(0);
        assert_eq!(
            **single.span.as_ref().unwrap(),
            **entry.span.as_ref().unwrap(),
            "{}",
            entry.key
        );
    }
}

#[test]
fn a_resume_passes_the_open_messages_and_what_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let mut log =
        "{\"title\":\"t\"}\n{\"user\":\"q\"}\n{\"call\":\"c\",\"tool\":\"ls\"}\n".repeat(50);
    fs::write(&path, &log).unwrap();
    let store = settled_store(Notes, dir.path());
    let token = scan(&store, &Scope::Messages(session())).set.unwrap().resume.unwrap();
    log.push_str("{\"result\":\"r\",\"of\":\"c\"}\n{\"user\":\"new\"}\n");
    fs::write(&path, &log).unwrap();
    let mut messages = Vec::new();
    let resumed = store.open().unwrap().resume(&session(), &token, &mut |item| {
        if let ScanItem::Entry(entry) = item
            && let EntityKey::Message(_) = entry.key
        {
            messages.push(entry.key);
        }
        ControlFlow::Continue(())
    });
    assert!(matches!(resumed.unwrap().probe, Probe::Changed(_)));
    let all = scan(&store, &Scope::Messages(session())).entries;
    let last: Vec<_> = all[all.len() - 2..].iter().map(|entry| entry.key.clone()).collect();
    assert_eq!(messages, last);
}

#[test]
fn a_record_without_a_line_feed_that_is_cut_off_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    for then in ["", "{\"user\":\"another, longer one\"}\n"] {
        fs::write(&path, "{\"user\":\"b\"}").unwrap();
        let store = settled_store(Notes, dir.path());
        let token = scan(&store, &Scope::Messages(session())).set.unwrap().resume.unwrap();
        fs::write(&path, then).unwrap();
        let go_on = &mut |_| ControlFlow::Continue(());
        let resumed = store.open().unwrap().resume(&session(), &token, go_on).unwrap();
        assert_eq!(resumed.probe, Probe::Rescan, "{then}");
    }
}

#[test]
fn a_log_over_the_size_limit_is_mapped_or_an_issue() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.jsonl"), "{\"user\":\"words\"}\n".repeat(30_000)).unwrap();
    let options = ReadOptions { max_len: 1000, ..ReadOptions::default() };
    let read = |map| {
        let store = settled_store(Notes, dir.path()).with_options(options, map);
        scan(&store, &Scope::Messages(session()))
    };
    let mapped = read(MapPolicy::default());
    assert_eq!((mapped.entries.len(), mapped.issues.len()), (30_000, 0));
    let refused = read(MapPolicy::never());
    assert_eq!(refused.entries.len(), 0);
    assert!(matches!(refused.issues[0].1.kind, IssueKind::TooLarge { .. }));
}

#[test]
fn a_call_without_a_result_does_not_keep_the_log_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    // One call is never answered, and no prompt follows: the model goes on by itself.
    let mut log = "{\"user\":\"q\"}\n{\"call\":\"lost\",\"tool\":\"ls\"}\n".to_owned();
    for number in 0..5000 {
        log.push_str(&format!("{{\"call\":\"c{number}\",\"tool\":\"ls\"}}\n"));
        log.push_str(&format!("{{\"result\":\"r\",\"of\":\"c{number}\"}}\n"));
    }
    fs::write(&path, &log).unwrap();
    let store = settled_store(Notes, dir.path());
    let token = scan(&store, &Scope::Messages(session())).set.unwrap().resume.unwrap();
    log.push_str("{\"user\":\"new\"}\n");
    fs::write(&path, &log).unwrap();
    let mut from = 0;
    let resumed =
        store.open().unwrap().resume(&session(), &token, &mut |_| ControlFlow::Continue(()));
    if let Probe::Changed(changes) = resumed.unwrap().probe
        && let Some(SourceChange::Appended { offset, .. }) = changes.first()
    {
        from = *offset;
    }
    assert!(log.len() as u64 - from < 1000, "{from} of {}", log.len());
}

#[test]
fn a_damaged_end_is_read_again_with_what_follows_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    // The inner object looks like a record behind a torn one, until more bytes follow.
    fs::write(&path, "{\"user\":\"a\"}\n{\"x\":[{\"user\":\"b\"}").unwrap();
    let store = settled_store(Notes, dir.path());
    let set = scan(&store, &Scope::Messages(session())).set.unwrap();
    assert!(set.resume.is_none());
}
