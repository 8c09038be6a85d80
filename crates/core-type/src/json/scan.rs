//! The scanner: walks a JSON text once, validates it, and returns slices of it.

use scrollback_core_err::{Issue, IssueKind, Place};

use super::digits::{eight_digits, four_digits, short_decimal};
use super::outcome::Outcome;
use super::string::{LazyStr, StringEnd, find_end, find_end_by_chunks, find_end_in_block};
use super::syntax_error::{MAX_DEPTH, ScanResult, SyntaxError, SyntaxErrorKind};

/// Walks a JSON text once, validates it, and returns slices of it. Nothing is copied.
///
/// Each method reads one value at the scanner, or declines a value of another type and stays in front of
/// it. A text that is not JSON is a [`SyntaxError`]. Use a scanner where a record has to be read in one
/// pass; [`Parse`](super::Parse) reads the records of the model.
///
/// ```
/// use scrollback_core_type::json::Scanner;
///
/// let mut scanner = Scanner::new(r#" {"kind": "text", "content": [1, 2]} "#);
/// let mut fields = Vec::new();
/// scanner.object(|scanner, key| {
///     fields.push((key.get().into_owned(), scanner.raw()?));
///     Ok(())
/// })?;
/// assert_eq!(fields, [("kind".to_owned(), r#""text""#), ("content".to_owned(), "[1, 2]")]);
/// assert_eq!(scanner.rest(), " ", "the text after the value");
/// # Ok::<(), scrollback_core_type::json::SyntaxError>(())
/// ```
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    issues: Vec<Issue>,
}

