//! Strings that are unescaped on request, and the search for the end of a string.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};
use wide::u8x16;

use super::syntax_error::{ScanResult, SyntaxError, SyntaxErrorKind};

/// A JSON string that borrows its text from the input. [`LazyStr::get`] unescapes it.
///
/// Half of a surrogate pair (`"\ud83d"` alone, which JavaScript writes) reads as U+FFFD.
#[derive(Clone)]
pub struct LazyStr<'a>(Repr<'a>);

#[derive(Clone)]
enum Repr<'a> {
    /// The text has no escapes, so it is the value.
    Plain(&'a str),
    /// The text between the quotes, with escapes.
    Escaped(&'a str),
    Owned(Box<str>),
}

impl<'a> LazyStr<'a> {
    /// Returns the string for the text between the quotes. The scanner has checked the escapes.
    pub(crate) fn from_escaped(in_string: &'a str) -> Self {
        Self(Repr::Escaped(in_string))
    }

    /// Returns the value. It is borrowed unless the text has escapes.
    pub fn get(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Plain(text) => Cow::Borrowed(text),
            Repr::Escaped(text) => Cow::Owned(unescape(text)),
            Repr::Owned(text) => Cow::Borrowed(text),
        }
    }

    /// Returns the value with the lifetime of the input, if the text has no escapes.
    pub fn plain(&self) -> Option<&'a str> {
        match self.0 {
            Repr::Plain(text) => Some(text),
            _ => None,
        }
    }

    /// Checks whether the value is the empty string, without unescaping.
    pub fn is_empty(&self) -> bool {
        self.stored_len() == 0
    }

    /// Returns the length of the stored text in bytes, including escapes, without unescaping.
    pub fn stored_len(&self) -> usize {
        match &self.0 {
            Repr::Plain(text) | Repr::Escaped(text) => text.len(),
            Repr::Owned(text) => text.len(),
        }
    }

    /// Returns the same value without borrowed data.
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

/// The end of a string, and whether the string has escapes.
pub(crate) struct StringEnd {
    /// The offset of the closing quote.
    pub(crate) at: usize,
    pub(crate) escaped: bool,
}

/// Finds the closing quote of the string with its first character at `at`, and checks the escapes.
#[inline]
pub(crate) fn find_end(bytes: &[u8], at: usize) -> ScanResult<StringEnd> {
    match find_end_in_block(bytes, at) {
        Some(at) => Ok(StringEnd { at, escaped: false }),
        None => find_end_by_chunks(bytes, at),
    }
}

/// Finds the closing quote if it is in the next 16 bytes, without an escape or a control character before it.
/// This is the usual case for keys and names.
#[inline(always)]
pub(crate) fn find_end_in_block(bytes: &[u8], at: usize) -> Option<usize> {
    let special = special_bits(block(bytes, at)?);
    let first = at + special.trailing_zeros() as usize;
    (special != 0 && bytes[first] == b'"').then_some(first)
}

/// Finds the end of any string, 64 bytes at a time.
pub(crate) fn find_end_by_chunks(bytes: &[u8], start: usize) -> ScanResult<StringEnd> {
    let (mut at, mut carry, mut escaped) = (start, 0, false);
    while let Some(chunk) = chunk(bytes, at) {
        let (quotes, backslashes) =
            (matching_bits(chunk, equals(b'"')), matching_bits(chunk, equals(b'\\')));
        let after_backslash = escaped_bits(backslashes, &mut carry);
        let ends = quotes & !after_backslash;
        let in_string = (ends & ends.wrapping_neg()).wrapping_sub(1); // all bits if the chunk has no end
        escaped |= (backslashes | after_backslash) & in_string != 0;
        let is_bad = matching_bits(chunk, is_control) & in_string != 0
            || after_backslash & in_string != 0
                && !are_valid_escapes(
                    bytes,
                    at,
                    after_backslash & in_string & !quotes & !backslashes,
                );
        if is_bad {
            return find_end_by_bytes(bytes, start, false); // finds the error and its offset
        }
        if ends != 0 {
            return Ok(StringEnd { at: at + ends.trailing_zeros() as usize, escaped });
        }
        at += CHUNK;
    }
    find_end_by_bytes(bytes, at - carry as usize, escaped)
}

/// Finds the closing quote of the string with its first character at `at`, without checking the text. Use
/// it only if the string is checked later. `None` if the string has no end.
#[inline]
pub fn find_string_end(bytes: &[u8], at: usize) -> Option<usize> {
    if let Some(at) = find_end_in_block(bytes, at) {
        return Some(at);
    }
    find_string_end_by_chunks(bytes, at)
}

