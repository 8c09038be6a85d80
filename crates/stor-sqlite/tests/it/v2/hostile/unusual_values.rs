//! Tests ids, columns and numbers that opencode never writes.

use rusqlite::Connection;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, Scope};
use scrollback_core_type::Entity;
use scrollback_source::{Entry, Source, Survey};

use crate::calls::{key_names, orphans, scan, session_key, spans, tree};
use crate::support::{
    SCHEMA, V2_SCHEMA, database_with_schema, entry_json, issues, open, open_writer,
    read_everything, sessions, survey_sorted,
};

/// Makes a database of 2.0 without constraints on its columns, with one session.
fn database_without_constraints(rows: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let schema = V2_SCHEMA.replace(" NOT NULL", "").replace("CREATE UNIQUE", "CREATE");
    let (dir, database) = database_with_schema(&schema, "");
    let db = open_writer(&database);
    db.execute_batch(&format!(
        "PRAGMA foreign_keys=OFF;
         INSERT INTO session_v2 (id, project_id, directory, time_created, time_updated)
             VALUES ('ses_1', 'p', '/w', 1, 1); {rows}"
    ))
    .unwrap();
    (dir, database)
}

fn insert(db: &Connection, id: &str, kind: &str, seq: i64) {
    let insert = "INSERT INTO session_message VALUES (?1, 'ses_1', ?2, ?3, 1, 1, ?4)";
    let data = r#"{"text":"x","summary":"s","content":[{"type":"text","text":"y"}]}"#;
    db.execute(insert, (id, kind, seq, data)).unwrap();
}

/// Checks that reading each entry by its key gives the same record.
fn assert_same_by_key(store: &dyn Source, entries: &[Entry]) {
    let keys: Vec<_> = entries.iter().map(|entry| entry.key.clone()).collect();
    let single = spans(store, &keys);
    assert_eq!(issues(&single), []);
    let contents = |all: &[Entry]| -> Vec<_> {
        all.iter().map(|entry| (entry.key.clone(), entry_json(entry).to_string())).collect()
    };
    assert_eq!(contents(&single.entries), contents(entries));
}

#[test]
fn any_text_may_be_an_id() {
    let long = "x".repeat(10_000);
    let good = [
        "../../etc/passwd",
        "/",
        "a'\"b\\",
        "é 😀",
        "msg_1fba887d3001CR0ZjgTMDSIXDP_4", // the copy of a fork, and a copy of this copy
        "msg_1fba887d3001CR0ZjgTMDSIXDP_4_4",
        "msg_1fba887d3001CR0ZjgTMDSIXDP",
        "msg_FBA887D3001cr0zjgtmdsixd",
        "%",
        "x#summary",
        "x",
        &long,
    ];
    let bad = ["", "\u{1b}[2J", "a\nb", "\u{9b}31m", "\0"];
    for kind in ["user", "assistant", "compaction", "idle"] {
        let (_dir, database) = database_without_constraints("");
        let db = open_writer(&database);
        for (seq, id) in (0..).zip(good.iter().chain(&bad)) {
            insert(&db, id, kind, seq);
        }
        let store = open(&database);
        let listing = tree(&store, &session_key("ses_1"));
        assert_eq!(listing.issues.len(), bad.len(), "{kind}");
        for (key, kind) in issues(&listing) {
            assert!(matches!(kind, IssueKind::BadId { .. }), "{kind:?}");
            assert_eq!(key.as_deref(), Some("session ses_1"));
        }
        let id = |entry: &Entry| match &entry.key {
            EntityKey::Message(key) => Some(key.message.to_string()),
            EntityKey::Item(key) => Some(key.item.to_string()),
            _ => None,
        };
        let mut ids: Vec<String> = listing.entries.iter().filter_map(id).collect();
        if kind == "compaction" {
            assert_eq!(ids.len(), good.len() * 2);
            ids = ids.into_iter().step_by(2).collect(); // one id may belong to two messages here
        } else {
            assert_same_by_key(&store, &listing.entries);
        }
        assert_eq!(ids, good, "{kind}");
        for entry in &listing.entries {
            assert_eq!(Entity::parse(&entry.key, entry.span.as_ref().unwrap()).unwrap().issues, []);
        }
        read_everything(&store);
    }
}

