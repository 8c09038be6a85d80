//! The issues that a build or a refresh of an index collects for its report.

use scrollback_core_err::Issue;
use scrollback_core_id::EntityKey;
use scrollback_core_type::{StageIssue, StageName};

/// The issues of a build or refresh.
#[derive(Debug, Default)]
pub(crate) struct IssueLog {
    pub(crate) issues: Vec<StageIssue>,
}

impl IssueLog {
    pub(crate) fn note(&mut self, key: Option<EntityKey>, issue: Issue) {
        self.issues.push(StageIssue { stage: StageName::Index, key, issue });
    }

    pub(crate) fn note_about(&mut self, key: &EntityKey, issues: Vec<Issue>) {
        issues.into_iter().for_each(|issue| self.note(Some(key.clone()), issue));
    }
}
