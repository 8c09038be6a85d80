//! Standard output and standard error: buffered, coloured on request, silent after the reader closed
//! a pipe.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use serde::Serialize;

use crate::args::{Color, Global, IssueFormat};
use crate::failure::{Failure, Kind};
use crate::indent::Indented;
use crate::sanitize;
use crate::style::Styles;

/// The size of the output buffer, in bytes.
const BUFFER: usize = 64 << 10;

/// Standard output and standard error, set up by the common options.
pub(crate) struct Out {
    stdout: BufWriter<io::Stdout>,
    stderr: AutoStream<io::Stderr>,
    /// Styles for standard output.
    pub(crate) styles: Styles,
    /// Whether standard output is a terminal.
    pub(crate) is_terminal: bool,
    /// The width of lines in columns; `None` if the output is not a terminal.
    pub(crate) width: Option<usize>,
    issue_format: Option<IssueFormat>,
    is_abandoned: bool,
    /// The kind of the last failure that did not end the command. It becomes the exit code.
    failure_kind: Option<Kind>,
}

impl Out {
    pub(crate) fn new(global: &Global) -> Self {
        let stdout = io::stdout();
        // `AutoStream` only makes the choice. Writing through it would strip escape sequences from a
        // pipe, but the bytes of a record must stay unchanged.
        let colored = match global.color {
            Color::Auto => AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
            Color::Always => true,
            Color::Never => false,
        };
        let stderr = match global.color {
            Color::Auto => AutoStream::auto(io::stderr()),
            Color::Always => AutoStream::always(io::stderr()),
            Color::Never => AutoStream::never(io::stderr()),
        };
        let is_terminal = stdout.is_terminal();
        Self {
            styles: if colored { Styles::colored() } else { Styles::plain() },
            stdout: BufWriter::with_capacity(BUFFER, stdout),
            stderr,
            is_terminal,
            width: is_terminal.then(|| terminal_width().unwrap_or(100)),
            issue_format: global.issues,
            is_abandoned: false,
            failure_kind: None,
        }
    }

    /// Prints a value as indented JSON. Escapes characters that JSON allows but a terminal may interpret.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> crate::failure::Result<()> {
        let mut text = sanitize::JsonWriter::new(&mut *self);
        serde_json::to_writer(Indented::new(&mut text), value)?;
        text.write_all(b"\n")?;
        Ok(text.flush()?)
    }

    /// Lists issues on standard error, one line for each.
    pub(crate) fn list_issues<T: std::fmt::Display>(&mut self, issues: &[T]) -> io::Result<()> {
        for issue in issues {
            writeln!(self.stderr, "issue: {}", sanitize::line(&issue.to_string()))?;
        }
        Ok(())
    }

    /// Returns the format of the list of all issues; `None` if the user requested no list.
    pub(crate) fn issue_format(&self) -> Option<IssueFormat> {
        self.issue_format
    }

    /// Prints a value as one line of JSON on standard error.
    pub(crate) fn json_line_on_stderr(
        &mut self,
        value: &impl Serialize,
    ) -> crate::failure::Result<()> {
        let text = serde_json::to_string(value)?;
        Ok(writeln!(self.stderr, "{}", sanitize::json(&text))?)
    }

    /// Prints a note on standard error.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.stderr, "{}", sanitize::text(text))
    }

    /// Prints a note on standard error. Ignores errors, such as a closed standard error.
    pub(crate) fn note_best_effort(&mut self, text: &str) {
        let _ = self.note(text);
    }

    /// Prints a failure and its hints. The command continues, and its exit code will be that of the failure.
    pub(crate) fn report_failure(&mut self, failure: &Failure) {
        let red = self.styles.error;
        let message = sanitize::text(&failure.message);
        let _ = writeln!(self.stderr, "{red}error{red:#}: {message}");
        for hint in &failure.hints {
            let _ = writeln!(self.stderr, "hint: {}", sanitize::text(hint));
        }
        self.failure_kind = Some(failure.kind);
    }

    /// Takes the bytes that are still in the output buffer.
    pub(crate) fn take_unwritten(&mut self) -> Vec<u8> {
        let next = BufWriter::with_capacity(BUFFER, io::stdout());
        let (_, buffered) = std::mem::replace(&mut self.stdout, next).into_parts();
        buffered.unwrap_or_default() // an error means a panic during a write, which cannot happen
    }

    /// Gives up the buffered output: its reader is blocked, and the program must end now.
    pub(crate) fn abandon(&mut self) {
        self.is_abandoned = true;
    }

    /// Ends a command that succeeded, at least in part. Returns the exit code.
    pub(crate) fn finish(mut self) -> ExitCode {
        if self.is_abandoned {
            std::mem::forget(self.stdout); // a flush would block
            return ExitCode::SUCCESS;
        }
        match self.stdout.flush() {
            Ok(()) => {
                self.failure_kind.map_or(ExitCode::SUCCESS, |kind| ExitCode::from(kind as u8))
            }
            Err(error) => self.fail(&error.into()),
        }
    }

    /// Ends a command that failed. Returns the exit code.
    pub(crate) fn fail(mut self, failure: &Failure) -> ExitCode {
        if failure.is_broken_pipe() {
            std::mem::forget(self.stdout); // the pipe is closed, so a flush would fail
            return ExitCode::SUCCESS;
        }
        let _ = self.stdout.flush();
        self.report_failure(failure);
        ExitCode::from(failure.kind as u8)
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdout.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

fn terminal_width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.or_else(|| Some(usize::from(terminal_size::terminal_size()?.0.0)))
}