impl<'a> Scanner<'a> {
    /// Returns a scanner at the start of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, issues: Vec::new() }
    }

    /// Returns the text that was not read yet.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Returns the number of bytes that were read.
    pub fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn into_issues(self) -> Vec<Issue> {
        self.issues
    }

    /// Reads one value and checks that only white space follows it. If `read` declines the value, the
    /// text is checked to its end even so.
    pub(crate) fn read_whole<T: Outcome>(
        &mut self,
        read: impl FnOnce(&mut Self) -> ScanResult<T>,
    ) -> ScanResult<T> {
        let outcome = read(self)?;
        if outcome.is_declined() {
            self.at = 0;
            self.skip_value()?;
        }
        match self.peek() {
            Err(SyntaxError { kind: SyntaxErrorKind::End, .. }) => Ok(outcome),
            Err(error) => Err(error),
            Ok(_) => Err(self.bad_json("more after the end of the value")),
        }
    }

    /// Skips white space and returns the first byte of the next token.
    ///
    /// # Errors
    /// A [`SyntaxError`] at the end of the text.
    #[inline]
    pub fn peek(&mut self) -> ScanResult<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(SyntaxError { at: self.at, kind: SyntaxErrorKind::End }),
            }
        }
    }

    /// Skips white space and returns a mark of the next value's start.
    pub(crate) fn mark(&mut self) -> ScanResult<Mark> {
        self.peek()?;
        Ok(Mark { at: self.at, issues: self.issues.len() })
    }

    /// Goes back to a mark, and removes the issues that were found since.
    pub(crate) fn rewind(&mut self, mark: &Mark) {
        self.at = mark.at;
        self.issues.truncate(mark.issues);
    }

    /// Adds an issue about the value at `mark`.
    #[cold]
    pub(crate) fn note(&mut self, mark: &Mark, kind: IssueKind) {
        self.issues.push(Issue::new(Place::default().at_offset(mark.at as u64), kind));
    }

    /// Puts `field` in front of the field path of all issues that were found since `mark`.
    #[inline]
    pub(crate) fn set_field_of_issues_since(&mut self, mark: &Mark, field: &str) {
        if self.issues.len() > mark.issues {
            self.set_field_of_issues(mark.issues, field);
        }
    }

    #[cold]
    fn set_field_of_issues(&mut self, from: usize, field: &str) {
        for issue in &mut self.issues[from..] {
            issue.place.field = Some(match issue.place.field.take() {
                Some(inner) => format!("{field}.{inner}"),
                None => field.to_owned(),
            });
        }
    }

    /// Walks an object and calls `visit` with each key. `visit` must consume the value. Returns `None` if
    /// the next value is not an object.
    ///
    /// # Errors
    /// A [`SyntaxError`] if the text is not JSON, and the errors of `visit`.
    #[inline]
    pub fn object(
        &mut self,
        mut visit: impl FnMut(&mut Self, &LazyStr<'a>) -> ScanResult<()>,
    ) -> ScanResult<Option<()>> {
        if self.peek()? != b'{' {
            return Ok(None);
        }
        self.enter()?;
        if self.peek()? == b'}' {
            return self.leave();
        }
        loop {
            let key = match self.peek()? {
                b'"' => self.short_string()?,
                _ => return Err(self.bad_json("expected a key")),
            };
            if self.peek()? != b':' {
                return Err(self.bad_json("expected a colon"));
            }
            self.at += 1;
            visit(self, &key)?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => return self.leave(),
                _ => return Err(self.bad_json("expected a comma or the end of the object")),
            }
        }
    }

    /// Goes to the value of the field `name` in the next object, and returns whether the object has the
    /// field. The scanner stays at that value, in the middle of the object, or at the end of the object.
    pub(crate) fn find_field(&mut self, name: &str) -> ScanResult<bool> {
        if self.peek()? != b'{' {
            return Ok(false);
        }
        self.at += 1;
        while self.peek()? == b'"' {
            let key = self.short_string()?;
            if self.peek()? != b':' {
                return Err(self.bad_json("expected a colon"));
            }
            self.at += 1;
            if key == *name {
                return Ok(true);
            }
            self.skip_value()?;
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        Ok(false)
    }

    /// Walks an array and calls `visit` at each element. `visit` must consume the element, or return `None`
    /// to decline the whole array. Returns `None` if the next value is not an array.
    ///
    /// # Errors
    /// A [`SyntaxError`] if the text is not JSON, and the errors of `visit`.
    pub fn array(
        &mut self,
        mut visit: impl FnMut(&mut Self) -> ScanResult<Option<()>>,
    ) -> ScanResult<Option<()>> {
        if self.peek()? != b'[' {
            return Ok(None);
        }
        self.enter()?;
        if self.peek()? == b']' {
            return self.leave();
        }
        loop {
            self.peek()?;
            if visit(self)?.is_none() {
                self.depth -= 1;
                return Ok(None);
            }
            match self.peek()? {
                b',' => self.at += 1,
                b']' => return self.leave(),
                _ => return Err(self.bad_json("expected a comma or the end of the array")),
            }
        }
    }

    /// Reads the string at the scanner. Fast if the string is short.
    #[inline(always)]
    fn short_string(&mut self) -> ScanResult<LazyStr<'a>> {
        let start = self.at + 1;
        match find_end_in_block(self.text.as_bytes(), start) {
            Some(at) => {
                self.at = at + 1;
                Ok(LazyStr::from(&self.text[start..at]))
            }
            None => self.long_string(),
        }
    }

    /// Reads the string at the scanner. [`Scanner::peek`] must have returned a quote.
    ///
    /// # Errors
    /// A [`SyntaxError`] if the string has no end, or a bad escape.
    pub fn string(&mut self) -> ScanResult<LazyStr<'a>> {
        self.short_string()
    }

    fn long_string(&mut self) -> ScanResult<LazyStr<'a>> {
        let start = self.at + 1;
        let StringEnd { at, escaped } = find_end_by_chunks(self.text.as_bytes(), start)?;
        self.at = at + 1;
        let inside = &self.text[start..at];
        Ok(if escaped { LazyStr::from_escaped(inside) } else { LazyStr::from(inside) })
    }

    /// Reads the text of the number at the scanner, and checks it against JSON's grammar.
    ///
    /// # Errors
    /// A [`SyntaxError`] if no number is there.
    pub fn number(&mut self) -> ScanResult<&'a str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let digits = |mut at: usize| {
            let from = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            if at > from {
                Ok(at)
            } else {
                Err(SyntaxError { at, kind: SyntaxErrorKind::Bad("bad number") })
            }
        };
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        at = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits(at)? };
        if bytes.get(at) == Some(&b'.') {
            at = digits(at + 1)?;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
            at = digits(at)?;
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    /// Reads the number at the scanner. Returns `None` if it is not whole or does not fit an `i64`.
    ///
    /// # Errors
    /// A [`SyntaxError`] if no number is there.
    #[inline]
    pub fn whole_number(&mut self) -> ScanResult<Option<i64>> {
        const MAX_SAFE_DIGITS: usize = 18; // this many digits cannot overflow
        let rest = &self.text.as_bytes()[self.at..];
        let minus = usize::from(rest.first() == Some(&b'-'));
        let mut value = 0_i64;
        let mut at = minus;
        if let Some(digits) = rest.get(at..).and_then(eight_digits) {
            (value, at) = (digits, at + 8); // times have thirteen digits
        }
        if let Some(digits) = rest.get(at..).and_then(four_digits) {
            (value, at) = (value * 10_000 + digits, at + 4);
        }
        while let Some(digit @ b'0'..=b'9') = rest.get(at)
            && at < minus + MAX_SAFE_DIGITS
        {
            value = value * 10 + i64::from(digit - b'0');
            at += 1;
        }
        let has_valid_start = rest.get(minus) != Some(&b'0') || at == minus + 1;
        match rest.get(at) {
            Some(b'0'..=b'9' | b'.' | b'e' | b'E') => {}
            _ if at > minus && has_valid_start => {
                self.at += at;
                return Ok(Some(if minus == 1 { -value } else { value }));
            }
            _ => {}
        }
        Ok(self.number()?.parse().ok()) // all other numbers, and errors
    }

    /// Reads the number at the scanner as a double. Returns `None` if it is too large.
    ///
    /// # Errors
    /// A [`SyntaxError`] if no number is there.
    pub fn double(&mut self) -> ScanResult<Option<f64>> {
        let text = self.number()?;
        let number = short_decimal(text.as_bytes()).or_else(|| text.parse().ok());
        Ok(number.filter(|number| number.is_finite()))
    }

    /// Consumes `word` (`true`, `false`, `null`).
    pub(crate) fn expect_word(&mut self, word: &str) -> ScanResult<()> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        let is_cut_off = word.as_bytes().starts_with(rest);
        let kind = if is_cut_off {
            SyntaxErrorKind::End
        } else {
            SyntaxErrorKind::Bad("expected a value")
        };
        Err(SyntaxError { at: self.at, kind })
    }

    /// Consumes any value.
    ///
    /// # Errors
    /// A [`SyntaxError`] if the text is not JSON.
    pub fn skip_value(&mut self) -> ScanResult<()> {
        match self.peek()? {
            b'"' => {
                self.at = find_end(self.text.as_bytes(), self.at + 1)?.at + 1;
                Ok(())
            }
            b'{' => self.object(|scanner, _| scanner.skip_value()).map(drop),
            b'[' => self.array(|scanner| scanner.skip_value().map(Some)).map(drop),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            b't' => self.expect_word("true"),
            b'f' => self.expect_word("false"),
            b'n' => self.expect_word("null"),
            _ => Err(self.bad_json("expected a value")),
        }
    }

    /// Consumes any value and returns its text.
    ///
    /// # Errors
    /// A [`SyntaxError`] if the text is not JSON.
    pub fn raw(&mut self) -> ScanResult<&'a str> {
        self.peek()?;
        let start = self.at;
        self.skip_value()?;
        Ok(&self.text[start..self.at])
    }

    fn enter(&mut self) -> ScanResult<()> {
        if self.depth == MAX_DEPTH {
            return Err(SyntaxError { at: self.at, kind: SyntaxErrorKind::TooDeep });
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "the tail of object() and array()")]
    fn leave(&mut self) -> ScanResult<Option<()>> {
        self.depth -= 1;
        self.at += 1;
        Ok(Some(()))
    }

    #[cold]
    fn bad_json(&self, problem: &'static str) -> SyntaxError {
        SyntaxError { at: self.at, kind: SyntaxErrorKind::Bad(problem) }
    }
}

/// A position that the scanner can go back to.
pub(crate) struct Mark {
    at: usize,
    issues: usize,
}
