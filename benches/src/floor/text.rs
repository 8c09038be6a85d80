//! Strings that borrow unless they have escapes; serde's `Option<Cow<str>>` never borrows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// A short string.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;

        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            #[inline]
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            #[inline]
            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrowing)
    }
}

/// A JSON value that is borrowed as written, or owned.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Raw<'a> {
    /// Borrowed from the record.
    There(&'a RawValue),
    /// Made from other data.
    Made(Box<RawValue>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(Self::There)
    }
}

/// Reads the string field `name` of an object, at any place. In files of opencode it comes early.
pub(super) fn string_field<'a>(text: &'a str, name: &str) -> Option<Cow<'a, str>> {
    if let Some(value) = early_string_field(text, name) {
        return Some(Cow::Borrowed(value));
    }
    let mut fields: BTreeMap<Text<'a>, &'a RawValue> = serde_json::from_str(text).ok()?;
    let value = fields.remove(&Text(name.to_owned().into()))?;
    serde_json::from_str::<Text<'a>>(value.get()).ok().map(|text| text.0)
}

/// Reads the string field `name` of an object if only short strings precede it, as in opencode's
/// records. Parsing the whole record to find the field would cost more.
fn early_string_field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut at = expect_byte(text, 0, b'{')?;
    loop {
        let key = string(text, &mut at)?;
        at = expect_byte(text, at, b':')?;
        let value = string(text, &mut at)?;
        if key == name {
            return Some(value);
        }
        at = expect_byte(text, at, b',')?;
    }
}

/// Consumes one byte, and returns the rest of the text.
#[inline]
fn expect_byte(text: &str, mut at: usize, byte: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    while bytes.get(at)?.is_ascii_whitespace() {
        at += 1;
    }
    (bytes[at] == byte).then_some(at + 1)
}

/// Consumes a string without escapes.
#[inline]
fn string<'a>(text: &'a str, at: &mut usize) -> Option<&'a str> {
    let start = expect_byte(text, *at, b'"')?;
    let length = memchr::memchr2(b'"', b'\\', &text.as_bytes()[start..])?;
    let end = start + length;
    *at = end + 1;
    (text.as_bytes()[end] == b'"').then(|| &text[start..end])
}
