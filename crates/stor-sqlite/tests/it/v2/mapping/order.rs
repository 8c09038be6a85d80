//! Tests the order of rows, the messages that answers belong to, their directories, and pending
//! items.

use scrollback_core_id::EntityKey;
use scrollback_source::{Entry, Source};
use serde_json::Value;

use super::{
    Preview, Shape, V2, parse_expected, record_without_ids, session, session_with_rows,
    translated_records,
};
use crate::calls::{key_names, spans, tree};
use crate::support::{entry_json, open, open_writer};

const MOVE_WITH_PREVIOUS: &str =
    r#"{"location":{"directory":"/v"},"previous":{"location":{"directory":"/u"}}}"#;
const MOVE_WITHOUT_PREVIOUS: &str = r#"{"location":{"directory":"/é\"\\"}}"#;

/// Returns the id, the parent and the directory of each message.
fn message_contexts(entries: &[Entry]) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let is_message = |entry: &&Entry| matches!(entry.key, EntityKey::Message(_));
    let context = |entry: &Entry| {
        let (record, name) = (entry_json(entry), key_names(std::slice::from_ref(entry)).remove(0));
        (name, text(&record["parentID"]), text(&record["path"]["cwd"]))
    };
    entries.iter().filter(is_message).map(context).collect()
}

#[test]
fn answers_carry_their_parent_and_directory() {
    let text = r#"{"text":"x","time":{"created":1}}"#;
    let list = [
        ("msg_a", "assistant", 1, "{}"),
        ("msg_b", "user", 1, text),
        ("msg_c", "assistant", 1, "{}"),
        ("msg_d", "system", 1, text), // answers do not answer this type
        ("msg_e", "skill", 1, text),
        ("msg_f", "assistant", 1, "{}"),
        ("msg_g", "location-switched", 1, MOVE_WITH_PREVIOUS),
        ("msg_h", "synthetic", 1, text),
        ("msg_i", "shell", 1, "{}"),
        ("msg_j", "compaction", 1, "{}"),
        ("msg_k", "location-switched", 1, MOVE_WITHOUT_PREVIOUS),
        ("msg_l", "assistant", 1, "{}"),
        ("msg_m", "location-switched", 1, "{\"location\":"), // malformed, so the directory stays
        ("msg_n", "assistant", 1, "{}"),
    ];
    let expected = [
        ("msg_a", "-", "/u"), // the directory before the first move
        ("msg_b", "-", "-"),
        ("msg_c", "msg_b", "/u"),
        ("msg_d", "-", "-"),
        ("msg_e", "-", "-"),
        ("msg_f", "msg_b", "/u"),
        ("msg_h", "-", "-"),
        ("msg_i", "msg_h", "/v"),
        ("msg_j", "-", "-"),
        ("msg_j#summary", "msg_j", "/v"),
        ("msg_l", "msg_j", "/é\"\\"),
        ("msg_n", "msg_j", "/é\"\\"),
    ];
    let expected = expected.map(|(id, parent, cwd)| (id.into(), parent.into(), cwd.into()));
    for shape in [Preview, V2] {
        let (_dir, database) = session_with_rows(shape, &list);
        let store = open(&database);
        let entries = tree(&store, &session()).entries;
        assert_eq!(message_contexts(&entries), expected, "{shape:?}");
        let keys: Vec<_> = entries.iter().map(|entry| entry.key.clone()).collect();
        assert_eq!(message_contexts(&spans(&store, &keys).entries), expected, "one by one");
    }
}

#[test]
fn a_session_that_never_moved_has_the_directory_of_its_record() {
    for shape in [Preview, V2] {
        let (_dir, database) = session_with_rows(shape, &[("msg_a", "assistant", 1, "{}")]);
        let contexts = message_contexts(&tree(&open(&database), &session()).entries);
        assert_eq!(contexts, [("msg_a".into(), "-".into(), "/w".into())], "{shape:?}");
    }
}

#[test]
fn rows_are_ordered_by_sequence_number() {
    // A prompt that was queued and delivered after a later one, ids on both sides of a wrap, and a
    // copy.
    let list = [
        ("msg_fffffffff001CR0ZjgTMDSIXDP_0", "user", 50, "{}"),
        ("msg_000000000001CR0ZjgTMDSIXDP", "agent-switched", 70, "{}"),
        ("msg_z", "user", 60, "{}"),
        ("msg_a", "hologram", 10, "{}"),
        ("msg_0", "assistant", 60, "{}"),
    ];
    for shape in [Preview, V2] {
        let (_dir, database) = session_with_rows(shape, &list);
        let store = open(&database);
        let entries = tree(&store, &session()).entries;
        let is_row = |entry: &&Entry| !matches!(entry.key, EntityKey::Part(_));
        let rows: Vec<Entry> = entries.into_iter().skip(1).filter(|entry| is_row(&entry)).collect();
        assert_eq!(key_names(&rows), list.map(|row| row.0), "{shape:?}");
        assert!(rows.is_sorted_by(|a, b| a.order < b.order), "{shape:?}");
        let keys: Vec<_> = rows.iter().map(|entry| entry.key.clone()).collect();
        let single = spans(&store, &keys).entries;
        assert!(
            single.iter().map(|entry| entry.order).eq(rows.iter().map(|entry| entry.order)),
            "{shape:?}"
        );
    }
}

