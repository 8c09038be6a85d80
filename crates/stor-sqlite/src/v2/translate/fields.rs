//! Reads objects with known fields. Values stay slices of the row's text.

use super::walk::{Raw, Walk, Walked};

/// Unknown fields, which are copied to the record unchanged.
#[derive(Debug, Default)]
pub(super) struct Rest<'a>(Vec<(Raw<'a>, Raw<'a>)>);

/// Fields with a meaning in records of 1.x. A row's field with such a name must not reach the
/// record.
const RESERVED: [&[u8]; 9] = [
    b"id",
    b"sessionID",
    b"messageID",
    b"role",
    b"type",
    b"parentID",
    b"callID",
    b"tool",
    b"summary",
];

impl<'a> Rest<'a> {
    #[cold]
    pub(super) fn push(&mut self, name: Raw<'a>, value: Raw<'a>) {
        if !RESERVED.contains(&name) {
            self.0.push((name, value));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes the fields, each with a comma before it.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            for piece in [b",\"", *name, b"\":", value] {
                out.extend_from_slice(piece);
            }
        }
    }
}

/// An object that is read for its fields.
pub(super) trait Fields<'a>: Default {
    /// Reads the next value. A value that is not an object is skipped.
    fn read(walk: &mut Walk<'a>) -> Walked<Self>;

    /// Reads the next value, and returns the fields and the value's text. The text is `None` if the
    /// value is null.
    fn spanned(walk: &mut Walk<'a>) -> Walked<(Self, Option<Raw<'a>>)> {
        let (fields, text) = walk.spanned(Self::read)?;
        Ok((fields, Some(text).filter(|text| *text != b"null")))
    }

    /// Reads the fields of a value, and returns no fields if the value cannot be read.
    fn read_or_default(value: Option<Raw<'a>>) -> Self {
        value.and_then(|value| Self::read(&mut Walk::new(value)).ok()).unwrap_or_default()
    }

    /// Reads the fields of a value, and returns an error if the value cannot be read.
    fn read_value(value: Option<Raw<'a>>) -> Walked<Self> {
        value.map_or_else(|| Ok(Self::default()), |value| Self::read(&mut Walk::new(value)))
    }

    /// Reads the elements of an array up to the first malformed element. The second result is the
    /// whole value if the array could not be read to its end.
    fn read_elements(value: Option<Raw<'a>>) -> (Vec<Self>, Option<Raw<'a>>) {
        let mut elements = Vec::new();
        let unreadable = value.filter(|value| {
            let walked = Walk::new(value).array(|walk| {
                elements.push(Self::read(walk)?);
                Ok(())
            });
            walked != Ok(true)
        });
        (elements, unreadable)
    }
}

/// Returns the value if some of it has no known meaning: it is not an object, or it has unknown
/// fields.
pub(super) fn if_partly_unknown<'a>(value: Option<Raw<'a>>, rest: &Rest<'_>) -> Option<Raw<'a>> {
    value.filter(|value| !rest.is_empty() || !value.starts_with(b"{"))
}

/// Defines a struct of known fields, as slices of the row's text, and a rest of unknown fields.
macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($field:ident = $($key:literal)|+,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> {
            $(pub(super) $field: Option<$crate::v2::translate::walk::Raw<'a>>,)*
            pub(super) rest: $crate::v2::translate::fields::Rest<'a>,
        }

        impl<'a> $crate::v2::translate::fields::Fields<'a> for $name<'a> {
            fn read(
                walk: &mut $crate::v2::translate::walk::Walk<'a>,
            ) -> $crate::v2::translate::walk::Walked<Self> {
                let mut fields = Self::default();
                let is_object = walk.object(|walk, key| {
                    match key {
                        $($($key)|+ => fields.$field = walk.value()?,)*
                        _ => fields.rest.push(key, walk.raw()?),
                    }
                    Ok(())
                })?;
                if !is_object {
                    walk.raw()?;
                }
                Ok(fields)
            }
        }
    };
}
pub(super) use fields;

/// Returns the bytes of a field name with the comma before it and the colon behind it.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":").as_bytes()
    };
}
pub(super) use key;

/// Writes a field behind others. Make `key` with `key!`.
#[inline]
pub(super) fn put_field(out: &mut Vec<u8>, key: &'static [u8], value: Raw<'_>) {
    out.extend_from_slice(key);
    out.extend_from_slice(value);
}

/// Writes a field behind others, if it has a value.
#[inline]
pub(super) fn put_optional_field(out: &mut Vec<u8>, key: &'static [u8], value: Option<Raw<'_>>) {
    if let Some(value) = value {
        put_field(out, key, value);
    }
}

fields! {
    /// The model of an answer.
    Model { id = b"id", provider = b"providerID", variant = b"variant", }
}

fields! {
    /// A range of the user's text.
    Mention { start = b"start", end = b"end", text = b"text", }
}

impl Mention<'_> {
    /// Writes the range in the form of 1.x, `{value, start, end}`. Missing numbers become 0.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"value\":");
        out.extend_from_slice(self.text.unwrap_or(b"\"\""));
        put_field(out, key!("start"), self.start.unwrap_or(b"0"));
        put_field(out, key!("end"), self.end.unwrap_or(b"0"));
        self.rest.write(out);
        out.push(b'}');
    }
}
