//! What must be found in a damaged database: every row whose pages are undamaged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::base::{Base, NamedRow};
use super::record::Cell;
use crate::case::MAX_RECORD;
use crate::truth::{Record, Truth};

/// Returns what must be found if these pages are damaged.
pub(crate) fn truth(base: &Base, damaged: &BTreeSet<u32>) -> Truth {
    let is_sound = |row: &NamedRow| row.pages.iter().all(|page| !damaged.contains(page));
    let owners = Owners::new(base);
    let mut truth =
        Truth { is_store_damaged: !base.schema.is_disjoint(damaged), ..Truth::default() };
    let mut counts: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    let mut seen = BTreeSet::new(); // a table without keys may have a row twice
    for row in &base.rows {
        let Some(id) = row.text("id") else { continue };
        let sound = is_sound(row);
        match row.table {
            "session" | "session_v2" if sound => session(base, row, id, &is_sound, &mut truth),
            "message" => {
                let Some(of) = row.text("session_id").filter(|of| !owners.rows.contains(*of))
                else {
                    continue;
                };
                let is_new = seen.insert((of, id));
                let count = counts.entry(of).or_insert(Some(0));
                *count = count.filter(|_| sound).map(|count| count + u64::from(is_new));
                if sound {
                    let ids = vec![of.to_owned(), id.to_owned()];
                    let value = with_ids(row, &[("id", id), ("sessionID", of)]);
                    let record = Record { table: "message", ids, value };
                    truth.messages.insert((of.to_owned(), id.to_owned()), record);
                }
            }
            "part" if sound => {
                let Some(message) = row.text("message_id") else { continue };
                let Some(of) = owners.messages.get(message) else { continue };
                let ids = [id, message, of].map(str::to_owned).to_vec();
                let session = row.text("session_id").unwrap_or_default();
                let names = [("id", id), ("sessionID", session), ("messageID", message)];
                let record = Record { table: "part", ids, value: with_ids(row, &names) };
                let key = (of.to_owned(), message.to_owned());
                truth.parts.entry(key).or_default().insert(id.to_owned(), record);
            }
            "session_message" if sound => {
                let Some(of) = row.text("session_id") else { continue };
                let ids = vec![of.to_owned(), id.to_owned()];
                // A type that is not text has no form in JSON, so only the row itself is expected.
                let kind = row.text("type");
                let value = kind.and_then(|kind| with_ids(row, &[("id", id), ("type", kind)]));
                let record = Record { table: "session_message", ids, value };
                truth.rows.insert((of.to_owned(), id.to_owned()), record);
            }
            _ => {}
        }
    }
    if !owners.has_v2 {
        truth.message_counts =
            counts.iter().filter_map(|(id, count)| Some((String::from(*id), (*count)?))).collect();
    }
    truth
}

/// Which sessions are read from the tables of 2.x.
struct Owners {
    has_v2: bool,
    /// The sessions whose rows of 2.x replace their messages. In a database of the preview, rows
    /// stand beside messages.
    rows: BTreeSet<String>,
    /// The session of each message that is read from the tables of 1.x.
    messages: BTreeMap<String, String>,
}

impl Owners {
    fn new(base: &Base) -> Self {
        let of_table = |table| base.rows.iter().filter(move |row| row.table == table);
        let is_v2 = base.objects.iter().any(|object| object.name == "session_v2");
        let owners = of_table("session_message").filter_map(|row| row.text("session_id"));
        let rows: BTreeSet<String> = owners.filter(|_| is_v2).map(str::to_owned).collect();
        let owner = |row: &NamedRow| Some((row.text("id")?.into(), row.text("session_id")?.into()));
        let owners = of_table("message").filter_map(owner);
        let messages = owners.filter(|(_, of): &(String, String)| !rows.contains(of)).collect();
        Self { has_v2: is_v2 || of_table("session_message").next().is_some(), rows, messages }
    }
}

/// Adds a session. If both generations have it, its fields are those of 2.x.
fn session(
    base: &Base,
    row: &NamedRow,
    id: &str,
    is_sound: &dyn Fn(&NamedRow) -> bool,
    truth: &mut Truth,
) {
    let is_other = |other: &&NamedRow| {
        ["session", "session_v2"].contains(&other.table)
            && other.table != row.table
            && other.text("id") == Some(id)
    };
    let other = base.rows.iter().find(is_other);
    let decides = row.table == "session_v2" || other.is_none();
    if !decides && truth.sessions.contains_key(id) {
        return;
    }
    let value = match decides && other.is_none_or(is_sound) {
        true => Some(fields(row)),
        false => None,
    };
    let record = Record { table: row.table, ids: vec![id.to_owned()], value };
    truth.sessions.insert(id.to_owned(), record);
}

/// Returns the fields of the list, without those whose columns have unexpected types.
fn fields(row: &NamedRow) -> Value {
    let mut fields = Map::new();
    for (column, field) in [
        ("title", "title"),
        ("directory", "directory"),
        ("time_created", "created"),
        ("time_updated", "updated"),
        ("project_id", "projectID"),
        ("parent_id", "parentID"),
    ] {
        let is_time = column.starts_with("time_");
        let value = match row.cell(column) {
            // An id with control characters is refused, with an issue of the field.
            Cell::Text(text) if column.ends_with("_id") && text.contains(char::is_control) => {
                continue;
            }
            Cell::Text(text) if !is_time && !text.is_empty() => Value::from(text.as_str()),
            Cell::Integer(number) if is_time => Value::from(*number),
            Cell::Null if column == "parent_id" => Value::Null,
            _ => continue,
        };
        fields.insert(field.to_owned(), value);
    }
    Value::Object(fields)
}

/// Returns the record in the column `data` with the ids of its columns.
fn with_ids(row: &NamedRow, ids: &[(&str, &str)]) -> Option<Value> {
    if row.text("data")?.len() > MAX_RECORD {
        return None; // over the size limit
    }
    let mut value = row.cell("data").json()?;
    let object = value.as_object_mut()?;
    for (name, id) in ids {
        object.insert((*name).to_owned(), Value::from(*id));
    }
    Some(value)
}
