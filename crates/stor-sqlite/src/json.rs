//! Writes rows as opencode's own JSON, as `opencode export` prints them.

use rusqlite::types::ValueRef;
use scrollback_core_id::{MessageId, all_bytes};
use scrollback_core_type::{Number, json};
use serde_json::to_writer;

/// Appends the object `data` with the type before its fields and the ids behind them. Appends
/// `data` unchanged if it is not an object.
pub(crate) fn splice_with_type(
    out: &mut Vec<u8>,
    data: &[u8],
    kind: &[u8],
    id: &[u8],
    owners: &Owners,
) {
    let Some(inside) = object_body(data) else {
        out.extend_from_slice(data);
        return;
    };
    let mut object = Object::begin(out);
    object.text("type", kind).fields(inside);
    object.end_with_ids(id, owners);
}

/// Appends `{...data, id, type}`, as the API of 2.x shows a row. Appends `data` unchanged if it is
/// not an object.
pub(crate) fn splice_api(out: &mut Vec<u8>, data: &[u8], kind: &[u8], id: &[u8]) {
    let Some(inside) = object_body(data) else {
        out.extend_from_slice(data);
        return;
    };
    let mut object = Object::begin(out);
    object.fields(inside).text("id", id).text("type", kind);
    object.end();
}

/// Returns the bytes between the braces of an object.
fn object_body(data: &[u8]) -> Option<&[u8]> {
    data.trim_ascii().strip_prefix(b"{")?.strip_suffix(b"}")
}

/// Appends the object `data` with the ids at its end. Readers take the last of two fields with one
/// name, so the columns win. Appends `data` unchanged if it is not an object.
pub(crate) fn splice(out: &mut Vec<u8>, data: &[u8], id: &[u8], owners: &Owners) {
    let Some(inside) = object_body(data) else {
        out.extend_from_slice(data);
        return;
    };
    out.reserve(inside.len() + id.len() + owners.json.len() + 16);
    out.push(b'{');
    out.extend_from_slice(inside);
    if !inside.trim_ascii_start().is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(b"\"id\":");
    write_text(out, id);
    out.extend_from_slice(&owners.json);
    out.push(b'}');
}

/// The ids of the session and message that own a record, as its last JSON fields. The JSON is
/// reused while the owners stay the same, which is the usual case.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    session: Vec<u8>,
    message: Option<MessageId>,
    json: Vec<u8>,
}

impl Owners {
    /// Returns the fields, each with a comma before it.
    pub(crate) fn json(&self) -> &[u8] {
        &self.json
    }

    /// Sets the session, and the message if the record is a part.
    pub(crate) fn set(&mut self, session: &[u8], message: Option<&MessageId>) -> &Self {
        if self.session == session && self.message.as_ref() == message && !self.json.is_empty() {
            return self;
        }
        session.clone_into(&mut self.session);
        self.message = message.cloned();
        self.json.clear();
        self.json.extend_from_slice(b",\"sessionID\":");
        write_text(&mut self.json, session);
        if let Some(message) = message {
            self.json.extend_from_slice(b",\"messageID\":");
            write_text(&mut self.json, message.as_bytes());
        }
        self
    }
}

/// Appends a text as a JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    if is_plain(text) {
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
        return;
    }
    let _ = to_writer(out, &String::from_utf8_lossy(text)); // writing to a Vec never fails
}

/// Checks whether a text needs no escapes in JSON.
fn is_plain(text: &[u8]) -> bool {
    all_bytes(text, |byte| (b' '..0x7f).contains(&byte) & (byte != b'"') & (byte != b'\\'))
}

