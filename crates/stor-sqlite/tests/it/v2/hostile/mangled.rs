//! Mangles texts of real rows at random. No call may crash, other rows must stay the same, and
//! invalid JSON must be reported.

use std::cell::Cell;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rusqlite::Connection;
use scrollback_core_id::{EntityKey, Scope};
use scrollback_core_type::{Entity, repair_surrogates};
use scrollback_fixtures::corpus;
use scrollback_source::{Entry, Listing, Source, Survey};
use serde_json::Value;

use crate::calls::session_key;
use crate::support::{
    V2_CORPORA, V2_SCHEMA, database_with_schema, open, open_writer, survey_sorted,
};

/// Returns the type and text of the distinct rows of all databases.
fn real_rows() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for corpus_id in V2_CORPORA {
        let path = corpus(corpus_id).database;
        let uri = format!("file:{}?mode=ro&immutable=1", path.display());
        let db = Connection::open(uri).unwrap();
        let sql = "SELECT DISTINCT type, data FROM session_message WHERE length(data) < 5000";
        let mut rows = db.prepare(sql).unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        all.extend(rows.map(Result::unwrap));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// A change to a text.
#[derive(Debug, Clone)]
enum Mutation {
    /// Sets a byte.
    Set(Index, u8),
    Cut(Index),
    Insert(Index, &'static [u8]),
    Remove(Index, usize),
    /// Replaces a JSON value.
    Replace(Index, Token),
    /// Gives an object a duplicate of a field, before and behind its fields.
    Repeat(Index, Token),
}

/// A JSON value, or bytes that are not one.
#[derive(Debug, Clone)]
enum Token {
    Text(&'static [u8]),
    Deep(u8, usize),
    Long(usize),
}

impl Token {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.to_vec(),
            Self::Deep(b'[', depth) => [vec![b'['; *depth], vec![b']'; *depth]].concat(),
            Self::Deep(_, depth) => {
                ["{\"x\":".repeat(*depth), "1".to_owned(), "}".repeat(*depth)].concat().into_bytes()
            }
            Self::Long(len) => format!("\"{}\"", "x\\n".repeat(*len)).into_bytes(),
        }
    }
}

const SAMPLE_VALUES: [&[u8]; 24] = [
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"\"\"",
    b"[[],{}]",
    b"{\"status\":\"completed\"}",
    b"-0",
    b"1e999",
    b"12345678901234567890",
    b"-9223372036854775809",
    b"0.1e-5",
    b"\"\\u0000\"",
    b"\"\\ud800\"",
    b"\"\\udfff x\"",
    b"\"\0\"",
    b"\"\x1b[2J\"",
    b"\"\xff\xfe\"",
    b"\"\\x\"",
    b"nul",
    b"01",
    b"\"",
    b"",
    b"[{\"type\":\"tool\",\"type\":\"text\",\"state\":[],\"time\":5}]",
];

fn any_mutation() -> impl Strategy<Value = Mutation> {
    let token = prop_oneof![
        8 => select(&SAMPLE_VALUES[..]).prop_map(Token::Text),
        1 => (select(&b"[{"[..]), select(&[3, 200, 5000][..])).prop_map(|(kind, depth)| Token::Deep(kind, depth)),
        1 => select(&[100, 100_000][..]).prop_map(Token::Long),
    ];
    let bytes: &[&[u8]] =
        &[b"\"", b"\\", b"{", b"}", b"[", b"]", b"\\ud83d", b"\\u0000", b"\0", b":", b",", b"\xff"];
    let at = any::<Index>;
    prop_oneof![
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        1 => at().prop_map(Mutation::Cut),
        1 => (at(), select(bytes)).prop_map(|(at, token)| Mutation::Insert(at, token)),
        1 => (at(), 1_usize..40).prop_map(|(at, len)| Mutation::Remove(at, len)),
        3 => (at(), token.clone()).prop_map(|(at, token)| Mutation::Replace(at, token)),
        2 => (at(), token).prop_map(|(at, token)| Mutation::Repeat(at, token)),
    ]
}

/// Collects the JSON pointers of all values in a text.
fn collect_pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    let mut into =
        |name: &str, value: &Value| collect_pointers(value, &format!("{at}/{name}"), all);
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| into(&at.to_string(), item));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, value)| into(name, value)),
        _ => {}
    }
}

/// The value that is replaced by the bytes of a token.
const PLACEHOLDER: &str = "\"@here@\"";

fn replace_placeholder(text: &str, token: &Token) -> Vec<u8> {
    let (before, after) = text.split_once(PLACEHOLDER).unwrap();
    [before.as_bytes(), &token.bytes(), after.as_bytes()].concat()
}

