//! Objects of which some fields are known, as they stand in the text.

use scrollback_core_type::LazyStr;
use scrollback_core_type::json::{Scan, Scanner, walk};

use crate::json::Object;

/// Fields that are handed on as they are.
#[derive(Debug, Default)]
pub(super) struct Rest<'a>(Vec<(LazyStr<'a>, &'a str)>);

/// Fields that records of 1.x go by, which a field of that name in a row must not become.
const RESERVED: [&str; 9] =
    ["id", "sessionID", "messageID", "role", "type", "parentID", "callID", "tool", "summary"];

impl<'a> Rest<'a> {
    pub(super) fn push(&mut self, name: &LazyStr<'a>, value: &'a str) {
        if !RESERVED.iter().any(|reserved| *name == **reserved) {
            self.0.push((name.clone(), value));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn write(&self, to: &mut Object<'_>) {
        for (name, value) in &self.0 {
            to.named(&name.get(), value);
        }
    }
}

/// Makes a struct of fields as they stand in the text, and of the rest.
macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($field:ident = $($key:literal)|+,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> {
            $(pub(super) $field: Option<&'a str>,)*
            pub(super) rest: $crate::v2::translate::fields::Rest<'a>,
        }

        impl<'a> $crate::v2::translate::fields::Fields<'a> for $name<'a> {
            fn read(scanner: &mut Scanner<'a>) -> Scan<Option<Self>> {
                let mut it = Self::default();
                let object = scanner.object(|scanner, key| {
                    match &*key.get() {
                        $($($key)|+ => it.$field = Some(scanner.raw()?),)*
                        _ => it.rest.push(key, scanner.raw()?),
                    }
                    Ok(())
                })?;
                Ok(object.map(|()| it))
            }
        }
    };
}
pub(super) use fields;

/// Objects that are read for their fields.
pub(super) trait Fields<'a>: Default {
    /// Reads the object that comes next, or declines if none does.
    fn read(scanner: &mut Scanner<'a>) -> Scan<Option<Self>>;

    /// Those of a value that was read over; none of what is no object.
    fn of(value: Option<&'a str>) -> Self {
        let read = |value: &'a str| walk(value.as_bytes(), Self::read).ok().flatten();
        value.and_then(read).unwrap_or_default()
    }

    /// Those of each element of an array that was read over.
    fn each_of(value: Option<&'a str>) -> Vec<Self> {
        let mut all = Vec::new();
        let read = |value: &'a str| {
            walk(value.as_bytes(), |scanner| {
                scanner.array(|scanner| {
                    let (element, _) = scanner.spanned(|scanner| match Self::read(scanner)? {
                        Some(element) => Ok(element),
                        None => scanner.skip_value().map(|()| Self::default()),
                    })?;
                    all.push(element);
                    Ok(Some(()))
                })
            })
        };
        let _ = value.map(read); // it was read over, so it is JSON
        all
    }
}

/// What stands between the quotes, if the value is a string.
pub(super) fn inside(value: Option<&str>) -> Option<&str> {
    value?.strip_prefix('"')?.strip_suffix('"')
}

fields! {
    /// A stretch of the user's text.
    Mention { start = "start", end = "end", text = "text", }
}

impl Mention<'_> {
    /// As 1.x has it: `{value, start, end}`, with numbers even where there are none.
    pub(super) fn write(&self, to: &mut Object<'_>) {
        to.raw("value", self.text.unwrap_or("\"\""));
        to.raw("start", self.start.unwrap_or("0")).raw("end", self.end.unwrap_or("0"));
        self.rest.write(to);
    }
}
