//! Reports the issues of a store at the end of a command.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

use scrollback_core_err::IssueKind;
use scrollback_core_id::EntityKey;
use scrollback_core_type::StageIssue;
use serde::Serialize;

use crate::args::IssueFormat;
use crate::failure::Result;
use crate::out::Out;

/// Reports issues on standard error: one line for each issue with `--issues`, otherwise one line with
/// the number of each category. A message without parts is common in sound stores, so it is reported
/// only with `--issues`.
pub(crate) fn report(out: &mut Out, issues: &[StageIssue]) -> Result<()> {
    match out.issue_format() {
        Some(IssueFormat::Text) => out.list_issues(issues)?,
        Some(IssueFormat::Json) => {
            issues
                .iter()
                .try_for_each(|issue| out.json_line_on_stderr(&ListedIssue::new(issue)))?;
        }
        None => {
            if let Some(summary) = summary(issues) {
                out.note(&format!("{summary}; --issues lists them"))?;
            }
        }
    }
    Ok(())
}

/// Counts issues by category, the most frequent first: `3 unreadable, 1 wrong type`. `None` if there are
/// none.
pub(crate) fn summary(issues: &[StageIssue]) -> Option<String> {
    let notable = issues.iter().filter(|issue| issue.issue.kind != IssueKind::NoParts);
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for issue in notable {
        *counts.entry(issue.issue.kind.category()).or_default() += 1;
    }
    in_words(&counts)
}

/// Returns the counts of categories in words, the most frequent first; `None` if there are none.
pub(crate) fn in_words(counts: &BTreeMap<&'static str, usize>) -> Option<String> {
    let mut counts: Vec<(&str, usize)> =
        counts.iter().map(|(name, count)| (*name, *count)).collect();
    counts.sort_by_key(|(_, count)| Reverse(*count)); // stable: equal counts stay in the order of names
    let counts: Vec<String> =
        counts.into_iter().map(|(category, count)| format!("{count} {category}")).collect();
    Some(counts.join(", ")).filter(|counts| !counts.is_empty())
}

/// An issue as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedIssue<'i> {
    stage: String,
    category: &'static str,
    /// What is wrong, for people.
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'i Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'i str>,
    #[serde(flatten)]
    entity: Entity<'i>,
}

/// The entity that an issue is about, and the ids of its owners.
#[derive(Serialize, Default)]
struct Entity<'i> {
    #[serde(rename = "entity", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "projectID", skip_serializing_if = "Option::is_none")]
    project: Option<&'i str>,
    #[serde(rename = "sessionID", skip_serializing_if = "Option::is_none")]
    session: Option<&'i str>,
    #[serde(rename = "messageID", skip_serializing_if = "Option::is_none")]
    message: Option<&'i str>,
    #[serde(rename = "partID", skip_serializing_if = "Option::is_none")]
    part: Option<&'i str>,
    #[serde(rename = "itemID", skip_serializing_if = "Option::is_none")]
    item: Option<&'i str>,
}

impl<'i> ListedIssue<'i> {
    fn new(found: &'i StageIssue) -> Self {
        let place = &found.issue.place;
        Self {
            stage: found.stage.to_string(),
            category: found.issue.kind.category(),
            text: found.issue.kind.to_string(),
            path: place.path.as_deref(),
            offset: place.offset,
            field: place.field.as_deref(),
            entity: found.key.as_ref().map(Entity::new).unwrap_or_default(),
        }
    }
}

impl<'i> Entity<'i> {
    fn new(key: &'i EntityKey) -> Self {
        let of_session = |kind, session: &'i str| Self {
            kind: Some(kind),
            session: Some(session),
            ..Self::default()
        };
        match key {
            EntityKey::Project(id) => {
                Self { kind: Some("project"), project: Some(id.as_str()), ..Self::default() }
            }
            EntityKey::Session(key) => of_session("session", key.session.as_str()),
            EntityKey::Diff(key) => of_session("diff", key.session.as_str()),
            EntityKey::Todo(key) => of_session("todo", key.session.as_str()),
            EntityKey::Share(key) => of_session("share", key.session.as_str()),
            EntityKey::Message(key) => Self {
                message: Some(key.message.as_str()),
                ..of_session("message", key.session.as_str())
            },
            EntityKey::Item(key) => {
                Self { item: Some(key.item.as_str()), ..of_session("item", key.session.as_str()) }
            }
            EntityKey::Part(key) => Self {
                kind: Some("part"),
                message: Some(key.message.as_str()),
                part: Some(key.part.as_str()),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}
