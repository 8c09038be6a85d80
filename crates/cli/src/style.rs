//! The styles of the output. A plain style prints no escape sequence.

use anstyle::{AnsiColor, Color, Style};

/// The styles of the output.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Styles {
    /// Headings and titles.
    pub(crate) strong: Style,
    /// Secondary details.
    pub(crate) dim: Style,
    /// The name of the user as speaker.
    pub(crate) user: Style,
    /// The name of the model as speaker.
    pub(crate) assistant: Style,
    /// Names of tools.
    pub(crate) tool: Style,
    /// Failures.
    pub(crate) error: Style,
    /// Warnings, and calls that still run.
    pub(crate) warn: Style,
    /// Added lines of a diff, and successful calls.
    pub(crate) added: Style,
    /// Removed lines of a diff.
    pub(crate) removed: Style,
}

impl Styles {
    /// Returns styles without escape sequences.
    pub(crate) fn plain() -> Self {
        Self::default()
    }

    /// Returns the styles for a terminal with colours.
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