#[test]
fn turns_of_both_formats_are_ordered_by_time() {
    let list = [("msg_c", "user", 20, "{}"), ("msg_d", "assistant", 40, "{}")];
    let (_dir, database) = session_with_rows(Preview, &list);
    let db = open_writer(&database);
    db.execute_batch(
        "INSERT INTO message VALUES ('msg_b', 'ses_1', 10, 10, '{\"role\":\"user\"}'),
             ('msg_a', 'ses_1', 30, 30, '{\"role\":\"assistant\"}'),
             ('msg_e', 'ses_1', 50, 50, '{\"role\":\"user\"}');
         INSERT INTO part VALUES ('prt_a', 'msg_a', 'ses_1', 30, 30, '{\"type\":\"text\"}');",
    )
    .unwrap();
    let read = tree(&open(&database), &session()).entries;
    let expected = ["ses_1", "msg_b", "msg_c", "prt_c_00000", "msg_a", "prt_a", "msg_d", "msg_e"];
    assert_eq!(key_names(&read), expected);
}

#[test]
fn pending_prompts_are_items() {
    let payload = r#"{"text":"later","files":[]}"#;
    for (shape, insert, kind) in [
        (V2, "session_inbox VALUES ('msg_w', 'ses_1', 'prompt', ?1, 'queue', 9, 80)", "prompt"),
        (V2, "session_pending VALUES ('msg_w', 'ses_1', 'move', ?1, 'queue', 9, 80)", "move"),
        (Preview, "session_input VALUES ('msg_w', 'ses_1', ?1, 'queue', 9, NULL, 80)", "prompt"),
    ] {
        let (_dir, database) = session_with_rows(shape, &[("msg_1", "idle", 10, "{}")]);
        let db = open_writer(&database);
        db.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
        db.execute(&format!("INSERT INTO {insert}"), [payload]).unwrap();
        if shape == Preview {
            // A delivered prompt stays in the table and is a row already.
            let delivered = "session_input VALUES ('msg_1', 'ses_1', '{}', 'queue', 1, 2, 10)";
            db.execute(&format!("INSERT INTO {delivered}"), []).unwrap();
        }
        let expected = format!(
            r#"msg_1 {{"type":"idle"}}
            msg_w {{"type":"pending","what":"{kind}","delivery":"queue","payload":{payload},"time":{{"created":80}}}}"#
        );
        assert_eq!(translated_records(&open(&database)), parse_expected(&expected), "{insert}");
    }
}

#[test]
fn a_session_with_only_pending_prompts_lists_them() {
    for shape in [Preview, V2] {
        let (_dir, database) = session_with_rows(shape, &[]);
        let db = open_writer(&database);
        db.execute_batch(&format!("PRAGMA foreign_keys=OFF; {}", insert_pending_row(shape)))
            .unwrap();
        let read = tree(&open(&database), &session()).entries;
        assert_eq!(key_names(&read), ["ses_1", "msg_w"], "{shape:?}");
        assert_eq!(record_without_ids(&read[1])["payload"]["text"], "x");
    }
}

fn insert_pending_row(shape: Shape) -> &'static str {
    match shape {
        Preview => {
            "INSERT INTO session_input VALUES ('msg_w', 'ses_1', '{\"text\":\"x\"}', 'steer', 1, NULL, 1)"
        }
        _ => {
            "INSERT INTO session_inbox VALUES ('msg_w', 'ses_1', 'prompt', '{\"text\":\"x\"}', 'steer', 1, 1)"
        }
    }
}

#[test]
fn raw_returns_the_stored_row() {
    let data = r#"{"text":"x", "time":{"created":1} }"#;
    for shape in [Preview, V2] {
        let (_dir, database) = session_with_rows(shape, &[("msg_1", "compaction", 10, data)]);
        let store = open(&database);
        let mut reader = store.open().unwrap();
        let stored = format!(
            r#"{{"id":"msg_1","session_id":"ses_1","type":"compaction","seq":1,"time_created":10,"time_updated":90,"data":{data}}}"#
        );
        for entry in tree(&store, &session()).entries.iter().skip(1) {
            let raw = reader.raw(&entry.key).unwrap().unwrap();
            assert_eq!(String::from_utf8_lossy(&raw), stored, "{}", entry.key);
        }
    }
}
