//! Checks values against the definitions of `docs/json.md`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{Document, Type};

/// The check, and the fields that occurred, each with the object that defines it.
pub(crate) struct SchemaCheck {
    pub(crate) document: Document,
    pub(crate) used_fields: BTreeSet<(String, String)>,
}

impl SchemaCheck {
    pub(crate) fn new() -> Self {
        Self { document: Document::read(), used_fields: BTreeSet::new() }
    }

    /// Checks a list of objects.
    pub(crate) fn list(&mut self, name: &str, value: &Value) {
        let list = value.as_array().unwrap_or_else(|| panic!("no list of {name}: {value}"));
        assert!(!list.is_empty(), "an empty list of {name} shows nothing");
        list.iter().for_each(|value| self.object(name, value));
    }

    /// Checks an object: every field is documented, every required field is present, and every value has
    /// a documented type.
    pub(crate) fn object(&mut self, name: &str, value: &Value) {
        if let Err(problem) = self.try_object(name, value) {
            panic!("{problem}");
        }
    }

    /// Checks an object, and returns the problem.
    pub(crate) fn try_object(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let Some(object) = value.as_object() else { return Err(format!("{name}: {value}")) };
        let fields = self.document.fields(name);
        let absent =
            fields.iter().find(|(at, (field, _))| !field.is_optional && !object.contains_key(**at));
        if let Some((at, _)) = absent {
            return Err(format!("{name} has no {at}: {value}"));
        }
        let mut inside = Vec::new();
        for (at, value) in object {
            let Some((field, owner)) = fields.get(at.as_str()) else {
                return Err(format!("docs/json.md does not define {name}.{at}: {value}"));
            };
            inside.push((at.clone(), field.types.clone(), owner.clone(), value));
        }
        for (at, types, owner, value) in inside {
            let problems: Vec<String> =
                types.iter().filter_map(|it| self.value(it, value).err()).collect();
            if problems.len() == types.len() {
                return Err(format!("{name}.{at}: {}", problems.join("; ")));
            }
            self.used_fields.insert((owner, at));
        }
        Ok(())
    }

    fn value(&mut self, expected: &Type, value: &Value) -> Result<(), String> {
        let is_valid = match expected {
            Type::String => value.is_string(),
            Type::Integer => value.is_i64() || value.is_u64(),
            Type::Number => value.is_number(),
            Type::Boolean => value.is_boolean(),
            Type::Null => value.is_null(),
            Type::Foreign => value.is_object(),
            Type::Object(name) => return self.try_object(&name.clone(), value),
            Type::List(expected) => match value.as_array() {
                Some(list) => return list.iter().try_for_each(|value| self.value(expected, value)),
                None => false,
            },
        };
        if is_valid { Ok(()) } else { Err(format!("{value} is not {expected:?}")) }
    }
}