#[test]
fn sessions_may_have_any_id() {
    let (_dir, database) = database_without_constraints("");
    let db = open_writer(&database);
    let long = "x".repeat(10_000);
    let good = ["../../x", "é", "a'\"\\", "%", &long, "ses_1_2"];
    for id in good.iter().chain(&["", "\u{1b}[2J", "a\0b"]) {
        let insert = "INSERT INTO session_v2 (id, time_created, time_updated) VALUES (?1, 1, 0)";
        db.execute(insert, [id]).unwrap();
        let insert =
            "INSERT INTO session_message VALUES (hex(randomblob(9)), ?1, 'user', 1, 1, 1, '{}')";
        db.execute(insert, [id]).unwrap();
    }
    let store = open(&database);
    let listed = scan(&store, &Scope::Sessions);
    let mut expected: Vec<_> = good.map(str::to_owned).to_vec();
    expected.push("ses_1".to_owned());
    let mut ids: Vec<_> = sessions(&store).iter().map(ToString::to_string).collect();
    expected.sort_unstable();
    ids.sort_unstable();
    assert_eq!((ids, listed.issues.len()), (expected, 3));
    assert_eq!(tree(&store, &session_key("../../x")).entries.len(), 3);
    read_everything(&store);
}

#[test]
fn columns_of_any_type_are_read_or_reported() {
    let (_dir, database) = database_without_constraints(
        r#"INSERT INTO session_message VALUES
            ('msg_a', 'ses_1', 'user', 'text', 1, 1, '{"text":"a"}'),
            ('msg_b', 'ses_1', 'user', -9223372036854775808, 1, 1, '{"text":"b"}'),
            ('msg_c', 'ses_1', 'user', 9223372036854775807, 1, 1, '{"text":"c"}'),
            ('msg_d', 'ses_1', 'user', 1.5, 'x', x'00', '{"text":"d"}'),
            ('msg_e', 'ses_1', 'user', NULL, NULL, NULL, '{"text":"e"}'),
            ('msg_f', 'ses_1', 'user', 2, 1, 1, NULL),
            ('msg_g', 'ses_1', 'user', 3, 1, 1, 5),
            ('msg_h', 'ses_1', 'user', 4, 1, 1, CAST('{"text":"h"}' AS blob)),
            ('msg_i', 'ses_1', NULL, 5, 1, 1, '{}'),
            ('msg_j', 'ses_1', x'ff', 6, 1, 1, '{}'),
            ('msg_k', 'ses_1', 7, 7, 1, 1, '{}'),
            ('msg_l', 'ses_1', 'user', 4, 1, 1, '{"text":"twice"}'),
            (x'ff', 'ses_1', 'user', 8, 1, 1, '{}'), (NULL, 'ses_1', 'user', 9, 1, 1, '{}'),
            ('msg_m', NULL, 'user', 10, 1, 1, '{}'), ('msg_n', x'ff', 'user', 11, 1, 1, '{}');"#,
    );
    let store = open(&database);
    let listing = tree(&store, &session_key("ses_1"));
    let problems = issues(&listing);
    let shape = || IssueKind::WrongShape { expected: "a record as JSON" };
    assert!(problems.contains(&(Some("message ses_1/msg_f".to_owned()), shape())), "{problems:?}");
    let bad = problems.iter().filter(|(_, kind)| matches!(kind, IssueKind::BadId { .. }));
    assert_eq!((bad.count(), problems.len()), (2, 3), "{problems:?}");
    let is_row = |entry: &&Entry| !matches!(entry.key, EntityKey::Part(_) | EntityKey::Session(_));
    let entries: Vec<Entry> = listing.entries.into_iter().filter(|entry| is_row(&entry)).collect();
    let mut names = key_names(&entries);
    assert_eq!((&*names[0], &**names.last().unwrap()), ("msg_b", "msg_c"));
    assert!(entries.is_sorted_by_key(|entry| entry.order));
    names.sort_unstable();
    assert_eq!(
        names,
        "abcdeghijkl".chars().map(|letter| format!("msg_{letter}")).collect::<Vec<_>>()
    );
    assert_same_by_key(&store, &entries);
    // No call fails, and both surveys have the same set.
    read_everything(&store);
    let (sets, _) = survey_sorted(&store, &Survey::MessageSets);
    let (observations, _) = survey_sorted(&store, &Survey::Messages(&session_key("ses_1")));
    let set = sets.iter().find(|set| set.key == EntityKey::Session(session_key("ses_1"))).unwrap();
    assert!(observations.contains(set));
    let orphan_rows = orphans(&store);
    assert_eq!(
        (orphan_rows.entries.len(), orphan_rows.issues.len()),
        (0, 2),
        "of no session that has a name"
    );
}

