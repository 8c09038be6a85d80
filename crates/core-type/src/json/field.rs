//! The types that fields of records can have, and how each type is read and made owned.

use scrollback_core_err::IssueKind;
use scrollback_core_id::{
    CallId, EventId, ItemId, MessageId, PartId, PermissionId, ProjectId, QuestionId, SessionId,
    SourceId, ToolOutputId, WorkspaceId,
};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::scan::{Mark, Scanner};
use super::syntax_error::ScanResult;
use super::{LazyStr, Number, RawJson};

/// A type that a field of a record can have.
pub(crate) trait Field<'a>: Sized {
    /// The expected type, for issues: "a string".
    const EXPECTED: &'static str;

    /// Reads the next value. Returns `None` if it has another type; the scanner may then be anywhere in
    /// the value, and the caller rewinds it.
    fn read(scanner: &mut Scanner<'a>) -> ScanResult<Option<Self>>;

    /// Returns the value that the JSON text of another type stands for, such as a number in a string.
    fn convert(_raw: &'a str) -> Option<Self> {
        None
    }
}

/// A type that can copy the text that it borrows.
pub trait IntoOwned {
    /// The type without borrowed data.
    type Owned;

    /// Returns the same value without borrowed data.
    fn into_owned(self) -> Self::Owned;
}

/// Reads the value of the known field `name` into `slot`. Keeps a value of another type as raw JSON in
/// `extra`, and adds an issue. `slot` has its value then only if it can be converted. An explicit null is
/// an absent field without an issue. What is in `extra` is written back.
#[inline]
pub(crate) fn read_field<'a, T: Field<'a>>(
    scanner: &mut Scanner<'a>,
    name: &'static str,
    slot: &mut Option<T>,
    extra: &mut Extra<'a>,
) -> ScanResult<()> {
    let mark = scanner.mark()?;
    if let Some(value) = T::read(scanner)? {
        *slot = Some(value);
        extra.remove(name); // the last of several fields with one name counts, as in JavaScript
        scanner.set_field_of_issues_since(&mark, name);
        return Ok(());
    }
    let (converted, raw) = convert_other_type(scanner, &mark, name)?;
    *slot = converted;
    extra.remove(name);
    extra.push(name.into(), RawJson::from_checked(raw));
    Ok(())
}

/// Reads the value of the field `name` of a head. A value of another type is an issue, and absent unless
/// it can be converted. An explicit null is an absent field without an issue.
#[inline(always)]
pub(crate) fn read_head_field<'a, T: Field<'a>>(
    scanner: &mut Scanner<'a>,
    name: &'static str,
    slot: &mut Option<T>,
) -> ScanResult<()> {
    let mark = scanner.mark()?;
    *slot = T::read(scanner)?;
    if slot.is_some() {
        scanner.set_field_of_issues_since(&mark, name);
    } else {
        *slot = convert_other_type(scanner, &mark, name)?.0;
    }
    Ok(())
}

/// Reads the value of another type at `mark`. Returns the value that it can be converted to, and its raw
/// JSON. Adds an issue unless it is null.
#[cold]
fn convert_other_type<'a, T: Field<'a>>(
    scanner: &mut Scanner<'a>,
    mark: &Mark,
    name: &'static str,
) -> ScanResult<(Option<T>, &'a str)> {
    const MAX_LEN: usize = 40; // a number in a string may have any number of zeros
    scanner.rewind(mark);
    let raw = scanner.raw()?;
    let converted = T::convert(raw);
    if converted.is_some() {
        let mut value: String = raw.chars().take(MAX_LEN).collect();
        if value.len() < raw.len() {
            value.push('…');
        }
        scanner.note(mark, IssueKind::Converted { expected: T::EXPECTED, value });
    } else if raw != "null" {
        scanner.note(mark, IssueKind::WrongType { expected: T::EXPECTED });
    }
    scanner.set_field_of_issues_since(mark, name);
    Ok((converted, raw))
}

/// Returns the number that a string or a number of JSON stands for, as decimal text.
fn decimal_text(raw: &str) -> Option<&str> {
    let text = match raw.strip_prefix('"') {
        Some(string) => string.strip_suffix('"')?.trim(),
        None => raw,
    };
    let is_decimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    text.bytes().all(is_decimal).then_some(text) // no "inf", no "NaN", no escapes
}

