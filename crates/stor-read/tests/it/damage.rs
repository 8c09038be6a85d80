//! Damaged trees: each damage is one issue with its place, and every intact record is read.

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, PartKey, Scope, UnixNanos};
use scrollback_fixtures::write_tree;
use scrollback_source::{Error, Source, SourceExt};
use scrollback_stor_mmap::ReadOptions;

use crate::calls::{key_names, orphans, scan, session_key, spans, tree};
use crate::support::{issues_with_paths, open, open_at, store_from_text};

const INTACT_STORE: &str = r#"
    //- session/p/ses_1.json
    {"id":"ses_1","time":{"created":1,"updated":1}}
    //- message/ses_1/msg_1.json
    {"id":"msg_1","role":"user","time":{"created":1}}
    //- part/msg_1/prt_1.json
    {"id":"prt_1","type":"text"}
"#;

#[test]
fn a_missing_store_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("storage"));
    let error = store.list_sessions().unwrap_err();
    assert!(matches!(error, Error::Store { .. }));
    assert!(error.to_string().contains("storage"), "{error}");
    std::fs::write(dir.path().join("storage"), b"").unwrap();
    assert!(matches!(store.list_sessions(), Err(Error::Store { .. })));
}

#[test]
fn an_empty_store_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for scope in [Scope::Projects, Scope::Sessions, Scope::Messages(session_key("ses_1"))] {
        let listing = scan(&store, &scope);
        assert!(listing.entries.is_empty() && listing.issues.is_empty(), "{scope:?}");
    }
    assert!(orphans(&store).issues.is_empty());
}

#[test]
fn damaged_bytes_are_handed_out_as_they_are() {
    // The parser reports damaged bytes. Here neither the bytes nor their siblings are lost.
    for damage in ["", "\0\0\0", "{\"id\":", "[[[[", "caf\u{e9}", "null"] {
        let (dir, store) = store_from_text(INTACT_STORE);
        write_tree(dir.path(), &format!("//- part/msg_1/prt_2.json\n{damage}\n")).unwrap();
        let session_tree = tree(&store, &session_key("ses_1"));
        assert_eq!(key_names(&session_tree.entries), ["ses_1", "msg_1", "prt_1", "prt_2"]);
        assert_eq!(**session_tree.entries[3].span.as_ref().unwrap(), *damage.as_bytes());
        assert!(session_tree.issues.is_empty());
    }
}

#[test]
fn files_in_place_of_directories_and_the_reverse_are_issues() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let directory = |path: &str| std::fs::create_dir_all(dir.path().join(path)).unwrap();
    let file = |path: &str| std::fs::write(dir.path().join(path), b"{}").unwrap();
    directory("session/p/ses_2.json");
    directory("message/ses_1/msg_2.json");
    directory("part/msg_1/prt_2.json");
    file("session/q");
    file("message/ses_2");
    file("part/msg_2");
    assert_eq!(key_names(&scan(&store, &Scope::Sessions).entries), ["ses_1"]);
    let mut sessions = issues_with_paths(&scan(&store, &Scope::Sessions));
    sessions.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        sessions,
        [
            ("session/p/ses_2.json".into(), IssueKind::NotAFile),
            ("session/q".into(), IssueKind::NotADirectory),
        ]
    );
    let session_tree = tree(&store, &session_key("ses_1"));
    assert_eq!(key_names(&session_tree.entries), ["ses_1", "msg_1", "prt_1"]);
    assert_eq!(
        issues_with_paths(&session_tree),
        [
            ("session/q".into(), IssueKind::NotADirectory),
            ("message/ses_1/msg_2.json".into(), IssueKind::NotAFile),
            ("part/msg_1/prt_2.json".into(), IssueKind::NotAFile),
        ]
    );
    let messages = issues_with_paths(&scan(&store, &Scope::Messages(session_key("ses_2"))));
    assert_eq!(messages, [("message/ses_2".into(), IssueKind::NotADirectory)]);
}

#[test]
fn top_directories_that_are_files_are_issues() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["session", "message", "part", "project"] {
        std::fs::write(dir.path().join(name), b"").unwrap();
    }
    let store = open(dir.path());
    assert_eq!(
        issues_with_paths(&scan(&store, &Scope::Sessions)),
        [("session".into(), IssueKind::NotADirectory)]
    );
    assert_eq!(
        issues_with_paths(&scan(&store, &Scope::Projects)),
        [("project".into(), IssueKind::NotADirectory)]
    );
    assert_eq!(issues_with_paths(&tree(&store, &session_key("ses_1"))).len(), 2);
}

