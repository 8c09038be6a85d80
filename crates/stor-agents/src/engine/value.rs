//! JSON values of canonical records. Most are slices of the original text.

use std::io::Write;

use super::fields::{Fields, unescaped};

/// A JSON value of a canonical record. A string of the original is passed as its JSON text
/// ([`Json::Raw`]) and copied as it stands, so that a translation costs one copy and no second parse.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'b> {
    /// The JSON text of a whole value, from the original.
    Raw(&'b str),
    /// The JSON text of a whole value.
    Made(String),
    /// A string that is not escaped yet.
    Text(String),
    /// A fixed string.
    Name(&'static str),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
    /// An object.
    Object(Vec<(&'static str, Json<'b>)>),
    /// An array.
    Array(Vec<Json<'b>>),
}

impl<'b> Json<'b> {
    /// Returns the value in a string that holds JSON text, such as the arguments of a call. A text
    /// that is not an object is kept in the field `text` of an object. Without a text, the object is
    /// empty.
    pub fn from_text(string: Option<&'b str>) -> Self {
        let Some(text) = string.and_then(unescaped) else { return Self::Object(Vec::new()) };
        match Fields::parse(&text) {
            Ok(_) => Self::Made(text.into_owned()),
            Err(_) if text.trim_ascii().is_empty() => Self::Object(Vec::new()),
            Err(_) => Self::Object(vec![("text", Self::Text(text.into_owned()))]),
        }
    }

    /// Returns the JSON text.
    pub fn to_text(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default() // all that is written is UTF-8
    }

    /// Appends the JSON text.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Raw(json) => out.extend_from_slice(json.as_bytes()),
            Self::Made(json) => out.extend_from_slice(json.as_bytes()),
            Self::Text(text) => write_text(text, out),
            Self::Name(text) => write_text(text, out),
            Self::Number(number) => {
                let _ = write!(out, "{number}"); // a vector takes every byte
            }
            Self::Flag(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Self::Object(fields) => {
                let mut object = ObjectWriter::begin(out);
                fields.iter().for_each(|(name, value)| object.field(name, value));
                object.end();
            }
            Self::Array(elements) => {
                out.push(b'[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    element.write(out);
                }
                out.push(b']');
            }
        }
    }
}

/// Appends a string as JSON.
fn write_text(text: &str, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, text); // a vector takes every byte
}

/// Writes the fields of one object. The names are plain ASCII.
pub(super) struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    separator: u8,
}

impl<'o> ObjectWriter<'o> {
    pub(super) fn begin(out: &'o mut Vec<u8>) -> Self {
        Self { out, separator: b'{' }
    }

    /// Writes the name of a field, and returns the buffer for its value.
    pub(super) fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.out.push(self.separator);
        self.separator = b',';
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    pub(super) fn field(&mut self, name: &str, value: &Json<'_>) {
        value.write(self.name(name));
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        write_text(text, self.name(name));
    }

    pub(super) fn optional(&mut self, name: &str, value: Option<&Json<'_>>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    /// Writes the numbers that are there as an object. Writes nothing if none is there.
    pub(super) fn numbers(&mut self, name: &str, numbers: &[(&'static str, Option<i64>)]) {
        let there = numbers.iter().filter_map(|(name, number)| Some((*name, (*number)?)));
        let mut there = there.peekable();
        if there.peek().is_some() {
            let mut inner = ObjectWriter::begin(self.name(name));
            there.for_each(|(name, number)| inner.field(name, &Json::Number(number)));
            inner.end();
        }
    }

    pub(super) fn end(self) {
        if self.separator == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }
}
