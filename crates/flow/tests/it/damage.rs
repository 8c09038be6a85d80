//! Damaged stores: each fault is one issue with its place, and everything else is still read.

use scrollback_core_err::IssueKind;
use scrollback_core_type::StageIssue;
use scrollback_flow::{Error, Export, SessionScope, run_session_flow, run_session_tree_flow};
use serde_json::json;
use std::ops::ControlFlow;

use scrollback_fixtures::write_tree;

use crate::store::{session_key, store_from_text};

const SOUND_STORE: &str = r#"
    //- session/p/ses_1.json
    {"id":"ses_1","time":{"created":1,"updated":1}}
    //- message/ses_1/msg_1.json
    {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
    //- message/ses_1/msg_2.json
    {"id":"msg_2","sessionID":"ses_1","role":"assistant","time":{"created":2}}
    //- part/msg_1/prt_1.json
    {"id":"prt_1","messageID":"msg_1","type":"text","text":"hi"}
    //- part/msg_2/prt_2.json
    {"id":"prt_2","messageID":"msg_2","type":"text","text":"ho"}
"#;

/// Writes a sound store, then the files of `damage` into it. Returns what is usable (whether the
/// session is, how many messages, how many parts) and the issues with their paths.
fn read_damaged_store(damage: &str) -> ((bool, usize, usize), Vec<(String, IssueKind)>) {
    let (dir, store) = store_from_text(SOUND_STORE);
    write_tree(dir.path(), damage).unwrap();
    let ran = run_session_tree_flow(&store, &session_key("ses_1"), |tree| {
        let parts = tree.messages.iter().flat_map(|message| &message.parts);
        (
            tree.session.is_some(),
            tree.messages.iter().filter(|message| message.message.is_some()).count(),
            parts.filter(|part| part.part.is_some()).count(),
        )
    });
    let ran = ran.unwrap();
    (ran.value, ran.report.issues.into_iter().map(path_and_kind).collect())
}

fn path_and_kind(issue: StageIssue) -> (String, IssueKind) {
    (issue.issue.place.path.unwrap().to_str().unwrap().to_owned(), issue.issue.kind)
}

fn part_issue(kind: IssueKind) -> Vec<(String, IssueKind)> {
    vec![("part/msg_1/prt_1.json".into(), kind)]
}

#[test]
fn a_sound_store_has_no_issues() {
    assert_eq!(read_damaged_store(""), ((true, 2, 2), vec![]));
}

#[test]
fn an_unusable_part_costs_only_itself() {
    let with =
        |content: &str| read_damaged_store(&format!("//- part/msg_1/prt_1.json\n{content}\n"));
    // An agent that rewrites a file empties it first, so an empty file may be in the middle of a write.
    let empty = [part_issue(IssueKind::Provisional), part_issue(IssueKind::Empty)].concat();
    assert_eq!(with(""), ((true, 2, 1), empty));
    assert_eq!(with("\0\0\0\0"), ((true, 2, 1), part_issue(IssueKind::NulFilled)));
    assert_eq!(with(r#"{"type":"text","te"#), ((true, 2, 1), part_issue(IssueKind::Truncated)));
    let problem = "more after the end of the value";
    let tail = with(r#"{"type":"text"}t"}"#);
    assert_eq!(tail, ((true, 2, 1), part_issue(IssueKind::BadJson { problem })));
    let expected = "a part record";
    assert_eq!(with("[1]"), ((true, 2, 1), part_issue(IssueKind::WrongShape { expected })));
    let deep = "[".repeat(100_000);
    assert_eq!(with(&deep), ((true, 2, 1), part_issue(IssueKind::TooDeep { limit: 512 })));
}

#[test]
fn an_odd_part_is_kept_with_an_issue() {
    let with =
        |content: &str| read_damaged_store(&format!("//- part/msg_1/prt_1.json\n{content}\n"));
    let unknown = IssueKind::Unknown { category: "part type", value: "hologram".into() };
    assert_eq!(with(r#"{"type":"hologram"}"#), ((true, 2, 2), part_issue(unknown)));
    let wrong = IssueKind::WrongType { expected: "a string" };
    assert_eq!(with(r#"{"type":"text","text":7}"#), ((true, 2, 2), part_issue(wrong)));
    let id = IssueKind::IdMismatch { field: "id", value_in_record: "prt_9".into() };
    assert_eq!(with(r#"{"id":"prt_9","type":"text"}"#), ((true, 2, 2), part_issue(id)));
}

#[test]
fn the_ids_of_the_place_replace_wrong_ids_in_a_record() {
    let (_dir, store) = store_from_text(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","time":{"created":1,"updated":1}}
        //- message/ses_1/msg_1.json
        {"id":"msg_8","sessionID":"ses_8","role":"user","time":{"created":1}}
        //- part/msg_1/prt_1.json
        {"id":"prt_1","messageID":"msg_1","sessionID":"ses_8","type":"text","text":"hi"}
    "#,
    );
    let ran = run_session_tree_flow(&store, &session_key("ses_1"), |tree| {
        serde_json::to_value(Export(tree)).unwrap()
    });
    let ran = ran.unwrap();
    let message = &ran.value["messages"][0];
    assert_eq!(
        (&message["info"]["id"], &message["info"]["sessionID"]),
        (&json!("msg_1"), &json!("ses_1"))
    );
    assert_eq!(message["parts"][0]["sessionID"], "ses_1");
    let mismatch =
        |field, value: &str| IssueKind::IdMismatch { field, value_in_record: value.into() };
    let issues: Vec<_> = ran.report.issues.into_iter().map(path_and_kind).collect();
    let expected = [
        ("message/ses_1/msg_1.json".into(), mismatch("id", "msg_8")),
        ("message/ses_1/msg_1.json".into(), mismatch("sessionID", "ses_8")),
        ("part/msg_1/prt_1.json".into(), mismatch("sessionID", "ses_8")),
    ];
    assert_eq!(issues, expected);
}

#[test]
fn an_unusable_message_keeps_its_place_and_its_parts() {
    let (left, issues) = read_damaged_store("//- message/ses_1/msg_2.json\n{\"id\":\"msg_2\",\n");
    assert_eq!(left, (true, 1, 2));
    assert_eq!(issues, [("message/ses_1/msg_2.json".into(), IssueKind::Truncated)]);
    let (left, issues) = read_damaged_store(
        "//- message/ses_1/msg_3.json\n{\"role\":\"judge\",\"time\":{\"created\":3}}\n",
    );
    assert_eq!(left, (true, 3, 2));
    let unknown = IssueKind::Unknown { category: "role", value: "judge".into() };
    let path = "message/ses_1/msg_3.json".to_owned();
    assert_eq!(issues, [(path.clone(), IssueKind::NoParts), (path, unknown)]);
}

#[test]
fn an_unusable_session_record_leaves_its_messages() {
    let (left, issues) = read_damaged_store("//- session/p/ses_1.json\nnot json\n");
    assert_eq!(left, (false, 2, 2));
    assert_eq!(issues.len(), 1);
    assert_eq!(issues[0].0, "session/p/ses_1.json");
}

#[test]
fn messages_without_their_session_are_kept_with_an_issue() {
    let text = SOUND_STORE.replace("session/p/ses_1.json", "session/p/ses_9.json");
    let (_dir, store) = store_from_text(&text);
    let ran =
        run_session_tree_flow(&store, &session_key("ses_1"), |tree| tree.messages.len()).unwrap();
    assert_eq!(ran.value, 2);
    assert_eq!(ran.report.issues[0].issue.kind, IssueKind::OrphanMessages { count: 2 });
    assert!(matches!(
        run_session_tree_flow(&store, &session_key("ses_2"), |_| ()),
        Err(Error::NotFound(_))
    ));
}

#[test]
fn orphans_are_found_by_a_flow_over_the_store() {
    let (dir, store) = store_from_text(SOUND_STORE);
    let orphans = r#"
        //- part/msg_7/prt_7.json
        {"type":"text"}
        //- part/msg_7/prt_8.json
        {}
        //- message/ses_8/msg_8.json
        {}
        //- part/msg_0/
    "#;
    write_tree(dir.path(), orphans).unwrap();
    let mut sessions = 0;
    let report = run_session_flow(&store, &SessionScope::Store, |_| {
        sessions += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(sessions, 1);
    let issues: Vec<_> = report
        .unwrap()
        .issues
        .into_iter()
        .map(|issue| (issue.key.clone(), path_and_kind(issue)))
        .collect();
    let kinds: Vec<_> = issues.iter().map(|(_, placed)| placed.clone()).collect();
    assert_eq!(
        kinds,
        [
            ("part/msg_7/prt_7.json".into(), IssueKind::OrphanParts { count: 2 }),
            ("message/ses_8/msg_8.json".into(), IssueKind::OrphanMessages { count: 1 }),
        ]
    );
}

#[test]
fn a_young_file_is_usable_and_marked() {
    let (dir, store) = store_from_text(SOUND_STORE);
    let part = dir.path().join("part/msg_1/prt_1.json");
    std::fs::write(&part, br#"{"id":"prt_1","messageID":"msg_1","type":"text","text":"new"}"#)
        .unwrap();
    // A modification time in the future is younger than every read, so the read is provisional.
    let ahead = std::fs::metadata(&part).unwrap().modified().unwrap()
        + std::time::Duration::from_secs(3600);
    std::fs::File::options().write(true).open(&part).unwrap().set_modified(ahead).unwrap();
    let ran = run_session_tree_flow(&store, &session_key("ses_1"), |tree| {
        let span = tree.messages[0].parts[0].node.span.as_ref().unwrap();
        (span.is_settled(), tree.messages[0].parts[0].part.is_some())
    });
    let ran = ran.unwrap();
    assert_eq!(ran.value, (false, true));
    assert_eq!(ran.report.issues.len(), 1);
    assert_eq!(ran.report.issues[0].issue.kind, IssueKind::Provisional);
    assert_eq!(ran.report.runs[1].counts.provisional, 1);
}
