//! Objects of which some fields are known, as they stand in the text.

use super::walk::{Raw, Walk, Walked};

/// Fields that are handed on as they are.
#[derive(Debug, Default)]
pub(super) struct Rest<'a>(Vec<(Raw<'a>, Raw<'a>)>);

/// Fields that records of 1.x go by, which a field of that name in a row must not become.
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

    /// Writes them behind other fields.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            for piece in [b",\"", *name, b"\":", value] {
                out.extend_from_slice(piece);
            }
        }
    }
}

/// Objects that are read for their fields.
pub(super) trait Fields<'a>: Default {
    /// Reads the object that comes next, or passes what is none.
    fn read(walk: &mut Walk<'a>) -> Walked<Self>;

    /// The fields of the object that comes next, and the object; none if it is null.
    fn spanned(walk: &mut Walk<'a>) -> Walked<(Self, Option<Raw<'a>>)> {
        let (fields, text) = walk.spanned(Self::read)?;
        Ok((fields, Some(text).filter(|text| *text != b"null")))
    }

    /// Those of a value that was passed.
    fn read_or_default(value: Option<Raw<'a>>) -> Self {
        value.and_then(|value| Self::read(&mut Walk::new(value)).ok()).unwrap_or_default()
    }

    /// The same, or that it cannot be read.
    fn read_value(value: Option<Raw<'a>>) -> Walked<Self> {
        value.map_or_else(|| Ok(Self::default()), |value| Self::read(&mut Walk::new(value)))
    }

    /// Those of each element of an array that was passed, as far as it goes, and all of it if it does
    /// not go to its end.
    fn read_elements(value: Option<Raw<'a>>) -> (Vec<Self>, Option<Raw<'a>>) {
        let mut all = Vec::new();
        let left = value.filter(|value| {
            let walked = Walk::new(value).array(|walk| {
                all.push(Self::read(walk)?);
                Ok(())
            });
            walked != Ok(true)
        });
        (all, left)
    }
}

/// A value of which not all was understood: one that is no object, or has other fields.
pub(super) fn if_partly_unknown<'a>(value: Option<Raw<'a>>, rest: &Rest<'_>) -> Option<Raw<'a>> {
    value.filter(|value| !rest.is_empty() || !value.starts_with(b"{"))
}

/// Makes a struct of fields as they stand in the text, and of the rest.
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

/// The name of a field behind others, as it is written.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":").as_bytes()
    };
}
pub(super) use key;

/// Writes a field behind others. `key` is made by `key!`.
#[inline]
pub(super) fn put_field(out: &mut Vec<u8>, key: &'static [u8], value: Raw<'_>) {
    out.extend_from_slice(key);
    out.extend_from_slice(value);
}

/// Writes a field, if it is there.
#[inline]
pub(super) fn put_optional_field(out: &mut Vec<u8>, key: &'static [u8], value: Option<Raw<'_>>) {
    if let Some(value) = value {
        put_field(out, key, value);
    }
}

fields! {
    /// The model that was asked.
    Model { id = b"id", provider = b"providerID", variant = b"variant", }
}

fields! {
    /// A stretch of the user's text.
    Mention { start = b"start", end = b"end", text = b"text", }
}

impl Mention<'_> {
    /// Writes it as 1.x has it, `{value, start, end}`, with numbers even where there are none.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"value\":");
        out.extend_from_slice(self.text.unwrap_or(b"\"\""));
        put_field(out, key!("start"), self.start.unwrap_or(b"0"));
        put_field(out, key!("end"), self.end.unwrap_or(b"0"));
        self.rest.write(out);
        out.push(b'}');
    }
}
