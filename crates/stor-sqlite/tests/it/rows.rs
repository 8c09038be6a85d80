//! Tests rows of 1.x that opencode never writes. Each may cost only itself.

use std::ops::ControlFlow;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageKey, OrderKey, PartKey, Scope};
use scrollback_core_type::{Message, Parse, Part, Session};
use scrollback_source::{BorrowedItem, Entry, Source, Survey};
use scrollback_stor_sqlite::SqliteReader;
use serde_json::json;

use crate::calls::{key_names, orphans, scan, session_key, spans, tree};
use crate::support::{
    SMALL_ROWS, V2_SCHEMA, database_with_rows, database_with_schema, entry_json, issues, open,
    open_limited, open_writer, read_everything, sessions, survey_sorted,
};

fn message_key(id: &str) -> EntityKey {
    EntityKey::Message(MessageKey {
        session: session_key("ses_1").session,
        message: id.parse().unwrap(),
    })
}

fn part_key(message: &str, id: &str) -> EntityKey {
    EntityKey::Part(PartKey { message: message.parse().unwrap(), part: id.parse().unwrap() })
}

/// Makes a small database and runs a statement on it, without foreign keys.
fn small_database_with(statement: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let (dir, database) = database_with_rows(SMALL_ROWS);
    let db = open_writer(&database);
    db.execute_batch(&format!("PRAGMA foreign_keys=OFF; {statement}")).unwrap();
    (dir, database)
}

fn span(entry: &Entry) -> &[u8] {
    entry.span.as_deref().unwrap()
}

#[test]
fn nulls_are_absent() {
    let (_dir, database) = small_database_with("");
    let store = open(&database);
    let listed = scan(&store, &Scope::Sessions);
    let record = entry_json(&listed.entries[1]);
    for absent in ["parentID", "summary", "share", "revert", "permission", "agent", "model", "path"]
    {
        assert!(record.get(absent).is_none(), "{absent}");
    }
    assert_eq!(record["time"], serde_json::json!({ "created": 1, "updated": 1 }));
    assert!(Session::parse(span(&listed.entries[1])).unwrap().issues.is_empty());
    let project = entry_json(&scan(&store, &Scope::Projects).entries[0]);
    assert!(project.get("vcs").is_none() && project.get("icon").is_none());
}

/// A database whose columns have no NOT NULL.
#[test]
fn invalid_nulls_cost_their_row() {
    let schema = crate::support::SCHEMA.replace(" NOT NULL", "");
    let (_dir, database) = database_with_schema(
        &schema,
        &format!(
            "{SMALL_ROWS} INSERT INTO message VALUES (NULL, 'ses_1', 2, 2, '{{}}'),
               ('msg_2', 'ses_1', NULL, NULL, '{{\"role\":\"user\"}}'), ('msg_3', 'ses_1', 3, 3, NULL);
             INSERT INTO part VALUES ('prt_3', 'msg_1', NULL, NULL, NULL, '{{\"type\":\"text\"}}'),
               ('prt_4', 'msg_1', 'ses_1', 1, 1, NULL), (NULL, 'msg_1', 'ses_1', 1, 1, '{{}}');
             INSERT INTO session (id) VALUES ('ses_3'), (NULL);
             INSERT INTO event_sequence VALUES ('ses_1', NULL, NULL), ('ses_2', 1.5, NULL);
             INSERT INTO todo (session_id) VALUES ('ses_1');"
        ),
    );
    let store = open(&database);
    let listing = tree(&store, &session_key("ses_1"));
    assert_eq!(key_names(&listing.entries), ["ses_1", "msg_2", "msg_1", "prt_1", "prt_3"]);
    let kinds: Vec<_> = issues(&listing);
    let shape = || IssueKind::WrongShape { expected: "a record as JSON" };
    assert!(kinds.contains(&(Some("message ses_1/msg_3".to_owned()), shape())), "{kinds:?}");
    assert!(kinds.contains(&(Some("part msg_1/prt_4".to_owned()), shape())), "{kinds:?}");
    let bad = kinds.iter().filter(|(_, kind)| matches!(kind, IssueKind::BadId { .. }));
    assert_eq!((bad.count(), kinds.len()), (2, 4));
    let listed = scan(&store, &Scope::Sessions);
    assert_eq!((listed.entries.len(), listed.issues.len()), (3, 1));
    let (sets, _) = survey_sorted(&store, &Survey::MessageSets);
    let (observations, _) = survey_sorted(&store, &Survey::Messages(&session_key("ses_1")));
    assert!(observations.contains(&sets[0]), "both surveys have the same set");
}

