//! Tests every type of row, in the shape of each version, against the records of 1.x that it must
//! become (`docs/format/opencode-v2.md`, section 7).

mod answers;
mod events;
mod order;
mod prompts;
mod real;

use std::path::PathBuf;

use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_core_type::Entity;
use scrollback_source::{Entry, Source};
use serde_json::Value;
use tempfile::TempDir;

use crate::calls::{session_key, spans, tree};
use crate::support::{SCHEMA, V2_SCHEMA, database_with_schema, entry_json, open};

/// The version that writes a row: the preview within 1.16 to 1.18, 2.0, or later versions, which
/// name the provider's own fields `native`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Preview,
    V2,
    Native,
}
use Shape::{Native, Preview, V2};

/// A row and its expected records.
struct Case {
    name: &'static str,
    shapes: &'static [Shape],
    kind: &'static str,
    data: &'static str,
    /// One line per record: the end of its id, and its JSON without ids. A line with `!` is an
    /// issue that the parser of the record reports.
    expected_records: &'static str,
}

const ALL_SHAPES: &[Shape] = &[Preview, V2, Native];
const SINCE_V2: &[Shape] = &[V2, Native];

/// Makes a database with one session in `/w`. Each row is an id, a type, a time and data. The rows
/// are numbered in order.
fn session_with_rows(shape: Shape, rows: &[(&str, &str, i64, &str)]) -> (TempDir, PathBuf) {
    let (schema, table) = match shape {
        Preview => (SCHEMA, "session"),
        V2 | Native => (V2_SCHEMA, "session_v2"),
    };
    let (dir, database) = database_with_schema(schema, "");
    let db = crate::support::open_writer(&database);
    let session = format!(
        "PRAGMA foreign_keys=OFF; INSERT INTO {table} (id, project_id, slug, directory, title,
            version, time_created, time_updated) VALUES ('ses_1', 'p', 's', '/w', 't', '2', 1, 1);"
    );
    db.execute_batch(&session).unwrap();
    for (seq, (id, kind, created, data)) in (1..).zip(rows) {
        let insert = "INSERT INTO session_message (id, session_id, type, seq, time_created,
            time_updated, data) VALUES (?1, 'ses_1', ?2, ?3, ?4, 90, ?5)";
        db.execute(insert, (id, kind, seq, created, data)).unwrap();
    }
    drop(db);
    (dir, database)
}

fn session() -> SessionKey {
    session_key("ses_1")
}

/// Returns the record without its ids, after a check that they match the key.
fn record_without_ids(entry: &Entry) -> Value {
    let mut record = entry_json(entry);
    let fields = record.as_object_mut().unwrap();
    let mut take = |name: &str| fields.remove(name).map(|id| id.as_str().unwrap().to_owned());
    assert_eq!(take("sessionID").as_deref(), Some("ses_1"));
    let (id, owner) = (take("id").unwrap(), take("messageID"));
    let (expected_id, expected_owner) = match &entry.key {
        EntityKey::Message(key) => (key.message.to_string(), None),
        EntityKey::Item(key) => (key.item.to_string(), None),
        EntityKey::Part(key) => (key.part.to_string(), Some(key.message.to_string())),
        other => panic!("{other}"),
    };
    assert_eq!((id, owner), (expected_id, expected_owner));
    record
}

/// Returns the records of the session in the form of [`Case::expected_records`].
fn translated_records(store: &dyn Source) -> Vec<(String, Value)> {
    let listed = tree(store, &session());
    assert!(listed.issues.is_empty(), "{:?}", listed.issues);
    let entries = &listed.entries[1..];
    // Reading by key must give the same records.
    let keys: Vec<EntityKey> = entries.iter().map(|entry| entry.key.clone()).collect();
    let single = spans(store, &keys).entries;
    assert_eq!(single.len(), entries.len());
    let mut all = Vec::new();
    for (entry, single) in entries.iter().zip(single) {
        assert_eq!((&single.key, entry_json(&single)), (&entry.key, entry_json(entry)));
        let name = entry.key.to_string();
        let name = name.rsplit('/').next().unwrap().trim_start_matches("prt_1_");
        all.push((name.to_owned(), record_without_ids(entry)));
        let parsed = Entity::parse(&entry.key, entry.span.as_ref().unwrap()).unwrap();
        for issue in parsed.issues {
            all.push(("!".to_owned(), issue.kind.to_string().into()));
        }
    }
    all
}

fn parse_expected(expected: &str) -> Vec<(String, Value)> {
    let line = |line: &str| {
        let (name, json) = line.trim().split_once(' ').unwrap();
        let value = match name {
            "!" => json.into(),
            _ => serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}")),
        };
        (name.to_owned(), value)
    };
    expected.trim().lines().map(line).collect()
}

#[test]
fn rows_become_records_of_1x() {
    let tables = [prompts::CASES, answers::CASES, answers::TOOLS, events::CASES];
    let mut compared = 0;
    for case in tables.into_iter().flatten() {
        for shape in case.shapes {
            let (_dir, database) =
                session_with_rows(*shape, &[("msg_1", case.kind, 10, case.data)]);
            let records = translated_records(&open(&database));
            assert_eq!(
                records,
                parse_expected(case.expected_records),
                "{} of {shape:?}",
                case.name
            );
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared}");
}
