//! Properties of resuming.

use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, Scope, SessionKey};
use scrollback_source::{Entry, Probe, ResumeResult, ResumeToken, ScanItem, Source};

use super::sessions;
use crate::calls::scan;
use crate::{Content, Expectations};

/// Resumes a session, and returns the result and the entries.
fn resume_entries(
    store: &dyn Source,
    session: &SessionKey,
    since: &ResumeToken,
) -> (ResumeResult, Vec<Entry>) {
    let mut entries = Vec::new();
    let resumed = store.open().unwrap().resume(session, since, &mut |item| {
        if let ScanItem::Entry(entry) = item {
            entries.push(entry);
        }
        ControlFlow::Continue(())
    });
    (resumed.unwrap(), entries)
}

/// A resume from the token of a fresh scan passes at most the session's record, unchanged.
pub fn resume_right_after_a_scan_is_unchanged(store: &dyn Source, expected: &Expectations) {
    let records = scan(store, &Scope::Sessions).entries;
    let mut tokens = 0;
    for session in sessions(store) {
        let set = scan(store, &Scope::Messages(session.clone())).set;
        let Some(token) = set.and_then(|set| set.resume) else { continue };
        tokens += 1;
        let (resumed, entries) = resume_entries(store, &session, &token);
        assert_eq!(resumed, ResumeResult::unchanged(token));
        for entry in entries {
            let record = records.iter().find(|record| record.key == entry.key).unwrap();
            assert!(matches!(entry.key, EntityKey::Session(_)), "{} is not new", entry.key);
            assert_eq!(*entry.span.unwrap(), **record.span.as_ref().unwrap());
        }
    }
    expected.check(Content::Resume, tokens);
}

/// A token of another Source or of another session leads to a rescan.
pub fn a_foreign_token_is_refused(store: &dyn Source, _: &Expectations) {
    let sessions = sessions(store);
    let rescan = |session, token: &ResumeToken| {
        let (resumed, _) = resume_entries(store, session, token);
        assert_eq!(resumed, ResumeResult { probe: Probe::Rescan, token: None });
    };
    for session in &sessions {
        for other in [&b""[..], b"of another store"] {
            rescan(session, &ResumeToken::new(other));
        }
        let set = scan(store, &Scope::Messages(session.clone())).set;
        if let Some(token) = set.and_then(|set| set.resume) {
            let mut others = sessions.iter().filter(|other| *other != session);
            rescan(others.next().unwrap(), &token);
        }
    }
}
