//! What was wrong with the store, said at the end of a command.

use scrollback_core_err::IssueKind;
use scrollback_core_type::StageIssue;

use crate::failure::Result;
use crate::out::Out;

/// Says what was wrong with the store. That a message has no parts (yet) is common in sound stores
/// and only listed on request.
pub(super) fn report(out: &mut Out, issues: &[StageIssue]) -> Result<()> {
    let notable =
        |issue: &&StageIssue| out.lists_issues() || issue.issue.kind != IssueKind::NoParts;
    let notable: Vec<&StageIssue> = issues.iter().filter(notable).collect();
    Ok(out.issues(&notable)?)
}
