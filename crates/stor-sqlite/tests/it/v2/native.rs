//! Tests sessions in the form that 2.x itself exports.

use scrollback_source::Source;
use serde_json::Value;

use crate::calls::session_key;
use crate::support::{V2_SCHEMA, database_with_schema, open, open_writer};

/// Returns `Reader::native` of a session with these columns, as text.
fn native_text(columns: &[(&str, &str)]) -> String {
    let (_dir, database) = database_with_schema(V2_SCHEMA, "");
    let db = open_writer(&database);
    db.execute_batch(
        "PRAGMA foreign_keys=OFF; INSERT INTO session_v2 (id, project_id, slug, directory, title, version, time_created,
            time_updated) VALUES ('ses_1', 'p', 's', '/w', 't', '2', 1, 1);",
    )
    .unwrap();
    for (column, value) in columns {
        db.execute(&format!("UPDATE session_v2 SET {column} = ?1"), [value]).unwrap();
    }
    drop(db);
    let native = open(&database).open().unwrap().native(&session_key("ses_1")).unwrap().unwrap();
    String::from_utf8(native.to_vec()).unwrap()
}

#[test]
fn values_are_exported_verbatim() {
    let half = r#"{"half":"\ud800"}"#;
    let deep = format!(r#"{{"deep":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
    let large = r#"{"n":123456789012345678901234567890.10,"a":1,"A":2}"#;
    for metadata in [half, &deep, large] {
        let native = native_text(&[("metadata", metadata), ("title", "t")]);
        assert!(native.contains(&format!(r#""metadata":{metadata}"#)), "{native:.300}");
        assert!(native.starts_with(r#"{"info":{"id":"ses_1""#), "{native:.300}");
        assert!(native.contains(r#""title":"t""#) && native.ends_with(r#""messages":[]}"#));
    }
}

#[test]
fn invalid_json_is_exported_as_text() {
    let deep = "[".repeat(5000) + &"]".repeat(5000); // deeper than a parser may follow
    for text in [r#"{"cut": "#, "{}}", &deep] {
        let native: Value = serde_json::from_str(&native_text(&[("revert", text)])).unwrap();
        assert_eq!(native["info"]["revert"], text);
    }
}

#[test]
fn a_model_has_a_variant() {
    for (stored, exported) in [
        (r#"{"id":"m","providerID":"p"}"#, r#"{"id":"m","providerID":"p","variant":"default"}"#),
        (r#"{"variant":"high","id":"m"}"#, r#"{"variant":"high","id":"m"}"#),
        ("{ }", r#"{ "variant":"default"}"#),
        (r#""m""#, r#""m""#),
    ] {
        let native = native_text(&[("model", stored)]);
        assert!(native.contains(&format!(r#""model":{exported},"#)), "{native}");
        serde_json::from_str::<Value>(&native).unwrap();
    }
}
