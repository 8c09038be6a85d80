//! Rows as they are stored, and sessions as 2.x itself shows them (`docs/format/opencode-v2.md`,
//! sections 2 to 4).

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_id::{EntityKey, OrderKey, SessionId, SessionKey};
use scrollback_core_type::{Parse, RawJson};
use serde_json::{Map, Value, json};

use super::kind::{RowKind, rows_of};
use super::rows::with_row;
use super::schema::{V2Schema, column};
use super::translate::is_settled;
use crate::ask::{Ask, Gathered, Row, bytes, id};
use crate::error::Result;
use crate::json::{Object, splice_api};
use crate::sessions;

/// The row that an entity is made from, with its columns; nothing if it is made from none.
pub(crate) fn row(ask: &Ask<'_>, key: &EntityKey, out: &mut Gathered) -> Result<()> {
    let Some(v2) = &ask.schema.v2 else { return Ok(()) };
    let (ids, session): (Vec<&str>, _) = match key {
        EntityKey::Message(key) => (rows_of(&key.message).collect(), Some(&key.session)),
        EntityKey::Part(key) => (rows_of(&key.message).collect(), None),
        EntityKey::Item(key) => (vec![key.item.as_str()], Some(&key.session)),
        _ => return Ok(()),
    };
    for (at, of) in ids.iter().enumerate() {
        // What is called as a summary is may be one, of a compaction.
        let is_summary = at + 1 < ids.len();
        let asked = ask.each(&v2.of_any, [of], |row| {
            let of = bytes(row, column::MORE)?;
            let is_compaction = RowKind::of(bytes(row, column::KIND)?) == RowKind::Compaction;
            if session.is_none_or(|it| it.as_bytes() == of) && (is_compaction || !is_summary) {
                stored(ask, v2, key, row, out)?;
            }
            Ok(())
        });
        out.note_damage(ask, Some(key.clone()), asked)?;
        if !out.rows.is_empty() {
            break;
        }
    }
    Ok(())
}

/// A row with its columns.
fn stored(
    ask: &Ask<'_>,
    v2: &V2Schema,
    key: &EntityKey,
    row: &SqlRow<'_>,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let of = match id(row, column::MORE, SessionId::from_bytes)? {
        Ok(session) => SessionKey::from(session),
        Err(kind) => {
            out.note(Some(key.clone()), ask, kind);
            return Ok(());
        }
    };
    let (seq, created) = (row.get_ref(column::SEQ)?, row.get_ref(column::CREATED)?);
    with_row(ask, v2, &of, row, out, |read, out| {
        let piece = out.arena.append(read.stamp, read.settled, |bytes| {
            let mut record = Object::begin(bytes);
            record.text("id", read.id.as_bytes());
            record.text("session_id", of.session.as_bytes());
            record.text("type", read.kind_name).value("seq", seq);
            record.value("time_created", created);
            record.value("time_updated", ValueRef::Integer(read.updated));
            record.json("data", ValueRef::Text(read.data));
            record.end();
        });
        out.rows.push(Row::new(key.clone(), OrderKey::default(), Some(piece)));
    })
}

/// What `opencode session export` of 2.x prints: `{info, messages}`, the messages as its API has
/// them, those that are still being written left out. Nothing if the session is none of 2.x.
pub(crate) fn session(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    out: &mut Gathered,
) -> Result<()> {
    let mut read = Gathered::default();
    let asked = sessions::one(ask, of.session.as_str(), &mut read);
    out.note_damage(ask, Some(of.clone().into()), asked)?;
    out.issues.append(&mut read.issues);
    let piece = read.rows.first().and_then(|row| row.piece.as_ref());
    let Some(piece) = piece else { return Ok(()) };
    let (stamp, settled) = (piece.stamp, piece.settled);
    let mut all = info(read.arena.bytes(piece));
    all.pop(); // the brace, which comes again
    all.extend_from_slice(b",\"messages\":[");
    let mut is_first = true;
    let asked = ask.each(&v2.rows, [of.session.as_str()], |row| {
        with_row(ask, v2, of, row, out, |read, _| {
            if is_settled(read) {
                if !std::mem::take(&mut is_first) {
                    all.push(b',');
                }
                splice_api(&mut all, read.data, read.kind_name, read.id.as_bytes());
            }
        })
    });
    out.note_damage(ask, Some(of.clone().into()), asked)?;
    all.extend_from_slice(b"]}");
    let piece = out.arena.append(stamp, settled, |bytes| bytes.extend_from_slice(&all));
    out.rows.push(Row::new(of.clone(), OrderKey::default(), Some(piece)));
    Ok(())
}

