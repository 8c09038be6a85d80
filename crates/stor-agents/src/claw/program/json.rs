//! The program's own dialect of JSON. It has whole numbers only, refuses the two halves of a surrogate
//! pair, and accepts leading zeros, commas before a closing bracket, and raw control characters.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// A JSON value of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number. There are no others.
    Number(i64),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<JsonValue>),
    /// An object. If a name comes twice, the last value counts.
    Object(BTreeMap<String, JsonValue>),
}

/// Why a text is not JSON of the program, in the program's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError(String);

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JsonError {}

type Result<T> = std::result::Result<T, JsonError>;

/// The deepest nesting that is parsed. The program has no limit, and crashes.
const MAX_DEPTH: usize = 512;

impl JsonValue {
    /// Parses a text that is one value.
    ///
    /// ```
    /// use scrollback_stor_agents::claw::program::JsonValue;
    ///
    /// assert_eq!(JsonValue::parse("[007,]")?.render(), "[7]");
    /// assert_eq!(JsonValue::parse("[0.5]").unwrap_err().to_string(), "expected ',', found '.'");
    /// # Ok::<(), scrollback_stor_agents::claw::program::JsonError>(())
    /// ```
    ///
    /// # Errors
    /// [`JsonError`] with the program's text, without a place.
    pub fn parse(source: &str) -> Result<Self> {
        let mut parser = Parser { source, at: 0 };
        let value = parser.value(0)?;
        parser.skip_whitespace();
        if parser.at < source.len() {
            return fail("unexpected trailing content");
        }
        Ok(value)
    }

