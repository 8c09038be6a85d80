//! Issues of single fields as a text that the index keeps with the record. A record with such issues was
//! read as a whole, so it needs no further read, and a warm start reports its issues from the index.
//!
//! The text has one line for each issue: the field, the kind, and the values of the kind, separated by
//! tabs.

use scrollback_core_err::{Issue, IssueKind, Place};

/// The types that an issue can name as the expected one.
const EXPECTED_TYPES: [&str; 8] = [
    "a string",
    "a number",
    "a whole number",
    "true or false",
    "an id",
    "an object",
    "an array",
    "a value",
];
/// The expected type in a text that names another.
const OTHER_TYPE: &str = "another type";
/// The largest number of issues that are kept of one record.
const MAX_ISSUES: usize = 16;

const WRONG_TYPE: &str = "type";
const CONVERTED: &str = "converted";
const IMPOSSIBLE: &str = "impossible";

/// Returns the text of a record's issues; `None` if there are none, or if one of them is not about a
/// single field. Such an issue needs a further read of the record.
pub(super) fn kept_text(issues: &[Issue]) -> Option<String> {
    let lines: Option<Vec<String>> = issues.iter().take(MAX_ISSUES).map(line).collect();
    lines.map(|lines| lines.join("\n")).filter(|text| !text.is_empty())
}

fn line(issue: &Issue) -> Option<String> {
    let field = issue.place.field.as_deref().unwrap_or_default();
    let (kind, values) = match &issue.kind {
        IssueKind::WrongType { expected } => (WRONG_TYPE, (*expected).to_owned()),
        IssueKind::Converted { expected, value } => {
            (CONVERTED, format!("{expected}\t{}", value.replace(['\t', '\n'], " ")))
        }
        IssueKind::ImpossibleNumber { value } => (IMPOSSIBLE, value.clone()),
        _ => return None,
    };
    Some(format!("{field}\t{kind}\t{values}"))
}

/// Returns the issues of a text that [`kept_text`] made.
pub(crate) fn kept_issues(text: &str) -> Vec<Issue> {
    text.lines().filter_map(issue).collect()
}

fn issue(line: &str) -> Option<Issue> {
    let mut values = line.split('\t');
    let (field, kind, first) = (values.next()?, values.next()?, values.next()?);
    let expected = EXPECTED_TYPES.iter().find(|it| **it == first).copied().unwrap_or(OTHER_TYPE);
    let kind = match kind {
        WRONG_TYPE => IssueKind::WrongType { expected },
        CONVERTED => IssueKind::Converted { expected, value: values.next()?.to_owned() },
        IMPOSSIBLE => IssueKind::ImpossibleNumber { value: first.to_owned() },
        _ => return None,
    };
    let field = Some(field.to_owned()).filter(|field| !field.is_empty());
    Some(Issue::new(Place { field, ..Place::default() }, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_gives_the_same_issues() {
        let at = |field: &str| Place { field: Some(field.to_owned()), ..Place::default() };
        let issues: Vec<Issue> = EXPECTED_TYPES
            .into_iter()
            .map(|expected| Issue::new(at("a.b"), IssueKind::WrongType { expected }))
            .chain([
                Issue::new(
                    at("tokens.input"),
                    IssueKind::Converted { expected: "a whole number", value: "\"12\"".into() },
                ),
                Issue::new(at("cost"), IssueKind::ImpossibleNumber { value: "-1".into() }),
            ])
            .collect();
        assert_eq!(kept_issues(&kept_text(&issues).unwrap()), issues);
        assert_eq!(kept_text(&[]), None);
        let unreadable = Issue::new(Place::default(), IssueKind::Empty);
        assert_eq!(kept_text(&[issues[0].clone(), unreadable]), None);
    }
}
