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
    /// Shorter forms of cells, each with its column. They are used in a table that is too wide.
    short: Vec<(usize, String)>,
    /// The cell that is printed dim.
    dim: Option<usize>,
}

impl Row {
    /// Prints one cell dim.
    pub(crate) fn dim(&mut self, at: usize) {
        self.dim = Some(at);
    }

    /// Gives a cell a shorter form, for a table that is too wide.
    pub(crate) fn shorten(&mut self, at: usize, text: String) {
        self.short.push((at, text));
    }

    fn cell(&self, at: usize, is_short: bool) -> &str {
        let short = self.short.iter().find(|(column, _)| is_short && *column == at);
        short.map_or(&self.cells[at], |(_, text)| text)
    }
}

/// A column, and how it changes when the table is too wide.
pub(crate) struct Column {
    name: &'static str,
    kind: ColumnKind,
    need: Need,
}

#[derive(PartialEq)]
enum ColumnKind {
    Fixed,
    Flexible,
    Right,
}

/// When a column is left out.
#[derive(PartialEq)]
enum Need {
    Always,
    /// Left out if flexible columns would have to become hard to read.
    Optional,
    /// Left out if the table is too wide with the narrowest flexible columns.
    Important,
}

impl Column {
    /// Returns a column that is cut only if the table is too wide without all other columns.
    pub(crate) fn fixed(name: &'static str) -> Self {
        Self { name, kind: ColumnKind::Fixed, need: Need::Always }
    }

    /// Returns a column that is cut if the table is too wide.
    pub(crate) fn flexible(name: &'static str) -> Self {
        Self { name, kind: ColumnKind::Flexible, need: Need::Always }
    }

    /// Returns a right-aligned column, for numbers.
    pub(crate) fn right(name: &'static str) -> Self {
        Self { name, kind: ColumnKind::Right, need: Need::Always }
    }

    /// Returns the same column, left out early if the table is too wide.
    pub(crate) fn optional(self) -> Self {
        Self { need: Need::Optional, ..self }
    }

    /// Returns the same column, left out late if the table is too wide.
    pub(crate) fn important(self) -> Self {
        Self { need: Need::Important, ..self }
    }
}

/// The number of spaces between two columns.
const GAP: usize = 2;
/// Flexible columns shrink to this width first. If the table is still too wide, optional columns are
/// left out.
const READABLE_WIDTH: usize = 16;
/// The least width of a flexible column.
const MIN_WIDTH: usize = 8;

/// How a table is fitted to a width.
struct Layout {
    /// The width of each column; `None` if it is left out.
    widths: Vec<Option<usize>>,
    /// Whether cells have their short form.
    is_short: bool,
}

