//! Prints blocks of text: made safe for a terminal, wrapped, indented, and cut if they are long.

use std::io::{self, Write};

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::options::Options;
use crate::{sanitize, units};

/// The format of a block of text.
pub(super) struct Block<'o> {
    /// The text before each line.
    pub(super) indent: &'static str,
    pub(super) style: Style,
    /// How many lines are printed without `--full`, and of each line at most [`MAX_LINE_BYTES`]; `None`
    /// prints all.
    pub(super) max_lines: Option<usize>,
    pub(super) options: &'o Options,
}

/// How many bytes of a line are printed without `--full`, if the block limits its lines.
const MAX_LINE_BYTES: usize = 800;

impl Block<'_> {
    /// Prints a text and keeps its line breaks.
    pub(super) fn print(&self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        self.print_lines(out, text.lines(), |_| self.style)
    }

    /// Prints lines, each in the style that `style` gives it. Without `--full`, a limited block prints
    /// its first lines and the start of each, and says how much is left.
    pub(super) fn print_lines<'t>(
        &self,
        out: &mut dyn Write,
        lines: impl Iterator<Item = &'t str>,
        style: impl Fn(&str) -> Style,
    ) -> io::Result<()> {
        let limit = self.max_lines.filter(|_| !self.options.full);
        let max_bytes = limit.map_or(usize::MAX, |_| MAX_LINE_BYTES);
        let (mut lines_left, mut bytes_left) = (0_usize, 0_usize);
        for (at, line) in lines.enumerate() {
            if limit.is_some_and(|limit| at >= limit) {
                lines_left += 1;
                continue;
            }
            let shown = start_of(line, max_bytes);
            bytes_left += line.len() - shown.len();
            self.line(out, shown, style(line))?;
        }
        let mut left = Vec::new();
        if bytes_left > 0 {
            let size = units::bytes(bytes_left as u64);
            left.push(format!("{size} more in these lines"));
        }
        if lines_left > 0 {
            left.push(units::pluralize(lines_left, "more line"));
        }
        if !left.is_empty() {
            let (indent, dim, left) = (self.indent, self.options.styles.dim, left.join(", "));
            writeln!(out, "{indent}{dim}… {left} (--full shows them){dim:#}")?;
        }
        Ok(())
    }

    /// Prints one line, wrapped.
    pub(super) fn line(&self, out: &mut dyn Write, line: &str, style: Style) -> io::Result<()> {
        let line = sanitize::text(line).replace('\t', "    ");
        let width = self.options.width.map(|width| width.saturating_sub(self.indent.len()).max(20));
        for piece in wrap(&line, width) {
            if piece.is_empty() {
                writeln!(out, "{}", self.indent.trim_end())?;
            } else {
                writeln!(out, "{}{style}{piece}{style:#}", self.indent)?;
            }
        }
        Ok(())
    }
}

/// A text that grows while it is printed. Each new piece continues in the same row.
#[derive(Debug)]
pub(super) struct StreamedText {
    indent: &'static str,
    style: Style,
    width: Option<usize>,
    /// How many columns of the present row are used.
    column: usize,
}

impl StreamedText {
    pub(super) fn new(indent: &'static str, style: Style, options: &Options) -> Self {
        let width = options.width.map(|width| width.saturating_sub(indent.width()).max(20));
        Self { indent, style, width, column: 0 }
    }

    /// Prints the next piece. A word that continues from the piece before is broken if its rest does not
    /// fit.
    pub(super) fn push(&mut self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.end_row(out)?;
            }
            for word in line.split_inclusive(' ') {
                self.push_word(out, &sanitize::text(word).replace('\t', "    "))?;
            }
        }
        Ok(())
    }

    /// Ends the last row.
    pub(super) fn end(mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.column > 0 { self.end_row(out) } else { Ok(()) }
    }

    fn push_word(&mut self, out: &mut dyn Write, word: &str) -> io::Result<()> {
        let used = self.column + word.trim_end().width();
        if self.column > 0 && self.width.is_some_and(|width| used > width) {
            self.end_row(out)?;
        }
        if self.column == 0 {
            write!(out, "{}", self.indent)?;
        }
        self.column += word.width();
        write!(out, "{}{word}{:#}", self.style, self.style)
    }

    fn end_row(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let bare = if self.column == 0 { self.indent.trim_end() } else { "" };
        self.column = 0;
        writeln!(out, "{bare}")
    }
}

/// Returns the start of a line, at most this many bytes.
fn start_of(line: &str, max_bytes: usize) -> &str {
    if line.len() <= max_bytes {
        return line;
    }
    let end = (0..=max_bytes).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    &line[..end]
}

/// Breaks a line into rows: at spaces if possible, otherwise within words.
fn wrap(line: &str, width: Option<usize>) -> Vec<&str> {
    let Some(width) = width else { return vec![line] };
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(end) = end_of_row(rest, width) {
        let (row, left) = rest.split_at(end);
        pieces.push(row.trim_end());
        rest = left.trim_start();
    }
    pieces.push(rest);
    pieces
}

/// Returns the byte position where the first row ends; `None` if the whole text fits in one row.
fn end_of_row(text: &str, width: usize) -> Option<usize> {
    let (mut used, mut space) = (0, None);
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width {
            // A row holds at least one character, even if that is wider than the row.
            return Some(space.unwrap_or(if at == 0 { c.len_utf8() } else { at }));
        }
        if c == ' ' {
            space = Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", Some(8)), ["one two", "three"]);
        assert_eq!(wrap("a verylongword", Some(6)), ["a", "verylo", "ngword"]);
        assert_eq!(wrap("日本語日本語", Some(5)), ["日本", "語日", "本語"]);
        assert_eq!(wrap("", Some(5)), [""]);
        assert_eq!(wrap("as it is", None), ["as it is"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_all_rows_fit(text in "\\PC*", width in 2_usize..30) {
            let rows = wrap(&text, Some(width));
            prop_assert!(rows.iter().all(|row| row.width() <= width.max(2) || row.chars().count() == 1));
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&rows.concat()), bare(&text));
        }
    }
}