#[test]
fn columns_of_a_session_may_hold_anything() {
    let (_dir, database) = database_without_constraints(
        r#"INSERT INTO session_v2 (id, project_id, title, fork_session_id, fork_boundary, model, revert,
                cost, tokens_input, time_created, time_updated, time_idle, idle_outcome)
            VALUES ('ses_2', x'ff', 5, 'ses_3', '{"type":', 'x', '[1', 'free', -1, 'x', NULL, 1e300, x'00'),
                ('ses_3', '', '', '', '', '', '', NULL, NULL, 2, 9223372036854775807, '', ''),
                ('ses_4', 'p', NULL, 'ses_4', '7', '{}', '{}', 1e999, 9e18, -1, -1, -1, 'odd');"#,
    );
    let store = open(&database);
    let listed = scan(&store, &Scope::Sessions);
    assert_eq!((listed.entries.len(), listed.issues.len()), (4, 0));
    for entry in &listed.entries {
        assert!(entry_json(entry).is_object());
        Entity::parse(&entry.key, entry.span.as_ref().unwrap()).unwrap();
    }
    assert_eq!(key_names(&listed.entries)[0], "ses_3");
    let record = entry_json(
        listed.entries.iter().find(|entry| entry.key == session_key("ses_2").into()).unwrap(),
    );
    assert_eq!(
        record["fork"],
        serde_json::json!({ "sessionID": "ses_3", "boundary": "{\"type\":" })
    );
    read_everything(&store);
}