/// Writes an object field by field. A field without a value is left out.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Object<'o> {
    pub(crate) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    fn comma(&mut self) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
    }

    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.comma();
        // Field names are constants of this crate and need no escapes.
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Writes a field from a column with a plain value.
    pub(crate) fn value(&mut self, name: &str, value: ValueRef<'_>) -> &mut Self {
        if !matches!(value, ValueRef::Null) {
            write_plain(self.name(name), value);
        }
        self
    }

    /// Writes a field from a column with a number, and 0 for NULL.
    pub(crate) fn number(&mut self, name: &str, value: ValueRef<'_>) -> &mut Self {
        let none = matches!(value, ValueRef::Null);
        write_plain(self.name(name), if none { ValueRef::Integer(0) } else { value });
        self
    }

    /// Writes a field from a column with JSON. Text that is not valid JSON becomes a string: the
    /// record stays readable, and its parser reports the field.
    pub(crate) fn json(&mut self, name: &str, value: ValueRef<'_>) -> &mut Self {
        match value {
            ValueRef::Text(b"null") => self,
            ValueRef::Text(json) | ValueRef::Blob(json) if json::check(json).is_ok() => {
                self.name(name).extend_from_slice(json);
                self
            }
            value => self.value(name, value),
        }
    }

    /// Writes a field whose value is JSON already.
    pub(crate) fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name).extend_from_slice(json.as_bytes());
        self
    }

    /// Writes a field with a text.
    pub(crate) fn text(&mut self, name: &str, value: &[u8]) -> &mut Self {
        write_text(self.name(name), value);
        self
    }

    /// Writes fields that were taken from another object.
    pub(crate) fn fields(&mut self, inside: &[u8]) -> &mut Self {
        if !inside.trim_ascii_start().is_empty() {
            self.comma();
            self.out.extend_from_slice(inside);
        }
        self
    }

    /// Writes the id and the owners, and closes the object.
    pub(crate) fn end_with_ids(mut self, id: &[u8], owners: &Owners) {
        self.text("id", id);
        self.out.extend_from_slice(&owners.json);
        self.end();
    }

    /// Writes a field whose value is an object.
    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        let mut inner = Object::begin(self.name(name));
        fill(&mut inner);
        inner.end();
        self
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

fn write_plain(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Integer(number) => {
            let _ = to_writer(out, &number); // writing to a Vec never fails
        }
        ValueRef::Real(number) => {
            let _ = to_writer(out, &Number(number)); // writing to a Vec never fails
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => write_text(out, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn splice_text(data: &str) -> String {
        let mut out = Vec::new();
        splice(&mut out, data.as_bytes(), b"msg_1", Owners::default().set(b"s\"\n", None));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ids_are_spliced_in() {
        assert_eq!(splice_text("{}"), r#"{"id":"msg_1","sessionID":"s\"\n"}"#);
        assert_eq!(splice_text(" {\"a\":1 }\n"), r#"{"a":1 ,"id":"msg_1","sessionID":"s\"\n"}"#);
        for other in ["", "[]", "null", "{\"a\":", "\0"] {
            assert_eq!(splice_text(other), other);
        }
    }

    #[test]
    fn owner_fields_follow_the_record() {
        let message = MessageId::new("msg_1").unwrap();
        let mut owners = Owners::default();
        for (session, message, json) in [
            ("a", None, r#","sessionID":"a""#),
            ("a", Some(&message), r#","sessionID":"a","messageID":"msg_1""#),
            ("a", Some(&message), r#","sessionID":"a","messageID":"msg_1""#),
            ("b", Some(&message), r#","sessionID":"b","messageID":"msg_1""#),
            ("", None, r#","sessionID":"""#),
        ] {
            assert_eq!(owners.set(session.as_bytes(), message).json, json.as_bytes());
        }
    }

    #[test]
    fn id_columns_override_the_data() {
        let value: serde_json::Value =
            serde_json::from_str(&splice_text(r#"{"id":"other"}"#)).unwrap();
        assert_eq!(value["id"], "msg_1");
    }

    #[test]
    fn invalid_json_becomes_a_string() {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        object.json("a", ValueRef::Text(b"{\"b\":1}"));
        object.json("c", ValueRef::Text(b"{\"b\":"));
        object.json("d", ValueRef::Null);
        object.value("e", ValueRef::Real(0.5)).value("f", ValueRef::Real(2.0));
        object.object("g", |inner| {
            inner.number("h", ValueRef::Null);
        });
        object.end();
        let expected = r#"{"a":{"b":1},"c":"{\"b\":","e":0.5,"f":2,"g":{"h":0}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
