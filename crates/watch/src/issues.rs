//! The issues that a driver has found, each once.

use std::collections::HashSet;

use scrollback_core_err::IssueKind;
use scrollback_core_id::Cursor;
use scrollback_core_type::StageIssue;

/// The largest number of issues that are remembered. Later ones are left out.
const MAX_ISSUES: usize = 4096;

/// The issues that refreshes have found and nobody has taken yet.
#[derive(Debug, Default)]
pub(crate) struct FoundIssues {
    /// All issues so far, because each refresh finds the issues of unreadable records again.
    /// The record is part of an issue, because all records of a database have the same path.
    known: HashSet<StageIssue>,
    untaken: Vec<StageIssue>,
    /// The state of the index whose issues were added last.
    shown_at: Option<Cursor>,
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
                    | IssueKind::OrphanAttachment
            );
            if !is_passing && self.known.len() < MAX_ISSUES && self.known.insert(found.clone()) {
                self.untaken.push(found);
            }
        }
    }

    /// Checks whether the index has another state than at the last call.
    pub(crate) fn is_new_state(&mut self, cursor: Cursor) -> bool {
        self.shown_at.replace(cursor) != Some(cursor)
    }

    pub(crate) fn take(&mut self) -> Vec<StageIssue> {
        std::mem::take(&mut self.untaken)
    }
}
