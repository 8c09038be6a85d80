//! Comparisons that name the first difference precisely.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use scrollback_core_id::EntityKey;
use serde_json::Value;

use crate::state::State;
use crate::store::Exports;

/// Compares exported sessions one by one.
pub(crate) fn exports(first: &Exports, second: &Exports) -> Result<()> {
    for id in first.keys().chain(second.keys()).collect::<BTreeSet<_>>() {
        match (first.get(id), second.get(id)) {
            (Some(first), Some(second)) => {
                if let Some(difference) = values(id, first, second) {
                    bail!(difference);
                }
            }
            (first, _) => bail!("{id} is only {}", side_name(first.is_some())),
        }
    }
    Ok(())
}

/// Compares the keys of all sessions, messages and parts.
pub(crate) fn keys(first: &BTreeSet<EntityKey>, second: &BTreeSet<EntityKey>) -> Result<()> {
    match first.symmetric_difference(second).next() {
        Some(key) => bail!("{key} is only {}", side_name(first.contains(key))),
        None => Ok(()),
    }
}

fn side_name(is_first: bool) -> &'static str {
    if is_first { "in the first" } else { "in the second" }
}

/// Compares the states of two indexes.
pub(crate) fn states(first: &State, second: &State) -> Result<()> {
    let keys = first.entities.keys().chain(second.entities.keys());
    for key in keys {
        let (first, second) = (first.entities.get(key), second.entities.get(key));
        if first != second {
            bail!("{key}: {first:?} and {second:?}");
        }
    }
    first.parts_agree_with(second).map_err(anyhow::Error::msg)
}

/// Returns the first difference of two values, with its path.
fn values(path: &str, first: &Value, second: &Value) -> Option<String> {
    match (first, second) {
        (Value::Object(first), Value::Object(second)) => {
            let names: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
            names.into_iter().find_map(|name| {
                field(&format!("{path}.{name}"), first.get(name), second.get(name))
            })
        }
        (Value::Array(first), Value::Array(second)) => {
            (0..first.len().max(second.len())).find_map(|index| {
                field(&format!("{path}[{index}]"), first.get(index), second.get(index))
            })
        }
        _ => field(path, Some(first), Some(second)),
    }
}

fn field(path: &str, first: Option<&Value>, second: Option<&Value>) -> Option<String> {
    match (first, second) {
        (first, second) if first == second => None,
        (Some(first), Some(second)) if is_nested(first) && is_nested(second) => {
            values(path, first, second)
        }
        _ => Some(format!("{path}: {} and {}", excerpt(first), excerpt(second))),
    }
}

fn is_nested(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn excerpt(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let text = value.to_string();
    let end = text.floor_char_boundary(160);
    if end < text.len() { format!("{}… ({} bytes)", &text[..end], text.len()) } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named_by_its_path() {
        let first =
            json!({ "info": { "id": "a" }, "messages": [{ "parts": [] }, { "parts": [1] }] });
        let differs = |second: Value| values("ses", &first, &second);
        assert_eq!(differs(first.clone()), None);
        let mut second = first.clone();
        second["messages"][1]["parts"][0] = json!("one");
        assert_eq!(differs(second).unwrap(), r#"ses.messages[1].parts[0]: 1 and "one""#);
        let mut second = first.clone();
        second["messages"].as_array_mut().unwrap().pop();
        assert_eq!(differs(second).unwrap(), r#"ses.messages[1]: {"parts":[1]} and nothing"#);
        let mut second = first.clone();
        second["info"]["title"] = json!(null);
        assert_eq!(differs(second).unwrap(), "ses.info.title: nothing and null");
    }
}
