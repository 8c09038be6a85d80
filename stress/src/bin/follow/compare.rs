//! Where two things that should be equal differ first, precisely.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use scrollback_core_id::EntityKey;
use serde_json::Value;

use crate::state::State;
use crate::store::Exports;

/// Compares sessions, one by one.
pub(crate) fn exports(ours: &Exports, theirs: &Exports) -> Result<()> {
    for id in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
        match (ours.get(id), theirs.get(id)) {
            (Some(ours), Some(theirs)) => {
                if let Some(difference) = values(id, ours, theirs) {
                    bail!(difference);
                }
            }
            (ours, _) => bail!("{id} is only {}", side_name(ours.is_some())),
        }
    }
    Ok(())
}

/// Compares what there is.
pub(crate) fn keys(ours: &BTreeSet<EntityKey>, theirs: &BTreeSet<EntityKey>) -> Result<()> {
    match ours.symmetric_difference(theirs).next() {
        Some(key) => bail!("{key} is only {}", side_name(ours.contains(key))),
        None => Ok(()),
    }
}

fn side_name(is_first: bool) -> &'static str {
    if is_first { "the first's" } else { "the second's" }
}

/// Compares what two indexes show.
pub(crate) fn states(ours: &State, theirs: &State) -> Result<()> {
    let keys = ours.entities.keys().chain(theirs.entities.keys());
    for key in keys {
        let (ours, theirs) = (ours.entities.get(key), theirs.entities.get(key));
        if ours != theirs {
            bail!("{key}: {ours:?} and {theirs:?}");
        }
    }
    ours.parts_agree_with(theirs).map_err(anyhow::Error::msg)
}

/// The first difference of two values, with the path to it.
fn values(path: &str, ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            names
                .into_iter()
                .find_map(|name| field(&format!("{path}.{name}"), ours.get(name), theirs.get(name)))
        }
        (Value::Array(ours), Value::Array(theirs)) => (0..ours.len().max(theirs.len()))
            .find_map(|at| field(&format!("{path}[{at}]"), ours.get(at), theirs.get(at))),
        _ => field(path, Some(ours), Some(theirs)),
    }
}

fn field(path: &str, ours: Option<&Value>, theirs: Option<&Value>) -> Option<String> {
    match (ours, theirs) {
        (ours, theirs) if ours == theirs => None,
        (Some(ours), Some(theirs)) if is_nested(ours) && is_nested(theirs) => {
            values(path, ours, theirs)
        }
        _ => Some(format!("{path}: {} and {}", excerpt(ours), excerpt(theirs))),
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
        let ours =
            json!({ "info": { "id": "a" }, "messages": [{ "parts": [] }, { "parts": [1] }] });
        let differs = |theirs: Value| values("ses", &ours, &theirs);
        assert_eq!(differs(ours.clone()), None);
        let mut theirs = ours.clone();
        theirs["messages"][1]["parts"][0] = json!("one");
        assert_eq!(differs(theirs).unwrap(), r#"ses.messages[1].parts[0]: 1 and "one""#);
        let mut theirs = ours.clone();
        theirs["messages"].as_array_mut().unwrap().pop();
        assert_eq!(differs(theirs).unwrap(), r#"ses.messages[1]: {"parts":[1]} and nothing"#);
        let mut theirs = ours.clone();
        theirs["info"]["title"] = json!(null);
        assert_eq!(differs(theirs).unwrap(), "ses.info.title: nothing and null");
    }
}
