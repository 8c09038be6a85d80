//! Strings that are unescaped only when asked for.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};
use wide::u8x16;

use super::fault::{Fault, Scan, SyntaxError};

/// A JSON string: borrowed as it stands in the text, unescaped only when asked for.
///
/// Half of a surrogate pair (`"\ud83d"` alone, which JavaScript writes) reads as U+FFFD.
#[derive(Clone)]
pub struct LazyStr<'a>(Repr<'a>);

#[derive(Clone)]
enum Repr<'a> {
    /// No escapes inside: the text is the value.
    Plain(&'a str),
    /// The text between the quotes, with escapes.
    Escaped(&'a str),
    Owned(Box<str>),
}

impl<'a> LazyStr<'a> {
    /// What stands between the quotes; the scanner has checked its escapes.
    pub(crate) fn escaped(inside: &'a str) -> Self {
        Self(Repr::Escaped(inside))
    }

    /// The value. Borrowed unless the text has escapes.
    pub fn get(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Plain(text) => Cow::Borrowed(text),
            Repr::Escaped(text) => Cow::Owned(unescape(text)),
            Repr::Owned(text) => Cow::Borrowed(text),
        }
    }

    /// The value, borrowed from the input for as long as the input lives, if it has no escapes.
    pub fn plain(&self) -> Option<&'a str> {
        match self.0 {
            Repr::Plain(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the value is the empty string. Never unescapes.
    pub fn is_empty(&self) -> bool {
        self.stored_len() == 0
    }

    /// How many bytes the text has as it is stored, escapes and all. Never unescapes.
    pub fn stored_len(&self) -> usize {
        match &self.0 {
            Repr::Plain(text) | Repr::Escaped(text) => text.len(),
            Repr::Owned(text) => text.len(),
        }
    }

    /// The same value, borrowing nothing.
    pub fn into_owned(self) -> LazyStr<'static> {
        LazyStr(Repr::Owned(match self.0 {
            Repr::Plain(text) => text.into(),
            Repr::Escaped(text) => unescape(text).into(),
            Repr::Owned(text) => text,
        }))
    }
}

impl<'a> From<&'a str> for LazyStr<'a> {
    fn from(value: &'a str) -> Self {
        Self(Repr::Plain(value))
    }
}

impl From<String> for LazyStr<'_> {
    fn from(value: String) -> Self {
        Self(Repr::Owned(value.into()))
    }
}

impl Default for LazyStr<'_> {
    fn default() -> Self {
        Self::from("")
    }
}

impl PartialEq for LazyStr<'_> {
    fn eq(&self, other: &LazyStr<'_>) -> bool {
        self.get() == other.get()
    }
}

impl Eq for LazyStr<'_> {}

impl PartialEq<str> for LazyStr<'_> {
    fn eq(&self, other: &str) -> bool {
        self.get() == other
    }
}

impl PartialEq<&str> for LazyStr<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.get() == *other
    }
}

impl fmt::Display for LazyStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.get())
    }
}

impl fmt::Debug for LazyStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}

impl Serialize for LazyStr<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.get())
    }
}

/// Where a string ends, and whether it has escapes.
pub(crate) struct StringEnd {
    /// The closing quote.
    pub(crate) at: usize,
    pub(crate) escaped: bool,
}

/// Finds the closing quote of the string whose first character is at `at`, checking its escapes.
#[inline]
pub(crate) fn find_end(bytes: &[u8], at: usize) -> Scan<StringEnd> {
    match find_near_end(bytes, at) {
        Some(at) => Ok(StringEnd { at, escaped: false }),
        None => find_far_end(bytes, at),
    }
}

/// Finds the closing quote if it is near and nothing else is special before it, as in names.
#[inline(always)]
pub(crate) fn find_near_end(bytes: &[u8], at: usize) -> Option<usize> {
    let marks = specials(block(bytes, at)?);
    let first = at + marks.trailing_zeros() as usize;
    (marks != 0 && bytes[first] == b'"').then_some(first)
}

