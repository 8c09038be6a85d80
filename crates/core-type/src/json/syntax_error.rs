//! The errors of the scanner: a text is not JSON.

use scrollback_core_err::{Issue, IssueKind, Place};

/// The maximum number of nested arrays and objects in a record. opencode's own records have fewer than ten
/// levels. Tool input comes from the model and may be deeper.
pub const MAX_DEPTH: usize = 512;

/// The place and the reason why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntaxError {
    pub(crate) at: usize,
    pub(crate) kind: SyntaxErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SyntaxErrorKind {
    /// The text ended in the middle of a value.
    End,
    TooDeep,
    Bad(&'static str),
}

impl SyntaxError {
    /// Returns the issue of the text, with the offset of the error.
    #[cold]
    pub fn into_issue(self, text: &str) -> Box<Issue> {
        let kind = match self.kind {
            SyntaxErrorKind::End => IssueKind::Truncated,
            SyntaxErrorKind::TooDeep => IssueKind::TooDeep { limit: MAX_DEPTH },
            // A bad token at the end of the text means that the file was cut inside a token.
            SyntaxErrorKind::Bad(_) if self.at >= text.len() => IssueKind::Truncated,
            SyntaxErrorKind::Bad(problem) => IssueKind::BadJson { problem },
        };
        Box::new(Issue::new(Place::default().at_offset(self.at as u64), kind))
    }
}

/// The result of a scanner function.
pub type ScanResult<T> = Result<T, SyntaxError>;
