//! The issues that a driver has found, each once.

use std::collections::HashSet;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_type::StageIssue;

/// The largest number of issues that are remembered. Later ones are left out.
const MAX_ISSUES: usize = 4096;

/// The issues that refreshes have found and nobody has taken yet.
#[derive(Debug, Default)]
pub(crate) struct FoundIssues {
    /// All issues so far, because each refresh finds the issues of unreadable records again.
    known: HashSet<Issue>,
    untaken: Vec<StageIssue>,
}

impl FoundIssues {
    /// Adds the issues of a refresh that were not found before.
    pub(crate) fn add(&mut self, issues: Vec<StageIssue>) {
        for found in issues {
            // A record in the middle of a write is read again soon. If it stays unreadable, that read
            // finds a lasting issue.
            let is_passing = matches!(
                found.issue.kind,
                IssueKind::Unsettled { .. }
                    | IssueKind::Provisional
                    | IssueKind::Vanished
                    // An agent writes and removes the records of a session one after the other.
                    | IssueKind::OrphanMessages { .. }
                    | IssueKind::OrphanParts { .. }
            );
            if !is_passing
                && self.known.len() < MAX_ISSUES
                && self.known.insert(found.issue.clone())
            {
                self.untaken.push(found);
            }
        }
    }

    pub(crate) fn take(&mut self) -> Vec<StageIssue> {
        std::mem::take(&mut self.untaken)
    }
}
