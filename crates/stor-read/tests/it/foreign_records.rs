//! Files with the record of another entity: conflict copies of a sync program, and copies by hand.
//!
//! Sources: reports iHildy/opencode-synced#51 and anomalyco/opencode#18102 (case
//! 12-copies-of-a-sync-program).

use std::ops::ControlFlow;
use std::path::Path;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageKey, Scope};
use scrollback_source::{Listing, Source, Survey, SurveyItem};

use crate::calls::{key_names, orphans, scan, session_key, spans, tree};
use crate::support::{issues_with_paths, store_from_text};

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const STORE: &str = r#"
    //- project/p.json
    {"id":"p","worktree":"/w"}
    //- session/p/ses_1.json
    {"id":"ses_1","time":{"created":1,"updated":1}}
    //- message/ses_1/msg_1.json
    {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
    //- part/msg_1/prt_1.json
    {"id":"prt_1","messageID":"msg_1","type":"text"}
"#;

/// The suffixes that sync programs, file managers and git append to a name. The last two leave a name
/// that an id may have.
const SUFFIXES: [&str; 9] = [
    " (1)",
    " - Copy",
    " copy 2",
    " (conflicted copy 2026-09-21)",
    " (Ada's conflicted copy 2026-09-21)",
    ".sync-conflict-20260921-141321-ABCDEFG",
    "~HEAD",
    "-LAPTOP",
    "x",
];

#[test]
fn a_copy_beside_its_original_is_an_issue_and_counts_once() {
    for suffix in SUFFIXES {
        let (dir, store) = store_from_text(STORE);
        for (path, record) in [
            (format!("project/p{suffix}.json"), r#"{"id":"p","worktree":"/other"}"#),
            (format!("session/p/ses_1{suffix}.json"), r#"{ "title": "copy", "id": "ses_1" }"#),
            (format!("message/ses_1/msg_1{suffix}.json"), r#"{"id":"msg_1","role":"user"}"#),
            (format!("part/msg_1/prt_1{suffix}.json"), "{\n  \"id\": \"prt_1\"\n}"),
        ] {
            write(dir.path(), &path, record);
        }
        let session = session_key("ses_1");
        for (scope, expected, original) in [
            (Scope::Projects, "p", "p.json"),
            (Scope::Sessions, "ses_1", "ses_1.json"),
            (Scope::Messages(session.clone()), "msg_1", "msg_1.json"),
        ] {
            let listing = scan(&store, &scope);
            assert_eq!(key_names(&listing.entries), [expected], "{suffix}");
            let issues = issues_with_paths(&listing);
            let [(path, kind)] = &issues[..] else { panic!("{suffix}: {issues:?}") };
            assert!(path.contains(suffix), "{path}");
            assert_eq!(*kind, IssueKind::Duplicate { used_copy: original.into() });
        }
        let listing = tree(&store, &session);
        assert_eq!(key_names(&listing.entries), ["ses_1", "msg_1", "prt_1"], "{suffix}");
        // The tree names its session itself, so it does not list the directory of records.
        assert_eq!(listing.issues.len(), 2, "{suffix}");
        assert!(key_names(&orphans(&store).entries).is_empty());
        // A copy that a key names directly is refused too.
        let key: EntityKey = session_key(&format!("ses_1{suffix}")).into();
        assert!(spans(&store, &[key]).entries.is_empty(), "{suffix}");
    }
}

#[test]
fn a_copy_of_a_set_is_no_second_session() {
    for suffix in &SUFFIXES[..8] {
        let (dir, store) = store_from_text(STORE);
        let message = r#"{"id":"msg_1","sessionID":"ses_1"}"#;
        write(dir.path(), &format!("message/ses_1{suffix}/msg_1.json"), message);
        let part = r#"{"id":"prt_1","messageID":"msg_1"}"#;
        write(dir.path(), &format!("part/msg_1{suffix}/prt_1.json"), part);
        let mut found = Vec::new();
        let mut issues = Vec::new();
        let mut reader = store.open().unwrap();
        reader
            .survey(&Survey::MessageSets, &mut |item| {
                match item {
                    SurveyItem::Observation(observation) => found.push(observation.key.to_string()),
                    SurveyItem::Issue(_, issue) => issues.push(issue.kind),
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(found, ["session ses_1"], "{suffix}");
        assert_eq!(issues, [IssueKind::Duplicate { used_copy: "ses_1".into() }], "{suffix}");
        let parts = Listing::collect(|visit| reader.scan(&Scope::AllParts, visit)).unwrap();
        assert_eq!(key_names(&parts.entries), ["prt_1"], "{suffix}");
        assert!(key_names(&orphans(&store).entries).is_empty(), "{suffix}");
    }
}

#[test]
fn a_copy_without_its_original_is_an_issue_and_no_session() {
    let (dir, store) = store_from_text(STORE);
    std::fs::remove_file(dir.path().join("session/p/ses_1.json")).unwrap();
    write(dir.path(), "session/p/ses_1 (1).json", r#"{"id":"ses_1"}"#);
    let listing = scan(&store, &Scope::Sessions);
    assert!(listing.entries.is_empty());
    let expected = IssueKind::ForeignRecord { owner: "ses_1".into() };
    assert_eq!(issues_with_paths(&listing), [("session/p/ses_1 (1).json".into(), expected)]);
    // The messages are there all the same.
    let messages = scan(&store, &Scope::Messages(session_key("ses_1")));
    assert_eq!(key_names(&messages.entries), ["msg_1"]);
}

#[test]
fn a_damaged_copy_is_known_by_the_name_of_its_original() {
    let (dir, store) = store_from_text(STORE);
    write(dir.path(), "message/ses_1/msg_1 (1).json", r#"{"role":"#);
    let listing = scan(&store, &Scope::Messages(session_key("ses_1")));
    assert_eq!(key_names(&listing.entries), ["msg_1"]);
    assert_eq!(listing.issues.len(), 1);
}

#[test]
fn a_record_that_has_its_own_unusual_name_is_read() {
    let (dir, store) = store_from_text(STORE);
    let own = r#"{"id":"msg_mine-1.a","role":"user"}"#;
    write(dir.path(), "message/ses_1/msg_mine-1.a.json", own);
    let listing = scan(&store, &Scope::Messages(session_key("ses_1")));
    let mut names = key_names(&listing.entries);
    names.sort();
    assert_eq!(names, ["msg_1", "msg_mine-1.a"]);
    assert!(listing.issues.is_empty());
    let key = MessageKey {
        session: session_key("ses_1").session,
        message: "msg_mine-1.a".parse().unwrap(),
    };
    assert_eq!(spans(&store, &[key.into()]).entries.len(), 1);
}

/// Returns the sessions of a scope with their projects.
fn sessions_with_projects(store: &dyn Source, scope: &Scope) -> Vec<(String, Option<String>)> {
    let entries = scan(store, scope).entries.into_iter();
    entries
        .map(|entry| (entry.key.to_string(), entry.project.map(|project| project.to_string())))
        .collect()
}

#[test]
fn the_records_in_a_copied_directory_state_their_project() {
    const RECORD: &str = r#"{"id":"ses_1","projectID":"p","time":{"created":1,"updated":1}}"#;
    // All names but the last are none that opencode makes. Some sort before the original name.
    for copied in ["p (conflicted copy)", "p (1)", "p.sync-conflict-1", " p", "P-LAPTOP", "px"] {
        for keeps_original in [true, false] {
            let (dir, store) = store_from_text(STORE);
            write(dir.path(), "session/p/ses_1.json", RECORD);
            write(dir.path(), &format!("session/{copied}/ses_1.json"), RECORD);
            if !keeps_original {
                std::fs::remove_dir_all(dir.path().join("session/p")).unwrap();
            }
            // A name that opencode may have made names a project, unless the record is in another one.
            let project = if copied == "px" && !keeps_original { "px" } else { "p" };
            let expected = [("session ses_1".to_owned(), Some(project.to_owned()))];
            assert_eq!(sessions_with_projects(&store, &Scope::Sessions), expected, "{copied}");
            let of_project = Scope::Project(project.parse().unwrap());
            assert_eq!(sessions_with_projects(&store, &of_project), expected, "{copied}");
            let key = session_key("ses_1").into();
            let entries = spans(&store, &[key]).entries;
            assert_eq!(entries[0].project.as_ref().map(|it| it.as_str()), Some(project));
            let issues = issues_with_paths(&scan(&store, &Scope::Sessions));
            let used_copy = "session/p/ses_1.json".to_owned();
            let duplicate =
                (format!("session/{copied}/ses_1.json"), IssueKind::Duplicate { used_copy });
            assert_eq!(issues, if keeps_original { vec![duplicate] } else { vec![] }, "{copied}");
        }
    }
}
