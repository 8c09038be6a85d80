//! The session that the user names, and what to say if there is none.

use scrollback::{Error, Session, Store};
use scrollback_core_err::IssueKind;

use crate::failure::{Failure, Kind, Result};

/// The session that a text names.
pub(crate) fn session<'s>(store: &'s Store, text: &str) -> Result<Session<'s>> {
    store.session(text).map_err(|error| explain(store, &error))
}

/// The session that `latest` or `latest~N` names, if the text is that.
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

/// That nothing was found; where some of the store cannot be read, it may be in there.
pub(crate) fn with_issues(store: &Store, failure: Failure) -> Failure {
    if store.issues().iter().all(|issue| issue.issue.kind == IssueKind::NoParts) {
        return failure;
    }
    let hint = "some of the store cannot be read; `scrollback ls --issues` says what";
    Failure { kind: Kind::Unreadable, hints: vec![hint.to_owned()], ..failure }
}
