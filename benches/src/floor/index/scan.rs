//! A scanner that visits a record once, returns the fields that are needed and validates the rest
//! in passing. Compared with flat serde structs it saves a fifth of the user time, and 6 % of the
//! time of a whole index, so the floor uses it.

use std::borrow::Cow;

use anyhow::{Context as _, Result, bail};

use super::super::text::Text;

/// The deepest nesting of values.
const MAX_DEPTH: u32 = 128;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// A position in a JSON text.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

impl<'a> Scan<'a> {
    /// Visits the fields of a record, after one UTF-8 check.
    ///
    /// # Errors
    /// If the text is not exactly one object, or `field` fails.
    pub(super) fn record(
        bytes: &'a [u8],
        field: impl FnMut(&mut Self, &'a str) -> Result<()>,
    ) -> Result<()> {
        let mut scan = Self { text: simdutf8::basic::from_utf8(bytes)?, at: 0, depth: 0 };
        scan.object(field)?;
        match scan.peek() {
            None => Ok(()),
            Some(_) => scan.fail("something after the record"),
        }
    }

    /// Visits the fields of an object, or none if the value is null. `field` must consume the
    /// value.
    pub(super) fn object(
        &mut self,
        mut field: impl FnMut(&mut Self, &'a str) -> Result<()>,
    ) -> Result<()> {
        if self.is_null()? {
            return Ok(());
        }
        self.sequence(b'{', b'}', |scan| {
            let (key, _) = scan.string()?;
            scan.take(b':')?;
            field(scan, key)
        })
    }

    /// Reads a string; `None` for null.
    pub(super) fn text(&mut self) -> Result<Option<Text<'a>>> {
        if self.is_null()? {
            return Ok(None);
        }
        self.peek();
        let start = self.at;
        let (text, plain) = self.string()?;
        Ok(Some(Text(match plain {
            true => Cow::Borrowed(text),
            false => Cow::Owned(serde_json::from_str(&self.text[start..self.at])?),
        })))
    }

    /// Reads an integer; `None` for null.
    pub(super) fn integer(&mut self) -> Result<Option<i64>> {
        if self.is_null()? {
            return Ok(None);
        }
        self.number()?.parse().map(Some).context("not an integer")
    }

    /// Reads a number; `None` for null.
    pub(super) fn float(&mut self) -> Result<Option<f64>> {
        if self.is_null()? {
            return Ok(None);
        }
        self.number()?.parse().map(Some).context("not a number")
    }

    /// Returns whether the value is `true`; the value may be of any type.
    pub(super) fn is_true(&mut self) -> Result<bool> {
        let is_true = self.peek() == Some(b't');
        self.skip()?;
        Ok(is_true)
    }

    /// Skips a value.
    pub(super) fn skip(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'{') => self.object(|scan, _| scan.skip()),
            Some(b'[') => self.sequence(b'[', b']', Self::skip),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => self.number().map(drop),
        }
    }

    fn sequence(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.take(open)?;
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail("too deep");
        }
        loop {
            item(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => break,
                _ => return self.fail("no end"),
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Returns the next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match *bytes.get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Result<()> {
        if self.peek() != Some(byte) {
            return self.fail("another byte");
        }
        self.at += 1;
        Ok(())
    }

    fn is_null(&mut self) -> Result<bool> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.word("null").map(|()| true)
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.fail("another word");
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a number in its written form: `-`, digits, a fraction, an exponent.
    fn number(&mut self) -> Result<&'a str> {
        self.peek();
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        let digits = |at: &mut usize| {
            let first = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at > first
        };
        let whole = at;
        let mut sound = digits(&mut at) && (bytes[whole] != b'0' || at == whole + 1);
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            sound &= digits(&mut at);
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
            sound &= digits(&mut at);
        }
        if !sound {
            return self.fail("no value");
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    /// Reads a string: the bytes between the quotes, and whether it is free of escapes.
    #[inline]
    fn string(&mut self) -> Result<(&'a str, bool)> {
        self.take(b'"')?;
        let bytes = self.text.as_bytes();
        let (start, mut plain) = (self.at, true);
        loop {
            self.at += plain_prefix_len(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    plain = false;
                    self.escape()?;
                }
                _ => return self.fail("a string with controls, or without an end"),
            }
        }
        self.at += 1;
        Ok((&self.text[start..self.at - 1], plain))
    }

    fn escape(&mut self) -> Result<()> {
        let bytes = self.text.as_bytes();
        self.at += match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => match bytes.get(self.at + 2..self.at + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => 6,
                _ => return self.fail("no digits"),
            },
            _ => return self.fail("no escape"),
        };
        Ok(())
    }

    #[cold]
    fn fail<T>(&self, why: &str) -> Result<T> {
        bail!("{why} at byte {}", self.at)
    }
}

/// Returns the number of bytes before a quote, a backslash or a control character, eight bytes at a
/// time.
#[inline]
fn plain_prefix_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        // The lowest hit is exact; a higher hit may be a borrow of the subtraction.
        let hits = (quote | backslash | control) & HIGH;
        if hits != 0 {
            return at * 8 + hits.trailing_zeros() as usize / 8;
        }
    }
    let position = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
    words.len() * 8 + position.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn passes(text: &str) -> bool {
        let wrapped = format!("{{\"key\": {text}}}");
        Scan::record(wrapped.as_bytes(), |scan, _| scan.skip()).is_ok()
    }

    #[test]
    fn the_scanner_accepts_exactly_json() {
        let good = r#"[1, -0.5e+3, 0, "a\u00e9\n\"", {"b": [true, false, null, {}, []]}, ""]"#;
        assert!(passes(good));
        // Each text that lacks one byte, or has one byte twice, must be accepted exactly if serde
        // accepts it.
        for at in 0..good.len() {
            let without = [&good[..at], &good[at + 1..]].concat();
            let twice = [&good[..=at], &good[at..]].concat();
            for text in [without, twice, good[..at].to_owned()] {
                let sound = serde_json::from_str::<Value>(&text).is_ok();
                assert_eq!(passes(&text), sound, "{text}");
            }
        }
        for bad in ["\"a\u{1}b\"", "01", "-", "1.", "1e", r#""\x""#, r#""\u12g4""#, "nul", "1 2"] {
            assert!(!passes(bad), "{bad}");
        }
        assert!(!passes(&"[".repeat(1000)));
    }

    #[test]
    fn values_keep_their_written_form() {
        let text = r#" {"a": "long enough to be more than a word, é\n", "b": -12, "c": 0.25,
            "d": true, "e": {"f": null}, "g": {"h": 7}} "#;
        let mut values = Vec::new();
        Scan::record(text.as_bytes(), |scan, key| {
            values.push(match key {
                "a" => scan.text()?.map(|text| text.0.into_owned()),
                "b" => scan.integer()?.map(|it| it.to_string()),
                "c" => scan.float()?.map(|it| it.to_string()),
                "d" => Some(scan.is_true()?.to_string()),
                "e" => Some(scan.is_true()?.to_string()),
                _ => {
                    let mut inside = None;
                    scan.object(|scan, _| scan.integer().map(|it| inside = it))?;
                    inside.map(|it| it.to_string())
                }
            });
            Ok(())
        })
        .unwrap();
        let values: Vec<&str> = values.iter().map(|it| it.as_deref().unwrap()).collect();
        assert_eq!(
            values,
            ["long enough to be more than a word, é\n", "-12", "0.25", "true", "false", "7"]
        );
        assert!(Scan::record(br#"{"a": 1.5}"#, |scan, _| scan.integer().map(drop)).is_err());
    }
}
