//! Reports the issues of a store at the end of a command.

use scrollback_core_err::IssueKind;
use scrollback_core_type::StageIssue;

use crate::failure::Result;
use crate::out::Out;

/// Reports issues. A message without parts is common in sound stores: that issue is listed only with
/// `--issues`, and not counted otherwise.
pub(crate) fn report(out: &mut Out, issues: &[StageIssue]) -> Result<()> {
    let notable =
        |issue: &&StageIssue| out.lists_issues() || issue.issue.kind != IssueKind::NoParts;
    let notable: Vec<&StageIssue> = issues.iter().filter(notable).collect();
    Ok(out.issues(&notable)?)
}
