//! Reports the issues of a store at the end of a command.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use scrollback_core_err::IssueKind;
use scrollback_core_type::StageIssue;

use crate::failure::Result;
use crate::out::Out;

/// Reports issues on standard error: one line for each issue with `--issues`, otherwise one line with
/// the number of each category. A message without parts is common in sound stores, so it is reported
/// only with `--issues`.
pub(crate) fn report(out: &mut Out, issues: &[StageIssue]) -> Result<()> {
    if out.lists_issues() {
        return Ok(out.list_issues(issues)?);
    }
    match summary(issues) {
        Some(summary) => Ok(out.note(&format!("{summary}; --issues lists them"))?),
        None => Ok(()),
    }
}

/// Counts issues by category, the most frequent first: `3 unreadable, 1 wrong type`. `None` if there are
/// none.
pub(crate) fn summary(issues: &[StageIssue]) -> Option<String> {
    let notable = issues.iter().filter(|issue| issue.issue.kind != IssueKind::NoParts);
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for issue in notable {
        *counts.entry(issue.issue.kind.category()).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count)); // stable: equal counts stay in the order of names
    let counts: Vec<String> =
        counts.into_iter().map(|(category, count)| format!("{count} {category}")).collect();
    Some(counts.join(", ")).filter(|counts| !counts.is_empty())
}