/// Returns the finite number that a string or a number of JSON stands for.
fn converted_number(raw: &str) -> Option<f64> {
    decimal_text(raw)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The unknown fields of a record, and its fields of an unexpected type, as raw JSON. If such a field was
/// converted, the typed field has the value, and this raw JSON is written back.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::box_collection, reason = "every record has one and few use it: 8 bytes, not 24")]
pub struct Extra<'a>(Option<Box<Vec<(LazyStr<'a>, RawJson<'a>)>>>);

impl<'a> Extra<'a> {
    /// Returns the fields in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&LazyStr<'a>, &RawJson<'a>)> {
        self.0.iter().flat_map(|fields| fields.iter()).map(|(name, value)| (name, value))
    }

    /// Returns the raw value of a field.
    pub fn get(&self, name: &str) -> Option<&RawJson<'a>> {
        self.iter().find(|(key, _)| **key == *name).map(|(_, value)| value)
    }

    /// Checks whether a field was kept as raw JSON.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.is_some() && self.get(name).is_some()
    }

    /// Checks whether there are no such fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn push(&mut self, name: LazyStr<'a>, value: RawJson<'a>) {
        self.0.get_or_insert_default().push((name, value));
    }

    #[inline]
    fn remove(&mut self, name: &str) {
        if self.0.is_some() {
            self.remove_entries(name);
        }
    }

    #[cold]
    fn remove_entries(&mut self, name: &str) {
        if let Some(fields) = &mut self.0 {
            fields.retain(|(key, _)| *key != *name);
            if fields.is_empty() {
                self.0 = None;
            }
        }
    }

    pub(crate) fn serialize_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))
    }
}

impl IntoOwned for Extra<'_> {
    type Owned = Extra<'static>;

    fn into_owned(self) -> Extra<'static> {
        Extra(self.0.map(|fields| {
            Box::new(fields.into_iter().map(|(k, v)| (k.into_owned(), v.into_owned())).collect())
        }))
    }
}

/// An object with keys that are data. The entries are in the order of the text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entries<'a, V>(pub Vec<(LazyStr<'a>, V)>);

impl<'a, V: Field<'a>> Field<'a> for Entries<'a, V> {
    const EXPECTED: &'static str = "an object";

    fn read(scanner: &mut Scanner<'a>) -> ScanResult<Option<Self>> {
        let mut entries = Vec::new();
        let mut all_values_match = true;
        let object = scanner.object(|scanner, key| {
            let mark = scanner.mark()?;
            match V::read(scanner)? {
                Some(value) => entries.push((key.clone(), value)),
                None => {
                    all_values_match = false;
                    scanner.rewind(&mark);
                    scanner.skip_value()?;
                }
            }
            Ok(())
        })?;
        Ok(object.filter(|()| all_values_match).map(|()| Self(entries)))
    }
}

impl<V: IntoOwned> IntoOwned for Entries<'_, V> {
    type Owned = Entries<'static, V::Owned>;

    fn into_owned(self) -> Self::Owned {
        Entries(self.0.into_iter().map(|(k, v)| (k.into_owned(), v.into_owned())).collect())
    }
}

impl<V: Serialize> Serialize for Entries<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'a, T: Field<'a>> Field<'a> for Vec<T> {
    const EXPECTED: &'static str = "an array";

    fn read(scanner: &mut Scanner<'a>) -> ScanResult<Option<Self>> {
        let mut elements = Vec::new();
        let array =
            scanner.array(|scanner| Ok(T::read(scanner)?.map(|value| elements.push(value))))?;
        Ok(array.map(|()| elements))
    }
}

impl<T: IntoOwned> IntoOwned for Vec<T> {
    type Owned = Vec<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        self.into_iter().map(IntoOwned::into_owned).collect()
    }
}

/// A struct of fields that is filled in place, so that a large struct is not moved.
pub(crate) trait Record<'a>: Default {
    /// The expected type, for issues.
    const EXPECTED: &'static str;

    /// Reads the fields of the next value. Returns `None` if that is not an object.
    fn fill(&mut self, scanner: &mut Scanner<'a>) -> ScanResult<Option<()>>;
}