    /// Returns the text as the program writes it: compact, with sorted names.
    pub fn render(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Number(number) => {
                let _ = write!(out, "{number}"); // a string takes every text
            }
            Self::String(text) => write_string(text, out),
            Self::Array(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    value.write(out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (index, (name, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_string(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Returns the fields of an object.
    pub fn as_object(&self) -> Option<&BTreeMap<String, JsonValue>> {
        match self {
            Self::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns the elements of an array.
    pub fn as_array(&self) -> Option<&[JsonValue]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value of a number.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the value of `true` or `false`.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control)); // a string takes every text
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(JsonError(message.into()))
}

struct Parser<'s> {
    source: &'s str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    /// Returns the next character, and steps over it.
    fn next(&mut self) -> Option<char> {
        let char = self.source.get(self.at..)?.chars().next()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn is_at(&mut self, wanted: u8) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, wanted: char) -> Result<()> {
        match self.next() {
            Some(found) if found == wanted => Ok(()),
            Some(found) => fail(format!("expected '{wanted}', found '{found}'")),
            None => fail(format!("expected '{wanted}', found end of input")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<JsonValue> {
        self.skip_whitespace();
        match self.peek() {
            Some(b'n') => self.literal("null", JsonValue::Null),
            Some(b't') => self.literal("true", JsonValue::Bool(true)),
            Some(b'f') => self.literal("false", JsonValue::Bool(false)),
            Some(b'"') => self.string().map(JsonValue::String),
            Some(b'[' | b'{') if depth >= MAX_DEPTH => fail("nested too deeply"),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            Some(b'-' | b'0'..=b'9') => self.number().map(JsonValue::Number),
            _ => match self.next() {
                Some(other) => fail(format!("unexpected character: {other}")),
                None => fail("unexpected end of input"),
            },
        }
    }

    fn literal(&mut self, text: &str, value: JsonValue) -> Result<JsonValue> {
        if !self.source.get(self.at..).is_some_and(|rest| rest.starts_with(text)) {
            return fail(format!("invalid literal: expected {text}"));
        }
        self.at += text.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<i64> {
        let start = self.at;
        self.is_at(b'-');
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        match self.source.get(start..self.at).unwrap_or_default() {
            "" | "-" => fail("invalid number"),
            digits => digits.parse().map_err(|_| JsonError("number out of range".to_owned())),
        }
    }

    fn string(&mut self) -> Result<String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            let rest = self.source.get(self.at..).unwrap_or_default();
            let Some(len) = memchr::memchr2(b'"', b'\\', rest.as_bytes()) else {
                self.at = self.source.len();
                return fail("unterminated string");
            };
            text.push_str(rest.get(..len).unwrap_or_default());
            self.at += len + 1;
            if rest.as_bytes().get(len) == Some(&b'"') {
                return Ok(text);
            }
            text.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char> {
        match self.next() {
            Some(same @ ('"' | '\\' | '/')) => Ok(same),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => self.unicode_escape(),
            Some(other) => fail(format!("invalid escape sequence: {other}")),
            None => fail("unexpected end of input in escape sequence"),
        }
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let mut value = 0;
        for _ in 0..4 {
            let Some(char) = self.next() else {
                return fail("unexpected end of input in unicode escape");
            };
            let Some(digit) = char.to_digit(16) else { return fail("invalid unicode escape") };
            value = value << 4 | digit;
        }
        char::from_u32(value).map_or_else(|| fail("invalid unicode scalar value"), Ok)
    }

    fn array(&mut self, depth: usize) -> Result<JsonValue> {
        self.expect('[')?;
        let mut values = Vec::new();
        loop {
            self.skip_whitespace();
            if self.is_at(b']') {
                break;
            }
            values.push(self.value(depth + 1)?);
            self.skip_whitespace();
            if self.is_at(b']') {
                break;
            }
            self.expect(',')?;
        }
        Ok(JsonValue::Array(values))
    }

    fn object(&mut self, depth: usize) -> Result<JsonValue> {
        self.expect('{')?;
        let mut entries = BTreeMap::new();
        loop {
            self.skip_whitespace();
            if self.is_at(b'}') {
                break;
            }
            let name = self.string()?;
            self.skip_whitespace();
            self.expect(':')?;
            entries.insert(name, self.value(depth + 1)?);
            self.skip_whitespace();
            if self.is_at(b'}') {
                break;
            }
            self.expect(',')?;
        }
        Ok(JsonValue::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::JsonValue;

    fn problem(text: &str) -> String {
        JsonValue::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn problems_are_those_of_the_program() {
        assert_eq!(problem(""), "unexpected end of input");
        assert_eq!(problem("1 2"), "unexpected trailing content");
        assert_eq!(problem("nul"), "invalid literal: expected null");
        assert_eq!(problem("-"), "invalid number");
        assert_eq!(problem("9223372036854775808"), "number out of range");
        assert_eq!(problem("1e3"), "unexpected trailing content");
        assert_eq!(problem("[1 2]"), "expected ',', found '2'");
        assert_eq!(problem("{\"a\" 1}"), "expected ':', found '1'");
        assert_eq!(problem("{a:1}"), "expected '\"', found 'a'");
        assert_eq!(problem("[1"), "expected ',', found end of input");
        assert_eq!(problem("\"a"), "unterminated string");
        assert_eq!(problem("\"\\x\""), "invalid escape sequence: x");
        assert_eq!(problem("\"\\u00g0\""), "invalid unicode escape");
        assert_eq!(problem("\"\\ud83d\\ude00\""), "invalid unicode scalar value");
        assert_eq!(problem("\u{feff}1"), "unexpected character: \u{feff}");
        assert_eq!(problem(&"[".repeat(100_000)), "nested too deeply");
    }

    #[test]
    fn more_than_json_is_accepted() {
        let value = JsonValue::parse("{\"b\":-007,\"a\":\"\u{1}\n\u{85}😀\",\"b\":[1,],}").unwrap();
        assert_eq!(value.render(), "{\"a\":\"\\u0001\\n\\u0085😀\",\"b\":[1]}");
        assert_eq!(JsonValue::parse(&value.render()).unwrap(), value);
    }
}