#[test]
fn names_that_are_not_ids_are_skipped_or_issues() {
    let (dir, store) = store_from_text(INTACT_STORE);
    for name in [".hidden.json", "notes.txt", "prt_3.json1234.tmp", "auth.json", ".json"] {
        std::fs::write(dir.path().join("part/msg_1").join(name), b"{}").unwrap();
    }
    let session_tree = tree(&store, &session_key("ses_1"));
    assert_eq!(key_names(&session_tree.entries), ["ses_1", "msg_1", "prt_1"]);
    assert!(session_tree.issues.is_empty());
    std::fs::write(dir.path().join("part/msg_1/prt_\u{1b}.json"), b"{}").unwrap();
    let issues = issues_with_paths(&tree(&store, &session_key("ses_1")));
    assert!(matches!(&issues[..], [(_, IssueKind::BadId { .. })]), "{issues:?}");
}

#[test]
fn ids_that_lead_elsewhere_are_refused() {
    let (dir, store) = store_from_text(INTACT_STORE);
    std::fs::write(dir.path().join("secret.json"), b"{}").unwrap();
    for hostile in
        ["../secret", "../../etc/passwd", "/etc/passwd", "..", "a/b", "a\\b", "auth", "con"]
    {
        let part = PartKey { message: "msg_1".parse().unwrap(), part: hostile.parse().unwrap() };
        let by_message =
            PartKey { message: hostile.parse().unwrap(), part: "prt_1".parse().unwrap() };
        let keys = [
            part.into(),
            by_message.into(),
            EntityKey::Todo(session_key(hostile)),
            session_key(hostile).into(),
        ];
        let listing = spans(&store, &keys);
        assert!(listing.entries.is_empty(), "{hostile}");
        let refused = listing
            .issues
            .iter()
            .filter(|(_, issue)| matches!(issue.kind, IssueKind::BadId { .. }));
        assert!(refused.count() >= 3, "{hostile}: {:?}", listing.issues);
        let session_tree = tree(&store, &session_key(hostile));
        assert!(session_tree.entries.is_empty() && session_tree.issues.len() == 1, "{hostile}");
    }
}

#[test]
fn the_newest_copy_of_a_duplicated_session_is_used() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let copies = r#"
        //- session/q/ses_1.json
        {"id":"ses_1","title":"newest","time":{"created":1,"updated":3}}
        //- session/r/ses_1.json
        {"id":"ses_1","title":"cut
    "#;
    write_tree(dir.path(), copies).unwrap();
    for listing in [scan(&store, &Scope::Sessions), spans(&store, &[session_key("ses_1").into()])] {
        assert_eq!(key_names(&listing.entries), ["ses_1"]);
        assert_eq!(listing.entries[0].project.as_ref().unwrap().as_str(), "q");
        let duplicate = IssueKind::Duplicate { used_copy: "session/q/ses_1.json".into() };
        let mut issues = issues_with_paths(&listing);
        issues.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = ["p", "r"].map(|p| (format!("session/{p}/ses_1.json"), duplicate.clone()));
        assert_eq!(issues, expected);
    }
    assert_eq!(store.read_session(&session_key("ses_1")).unwrap().value.title.unwrap(), "newest");
}

#[test]
fn a_huge_file_is_an_issue_and_readable_on_request() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let part = dir.path().join("part/msg_1/prt_2.json");
    std::fs::File::create(&part).unwrap().set_len(300_000_000).unwrap(); // sparse
    let session_tree = tree(&store, &session_key("ses_1"));
    assert_eq!(key_names(&session_tree.entries), ["ses_1", "msg_1", "prt_1"]);
    let expected = IssueKind::TooLarge { size: 300_000_000, limit: 64 << 20 };
    assert_eq!(issues_with_paths(&session_tree), [("part/msg_1/prt_2.json".into(), expected)]);
    let patient =
        store.with_options(ReadOptions { max_len: 300_000_000, ..ReadOptions::default() });
    let key = PartKey { message: "msg_1".parse().unwrap(), part: "prt_2".parse().unwrap() };
    assert_eq!(patient.read_part_span(&key).unwrap().len(), 300_000_000);
}

