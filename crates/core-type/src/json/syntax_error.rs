//! Why a text is no JSON.

use scrollback_core_err::{Issue, IssueKind, Place};

/// How many levels of arrays and objects a record may have. opencode's own are below ten; tool
/// input is the model's and may be deeper.
pub const MAX_DEPTH: usize = 512;

/// Where and why a text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: usize,
    pub(crate) kind: SyntaxErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SyntaxErrorKind {
    /// The text ended where more was expected.
    End,
    TooDeep,
    Bad(&'static str),
}

impl SyntaxError {
    #[cold]
    pub(crate) fn into_issue(self, text: &str) -> Box<Issue> {
        let kind = match self.kind {
            SyntaxErrorKind::End => IssueKind::Truncated,
            SyntaxErrorKind::TooDeep => IssueKind::TooDeep { limit: MAX_DEPTH },
            // A file cut short inside a token is as truncated as one cut between tokens.
            SyntaxErrorKind::Bad(_) if self.at >= text.len() => IssueKind::Truncated,
            SyntaxErrorKind::Bad(problem) => IssueKind::BadJson { problem },
        };
        Box::new(Issue::new(Place::default().at_offset(self.at as u64), kind))
    }
}

/// What came of reading on in a text.
pub(crate) type ScanResult<T> = Result<T, SyntaxError>;