impl Table {
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) -> &mut Row {
        let cells = cells.iter().map(|cell| sanitize::line(cell).into_owned()).collect();
        self.rows.push_mut(Row { cells, short: Vec::new(), dim: None })
    }

    /// Returns the table as text, fitted to `width` columns; `None` cuts nothing.
    ///
    /// A table that is too wide becomes narrower in this order: flexible columns shrink to a readable
    /// width, cells get their short form, optional columns are left out from left to right, flexible
    /// columns shrink further, important columns are left out from left to right, and at last the
    /// remaining columns are cut. Numbers are never cut.
    pub(crate) fn render(&self, width: Option<usize>, styles: &Styles) -> String {
        // Some terminals begin a new line when the last column is filled.
        let layout = self.layout(width.map(|width| width.saturating_sub(1)));
        let mut text = String::new();
        let names = self.columns.iter().map(|column| column.name.to_owned()).collect();
        let (dim, names) = (styles.dim, Row { cells: names, short: Vec::new(), dim: None });
        let _ = writeln!(text, "{dim}{}{dim:#}", self.line(&names, &layout, styles));
        for row in &self.rows {
            let _ = writeln!(text, "{}", self.line(row, &layout, styles));
        }
        text
    }

    fn line(&self, row: &Row, layout: &Layout, styles: &Styles) -> String {
        let mut line = String::new();
        for (at, (column, width)) in self.columns.iter().zip(&layout.widths).enumerate() {
            let Some(width) = *width else { continue };
            let cell = truncate(row.cell(at, layout.is_short), width);
            let pad = " ".repeat(width.saturating_sub(used_width(&cell)));
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

    fn layout(&self, limit: Option<usize>) -> Layout {
        let whole = Layout { widths: self.widest_cells(false), is_short: false };
        let Some(limit) = limit else { return whole };
        if let Some(layout) = self.fit(whole.widths, false, READABLE_WIDTH, limit) {
            return layout;
        }
        let mut widths = self.widest_cells(true);
        for need in [Need::Optional, Need::Important] {
            let least = if need == Need::Optional { READABLE_WIDTH } else { MIN_WIDTH };
            let with_need = (0..widths.len()).filter(|at| self.columns[*at].need == need);
            for left_out in std::iter::once(None).chain(with_need.map(Some)) {
                if let Some(at) = left_out {
                    widths[at] = None;
                }
                if let Some(layout) = self.fit(widths.clone(), true, least, limit) {
                    return layout;
                }
            }
        }
        self.cut(widths, limit)
    }

    /// Returns the width of the widest cell of each column.
    fn widest_cells(&self, is_short: bool) -> Vec<Option<usize>> {
        let widest = |(at, column): (usize, &Column)| {
            let cells = self.rows.iter().map(|row| columns(row.cell(at, is_short)));
            Some(cells.max().unwrap_or(0).max(column.name.width()))
        };
        self.columns.iter().enumerate().map(widest).collect()
    }

    /// Shrinks the flexible columns, the widest first, until the table fits; `None` if it does not fit
    /// when they have the width `least`.
    fn fit(
        &self,
        mut widths: Vec<Option<usize>>,
        is_short: bool,
        least: usize,
        limit: usize,
    ) -> Option<Layout> {
        let mut over = total_width(&widths).saturating_sub(limit);
        let flexible = |at: &usize| self.columns[*at].kind == ColumnKind::Flexible;
        let flexible: Vec<usize> = (0..widths.len()).filter(flexible).collect();
        let spare = |at: &usize| widths[*at].unwrap_or(0).saturating_sub(least);
        if flexible.iter().map(spare).sum::<usize>() < over {
            return None;
        }
        while over > 0 {
            let at = *flexible.iter().max_by_key(|at| widths[**at])?;
            widths[at] = widths[at].map(|width| width.saturating_sub(1));
            over -= 1;
        }
        Some(Layout { widths, is_short })
    }

    /// Cuts the columns from the right until the table fits. A number that does not fit is left out.
    fn cut(&self, mut widths: Vec<Option<usize>>, limit: usize) -> Layout {
        for (at, column) in self.columns.iter().enumerate().rev() {
            let over = total_width(&widths).saturating_sub(limit);
            let Some(width) = widths[at].filter(|_| over > 0) else { continue };
            let narrow = width.saturating_sub(over);
            widths[at] = (narrow > 0 && column.kind != ColumnKind::Right).then_some(narrow);
        }
        Layout { widths, is_short: true }
    }
}

/// Returns the width of a table with columns of these widths.
fn total_width(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten();
    shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
}

/// The width that an ellipsis may have: fonts for Chinese, Japanese and Korean draw it two columns wide.
const ELLIPSIS_WIDTH: usize = 2;

/// Returns the most columns that a terminal may use for a text. Many terminals draw the characters of a
/// joined emoji, such as a family, side by side.
fn columns(text: &str) -> usize {
    text.chars().map(columns_of_char).sum()
}

/// Returns the most columns that a character adds. The variation selector can widen the character before.
fn columns_of_char(c: char) -> usize {
    const EMOJI_VARIATION: char = '\u{fe0f}';
    if c == EMOJI_VARIATION { 1 } else { c.width().unwrap_or(0) }
}

/// Cuts a text to a display width. A cut text ends with an ellipsis.
pub(crate) fn truncate(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(ELLIPSIS_WIDTH) else { return String::new() };
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += columns_of_char(c);
        if used > room {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// Returns the columns that a cell may use.
fn used_width(cell: &str) -> usize {
    columns(cell) + if cell.ends_with('…') { ELLIPSIS_WIDTH - 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units;

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
            lines(Some(21)),
            "ID  TITLE          N\na   short          1\nbb  日本語の長…  12\n"
        );
        let mut table = Table::new(vec![Column::fixed("ID"), Column::flexible("WHERE").optional()]);
        table.row(vec!["a".repeat(12), "b".repeat(20)]);
        assert_eq!(
            table.render(Some(31), &Styles::plain()).lines().nth(1),
            Some("aaaaaaaaaaaa  bbbbbbbbbbbbbb…")
        );
        assert_eq!(table.render(Some(30), &Styles::plain()).lines().nth(1), Some("aaaaaaaaaaaa"));
        assert_eq!(truncate("日本語", 0), "");
        assert_eq!(truncate("日本語", 5), "日…");
        assert_eq!(truncate("日本語", 6), "日本語");
    }

    /// Returns a table as `ls` prints it.
    fn list(tokens: i64, cost: &str, title: &str) -> Table {
        let mut table = Table::new(vec![
            Column::fixed("ID"),
            Column::flexible("TITLE"),
            Column::flexible("DIRECTORY").optional(),
            Column::right("MESSAGES").optional(),
            Column::fixed("UPDATED").important(),
            Column::right("TOKENS").important(),
            Column::right("COST").important(),
        ]);
        let cells =
            ["ses_f3baf9017ffeSess0000000001", title, "/srv/demo", "12", "2026-09-21 14:13"];
        let cells = cells.into_iter().map(str::to_owned);
        let numbers = [units::count(tokens), cost.to_owned()];
        table.row(cells.chain(numbers).collect()).shorten(5, units::short_count(tokens));
        table
    }

    /// Source: reports stablyai/orca#20187, anomalyco/opencode#47895 and #9489 (case
    /// 50-large-numbers-in-80-columns).
    #[test]
    fn columns_are_left_out_in_a_fixed_order() {
        let table = list(24_700_000_000, "$1234.56", "a title of some length");
        let names = |width: usize| {
            let text = table.render(Some(width + 1), &Styles::plain());
            let (names, row) = text.split_once('\n').unwrap();
            let has_cost = row.contains("$1234.56");
            assert_eq!(has_cost, names.contains("COST"), "{text}");
            (names.split_whitespace().collect::<Vec<_>>().join(" "), row.trim_end().to_owned())
        };
        let (all, row) = names(130);
        assert_eq!(all, "ID TITLE DIRECTORY MESSAGES UPDATED TOKENS COST");
        assert!(row.contains("24,700,000,000"), "{row}");
        let (all, row) = names(105);
        assert_eq!(all, "ID TITLE DIRECTORY MESSAGES UPDATED TOKENS COST");
        assert!(row.contains(" 24.7B "), "{row}");
        assert_eq!(names(100).0, "ID TITLE MESSAGES UPDATED TOKENS COST");
        assert_eq!(names(86).0, "ID TITLE UPDATED TOKENS COST");
        assert_eq!(names(76).0, "ID TITLE UPDATED TOKENS COST");
        assert_eq!(names(75).0, "ID TITLE TOKENS COST");
        assert_eq!(names(57).0, "ID TITLE COST");
        assert_eq!(names(49).0, "ID TITLE");
        assert_eq!(
            names(38),
            ("ID TITLE".to_owned(), "ses_f3baf9017ffeSess0000000001  a ti…".into())
        );
        assert_eq!(names(20), ("ID".to_owned(), "ses_f3baf9017ffeSe…".into()));
        assert_eq!(names(1), (String::new(), String::new()));
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            tokens in any::<i64>(),
            cents in 0..1_000_000_000_000_i64,
            title in "\\PC{0,60}",
            width in 1_usize..200,
        ) {
            let cost = format!("${}.{:02}", cents / 100, cents % 100);
            let text = list(tokens, &cost, &title).render(Some(width), &Styles::plain());
            for line in text.lines() {
                prop_assert!(line.width() < width, "{width}: {line}");
                prop_assert!(columns(line) < width, "{width}: {line}");
                prop_assert!(line.width_cjk() < width || title.width_cjk() > title.width());
            }
            // A number is whole or left out.
            prop_assert_eq!(text.contains("COST"), text.contains(&cost));
        }
    }

    #[test]
    fn joined_emoji_and_variations_never_wrap() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}".repeat(20);
        for title in [&*family, &*"\u{2764}\u{fe0f}".repeat(60)] {
            for width in [10, 40, 80] {
                let cut = truncate(title, width);
                let separate: usize = cut.chars().map(|c| c.width().unwrap_or(0)).sum();
                assert!(separate <= width && cut.width() <= width, "{width}: {cut}");
            }
        }
    }
}