fn apply_mutation(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let len = bytes.len();
    if len == 0 {
        return;
    }
    let parsed = serde_json::from_slice::<Value>(bytes);
    let mark_value = |at: &Index, keeps: fn(&Value) -> bool| {
        let mut value = parsed.as_ref().ok()?.clone();
        let mut all = Vec::new();
        collect_pointers(&value, "", &mut all);
        all.retain(|at| value.pointer(at).is_some_and(keeps));
        let at = all.get(at.index(all.len().max(1)))?;
        *value.pointer_mut(at)? = "@here@".into();
        Some((value.to_string(), parsed.as_ref().ok()?.pointer(at)?.clone()))
    };
    match mutation {
        Mutation::Set(at, byte) => bytes[at.index(len)] = *byte,
        Mutation::Cut(at) => bytes.truncate(at.index(len)),
        Mutation::Insert(at, token) => {
            let at = at.index(len);
            bytes.splice(at..at, token.iter().copied());
        }
        Mutation::Remove(at, count) => {
            let at = at.index(len);
            bytes.drain(at..(at + count).min(len));
        }
        Mutation::Replace(at, token) => {
            if let Some((text, _)) = mark_value(at, |_| true) {
                *bytes = replace_placeholder(&text, token);
            }
        }
        Mutation::Repeat(at, token) => {
            let is_object =
                |value: &Value| value.as_object().is_some_and(|value| !value.is_empty());
            if let Some((text, Value::Object(fields))) = mark_value(at, is_object) {
                let (name, _) = fields.iter().nth(at.index(fields.len())).unwrap();
                let inside = Value::from(fields.clone()).to_string();
                let inside = &inside[1..inside.len() - 1];
                let mut object = String::new();
                write!(object, "{{\"{name}\":{PLACEHOLDER},{inside},\"{name}\":{PLACEHOLDER}}}")
                    .unwrap();
                let with_object = text.replacen(PLACEHOLDER, &object, 1);
                let with_first_token = replace_placeholder(&with_object, token);
                let at = with_first_token
                    .windows(PLACEHOLDER.len())
                    .position(|window| window == PLACEHOLDER.as_bytes())
                    .unwrap();
                *bytes = [
                    &with_first_token[..at],
                    &token.bytes(),
                    &with_first_token[at + PLACEHOLDER.len()..],
                ]
                .concat();
            }
        }
    }
}

/// Turns all numbers into floating-point numbers, as in JavaScript.
fn normalized(mut value: Value) -> Value {
    match &mut value {
        Value::Number(number) => return number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.iter_mut().for_each(|value| *value = normalized(value.take())),
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| *value = normalized(value.take()));
        }
        _ => {}
    }
    value
}

/// A row to mangle, between rows that must stay the same.
const OTHER_ROWS: &str = r#"
    PRAGMA foreign_keys=OFF;
    INSERT INTO session_v2 (id, project_id, slug, directory, version, time_created, time_updated)
        VALUES ('ses_1', 'p', 's', '/w', '2', 1, 1);
    INSERT INTO session_message VALUES
        ('msg_a', 'ses_1', 'user', 1, 1, 1, '{"text":"before","time":{"created":1}}'),
        ('msg_m', 'ses_1', 'user', 2, 1, 1, '{}'),
        ('msg_b', 'ses_1', 'idle', 3, 1, 1, '{"outcome":"succeeded","time":{"created":1}}'),
        ('msg_c', 'ses_1', 'assistant', 4, 1, 1, '{"content":[{"type":"text","text":"behind"}],"time":{"created":1,"completed":2}}'),
        ('msg_d', 'ses_1', 'compaction', 5, 1, 1, '{"summary":"s","time":{"created":1}}');"#;

fn is_mangled(key: &EntityKey) -> bool {
    let name = key.to_string();
    ["msg_m", "prt_m"].iter().any(|prefix| name.contains(prefix))
}

/// Returns the records of the other rows, without the fields that depend on the mangled row.
fn other_entries(entries: &[Entry]) -> Vec<(String, Vec<u8>)> {
    let others = entries.iter().filter(|entry| !is_mangled(&entry.key));
    let comparable = |entry: &Entry| {
        let mut record: Value = serde_json::from_slice(entry.span.as_deref().unwrap()).unwrap();
        let record_fields = record.as_object_mut().unwrap();
        ["parentID", "path"].iter().for_each(|name| drop(record_fields.remove(*name)));
        (entry.key.to_string(), record.to_string().into_bytes())
    };
    others.map(comparable).collect()
}

/// Returns how many problems an entry has. Panics if its JSON and its typed value differ.
fn check_entry(entry: &Entry) -> Result<usize, TestCaseError> {
    let bytes = entry.span.as_deref().unwrap().to_vec();
    let (bytes, repaired) = match repair_surrogates(&bytes) {
        Some((repaired, _)) => (repaired, 1),
        None => (bytes, 0),
    };
    let strict = serde_json::from_slice::<Value>(&bytes);
    match (Entity::parse(&entry.key, &bytes), strict) {
        (Ok(parsed), Ok(stored)) => {
            let written = serde_json::to_string(&parsed.value).unwrap();
            let reread: Value = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(normalized(reread), normalized(stored));
            Ok(parsed.issues.len() + repaired)
        }
        (Ok(_), Err(error)) => {
            // Values that are kept as raw JSON may be nested deeper, or have larger numbers, than
            // `serde_json::Value` allows.
            let error = error.to_string();
            let is_kept = error.contains("recursion") || error.contains("out of range");
            prop_assert!(is_kept, "accepted: {} {}", error, String::from_utf8_lossy(&bytes));
            Ok(0)
        }
        (Err(_), Ok(stored)) => {
            prop_assert!(!stored.is_object(), "refused: {}", stored);
            Ok(1)
        }
        (Err(_), Err(_)) => Ok(1),
    }
}

