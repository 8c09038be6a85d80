//! Finds where JSON values begin and end in the text of a row.
//!
//! The walk does not validate the values. They are copied verbatim, and the parser of the resulting
//! record validates them. So a bad escape in an answer costs only that answer and not the row.

use scrollback_core_type::json::find_string_end;

/// The text is truncated, or malformed at a place that the walk checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MalformedJson;

pub(super) type Walked<T> = Result<T, MalformedJson>;

/// The text of a value, verbatim.
pub(super) type Raw<'a> = &'a [u8];

/// A position in a text.
#[derive(Debug, Clone)]
pub(super) struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Skips white space and returns the next byte.
    #[inline]
    fn peek(&mut self) -> Walked<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(MalformedJson),
            }
        }
    }

    /// Checks that only white space follows.
    pub(super) fn end(&mut self) -> Walked<()> {
        match self.peek() {
            Err(MalformedJson) => Ok(()),
            Ok(_) => Err(MalformedJson),
        }
    }

    /// Walks an object and calls `visit` with each key, verbatim between its quotes. `visit` must
    /// read the value. Returns false if the next value is not an object.
    #[inline]
    pub(super) fn object(
        &mut self,
        mut visit: impl FnMut(&mut Self, Raw<'a>) -> Walked<()>,
    ) -> Walked<bool> {
        if self.peek()? != b'{' {
            return Ok(false);
        }
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(true);
        }
        loop {
            if self.peek()? != b'"' {
                return Err(MalformedJson);
            }
            let start = self.at + 1;
            self.string()?;
            let key = &self.text[start..self.at - 1];
            if self.peek()? != b':' {
                return Err(MalformedJson);
            }
            self.at += 1;
            visit(self, key)?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(true);
                }
                _ => return Err(MalformedJson),
            }
        }
    }

    /// Walks an array and calls `visit` for each element, which `visit` must read. Returns false if
    /// the next value is not an array.
    pub(super) fn array(&mut self, mut visit: impl FnMut(&mut Self) -> Walked<()>) -> Walked<bool> {
        if self.peek()? != b'[' {
            return Ok(false);
        }
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(true);
        }
        loop {
            visit(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(true);
                }
                _ => return Err(MalformedJson),
            }
        }
    }

    /// Returns the text of the next value.
    #[inline]
    pub(super) fn raw(&mut self) -> Walked<Raw<'a>> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => self.string()?,
            b'{' | b'[' => self.nested()?,
            b',' | b':' | b'}' | b']' => return Err(MalformedJson),
            _ => self.scalar(),
        }
        Ok(&self.text[start..self.at])
    }

    /// Returns the text of the next value, or `None` if the value is null.
    #[inline]
    pub(super) fn value(&mut self) -> Walked<Option<Raw<'a>>> {
        Ok(Some(self.raw()?).filter(|value| *value != b"null"))
    }

    /// Reads the next value with `read`, and returns the result with the text of the value.
    pub(super) fn spanned<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Walked<T>,
    ) -> Walked<(T, Raw<'a>)> {
        self.peek()?;
        let start = self.at;
        let value = read(self)?;
        Ok((value, &self.text[start..self.at]))
    }

    /// Skips a string.
    #[inline]
    fn string(&mut self) -> Walked<()> {
        self.at = find_string_end(self.text, self.at + 1).ok_or(MalformedJson)? + 1;
        Ok(())
    }

    /// Skips an object or an array of any depth, without recursion.
    fn nested(&mut self) -> Walked<()> {
        let mut depth = 0_usize;
        loop {
            match self.text.get(self.at).ok_or(MalformedJson)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Skips a number or a word. It ends at a quote or a bracket, so that values end at the same
    /// place however they are read.
    fn scalar(&mut self) {
        let ends = |byte: &u8| {
            matches!(byte, b',' | b'}' | b']' | b'"' | b'{' | b'[' | b' ' | b'\n' | b'\r' | b'\t')
        };
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
    }
}

/// Returns the text between the quotes if the value is a string.
pub(super) fn string_body(value: Option<Raw<'_>>) -> Option<&[u8]> {
    value?.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Walked<Vec<(String, String)>> {
        let mut all = Vec::new();
        let mut walk = Walk::new(text.as_bytes());
        let text = |raw: &[u8]| String::from_utf8(raw.to_vec()).unwrap();
        let is_object = walk.object(|walk, key| {
            all.push((text(key), text(walk.raw()?)));
            Ok(())
        })?;
        walk.end()?;
        if is_object { Ok(all) } else { Err(MalformedJson) }
    }

    #[test]
    fn values_are_returned_verbatim() {
        let parsed = values(r#" {"a":"x\"\\", "b\n" : [1, {"]":"}"}] ,"c":-1.5e3,"d":null} "#);
        let expected =
            [("a", r#""x\"\\""#), (r"b\n", r#"[1, {"]":"}"}]"#), ("c", "-1.5e3"), ("d", "null")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        assert_eq!(parsed, Ok(expected));
        assert_eq!(values("{}"), Ok(vec![]));
    }

    #[test]
    fn truncated_or_malformed_json_is_an_error() {
        let valid = r#"{"a":{"b":["c\\",1]},"long":"0123456789012345678901234567890123456789\""}"#;
        assert!(values(valid).is_ok());
        for cut in 0..valid.len() {
            assert_eq!(values(&valid[..cut]), Err(MalformedJson), "{cut}");
        }
        for bad in [
            "[]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1 2}",
            "{,}",
            "{} {}",
            "{a:1}",
            "\"\\",
            "{\"a\":1\"}\"}",
        ] {
            assert_eq!(values(bad), Err(MalformedJson), "{bad}");
        }
    }
}
