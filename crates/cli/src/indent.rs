//! Indents JSON text as `opencode export` does. Tokens stay unchanged: numbers of any size, escapes
//! of any kind, fields in their order.

use std::io::{self, Write};

/// Values that are nested deeper stay in one line, so that hostile nesting cannot flood the output
/// with spaces.
const MAX_LEVELS: usize = 64;

/// A writer that indents the text of one JSON value by two spaces for each level, like
/// `JSON.stringify(value, null, 2)`, and passes it on.
pub(crate) struct Indented<W> {
    inner: W,
    level: usize,
    position: Position,
}

/// The position of the next byte.
#[derive(Clone, Copy, PartialEq)]
enum Position {
    /// After the opening bracket of an object or array, which may be empty.
    Opened,
    /// Between tokens.
    Between,
    /// Inside a string.
    InString,
    /// Inside a string, after a backslash.
    Escaped,
}

impl<W: Write> Indented<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, level: 0, position: Position::Between }
    }

    fn line_break(&mut self) -> io::Result<()> {
        match self.level {
            0..=MAX_LEVELS => write!(self.inner, "\n{:1$}", "", 2 * self.level),
            _ => Ok(()),
        }
    }

    /// Begins a value or a key: breaks the line if it is the first token of an object or array.
    fn begin_token(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.position, Position::Between) {
            Position::Opened => self.line_break(),
            _ => Ok(()),
        }
    }

    /// Writes bytes of a string, up to its end or the next backslash. Returns how many.
    fn write_string(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.position == Position::Escaped {
            self.position = Position::InString;
            return self.inner.write_all(&text[..1]).map(|()| 1);
        }
        let end = text.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        let past = end.map_or(text.len(), |end| end + 1);
        match end.map(|end| text[end]) {
            Some(b'"') => self.position = Position::Between,
            Some(_) => self.position = Position::Escaped,
            None => {}
        }
        self.inner.write_all(&text[..past]).map(|()| past)
    }

    /// Writes one byte outside strings.
    fn write_byte(&mut self, byte: u8) -> io::Result<()> {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => return Ok(()),
            b'}' | b']' => {
                self.level = self.level.saturating_sub(1);
                if std::mem::replace(&mut self.position, Position::Between) != Position::Opened {
                    self.line_break()?;
                }
            }
            b',' | b':' => {}
            _ => self.begin_token()?,
        }
        self.inner.write_all(&[byte])?;
        match byte {
            b'{' | b'[' => (self.level, self.position) = (self.level + 1, Position::Opened),
            b'"' => self.position = Position::InString,
            b',' => self.line_break()?,
            b':' => self.inner.write_all(b" ")?,
            _ => {}
        }
        Ok(())
    }
}

impl<W: Write> Write for Indented<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(byte) = text.get(done) {
            done += match self.position {
                Position::InString | Position::Escaped => self.write_string(&text[done..])?,
                Position::Opened | Position::Between => self.write_byte(*byte).map(|()| 1)?,
            };
        }
        Ok(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Indents a text that is written in pieces of this size.
    fn indented(text: &str, piece: usize) -> String {
        let mut out = Indented::new(Vec::new());
        text.as_bytes().chunks(piece).for_each(|piece| out.write_all(piece).unwrap());
        String::from_utf8(out.inner).unwrap()
    }

    #[test]
    fn tokens_are_unchanged() {
        let text = r#" {"z":12345678901234567890123,"a" : [1.0,-0,1E400,[],{ },"\ud800 \" ,{[\\"],
            "z":{"":null}} "#;
        let expected = r#"{
  "z": 12345678901234567890123,
  "a": [
    1.0,
    -0,
    1E400,
    [],
    {},
    "\ud800 \" ,{[\\"
  ],
  "z": {
    "": null
  }
}"#;
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(indented(text, piece), expected, "in pieces of {piece}");
        }
        assert_eq!(indented("{}", 1), "{}");
        assert_eq!(indented("17", 1), "17");
    }

    #[test]
    fn deep_nesting_does_not_flood_the_output() {
        let text = "[".repeat(100_000) + &"]".repeat(100_000);
        let printed = indented(&text, 4096);
        assert!(printed.len() < text.len() + 20_000, "{}", printed.len());
        assert_eq!(printed.replace(['\n', ' '], ""), text);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            let fields = prop::collection::btree_map(".*", inner.clone(), 0..5);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Value::from),
                fields.prop_map(|fields| json!(fields)),
            ]
        })
    }

    proptest! {
        #[test]
        fn output_equals_the_pretty_printer_of_serde(value in value(), piece in 1_usize..20) {
            let expected = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(indented(&value.to_string(), piece), &*expected);
            prop_assert_eq!(indented(&expected, piece), expected);
        }
    }
}