impl<'a, T: Record<'a>> Field<'a> for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(scanner: &mut Scanner<'a>) -> ScanResult<Option<Self>> {
        let mut record = Self::default();
        Ok(record.fill(scanner)?.map(|()| record))
    }
}

impl<T: IntoOwned> IntoOwned for Box<T> {
    type Owned = Box<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        Box::new((*self).into_owned())
    }
}

impl<'a> Field<'a> for LazyStr<'a> {
    const EXPECTED: &'static str = "a string";

    #[inline]
    fn read(scanner: &mut Scanner<'a>) -> ScanResult<Option<Self>> {
        Ok(if scanner.peek()? == b'"' { Some(scanner.string()?) } else { None })
    }
}

impl IntoOwned for LazyStr<'_> {
    type Owned = LazyStr<'static>;

    fn into_owned(self) -> LazyStr<'static> {
        LazyStr::into_owned(self)
    }
}

impl<'a> Field<'a> for RawJson<'a> {
    const EXPECTED: &'static str = "a value";

    fn read(scanner: &mut Scanner<'a>) -> ScanResult<Option<Self>> {
        Ok(Some(Self::from_checked(scanner.raw()?)))
    }
}

impl IntoOwned for RawJson<'_> {
    type Owned = RawJson<'static>;

    fn into_owned(self) -> RawJson<'static> {
        RawJson::into_owned(self)
    }
}

impl<'a> Field<'a> for Number {
    const EXPECTED: &'static str = "a number";

    fn read(scanner: &mut Scanner<'a>) -> ScanResult<Option<Self>> {
        match scanner.peek()? {
            b'-' | b'0'..=b'9' => Ok(scanner.double()?.map(Self)),
            _ => Ok(None),
        }
    }

    fn convert(raw: &'a str) -> Option<Self> {
        converted_number(raw).map(Self)
    }
}

impl<'a> Field<'a> for i64 {
    const EXPECTED: &'static str = "a whole number";

    #[inline]
    fn read(scanner: &mut Scanner<'a>) -> ScanResult<Option<Self>> {
        match scanner.peek()? {
            b'-' | b'0'..=b'9' => scanner.whole_number(),
            _ => Ok(None),
        }
    }

    /// Rounds a fraction, with halves away from zero.
    fn convert(raw: &'a str) -> Option<Self> {
        const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63
        let exact = decimal_text(raw)?.parse().ok();
        exact.or_else(|| {
            let rounded = converted_number(raw)?.round();
            (rounded.abs() < LIMIT).then_some(rounded as Self)
        })
    }
}

impl<'a> Field<'a> for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(scanner: &mut Scanner<'a>) -> ScanResult<Option<Self>> {
        match scanner.peek()? {
            b't' => scanner.expect_word("true").map(|()| Some(true)),
            b'f' => scanner.expect_word("false").map(|()| Some(false)),
            _ => Ok(None),
        }
    }
}

macro_rules! owns_itself {
    ($($type:ty),+) => {$(
        impl IntoOwned for $type {
            type Owned = Self;

            fn into_owned(self) -> Self {
                self
            }
        }
    )+};
}
owns_itself!(Number, i64, bool);

macro_rules! id_field {
    ($($id:ty),+) => {$(
        impl<'a> Field<'a> for $id {
            const EXPECTED: &'static str = "an id";

            #[inline]
            fn read(scanner: &mut Scanner<'a>) -> ScanResult<Option<Self>> {
                Ok(LazyStr::read(scanner)?.and_then(|text| match text.plain() {
                    Some(plain) => Self::from_bytes(plain.as_bytes()).ok(),
                    None => Self::new(&text.get()).ok(),
                }))
            }
        }
        owns_itself!($id);
    )+};
}
id_field!(
    CallId,
    EventId,
    ItemId,
    MessageId,
    PartId,
    PermissionId,
    ProjectId,
    QuestionId,
    SessionId,
    SourceId,
    ToolOutputId,
    WorkspaceId
);