/// A malformed list element costs the rest of the list, which becomes an unreadable part.
#[test]
fn a_broken_list_ends_in_an_unreadable_part() {
    let good = r#"{"type":"text","text":"good"}"#;
    for (kind, data, expected) in [
        (
            "assistant",
            format!(r#"{{"content":[{good},{good},{{"type" "text"}}],"finish":"stop"}}"#),
            "00001 00002 00003! finis",
        ),
        (
            "assistant",
            format!(r#"{{"content":[{good} {good}],"finish":"stop"}}"#),
            "00001 00002! finis",
        ),
        ("assistant", r#"{"content":"text","finish":"stop"}"#.to_owned(), "00001! finis"),
        ("assistant", r#"{"content":null,"finish":"stop"}"#.to_owned(), "finis"),
        (
            "assistant",
            r#"{"content":[5,nul],"model":null,"error":null,"retry":null,"finish":null}"#
                .to_owned(),
            "00001! 00002!",
        ),
        (
            "user",
            r#"{"text":"x","files":[{"mime":"a"},{"mime" }],"agents":5,"skills":null}"#.to_owned(),
            "00000 00001 00002! 00003!",
        ),
    ] {
        let (_dir, database) = database_without_constraints("");
        let insert = "INSERT INTO session_message VALUES ('msg_1', 'ses_1', ?1, 1, 1, 1, ?2)";
        open_writer(&database).execute(insert, (kind, &data)).unwrap();
        let store = open(&database);
        let entries = tree(&store, &session_key("ses_1")).entries;
        let message = Entity::parse(&entries[1].key, entries[1].span.as_ref().unwrap()).unwrap();
        assert_eq!(message.issues, [], "{data}");
        let part = |entry: &Entry| {
            let parsed = Entity::parse(&entry.key, entry.span.as_ref().unwrap());
            let is_good = parsed.is_ok_and(|parsed| parsed.issues.is_empty());
            let name = key_names(std::slice::from_ref(entry)).remove(0);
            format!("{}{}", name.trim_start_matches("prt_1_"), if is_good { "" } else { "!" })
        };
        let parts: Vec<String> = entries[2..].iter().map(part).collect();
        assert_eq!(parts.join(" "), expected, "{data}");
        // The other calls must return the same parts.
        let all: Vec<String> = scan(&store, &Scope::AllParts).entries.iter().map(part).collect();
        assert_eq!(all, parts, "{data}");
        let messages = scan(&store, &Scope::Messages(session_key("ses_1"))).entries;
        assert_eq!(
            (messages.len(), entry_json(&messages[0])),
            (1, entry_json(&entries[1])),
            "{data}"
        );
    }
}

#[test]
fn rows_without_a_session_are_listed_as_orphans() {
    for (schema, table) in [(SCHEMA, "session"), (V2_SCHEMA, "session_v2")] {
        let (_dir, database) = database_with_schema(schema, "");
        let db = open_writer(&database);
        db.execute_batch(&format!(
            r#"PRAGMA foreign_keys=OFF;
             INSERT INTO {table} (id, project_id, slug, directory, title, version, time_created, time_updated)
                 VALUES ('ses_1', 'p', 's', '/w', 't', '2', 1, 1);
             INSERT INTO session_message VALUES
                 ('msg_1', 'ses_1', 'user', 1, 1, 1, '{{"text":"x"}}'),
                 ('msg_2', 'ses_lost', 'user', 1, 1, 1, '{{"text":"x"}}'),
                 ('msg_3', 'ses_lost', 'idle', 2, 1, 1, '{{}}'),
                 ('msg_4', 'ses_lost', 'compaction', 3, 1, 1, '{{"summary":"'),
                 ('msg_5', 'ses_gone', 'assistant', 1, 1, 1, '{{"content":[{{"type":"text"}}]}}');"#
        ))
        .unwrap();
        let store = open(&database);
        let orphan_rows = orphans(&store);
        assert_eq!(issues(&orphan_rows), []);
        let expected =
            ["msg_5", "prt_5_00001", "msg_2", "prt_2_00000", "msg_3", "msg_4"].map(str::to_owned);
        assert_eq!(key_names(&orphan_rows.entries), expected, "{table}");
        let (sets, _) = survey_sorted(&store, &Survey::MessageSets);
        let names: Vec<_> = sets.iter().map(|set| set.key.to_string()).collect();
        assert_eq!(names, ["session ses_1", "session ses_gone", "session ses_lost"]);
        let mut reader = store.open().unwrap();
        for (session, is_present) in [("ses_lost", true), ("ses_gone", true), ("ses_none", false)] {
            assert_eq!(reader.has_session(&session_key(session)).unwrap(), is_present, "{session}");
        }
        assert_eq!(
            key_names(&tree(&store, &session_key("ses_lost")).entries)[0],
            "msg_2",
            "and by its name"
        );
    }
}

/// An unreadable row can still be the parent of an answer.
#[test]
fn answers_to_unreadable_rows_have_the_same_parent_in_every_call() {
    let (_dir, database) = database_without_constraints("");
    let db = open_writer(&database);
    insert(&db, "msg_1", "user", 1);
    insert(&db, "msg_2", "user", 2);
    insert(&db, "msg_3", "assistant", 3);
    insert(&db, "a\nb", "user", 4); // not a valid id
    insert(&db, "msg_5", "assistant", 5);
    db.execute("UPDATE session_message SET data = 7 WHERE id = 'msg_2'", []).unwrap();
    let store = open(&database);
    let listing = tree(&store, &session_key("ses_1"));
    let answers = listing.entries.iter().filter(|entry| {
        matches!(&entry.key, EntityKey::Message(key) if ["msg_3", "msg_5"].contains(&key.message.as_str()))
    });
    let answers: Vec<Entry> = answers.cloned().collect();
    let parents: Vec<_> =
        answers.iter().map(|entry| entry_json(entry)["parentID"].clone()).collect();
    assert_eq!(parents, ["msg_2".into(), serde_json::Value::Null]);
    assert_same_by_key(&store, &answers);
}
