//! JSON values that are kept as raw text.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_json::value::RawValue;

/// A JSON value as raw text: tool input, metadata, unknown fields.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson<'a>(Cow<'a, str>);

impl<'a> RawJson<'a> {
    /// Returns the raw JSON of a text that the scanner has checked.
    pub(crate) fn from_checked(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Returns `{}`.
    pub fn empty_object() -> Self {
        Self(Cow::Borrowed("{}"))
    }

    /// Returns the raw text.
    pub fn get(&self) -> &str {
        &self.0
    }

    /// Deserializes the value into any type that borrows from it.
    ///
    /// # Errors
    /// An error of serde_json if the value has another shape, is nested deeper than 128 levels, or holds a
    /// lone surrogate that was not repaired.
    pub fn deserialize<'b, T: Deserialize<'b>>(&'b self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// Returns a field of the value, if the value is an object and the field has this type.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let object: std::collections::HashMap<Cow<'_, str>, &RawValue> = self.deserialize().ok()?;
        serde_json::from_str(object.get(name)?.get()).ok()
    }

    /// Returns the same value without borrowed data.
    pub fn into_owned(self) -> RawJson<'static> {
        RawJson(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Debug for RawJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({})", self.0)
    }
}

impl Serialize for RawJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(ser::Error::custom)?;
        raw.serialize(serializer)
    }
}
