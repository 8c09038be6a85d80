//! What must be found in a JSON tree: every file that `serde_json` parses as an object. The path of
//! a file decides what it is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::tree::{Content, Files};
use crate::case::MAX_RECORD;
use crate::truth::{Record, Truth};

pub(crate) fn truth(files: &Files) -> Truth {
    let mut truth = Truth { allowed: Some(Default::default()), ..Truth::default() };
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    let mut counts: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for (path, content) in files {
        let Some((kind, set, id)) = split(path) else { continue };
        let value = content.as_deref().and_then(value_of);
        let is_large = content.as_deref().is_some_and(is_large);
        let allowed = truth.allowed.get_or_insert_default();
        allowed.extend([set.to_owned(), id.to_owned()]);
        match kind {
            "session" => {
                let Some(value) = value else { continue };
                // A second copy in another directory: either may be used.
                let is_copy = truth.sessions.contains_key(id);
                let fields = (!is_copy && !is_large).then(|| fields(&value, set));
                let record = Record { table: "session", ids: vec![id.to_owned()], value: fields };
                truth.sessions.insert(id.to_owned(), record);
            }
            "message" => {
                owners.insert(id, set);
                let count = counts.entry(set).or_insert(Some(0));
                *count = count.filter(|_| value.is_some()).map(|count| count + 1);
                let Some(value) = value else { continue };
                let ids = vec![set.to_owned(), id.to_owned()];
                let value = with_ids(value, &[("id", id), ("sessionID", set)]);
                let value = Some(value).filter(|_| !is_large);
                let record = Record { table: "message", ids, value };
                truth.messages.insert((set.to_owned(), id.to_owned()), record);
            }
            _ => {}
        }
    }
    for (path, content) in files {
        let Some(("part", message, id)) = split(path) else { continue };
        let Some(session) = owners.get(message) else { continue };
        let Some(value) = content.as_deref().and_then(value_of) else { continue };
        let ids = [id, message, session].map(str::to_owned).to_vec();
        let names = [("id", id), ("sessionID", session), ("messageID", message)];
        let is_large = content.as_deref().is_some_and(is_large);
        let value = Some(with_ids(value, &names)).filter(|_| !is_large);
        let record = Record { table: "part", ids, value };
        let key = ((*session).to_owned(), message.to_owned());
        truth.parts.entry(key).or_default().insert(id.to_owned(), record);
    }
    truth.message_counts =
        counts.into_iter().filter_map(|(id, count)| Some((id.to_owned(), count?))).collect();
    truth
}

/// Splits a path into the kind, the set and the id. Other files, such as copies that a program
/// made beside a record, are none of opencode's.
fn split(path: &str) -> Option<(&str, &str, &str)> {
    let (kind, rest) = path.split_once('/')?;
    let (set, file) = rest.split_once('/')?;
    let id = file.strip_suffix(".json")?;
    let is_id = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    (is_id(set) && is_id(id)).then_some((kind, set, id))
}

/// Checks whether a file is over the size limit: then only its place must be found.
fn is_large(content: &Content) -> bool {
    content.bytes.len() > MAX_RECORD
}

fn value_of(content: &Content) -> Option<Value> {
    content.value.clone()
}

/// Returns the fields of the list, without those that have unexpected types.
fn fields(record: &Value, project: &str) -> Value {
    let mut fields = Map::new();
    let texts = [("title", "title"), ("directory", "directory"), ("parentID", "parentID")];
    for (name, field) in texts {
        match &record[name] {
            Value::String(text) if !text.is_empty() => {
                drop(fields.insert(field.into(), text.as_str().into()))
            }
            Value::Null if name == "parentID" => drop(fields.insert(field.into(), Value::Null)),
            _ => {}
        }
    }
    for (name, field) in [("created", "created"), ("updated", "updated")] {
        if let Some(time) = record["time"][name].as_i64() {
            fields.insert(field.into(), time.into());
        }
    }
    if record["projectID"] == project {
        fields.insert("projectID".into(), project.into());
    }
    Value::Object(fields)
}

/// Gives a record the ids of its path, where it states ids.
fn with_ids(mut value: Value, ids: &[(&str, &str)]) -> Value {
    for (name, id) in ids {
        if let Some(stated) = value.get_mut(*name).filter(|stated| stated.is_string()) {
            *stated = Value::from(*id);
        }
    }
    value
}
