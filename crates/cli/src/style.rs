//! The styles of the output. Plain ones print nothing at all.

use anstyle::{AnsiColor, Color, Style};

/// The styles of the output.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Styles {
    /// Headings and titles.
    pub(crate) strong: Style,
    /// What is there for completeness.
    pub(crate) dim: Style,
    /// The user.
    pub(crate) user: Style,
    /// The model.
    pub(crate) assistant: Style,
    /// Tools.
    pub(crate) tool: Style,
    /// What failed.
    pub(crate) error: Style,
    /// What wants attention.
    pub(crate) warn: Style,
    /// Lines added.
    pub(crate) added: Style,
    /// Lines removed.
    pub(crate) removed: Style,
}

impl Styles {
    /// No styles.
    pub(crate) fn plain() -> Self {
        Self::default()
    }

    /// Styles for a terminal with colours.
    pub(crate) fn colored() -> Self {
        let color = |color: AnsiColor| Style::new().fg_color(Some(Color::Ansi(color)));
        Self {
            strong: Style::new().bold(),
            dim: Style::new().dimmed(),
            user: color(AnsiColor::Cyan).bold(),
            assistant: color(AnsiColor::Magenta).bold(),
            tool: color(AnsiColor::Blue),
            error: color(AnsiColor::Red).bold(),
            warn: color(AnsiColor::Yellow),
            added: color(AnsiColor::Green),
            removed: color(AnsiColor::Red),
        }
    }
}
