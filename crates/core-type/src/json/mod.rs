//! JSON as the stores write it: one validating pass over borrowed text.
//!
//! Reading does not use serde, for these reasons: a field of a wrong type must not affect the rest of its
//! record, an unknown field must survive with its raw text, long strings must not be decoded until they are
//! requested, nesting must be bounded, and half a surrogate pair is data. With serde, each of these needs a
//! buffered copy of the field. Here a field's value is either read in place or skipped, in the same pass,
//! which is also faster (`docs/perf`). Writing uses serde.

mod digits;
mod field;
mod number;
mod outcome;
mod raw;
mod record;
mod repair;
mod scan;
mod string;
mod syntax_error;

pub use field::{Entries, Extra, IntoOwned};
pub use number::Number;
pub use raw::RawJson;
pub use repair::repair_surrogates;
pub use scan::Scanner;
pub use string::{LazyStr, find_string_end};
pub use syntax_error::{MAX_DEPTH, ScanResult, SyntaxError};

pub(crate) use field::{Field, Record, read_field, read_head_field};
pub(crate) use record::{head, record};
pub(crate) use scan::Mark;

use scrollback_core_err::{Issue, IssueKind, Place};

/// A parsed value, and the issues of its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed<T> {
    /// The value. Fields with an issue are kept as raw JSON, and absent from it unless they were converted.
    pub value: T,
    /// The issues; empty if every field has the expected type.
    pub issues: Vec<Issue>,
}

impl<T> Parsed<T> {
    /// Changes the value and keeps the issues.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Parsed<U> {
        Parsed { value: change(self.value), issues: self.issues }
    }
}

/// A type that is parsed from the bytes of one JSON text and borrows from them.
///
/// Every record of the model and vectors of records implement it.
pub trait Parse<'a>: Sized {
    /// Parses the whole of `bytes`.
    ///
    /// # Errors
    /// The [`Issue`] that makes the whole text unusable: empty, NUL-filled, not UTF-8, not JSON, cut off,
    /// too deep, or of another shape. All other issues are in [`Parsed::issues`].
    fn parse(bytes: &'a [u8]) -> Result<Parsed<Self>, Box<Issue>>;
}

impl<'a, T: Field<'a>> Parse<'a> for T {
    fn parse(bytes: &'a [u8]) -> Result<Parsed<Self>, Box<Issue>> {
        parse_with(bytes, T::EXPECTED, T::read)
    }
}

/// Parses the whole of `bytes` with `read`, which declines a value that is not `expected`.
pub(crate) fn parse_with<'a, T>(
    bytes: &'a [u8],
    expected: &'static str,
    read: impl FnOnce(&mut Scanner<'a>) -> ScanResult<Option<T>>,
) -> Result<Parsed<T>, Box<Issue>> {
    let text = utf8_text(bytes)?;
    let mut scanner = Scanner::new(text);
    match scanner.read_whole(read).map_err(|error| error.into_issue(text))? {
        Some(value) => Ok(Parsed { value, issues: scanner.into_issues() }),
        None => Err(issue_at(0, IssueKind::WrongShape { expected })),
    }
}

/// Checks that `bytes` hold one whole JSON text.
///
/// # Errors
/// The [`Issue`] that makes the text unusable, as for [`Parse::parse`].
pub fn check(bytes: &[u8]) -> Result<(), Box<Issue>> {
    let text = utf8_text(bytes)?;
    Scanner::new(text).read_whole(Scanner::skip_value).map_err(|error| error.into_issue(text))
}

/// Returns the bytes as text, or the issue that they have.
fn utf8_text(bytes: &[u8]) -> Result<&str, Box<Issue>> {
    match bytes.first() {
        None => return Err(issue_at(0, IssueKind::Empty)),
        Some(0) if bytes.iter().all(|byte| *byte == 0) => {
            return Err(issue_at(0, IssueKind::NulFilled));
        }
        Some(_) => {}
    }
    // The fast check gives no offset, so the slow check runs after a failure.
    simdutf8::basic::from_utf8(bytes).map_err(|_| {
        let at = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        issue_at(at, IssueKind::NotUtf8)
    })
}

fn issue_at(at: usize, kind: IssueKind) -> Box<Issue> {
    Box::new(Issue::new(Place::default().at_offset(at as u64), kind))
}