/// `{"info": …}` as the API has it, of a session's record.
fn info(record: &[u8]) -> Vec<u8> {
    let record: Map<String, Value> = serde_json::from_slice(record).unwrap_or_default();
    let mut info = Map::new();
    let mut put = |name: &str, value: Option<&Value>| {
        info.extend(value.map(|value| (name.to_owned(), value.clone())));
    };
    for (name, from) in [
        ("id", "id"),
        ("projectID", "projectID"),
        ("parentID", "parentID"),
        ("title", "title"),
        ("agent", "agent"),
        ("cost", "cost"),
        ("tokens", "tokens"),
        ("metadata", "metadata"),
        ("permissions", "permission"),
        ("revert", "revert"),
        ("outcome", "outcome"),
    ] {
        put(name, record.get(from));
    }
    put("fork", record.get("fork").filter(|fork| fork.get("boundary").is_some()));
    put("subpath", record.get("path").filter(|path| *path != ""));
    let model = record.get("model").and_then(Value::as_object).cloned().map(|mut model| {
        model.entry("variant").or_insert_with(|| json!("default"));
        Value::Object(model)
    });
    put("model", model.as_ref());
    let mut location = Map::new();
    for (name, from) in [("directory", "directory"), ("workspaceID", "workspaceID")] {
        location.extend(record.get(from).map(|value| (name.to_owned(), value.clone())));
    }
    put("location", Some(&Value::Object(location)));
    let mut time = record.get("time").and_then(Value::as_object).cloned().unwrap_or_default();
    time.retain(|name, _| ["created", "updated", "idle", "viewed", "archived"].contains(&&**name));
    put("time", Some(&Value::Object(time)));
    json!({ "info": info }).to_string().into_bytes()
}

/// What the program wrote into its log when something happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: scrollback_core_id::EventId,
    /// Its number within the session, from 0 on.
    pub seq: i64,
    /// What happened: "session.next.step.started", without the version of the record's shape.
    pub name: String,
    /// The version of the record's shape.
    pub version: Option<u32>,
    /// What is known of it.
    pub data: RawJson<'static>,
}

/// The events of a session, in order. What cannot be read is left out, and an issue.
pub(crate) fn history(
    ask: &Ask<'_>,
    of: &SessionKey,
    out: &mut Gathered,
) -> rusqlite::Result<Vec<Event>> {
    let mut events = Vec::new();
    if !ask.schema.has_log {
        return Ok(events);
    }
    let sql = "SELECT id, seq, type, data FROM event WHERE aggregate_id = ?1 ORDER BY seq";
    ask.each(sql, [of.session.as_str()], |row| {
        let id = match id(row, 0, scrollback_core_id::EventId::from_bytes)? {
            Ok(id) => id,
            Err(kind) => {
                out.note(Some(of.clone().into()), ask, kind);
                return Ok(());
            }
        };
        let name = String::from_utf8_lossy(bytes(row, 2)?).into_owned();
        let (name, version) = match name.rsplit_once('.') {
            Some((name, version)) if version.parse::<u32>().is_ok() => {
                (name.to_owned(), version.parse().ok())
            }
            _ => (name, None),
        };
        match RawJson::parse(bytes(row, 3)?).map(|parsed| parsed.value.into_owned()) {
            Ok(data) => {
                events.push(Event { id, seq: crate::ask::whole(row, 1)?, name, version, data })
            }
            Err(issue) => out.note(Some(of.clone().into()), ask, issue.kind),
        }
        Ok(())
    })?;
    Ok(events)
}