#[test]
fn malformed_records_are_reported_by_the_parser() {
    for data in [
        "'not JSON'",
        "''",
        "'[1]'",
        "'null'",
        "'{\"role\":'",
        "'{}}'",
        "x'7b22ff227d'",
        "x'00'",
        "5",
        "0.5",
    ] {
        let (_dir, database) = small_database_with(&format!(
            "UPDATE message SET data = {data}; UPDATE part SET data = {data} WHERE id = 'prt_1';
             INSERT INTO message VALUES ('msg_2', 'ses_1', 1, 1, '{{\"role\":\"user\"}}');"
        ));
        let listing = tree(&open(&database), &session_key("ses_1"));
        assert_eq!(key_names(&listing.entries), ["ses_1", "msg_1", "prt_1", "msg_2"], "{data}");
        let is_reported = |has_issues: Option<bool>| has_issues.is_none_or(|has_issues| has_issues);
        let parsed = Message::parse(span(&listing.entries[1])).ok();
        assert!(is_reported(parsed.map(|parsed| !parsed.issues.is_empty())), "{data}");
        let parsed = Part::parse(span(&listing.entries[2])).ok();
        assert!(is_reported(parsed.map(|parsed| !parsed.issues.is_empty())), "{data}");
        assert!(Message::parse(span(&listing.entries[3])).unwrap().issues.is_empty());
    }
}

#[test]
fn broken_json_in_a_column_costs_the_field() {
    for (column, field) in [
        ("revert", "revert"),
        ("permission", "permission"),
        ("metadata", "metadata"),
        ("model", "model"),
        ("summary_diffs", "summary"),
    ] {
        for text in ["'{\"a\":'", "''", "'text'", "x'ff00'"] {
            let (_dir, database) =
                small_database_with(&format!("UPDATE session SET {column} = {text}"));
            let listed = scan(&open(&database), &Scope::Sessions);
            assert_eq!((listed.entries.len(), listed.issues.len()), (2, 0));
            let record = entry_json(&listed.entries[1]);
            assert_eq!(record["title"], "t");
            let read = Session::parse(span(&listed.entries[1])).unwrap();
            assert_eq!(read.value.title.as_ref().unwrap().get(), "t");
            let is_absent = record.get(field).is_none();
            assert!(
                is_absent || !read.issues.is_empty() || column == "metadata",
                "{column} {text}"
            );
        }
    }
}

#[test]
fn ids_are_texts_like_any_other() {
    let (_dir, database) = small_database_with(
        "INSERT INTO message VALUES ('a''\"b\\', 'ses_1', 2, 2, '{}'), ('new' || char(10), 'ses_1', 3, 3, '{}'),
             ('', 'ses_1', 4, 4, '{}'), (x'ff', 'ses_1', 5, 5, '{}'), ('é', 'ses_1', 6, 6, '{}');
         INSERT INTO part VALUES ('p''\"', 'a''\"b\\', 'ses_1', 1, 1, '{}'), ('', 'msg_1', 'ses_1', 1, 1, '{}');
         INSERT INTO session (id, project_id, slug, directory, title, version, time_created, time_updated)
             VALUES ('', 'p', '', '', '', '', 1, 1), ('s''\"', 'p', '', '', '', '', 1, 1);",
    );
    let store = open(&database);
    let listing = tree(&store, &session_key("ses_1"));
    assert_eq!(key_names(&listing.entries), ["ses_1", "msg_1", "prt_1", "a'\"b\\", "p'\"", "é"]);
    assert!(listing.entries.iter().all(|entry| entry_json(entry).is_object()));
    assert_eq!(entry_json(&listing.entries[4])["messageID"], "a'\"b\\");
    let problems = issues(&listing);
    assert_eq!(problems.len(), 4);
    assert!(
        problems.iter().all(|(key, kind)| {
            matches!(kind, IssueKind::BadId { .. })
                && key.as_ref().is_some_and(|name| name.contains("ses_1"))
        }),
        "{problems:?}"
    );
    let keys: Vec<_> = listing.entries.iter().map(|entry| entry.key.clone()).collect();
    assert_eq!(spans(&store, &keys).entries.len(), keys.len());
    assert_eq!(sessions(&store).len(), 3);
    assert_eq!(
        survey_sorted(&store, &Survey::Sessions).1,
        [(None, IssueKind::BadId { reason: "an id may not be empty".to_owned() })]
    );
}