/// Finds the end of any string.
pub(crate) fn find_far_end(bytes: &[u8], mut at: usize) -> Scan<StringEnd> {
    let mut escaped = false;
    'blocks: while let (Some(near), Some(far)) = (block(bytes, at), block(bytes, at + BLOCK)) {
        let mut marks = specials(near) | specials(far) << BLOCK;
        while marks != 0 {
            let special = at + marks.trailing_zeros() as usize;
            match bytes[special] {
                b'"' => return Ok(StringEnd { at: special, escaped }),
                b'\\' => {
                    escaped = true;
                    let next = skip_escape(bytes, special + 1)?;
                    let Some(rest) = u32::MAX.checked_shl((next - at) as u32) else {
                        at = next;
                        continue 'blocks;
                    };
                    marks &= rest;
                }
                _ => return Err(bad(special, "control character in a string")),
            }
        }
        at += 2 * BLOCK;
    }
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(StringEnd { at, escaped }),
            Some(b'\\') => {
                escaped = true;
                at = skip_escape(bytes, at + 1)?;
            }
            Some(0..0x20) => return Err(bad(at, "control character in a string")),
            Some(_) => at += 1,
            None => return Err(SyntaxError { at, what: Fault::End }),
        }
    }
}

/// Skips an escape whose character after the backslash is at `at`.
#[inline]
fn skip_escape(bytes: &[u8], at: usize) -> Scan<usize> {
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        _ => skip_long_escape(bytes, at),
    }
}

fn skip_long_escape(bytes: &[u8], at: usize) -> Scan<usize> {
    match bytes.get(at) {
        Some(b'u') => match bytes.get(at + 1..at + 5) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 5),
            Some(_) => Err(bad(at, "bad \\u escape")),
            None => Err(SyntaxError { at: bytes.len(), what: Fault::End }),
        },
        Some(_) => Err(bad(at, "unknown escape")),
        None => Err(SyntaxError { at, what: Fault::End }),
    }
}

#[cold]
fn bad(at: usize, what: &'static str) -> SyntaxError {
    SyntaxError { at, what: Fault::Bad(what) }
}

const BLOCK: usize = 16;

#[inline]
fn block(bytes: &[u8], at: usize) -> Option<&[u8; BLOCK]> {
    bytes.get(at..at + BLOCK)?.first_chunk()
}

/// A bit for each quote, backslash and control character.
#[inline]
fn specials(block: &[u8; BLOCK]) -> u32 {
    let block = u8x16::new(*block);
    let control = block.min(u8x16::splat(0x1f)).simd_eq(block);
    let quote = block.simd_eq(u8x16::splat(b'"'));
    (control | quote | block.simd_eq(u8x16::splat(b'\\'))).to_bitmask()
}

/// The value of a string from the text between its quotes. Escapes have been checked.
fn unescape(inside: &str) -> String {
    let mut value = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        value.push_str(&rest[..at]);
        let escape = &rest[at..];
        let (character, length) = unescape_one(escape);
        value.push(character);
        rest = &escape[length..];
    }
    value.push_str(rest);
    value
}

/// The character that the escape at the start of `text` stands for, and the escape's length.
fn unescape_one(text: &str) -> (char, usize) {
    let character = match text.as_bytes()[1] {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(text),
        other => char::from(other), // quote, backslash, slash
    };
    (character, 2)
}

fn unescape_unicode(text: &str) -> (char, usize) {
    let Some(first) = code_unit(text.as_bytes()) else { return (char::REPLACEMENT_CHARACTER, 2) };
    let second = text.as_bytes().get(6..).and_then(code_unit);
    let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    match (char::from_u32(first.into()), pair) {
        (Some(character), _) => (character, 6),
        (None, Some(character)) => (character, 12),
        (None, None) => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// The UTF-16 code unit of the `\uXXXX` escape at the start of `bytes`.
pub(super) fn code_unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
    u16::from_str_radix(digits, 16).ok()
}
