//! JSON as the stores write it: one validating pass over borrowed text.
//!
//! Why not serde for reading: a field of a wrong type must not cost the rest of its record, an
//! unknown field must survive with its raw text, long strings must stay unread until asked for,
//! nesting must be bounded, and half a surrogate pair is data. With serde each of these means
//! buffering a field before looking at it. Here a field's value is either taken where it stands or
//! skipped to its end, so the pass is the same for all of them, and it is faster (`docs/perf`).
//! Writing goes through serde.

mod digits;
mod field;
mod number;
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
pub use string::{LazyStr, find_string_end};
pub use syntax_error::MAX_DEPTH;

pub(crate) use field::{Field, Record, read_field};
pub(crate) use record::{head, record};
pub(crate) use scan::{Mark, Scanner};
pub(crate) use syntax_error::{ScanResult, SyntaxError};

use scrollback_core_err::{Issue, IssueKind, Place};

/// A value that was parsed, and what was wrong with parts of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed<T> {
    /// The value. Fields that an issue speaks of are absent from it and kept as raw JSON.
    pub value: T,
    /// What was wrong; empty for sound input.
    pub issues: Vec<Issue>,
}

impl<T> Parsed<T> {
    /// The same issues over another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Parsed<U> {
        Parsed { value: change(self.value), issues: self.issues }
    }
}

/// Types that are parsed from the bytes of one JSON text, borrowing from them.
///
/// Implemented by every record of the model, and by vectors of them.
pub trait Parse<'a>: Sized {
    /// Parses the whole of `bytes`.
    ///
    /// # Errors
    /// The one [`Issue`] that makes the whole text unusable: empty, NUL-filled, not UTF-8, no
    /// JSON, cut off, too deep, or of another shape. Everything else is in [`Parsed::issues`].
    fn parse(bytes: &'a [u8]) -> Result<Parsed<Self>, Box<Issue>>;
}

impl<'a, T: Field<'a>> Parse<'a> for T {
    fn parse(bytes: &'a [u8]) -> Result<Parsed<Self>, Box<Issue>> {
        parse_with(bytes, T::EXPECTED, T::read)
    }
}

/// Parses the whole of `bytes` with `read`, which declines what is not `expected`.
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

/// Checks that `bytes` hold one whole JSON text, without keeping anything.
///
/// # Errors
/// The [`Issue`] that makes the text unusable, as for [`Parse::parse`].
pub fn check(bytes: &[u8]) -> Result<(), Box<Issue>> {
    let text = utf8_text(bytes)?;
    Scanner::new(text).read_whole(Scanner::skip_value).map_err(|error| error.into_issue(text))
}

/// The text of a file, or why it is none.
fn utf8_text(bytes: &[u8]) -> Result<&str, Box<Issue>> {
    match bytes.first() {
        None => return Err(issue_at(0, IssueKind::Empty)),
        Some(0) if bytes.iter().all(|byte| *byte == 0) => {
            return Err(issue_at(0, IssueKind::NulFilled));
        }
        Some(_) => {}
    }
    // The fast check does not say where; the slow one is asked only on failure.
    simdutf8::basic::from_utf8(bytes).map_err(|_| {
        let at = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        issue_at(at, IssueKind::NotUtf8)
    })
}

fn issue_at(at: usize, kind: IssueKind) -> Box<Issue> {
    Box::new(Issue::new(Place::default().at_offset(at as u64), kind))
}
