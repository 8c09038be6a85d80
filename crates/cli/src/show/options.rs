//! The options of a transcript, and its dividing lines.

use std::io::{self, Write};

use crate::style::Styles;

/// The options of a transcript.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Whether tool outputs are printed in full length.
    pub(crate) full: bool,
    /// The width in columns at which lines are wrapped; `None` for no wrapping.
    pub(crate) width: Option<usize>,
    pub(crate) styles: Styles,
    /// Whether the transcript follows the session. It then does not mark unfinished messages, and
    /// prints the duration and cost of an answer after its parts.
    pub(crate) is_live: bool,
}

/// How many columns of a description in one line are printed without `--full`.
const MAX_COLUMNS: usize = 400;

impl Options {
    /// Returns how many columns of a description in one line are printed.
    pub(super) fn max_columns(&self) -> usize {
        if self.full { usize::MAX } else { MAX_COLUMNS }
    }
}

/// Prints a dividing line with a text in it.
pub(super) fn divider(out: &mut dyn Write, text: &str, options: &Options) -> io::Result<()> {
    let dim = options.styles.dim;
    writeln!(out, "\n{dim}──── {text} ────{dim:#}")
}
