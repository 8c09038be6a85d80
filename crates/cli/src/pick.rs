//! Finds the session that the user names, and explains why there is none.

use scrollback::{Error, Session, Store};
use scrollback_core_err::IssueKind;
use scrollback_core_type::StageIssue;

use crate::failure::{Failure, Kind, Result};

/// Finds the session that a text names.
pub(crate) fn session<'s>(store: &'s Store, text: &str) -> Result<Session<'s>> {
    store.session(text).map_err(|error| explain(store, &error))
}

/// Finds the session that `latest` or `latest~N` names; `None` for any other text.
pub(crate) fn latest<'s>(store: &'s Store, text: &str) -> Result<Option<Session<'s>>> {
    store.latest(text).map_err(|error| explain(store, &error))
}

fn explain(store: &Store, error: &Error) -> Failure {
    let failure = Failure::from(error);
    match error {
        Error::NoSession { .. } => with_issues(store, failure),
        _ => failure,
    }
}

/// Changes a "not found" failure to "unreadable" if some of the store cannot be read: the session may
/// be in that part.
pub(crate) fn with_issues(store: &Store, failure: Failure) -> Failure {
    let is_harmless = |issue: &StageIssue| issue.issue.kind == IssueKind::NoParts;
    if store.failures().is_empty() && store.issues().iter().all(is_harmless) {
        return failure;
    }
    let hint = "parts of the store cannot be read; `scrollback ls --issues` lists them";
    Failure { kind: Kind::Unreadable, hints: vec![hint.to_owned()], ..failure }
}
