//! How a transcript is printed, and the line that divides it.

use std::io::{self, Write};

use crate::style::Styles;

/// How a transcript is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Whether to print whole outputs.
    pub(crate) full: bool,
    /// The columns to wrap at; none where lines are left as they are.
    pub(crate) width: Option<usize>,
    pub(crate) styles: Styles,
    /// Whether it is printed as it is written: that it is unfinished goes without saying, and how it
    /// ended is said at its end.
    pub(crate) is_live: bool,
}

/// A line across, with a text in it.
pub(super) fn divider(out: &mut dyn Write, text: &str, options: &Options) -> io::Result<()> {
    let dim = options.styles.dim;
    writeln!(out, "\n{dim}──── {text} ────{dim:#}")
}