fn find_string_end_by_chunks(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut carry = 0;
    while let Some(chunk) = chunk(bytes, at) {
        let (quotes, backslashes) =
            (matching_bits(chunk, equals(b'"')), matching_bits(chunk, equals(b'\\')));
        let ends = quotes & !escaped_bits(backslashes, &mut carry);
        if ends != 0 {
            return Some(at + ends.trailing_zeros() as usize);
        }
        at += CHUNK;
    }
    at -= carry as usize;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Returns a bit for each character of a chunk that a backslash escapes. `carry` is 1 if the last character
/// of the previous chunk escapes the first character of this chunk, and is set for the next chunk.
///
/// In a run of backslashes, every second one is escaped. The carries of an addition pass through each run
/// and so separate runs that begin at odd places from runs that begin at even places.
#[inline]
fn escaped_bits(backslashes: u64, carry: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    if backslashes | *carry == 0 {
        return 0;
    }
    let escaping = backslashes & !*carry;
    let behind = escaping << 1 | *carry;
    let (sum, overflow) = (escaping & !EVEN & !behind).overflowing_add(escaping);
    *carry = u64::from(overflow);
    (EVEN ^ (sum << 1)) & behind
}

/// Checks whether the escaped characters of the chunk at `at` make valid escapes.
fn are_valid_escapes(bytes: &[u8], at: usize, mut escaped: u64) -> bool {
    while escaped != 0 {
        let place = at + escaped.trailing_zeros() as usize;
        if skip_escape(bytes, place).is_err() {
            return false;
        }
        escaped &= escaped - 1;
    }
    true
}

/// Finds the end of a string character by character.
fn find_end_by_bytes(bytes: &[u8], mut at: usize, mut escaped: bool) -> ScanResult<StringEnd> {
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(StringEnd { at, escaped }),
            Some(b'\\') => {
                escaped = true;
                at = skip_escape(bytes, at + 1)?;
            }
            Some(0..0x20) => return Err(bad_json(at, "control character in a string")),
            Some(_) => at += 1,
            None => return Err(SyntaxError { at, kind: SyntaxErrorKind::End }),
        }
    }
}

/// Skips an escape whose character after the backslash is at `at`.
#[inline]
fn skip_escape(bytes: &[u8], at: usize) -> ScanResult<usize> {
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        _ => skip_long_escape(bytes, at),
    }
}

fn skip_long_escape(bytes: &[u8], at: usize) -> ScanResult<usize> {
    match bytes.get(at) {
        Some(b'u') => match bytes.get(at + 1..at + 5) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 5),
            Some(_) => Err(bad_json(at, "bad \\u escape")),
            None => Err(SyntaxError { at: bytes.len(), kind: SyntaxErrorKind::End }),
        },
        Some(_) => Err(bad_json(at, "unknown escape")),
        None => Err(SyntaxError { at, kind: SyntaxErrorKind::End }),
    }
}

#[cold]
fn bad_json(at: usize, problem: &'static str) -> SyntaxError {
    SyntaxError { at, kind: SyntaxErrorKind::Bad(problem) }
}

const BLOCK: usize = 16;
const CHUNK: usize = 4 * BLOCK;

#[inline]
fn block(bytes: &[u8], at: usize) -> Option<&[u8; BLOCK]> {
    bytes.get(at..at + BLOCK)?.first_chunk()
}

#[inline]
fn chunk(bytes: &[u8], at: usize) -> Option<&[u8; CHUNK]> {
    bytes.get(at..at + CHUNK)?.first_chunk()
}

/// Returns a bit for each byte of a chunk that matches `predicate`.
#[inline(always)]
fn matching_bits(chunk: &[u8; CHUNK], predicate: impl Fn(u8x16) -> u8x16) -> u64 {
    let (blocks, _) = chunk.as_chunks::<BLOCK>();
    let mut bits = 0;
    for (block, shift) in blocks.iter().zip((0..).step_by(BLOCK)) {
        bits |= u64::from(predicate(u8x16::new(*block)).to_bitmask()) << shift;
    }
    bits
}

#[inline(always)]
fn equals(byte: u8) -> impl Fn(u8x16) -> u8x16 {
    move |block| block.simd_eq(u8x16::splat(byte))
}

#[inline(always)]
fn is_control(block: u8x16) -> u8x16 {
    block.min(u8x16::splat(0x1f)).simd_eq(block)
}

/// Returns a bit for each quote, backslash and control character.
#[inline]
fn special_bits(block: &[u8; BLOCK]) -> u32 {
    let block = u8x16::new(*block);
    let special = is_control(block) | equals(b'"')(block) | equals(b'\\')(block);
    special.to_bitmask()
}

/// Returns the value of the text between the quotes. The escapes were checked before.
fn unescape(in_string: &str) -> String {
    let mut value = String::with_capacity(in_string.len());
    let mut remaining = in_string;
    while let Some(at) = memchr::memchr(b'\\', remaining.as_bytes()) {
        value.push_str(&remaining[..at]);
        let escape = &remaining[at..];
        let (character, length) = unescape_one(escape);
        value.push(character);
        remaining = &escape[length..];
    }
    value.push_str(remaining);
    value
}

/// Returns the character of the escape at the start of `text`, and the length of the escape.
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

/// Returns the UTF-16 code unit of the `\uXXXX` escape at the start of `bytes`.
pub(super) fn code_unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
    u16::from_str_radix(digits, 16).ok()
}