fn all_calls(store: &dyn Source) -> Vec<Entry> {
    let mut reader = store.open().unwrap();
    let session = session_key("ses_1");
    let listing = Listing::collect(|visit| reader.tree(&session, visit)).unwrap();
    assert!(listing.issues.is_empty());
    let keys: Vec<_> = listing.entries.iter().map(|entry| entry.key.clone()).collect();
    let single = Listing::collect(|visit| reader.spans(&keys, visit)).unwrap().entries;
    let texts = |all: &[Entry]| -> Vec<String> {
        all.iter()
            .map(|entry| String::from_utf8_lossy(entry.span.as_deref().unwrap()).into_owned())
            .collect()
    };
    assert_eq!(texts(&single), texts(&listing.entries));
    for scope in [Scope::AllParts, Scope::Messages(session.clone()), Scope::Items(session.clone())]
    {
        Listing::collect(|visit| reader.scan(&scope, visit)).unwrap();
        reader.scan_borrowed(&scope, &mut |_| ControlFlow::Continue(())).unwrap();
    }
    for key in keys.iter().filter(|key| is_mangled(key)) {
        let raw = reader.raw(key).unwrap().unwrap();
        assert!(raw.starts_with(b"{\"id\":\"msg_m\"") && raw.ends_with(b"}"));
    }
    assert_eq!(survey_sorted(store, &Survey::Messages(&session)).1, []);
    listing.entries
}

#[test]
fn mangled_rows_cost_only_themselves() {
    let real = real_rows();
    assert!(real.len() > 150, "{}", real.len());
    let kinds: Vec<String> = real.iter().map(|(kind, _)| kind.clone()).collect();
    let (_dir, database) = database_with_schema(V2_SCHEMA, OTHER_ROWS);
    let db = open_writer(&database);
    let store = open(&database);
    let untouched = other_entries(&all_calls(&store));
    assert_eq!(untouched.len(), 10);

    let case = (
        (any::<Index>(), any::<Index>(), prop::bool::weighted(0.1)),
        prop::collection::vec(any_mutation(), 1..3),
        any::<bool>(),
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(500));
    let (invalid, unreported) = (Cell::new(0), Cell::new(0));
    let outcome =
        runner.run(&case, |((row_at, other_kind, has_other_kind), mutations, is_blob)| {
            let (kind, text) = &real[row_at.index(real.len())];
            let kind = if has_other_kind { &kinds[other_kind.index(kinds.len())] } else { kind };
            let mut data = text.clone().into_bytes();
            mutations.iter().for_each(|mutation| apply_mutation(&mut data, mutation));
            let value = if is_blob { "?2" } else { "CAST(?2 AS TEXT)" };
            let update =
                format!("UPDATE session_message SET type = ?1, data = {value} WHERE id = 'msg_m'");
            db.execute(&update, (kind, &data)).unwrap();

            let read = all_calls(&store);
            prop_assert_eq!(&other_entries(&read), &untouched);
            let (mut issue_count, mut entry_count) = (0, 0);
            for entry in read.iter().filter(|entry| is_mangled(&entry.key)) {
                issue_count += check_entry(entry)?;
                entry_count += 1;
            }
            prop_assert!(entry_count > 0, "the mangled row is present");
            let native = store.open().unwrap().native(&session_key("ses_1")).unwrap().unwrap();
            let repaired = repair_surrogates(&native).map(|(repaired, _)| repaired);
            let parsed = serde_json::from_slice::<Value>(repaired.as_deref().unwrap_or(&native));
            if let Err(error) = parsed {
                let error = error.to_string();
                prop_assert!(
                    error.contains("recursion") || error.contains("out of range"),
                    "{}",
                    error
                );
            }
            let is_json = match serde_json::from_slice::<&serde_json::value::RawValue>(&data) {
                Ok(_) => true,
                Err(error) => error.to_string().contains("surrogate"),
            };
            invalid.set(invalid.get() + usize::from(!is_json));
            unreported.set(unreported.get() + usize::from(!is_json && issue_count == 0));
            Ok(())
        });
    outcome.unwrap();
    // Values that become part of no record are not checked: the first of two fields with one name,
    // or an object in the place of a file's source.
    let (invalid, unreported) = (invalid.get(), unreported.get());
    assert!(
        invalid > 100 && unreported * 20 < invalid,
        "{unreported} of {invalid} are not reported"
    );
}
