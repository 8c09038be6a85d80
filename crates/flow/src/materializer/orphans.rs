//! Finds the orphans that the index does not show.

use std::collections::HashSet;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, SessionId};
use scrollback_core_type::StageIssue;
use scrollback_source::Result;

use super::state::SessionMaterializer;
use crate::orphans::{find_orphaned_attachments, find_orphans};
use crate::stage::locate_issues;

impl SessionMaterializer {
    /// Finds parts whose message is missing, and diffs and todo lists whose session is missing. Reads the
    /// names of all records of the store, so it also reports damage that it meets. Messages without a session are in
    /// [`issues`](Self::issues), because the index has them.
    ///
    /// # Errors
    /// If the store cannot be walked.
    pub fn find_orphans(&self) -> Result<Vec<StageIssue>> {
        let mut reader = self.source.open()?;
        let known: HashSet<SessionId> = self.view().session_ids().into_iter().collect();
        let mut report = find_orphans(&mut *reader)?.report;
        report.merge(find_orphaned_attachments(&mut *reader, |id| known.contains(id))?.report);
        locate_issues(&mut report, |key| self.source.locate(key));
        // The index shows the messages without a session, and the damage that it met.
        let known: HashSet<(Option<EntityKey>, Issue)> =
            self.issues().into_iter().map(|found| (found.key, found.issue)).collect();
        report.issues.retain(|found| {
            !matches!(found.issue.kind, IssueKind::OrphanMessages { .. })
                && !known.contains(&(found.key.clone(), found.issue.clone()))
        });
        Ok(report.issues)
    }
}