#[test]
fn numbers_of_any_kind_are_read() {
    let (_dir, database) = small_database_with(
        "UPDATE session SET time_updated = 1.5, tokens_input = 9007199254740993, cost = 3,
             tokens_output = 0.25, time_created = 'text' WHERE id = 'ses_1';
         UPDATE session SET time_updated = 9223372036854775807 WHERE id = 'ses_2';
         INSERT INTO message VALUES ('msg_2', 'ses_1', 2.5, -9223372036854775807, '{}');
         INSERT INTO event_sequence VALUES ('ses_1', 2.5, NULL);",
    );
    let store = open(&database);
    let listed = scan(&store, &Scope::Sessions).entries;
    assert_eq!(key_names(&listed), ["ses_2", "ses_1"]);
    assert_eq!(listed[0].order, OrderKey(i64::MAX));
    let text = String::from_utf8(span(&listed[1]).to_vec()).unwrap();
    assert!(text.contains(r#""input":9007199254740993,"output":0.25"#), "{text}");
    assert!(text.contains(r#""created":"text","updated":1.5"#), "{text}");
    assert_eq!(key_names(&tree(&store, &session_key("ses_1")).entries)[3], "msg_2");
    assert_eq!(read_everything(&store).1, 0);
}

#[test]
fn rows_over_the_limit_are_named_and_read_on_request() {
    // The first size is read and then refused. SQLite itself refuses the second size.
    for len in [5000, 3 << 20] {
        rows_over_the_limit(len);
    }
}

fn rows_over_the_limit(len: usize) {
    let long = "x".repeat(len);
    let (_dir, database) = small_database_with(&format!(
        "UPDATE message SET data = '{{\"role\":\"user\",\"x\":\"{long}\"}}' WHERE id = 'msg_1';
         INSERT INTO message VALUES ('msg_2', 'ses_1', 2, 2, '{{}}');
         INSERT INTO part VALUES ('prt_3', 'msg_2', 'ses_1', 1, 1, '{{\"x\":\"{long}\"}}'),
             ('prt_4', 'msg_2', 'ses_1', 1, 1, '{{}}');
         UPDATE session SET revert = '{{\"x\":\"{long}\"}}', permission = '[]', title = '{long}'
             WHERE id = 'ses_1';
         UPDATE project SET name = '{long}';"
    ));
    let limited = open_limited(&database, 1000);
    let listing = tree(&limited, &session_key("ses_1"));
    // Sources: opencode#17622, opencode#50089, opencode#30165 (`04-huge-summary-row`). What belongs to
    // a message with a huge field stays in its place.
    assert_eq!(key_names(&listing.entries), ["ses_1", "msg_1", "prt_1", "msg_2", "prt_3", "prt_4"]);
    let message = entry_json(&listing.entries[1]);
    assert_eq!(message, json!({"role": "user", "id": "msg_1", "sessionID": "ses_1"}));
    assert_eq!(listing.entries[1].span.as_ref().unwrap().stamp().size, len as u64 + 22);
    assert!(!listing.entries[1].span.as_ref().unwrap().is_settled(), "it is reported each time");
    let mut problems = issues(&listing);
    problems.sort_by(|a, b| a.0.cmp(&b.0));
    let oversized = |more| IssueKind::TooLarge { size: len as u64 + more, limit: 1000 };
    let expected = [
        (Some("message ses_1/msg_1".to_owned()), oversized(22)),
        (Some("part msg_2/prt_3".to_owned()), oversized(8)),
        (Some("session ses_1".to_owned()), oversized(0)),
        (Some("session ses_1".to_owned()), oversized(8)),
    ];
    assert_eq!(problems, expected);
    let fields = listing.issues.iter().filter_map(|(_, issue)| issue.place.field.as_deref());
    assert_eq!(fields.collect::<Vec<_>>(), ["title", "revert"]);
    let record = entry_json(&listing.entries[0]);
    assert!(record.get("revert").is_none() && record.get("title").is_none());
    assert!(record["permission"].is_array());
    let projects = scan(&limited, &Scope::Projects);
    assert_eq!(issues(&projects), [(Some("project p".to_owned()), oversized(0))]);
    assert_eq!(entry_json(&projects.entries[0])["worktree"], "/w");
    let listed = scan(&limited, &Scope::Sessions).entries;
    let stamp = |entry: &Entry| (entry.key.clone(), *entry.span.as_ref().unwrap().stamp());
    let mut stamps: Vec<_> = listed.iter().map(stamp).collect();
    stamps.sort_by(|a, b| a.0.cmp(&b.0));
    let (observations, _) = survey_sorted(&limited, &Survey::Sessions);
    let surveyed_stamps: Vec<_> =
        observations.into_iter().map(|observation| (observation.key, observation.stamp)).collect();
    assert_eq!(stamps, surveyed_stamps, "a text over the limit counts in both");
    assert_eq!(stamps.len(), 2);
    let keys = [message_key("msg_1"), part_key("msg_2", "prt_3")];
    assert_eq!(spans(&limited, &keys).issues.len(), 2);
    let parts = scan(&limited, &Scope::AllParts);
    assert_eq!(
        (key_names(&parts.entries).join(" "), parts.issues.len()),
        ("prt_1 prt_2 prt_3 prt_4".into(), 1)
    );
    for (scope, count) in [(Scope::AllParts, 3), (Scope::Messages(session_key("ses_1")), 2)] {
        assert_eq!(count_borrowed(&open_limited(&database, 1000), &scope), (count, 1));
    }
    assert_eq!(survey_sorted(&limited, &Survey::Messages(&session_key("ses_1"))).0.len(), 3);
    let all = limited.with_options(Default::default());
    assert_eq!(spans(&all, &keys).entries.len(), 2);
    assert_eq!(read_everything(&all).1, 0);
}

#[test]
fn a_row_of_2x_over_the_limit_keeps_its_place_and_its_small_fields() {
    let long = "x".repeat(3 << 20);
    let (_dir, database) = database_with_schema(
        V2_SCHEMA,
        &format!(
            "INSERT INTO session_v2 (id, project_id, slug, directory, version, time_created, time_updated)
                 VALUES ('ses_1', 'p', 's', '/w', '2.0.0', 1, 1);
             INSERT INTO session_message (id, session_id, type, seq, time_created, time_updated, data)
                 VALUES ('msg_1', 'ses_1', 'user', 1, 1, 1, '{{\"text\":\"{long}\",\"time\":{{\"created\":7}}}}'),
                     ('msg_2', 'ses_1', 'user', 2, 2, 2, '{{\"text\":\"y\",\"time\":{{\"created\":8}}}}');"
        ),
    );
    let listing = tree(&open_limited(&database, 1000), &session_key("ses_1"));
    let messages =
        listing.entries.iter().filter(|entry| matches!(entry.key, EntityKey::Message(_)));
    let messages: Vec<_> = messages.map(entry_json).collect();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0]["id"], "msg_1");
    assert_eq!(messages[0]["role"], "user");
    assert_eq!(messages[0]["time"]["created"], 7);
    assert!(issues(&listing).iter().any(|(_, kind)| matches!(kind, IssueKind::TooLarge { .. })));
}

#[test]
fn a_row_just_under_the_limit_is_sorted() {
    let limit = 2 << 20;
    let long = "x".repeat(limit - 10);
    let (_dir, database) = small_database_with(&format!(
        "DROP INDEX message_session_time_created_id_idx; DROP INDEX part_message_id_id_idx;
         UPDATE message SET data = '{{\"x\":\"{long}\"}}' WHERE id = 'msg_1';
         INSERT INTO part VALUES ('prt_3', 'msg_1', 'ses_1', 1, 1, '{{\"x\":\"{long}\"}}');"
    ));
    let limited = open_limited(&database, limit as u64);
    let listing = tree(&limited, &session_key("ses_1"));
    assert_eq!(key_names(&listing.entries), ["ses_1", "msg_1", "prt_1", "prt_3"]);
    assert_eq!(orphans(&limited).entries.len(), 1);
}

#[test]
fn an_id_over_the_limit_costs_its_row() {
    let (_dir, database) = small_database_with(
        "INSERT INTO part SELECT printf('prt_%.*c', 3000000, 'x'), 'msg_1', 'ses_1', 1, 1, '{}';
         INSERT INTO part VALUES ('prt_3', 'msg_1', 'ses_1', 1, 1, '{}');",
    );
    let limited = open_limited(&database, 1000);
    for listing in [tree(&limited, &session_key("ses_1")), scan(&limited, &Scope::AllParts)] {
        assert!(key_names(&listing.entries).iter().any(|name| name == "prt_3"), "{listing:?}");
        assert!(matches!(issues(&listing)[0].1, IssueKind::BadId { .. }));
    }
}

/// Returns how many borrowed records and issues are committed.
fn count_borrowed(store: &SqliteReader, scope: &Scope) -> (usize, usize) {
    let (mut committed, mut pending) = ((0, 0), (0, 0));
    let mut visit = |item: BorrowedItem<'_>| {
        match item {
            BorrowedItem::Record(_) => pending.0 += 1,
            BorrowedItem::Issue(..) => pending.1 += 1,
            BorrowedItem::Rollback => pending = (0, 0),
            BorrowedItem::Commit => {
                committed = (committed.0 + pending.0, committed.1 + pending.1);
                pending = (0, 0);
            }
            BorrowedItem::Set(_) => {}
        }
        ControlFlow::Continue(())
    };
    store.open().unwrap().scan_borrowed(scope, &mut visit).unwrap();
    committed
}

#[test]
fn parts_stay_in_order_where_the_clock_of_ids_wraps() {
    let ids = ["prt_fffffffff001", "prt_ffffffffffff", "prt_000000000001", "prt_000000001000"]
        .map(|clock| format!("{clock}00000000000000"));
    let rows: String = ids
        .iter()
        .map(|id| format!("INSERT INTO part VALUES ('{id}', 'msg_2', 'ses_1', 1, 1, '{{}}');"))
        .collect();
    let (_dir, database) = small_database_with(&format!(
        "INSERT INTO message VALUES ('msg_2', 'ses_1', 2, 2, '{{}}'); {rows}"
    ));
    let store = open(&database);
    let entries = tree(&store, &session_key("ses_1")).entries;
    assert_eq!(key_names(&entries)[4..], ids);
    assert!(entries[4..].is_sorted_by_key(|entry| entry.order));
    let EntityKey::Message(message) = message_key("msg_2") else { return };
    assert_eq!(key_names(&scan(&store, &Scope::Parts(message)).entries), ids);
}

#[test]
fn secrets_are_in_no_span() {
    const SECRET: &str = "not-to-be-shown";
    let (_dir, database) = small_database_with(&format!(
        "INSERT INTO session_share VALUES ('ses_1', 'i', '{SECRET}', 'https://share', 1, 1);
         INSERT INTO account VALUES ('a', 'e', 'u', '{SECRET}', '{SECRET}', 1, 1, 1);
         INSERT INTO control_account VALUES ('e', 'u', '{SECRET}', '{SECRET}', 1, 1, 1, 1);
         INSERT INTO credential (id, label, value, time_created, time_updated)
             VALUES ('c', 'l', '{SECRET}', 1, 1);"
    ));
    assert!(
        std::fs::read(crate::support::side_file(&database, "-wal")).is_ok_and(|log| {
            log.is_empty() || log.windows(SECRET.len()).any(|at| at == SECRET.as_bytes())
        }) || std::fs::read(&database)
            .unwrap()
            .windows(SECRET.len())
            .any(|at| at == SECRET.as_bytes())
    );
    let store = open(&database);
    let mut all = Vec::new();
    for scope in [Scope::Projects, Scope::Sessions, Scope::AllParts] {
        all.extend(scan(&store, &scope).entries);
    }
    for session in sessions(&store) {
        all.extend(tree(&store, &session).entries);
        all.extend(
            spans(&store, &[EntityKey::Share(session.clone()), EntityKey::Todo(session)]).entries,
        );
    }
    all.extend(orphans(&store).entries);
    let texts = all.iter().filter_map(|entry| entry.span.as_deref()).map(String::from_utf8_lossy);
    let texts: Vec<_> = texts.collect();
    assert!(texts.iter().any(|text| text.contains("https://share")));
    assert!(texts.iter().all(|text| !text.contains(SECRET)));
}