#[test]
fn a_session_over_the_total_limit_lacks_only_what_does_not_fit() {
    let (dir, store) = store_from_text(INTACT_STORE);
    for (name, len) in [("prt_2", 6000), ("prt_3", 6000), ("prt_4", 1000)] {
        let record = format!(r#"{{"id":"{name}","type":"text","text":"{}"}}"#, "x".repeat(len));
        std::fs::write(dir.path().join(format!("part/msg_1/{name}.json")), record).unwrap();
    }
    let store = store.with_options(ReadOptions { max_total: 10_000, ..ReadOptions::default() });
    let read = tree(&store, &session_key("ses_1"));
    assert_eq!(key_names(&read.entries), ["ses_1", "msg_1", "prt_1", "prt_2", "prt_4"]);
    let [(path, IssueKind::OverTotal { limit: 10_000, .. })] = &issues_with_paths(&read)[..] else {
        panic!("{:?}", read.issues)
    };
    assert_eq!(path, "part/msg_1/prt_3.json");
    let key = PartKey { message: "msg_1".parse().unwrap(), part: "prt_3".parse().unwrap() };
    assert!(store.read_part_span(&key).unwrap().len() > 6000);
}

#[test]
fn young_records_are_marked_provisional() {
    let (dir, _) = store_from_text(INTACT_STORE);
    let written = std::fs::metadata(dir.path().join("part/msg_1/prt_1.json")).unwrap();
    let written = written.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    let after = |ms: i64| UnixNanos(i64::try_from(written.as_nanos()).unwrap() + ms * 1_000_000);
    let settled = |now| {
        let store = open_at(dir.path(), now);
        tree(&store, &session_key("ses_1"))
            .entries
            .iter()
            .all(|entry| entry.span.as_ref().unwrap().is_settled())
    };
    assert!(!settled(after(50)));
    assert!(settled(after(10_000)));
}

#[test]
fn an_open_reader_sees_later_changes_of_files() {
    let (dir, store) = store_from_text(INTACT_STORE);
    let mut reader = store.open().unwrap();
    std::fs::remove_file(dir.path().join("part/msg_1/prt_1.json")).unwrap();
    let part = PartKey { message: "msg_1".parse().unwrap(), part: "prt_1".parse().unwrap() };
    let mut issues = Vec::new();
    reader
        .spans(&[part.into()], &mut |item| {
            issues.push(format!("{item:?}"));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(issues.len() == 1 && issues[0].contains("Vanished"), "{issues:?}");
}

#[test]
fn an_unread_session_record_is_an_entry_without_bytes() {
    let (dir, store) = store_from_text(INTACT_STORE);
    write_tree(dir.path(), "//- session/p/ses_2.json\n{\"id\":\"ses_2\"}\n").unwrap();
    let large = dir.path().join("session/p/ses_1.json");
    std::fs::File::create(&large).unwrap().set_len(300_000_000).unwrap(); // sparse
    let expected = IssueKind::TooLarge { size: 300_000_000, limit: 64 << 20 };
    let key = session_key("ses_1");
    for listing in
        [scan(&store, &Scope::Sessions), spans(&store, &[key.clone().into()]), tree(&store, &key)]
    {
        let entry =
            listing.entries.iter().find(|entry| entry.key == EntityKey::from(key.clone())).unwrap();
        assert!(entry.span.is_none());
        assert_eq!(entry.project.as_ref().unwrap().as_str(), "p");
        let issues = issues_with_paths(&listing);
        assert_eq!(issues, [("session/p/ses_1.json".into(), expected.clone())]);
    }
    assert!(matches!(store.read_session(&key), Err(Error::Entity(_))));

    // A copy that can be read comes first, although the other one may be newer.
    write_tree(dir.path(), "//- session/q/ses_1.json\n{\"id\":\"ses_1\"}\n").unwrap();
    let listing = scan(&store, &Scope::Sessions);
    assert_eq!(key_names(&listing.entries).len(), 2);
    assert!(listing.entries.iter().all(|entry| entry.span.is_some()));
}

#[test]
fn a_damaged_session_record_is_in_the_place_that_its_id_gives() {
    let newest = "ses_e04994972ffet9oc5rH3S1zFJZ"; // of 2026-11-20
    let (dir, store) = store_from_text(INTACT_STORE);
    let text = format!("//- session/p/{newest}.json\n{{\"id\":\"{newest}\",\"tit\n");
    write_tree(dir.path(), &text).unwrap();
    assert_eq!(key_names(&scan(&store, &Scope::Sessions).entries), [newest, "ses_1"]);
    // An intact copy is used, although the damaged one would be newer.
    let text = format!("//- session/q/{newest}.json\n{{\"time\":{{\"updated\":1}}}}\n");
    write_tree(dir.path(), &text).unwrap();
    let entries = scan(&store, &Scope::Sessions).entries;
    let used = entries.iter().find(|entry| entry.key == session_key(newest).into()).unwrap();
    assert_eq!((used.project.as_ref().unwrap().as_str(), used.order.0), ("q", 1));
}
