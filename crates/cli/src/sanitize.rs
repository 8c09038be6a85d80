//! Makes text from sessions safe for a terminal: control characters are replaced by visible ones.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Makes a text of several lines safe. Line feeds and tabs stay.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    escape(text, |c| c != '\n' && c != '\t' && is_unsafe(c))
}

/// Makes a text safe that is printed within one line. Line feeds and tabs become visible characters.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape(text, is_unsafe)
}

/// Makes JSON text safe without changing its value. Its strings may hold DEL, C1 controls and
/// direction marks unescaped: they are escaped. C0 controls occur only between values: line feeds
/// stay, the others become spaces.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| c != '\n' && is_unsafe(c);
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\t' | '\r' => out.push(' '),
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Checks whether a character is a control (C0, DEL, C1), a direction mark, or a line or paragraph
/// separator.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, is_unsafe: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !is_unsafe(c) => out.push(c),
            // Unicode has a visible picture for each C0 control: ␛ for escape.
            '\0'..='\u{1f}' => {
                out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'))
            }
            '\u{7f}' => out.push('\u{2421}'),
            c => out.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(text("a\u{1b}[31mb\nc\td\r"), "a\u{241b}[31mb\nc\td\u{240d}");
        assert_eq!(line("a\nb\t\u{7f}\u{9b}"), "a\u{240a}b\u{2409}\u{2421}\\u{9b}");
        assert_eq!(text("abc\u{202e}cba"), "abc\\u{202e}cba");
        assert!(matches!(text("plain ünïcode 😀"), Cow::Borrowed(_)));
        assert_eq!(json("\"a\u{7f}\u{85}\""), "\"a\\u007f\\u0085\"");
        assert_eq!(json("[\t1,\r\n2\u{7f}]"), "[ 1, \n2\\u007f]");
    }

    /// Returns every unsafe character, by a list that is independent of the code under test.
    fn unsafe_chars() -> Vec<char> {
        ('\0'..='\u{1f}')
            .chain('\u{7f}'..='\u{9f}')
            .chain(['\u{61c}', '\u{200e}', '\u{200f}'])
            .chain('\u{2028}'..='\u{202e}')
            .chain('\u{2066}'..='\u{2069}')
            .collect()
    }

    /// Generates text in which about every second character is unsafe.
    fn hostile() -> impl Strategy<Value = String> {
        let char = prop_oneof![prop::sample::select(unsafe_chars()), any::<char>()];
        prop::collection::vec(char, 0..64).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn no_control_character_reaches_the_output(input in hostile()) {
            let commands = unsafe_chars();
            let sent = |shown: &str, kept: &[char]| {
                shown.chars().find(|c| commands.contains(c) && !kept.contains(c))
            };
            prop_assert_eq!(sent(&line(&input), &[]), None);
            prop_assert_eq!(sent(&text(&input), &['\n', '\t']), None);
            let written = serde_json::to_string(&input).unwrap();
            prop_assert_eq!(sent(&json(&written), &[]), None);
            prop_assert_eq!(serde_json::from_str::<String>(&json(&written)).unwrap(), input);
        }
    }
}
