//! Makes text from sessions safe for a terminal: control characters, invisible characters and long runs of
//! combining marks are replaced by visible characters.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use unicode_width::UnicodeWidthChar;

/// Makes a text of several lines safe. Line feeds and tabs stay.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    escape(text, |c| c != '\n' && c != '\t' && is_unsafe(c), push_visible)
}

/// Makes a text safe that is printed within one line. Line feeds and tabs become visible characters.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape(text, is_unsafe, push_visible)
}

/// Makes JSON text safe without changing its value. Its strings may hold DEL, C1 controls, direction
/// marks and invisible characters unescaped: they are escaped. C0 controls occur only between values:
/// line feeds stay, the others become spaces.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    escape(
        text,
        |c| c != '\n' && is_unsafe(c),
        |out, c| match c {
            '\t' | '\r' => out.push(' '),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        },
    )
}

/// A writer that makes JSON text safe as [`json`] does, and passes it on. It keeps little more than one
/// line: JSON has line breaks only between values, so no string is cut.
pub(crate) struct JsonWriter<W> {
    inner: W,
    waiting: Vec<u8>,
}

/// How many bytes wait for the end of their line before they are passed on.
const WAITING: usize = 64 << 10;

impl<W: io::Write> JsonWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, waiting: Vec::with_capacity(2 * WAITING) }
    }

    /// Passes on the bytes that wait up to this position.
    fn pass_on(&mut self, end: usize) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.waiting[..end]);
        self.inner.write_all(json(&text).as_bytes())?;
        self.waiting.drain(..end);
        Ok(())
    }
}

impl<W: io::Write> io::Write for JsonWriter<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let had_waited = self.waiting.len();
        self.waiting.extend_from_slice(text);
        if self.waiting.len() >= WAITING
            && let Some(at) = text.iter().rposition(|byte| *byte == b'\n')
        {
            self.pass_on(had_waited + at + 1)?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on(self.waiting.len())?;
        self.inner.flush()
    }
}

/// Checks whether a character is a control (C0, DEL, C1), a direction mark, or a line or paragraph
/// separator.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How many combining marks one character can have. Words of living languages need fewer.
const MAX_MARKS: usize = 6;

/// Escapes the characters that are unsafe, and those that a reader could not see. `push` writes the
/// visible form of a character.
fn escape(
    text: &str,
    is_unsafe: impl Fn(char) -> bool,
    push: impl Fn(&mut String, char),
) -> Cow<'_, str> {
    if !text.chars().any(|c| is_unsafe(c) || has_no_width(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let (mut previous, mut marks) = (None, 0);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_hidden = has_no_width(c) && {
            marks += 1;
            match is_invisible(c) {
                true => !is_part_of_a_sign(previous, c, chars.peek().copied()),
                false => marks > MAX_MARKS,
            }
        };
        if is_unsafe(c) || is_hidden {
            push(&mut out, c);
        } else {
            out.push(c);
        }
        if !has_no_width(c) {
            marks = 0;
        }
        previous = Some(c);
    }
    Cow::Owned(out)
}

/// Writes a visible form of a character.
fn push_visible(out: &mut String, c: char) {
    match c {
        // Unicode has a visible picture for each C0 control: ␛ for escape.
        '\0'..='\u{1f}' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
        '\u{7f}' => out.push('\u{2421}'),
        c => out.extend(c.escape_unicode()),
    }
}

/// Checks whether a character takes no room of its own: an invisible character or a combining mark.
fn has_no_width(c: char) -> bool {
    c >= '\u{ad}' && (is_invisible(c) || c.width() == Some(0))
}

