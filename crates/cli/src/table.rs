//! Prints tables: columns are aligned by display width and fitted to the width of the terminal.

use std::fmt::Write;

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::sanitize;
use crate::style::Styles;

/// A table of text. The table makes its cells safe for a terminal.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// A row of a table.
pub(crate) struct Row {
    cells: Vec<String>,
    /// The cell that is printed dim.
    dim: Option<usize>,
}

impl Row {
    /// Prints one cell dim.
    pub(crate) fn dim(&mut self, at: usize) {
        self.dim = Some(at);
    }
}

/// A column, and how it changes when the table is too wide.
pub(crate) struct Column {
    name: &'static str,
    kind: ColumnKind,
    optional: bool,
}

#[derive(PartialEq)]
enum ColumnKind {
    Fixed,
    Flexible,
    Right,
}

impl Column {
    /// Returns a column that is never cut.
    pub(crate) fn fixed(name: &'static str) -> Self {
        Self { name, kind: ColumnKind::Fixed, optional: false }
    }

    /// Returns a column that is cut if the table is too wide.
    pub(crate) fn flexible(name: &'static str) -> Self {
        Self { name, kind: ColumnKind::Flexible, optional: false }
    }

    /// Returns a right-aligned column, for numbers. It is never cut.
    pub(crate) fn right(name: &'static str) -> Self {
        Self { name, kind: ColumnKind::Right, optional: false }
    }

    /// Returns the same column, left out if the table is too wide.
    pub(crate) fn optional(self) -> Self {
        Self { optional: true, ..self }
    }
}

/// The number of spaces between two columns.
const GAP: usize = 2;
/// Flexible columns shrink to this width first. If the table is still too wide, optional columns are
/// left out.
const READABLE_WIDTH: usize = 16;
/// The least width of a flexible column.
const MIN_WIDTH: usize = 8;

impl Table {
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) -> &mut Row {
        let cells = cells.iter().map(|cell| sanitize::line(cell).into_owned()).collect();
        self.rows.push_mut(Row { cells, dim: None })
    }

    /// Returns the table as text, fitted to `width` columns; `None` cuts nothing.
    pub(crate) fn render(&self, width: Option<usize>, styles: &Styles) -> String {
        let widths = self.widths(width);
        let mut text = String::new();
        let names = self.columns.iter().map(|column| column.name.to_owned()).collect();
        let (dim, names) = (styles.dim, Row { cells: names, dim: None });
        let _ = writeln!(text, "{dim}{}{dim:#}", self.line(&names, &widths, styles));
        for row in &self.rows {
            let _ = writeln!(text, "{}", self.line(row, &widths, styles));
        }
        text
    }

    fn line(&self, row: &Row, widths: &[usize], styles: &Styles) -> String {
        let mut line = String::new();
        let cells = row.cells.iter().zip(&self.columns).zip(widths).enumerate();
        for (at, ((cell, column), width)) in cells {
            if *width == 0 && column.optional {
                continue;
            }
            let cell = truncate(cell, *width);
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            let (before, after) = match column.kind {
                ColumnKind::Right => (pad.as_str(), ""),
                _ => ("", pad.as_str()),
            };
            let style = if row.dim == Some(at) { styles.dim } else { Style::new() };
            let _ = write!(line, "{before}{style}{cell}{style:#}{after}{}", " ".repeat(GAP));
        }
        line.truncate(line.trim_end().len());
        line
    }

    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let widest = |at: usize, name: &str| {
            self.rows.iter().map(|row| row.cells[at].width()).max().unwrap_or(0).max(name.width())
        };
        let mut widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(at, column)| widest(at, column.name)).collect();
        let Some(limit) = limit else { return widths };
        let mut over =
            (widths.iter().sum::<usize>() + GAP * (widths.len() - 1)).saturating_sub(limit);
        self.shrink(&mut widths, &mut over, READABLE_WIDTH);
        for (width, column) in widths.iter_mut().zip(&self.columns) {
            if over > 0 && column.optional {
                over = over.saturating_sub(*width + GAP);
                *width = 0;
            }
        }
        self.shrink(&mut widths, &mut over, MIN_WIDTH);
        widths
    }

    /// Shrinks the flexible columns, the widest first, down to `least`, until `over` is 0.
    fn shrink(&self, widths: &mut [usize], over: &mut usize, least: usize) {
        let is_flexible = |at: &usize| self.columns[*at].kind == ColumnKind::Flexible;
        while *over > 0 {
            let widest = (0..widths.len()).filter(is_flexible).max_by_key(|at| widths[*at]);
            let Some(at) = widest.filter(|at| widths[*at] > least) else { return };
            widths[at] -= 1;
            *over -= 1;
        }
    }
}

/// Cuts a text to a display width. A cut text ends with an ellipsis.
pub(crate) fn truncate(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1; // the ellipsis
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_shrink() {
        let mut table =
            Table::new(vec![Column::fixed("ID"), Column::flexible("TITLE"), Column::right("N")]);
        table.row(vec!["a".into(), "short".into(), "1".into()]);
        table.row(vec!["bb".into(), "日本語の長い題名\u{1b}[2J".into(), "12".into()]);
        let lines = |width| table.render(width, &Styles::plain());
        assert_eq!(
            lines(None),
            "ID  TITLE                  N\na   short                  1\nbb  日本語の長い題名␛[2J  12\n"
        );
        assert_eq!(
            lines(Some(20)),
            "ID  TITLE          N\na   short          1\nbb  日本語の長…   12\n"
        );
        let mut table = Table::new(vec![Column::fixed("ID"), Column::flexible("WHERE").optional()]);
        table.row(vec!["a".repeat(12), "b".repeat(20)]);
        assert_eq!(
            table.render(Some(30), &Styles::plain()).lines().nth(1),
            Some("aaaaaaaaaaaa  bbbbbbbbbbbbbbb…")
        );
        assert_eq!(table.render(Some(29), &Styles::plain()).lines().nth(1), Some("aaaaaaaaaaaa"));
        assert_eq!(truncate("日本語", 5), "日本…");
        assert_eq!(truncate("日本語", 6), "日本語");
    }
}