/// Checks whether a character shows nothing, whatever the font: zero-width spaces and joiners, fillers,
/// selectors of variants, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Checks whether an invisible character changes how its neighbours are drawn, as languages and pictures
/// need it.
fn is_part_of_a_sign(previous: Option<char>, c: char, next: Option<char>) -> bool {
    let Some(previous) = previous else { return false };
    let is_picture = |c: char| {
        matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{20e3}' | '\u{2122}'
            | '\u{2139}' | '\u{2190}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}'
            | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
    };
    // Arabic, Syriac, the scripts of India, Tibetan, Burmese, Khmer and Mongolian join letters.
    let joins = matches!(previous, '\u{600}'..='\u{109f}' | '\u{1780}'..='\u{18af}')
        && !is_invisible(previous);
    let is_ideograph = matches!(previous, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
    match c {
        '\u{200c}' => joins,
        '\u{200d}' => {
            joins
                || (is_picture(previous) || previous == '\u{fe0f}') && next.is_some_and(is_picture)
        }
        '\u{fe0e}' | '\u{fe0f}' => {
            let is_key = matches!(previous, '0'..='9' | '#' | '*') && next == Some('\u{20e3}');
            is_picture(previous) || is_key
        }
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => is_ideograph,
        _ => false,
    }
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

    #[test]
    fn json_in_pieces_is_made_safe_as_a_whole() {
        use io::Write as _;
        let long = "\u{202e}e\u{301}\u{85}".repeat(WAITING / 4);
        let whole = format!("[\n  \"{long}\",\n  \"a\u{7f}\",\n  \"{long}\"\n]\n");
        for piece in [1, 7, 4096, whole.len()] {
            let mut writer = JsonWriter::new(Vec::new());
            whole.as_bytes().chunks(piece).for_each(|piece| writer.write_all(piece).unwrap());
            assert!(writer.waiting.len() <= 2 * long.len(), "{piece}");
            writer.flush().unwrap();
            assert_eq!(String::from_utf8(writer.inner).unwrap(), json(&whole), "{piece}");
        }
    }

    /// Source: the part "zero-width and long combining sequences" of the reports on display.
    #[test]
    fn invisible_characters_and_long_runs_of_marks_are_visible() {
        for hidden in [
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{2060}',
            '\u{feff}',
            '\u{ad}',
            '\u{34f}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{e0041}',
            '\u{115f}',
            '\u{180e}',
            '\u{2063}',
            '\u{206e}',
            '\u{fff9}',
        ] {
            let (source, code) = (format!("a{hidden}b"), u32::from(hidden));
            assert_eq!(line(&source), format!("a\\u{{{code:x}}}b"));
            assert_eq!(text(&source), line(&source));
            assert_eq!(line(&hidden.to_string()), format!("\\u{{{code:x}}}"));
            let quoted = format!("\"{source}\"");
            let escaped = json(&quoted);
            assert!(escaped.is_ascii(), "{escaped}");
            assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), source);
        }
        let marks = "\u{301}".repeat(100);
        let shown = line(&marks).into_owned();
        assert_eq!(shown.matches('\u{301}').count(), MAX_MARKS);
        assert_eq!(shown.matches("\\u{301}").count(), 100 - MAX_MARKS);
        let two_runs = format!("a{}b{}", &marks[..2 * MAX_MARKS], &marks[..2 * MAX_MARKS]);
        assert_eq!(line(&two_runs), two_runs, "each character has its own marks");
        // What languages and pictures need stays as it is.
        for sound in [
            "e\u{301}",
            "Việt Nam e\u{302}\u{301}",
            "שָׁלוֹם",
            "می\u{200c}خواهم",
            "ക\u{d4d}\u{200d}",
            "ภาษาไทยที่นี่",
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "🏳\u{fe0f}\u{200d}🌈",
            "1\u{fe0f}\u{20e3}",
            "葛\u{e0100}",
            "한국어",
            "\u{1112}\u{1161}\u{11ab}",
        ] {
            assert_eq!(line(sound), sound);
        }
        // A second joiner joins nothing.
        assert_eq!(line("👨\u{200d}\u{200d}👩"), "👨\\u{200d}\\u{200d}👩");
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
