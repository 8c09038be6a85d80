//! Which session the user means, and the list of sessions that this is looked up in.

use std::cmp::Reverse;
use std::sync::Arc;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{SessionId, SessionKey};
use scrollback_core_type::StageIssue;
use scrollback_index::SessionMeta;
use scrollback_stor_path::opencode::SESSION_PREFIX;

use crate::failure::{Failure, Kind, Result};
use crate::open::Store;
use crate::units;

/// A session of one of the stores.
pub(crate) struct Row {
    /// Which of the stores.
    pub(crate) store: usize,
    pub(crate) meta: Arc<SessionMeta>,
}

/// The sessions of all stores, newest first, and what was wrong with the stores.
pub(crate) fn sessions(stores: &[Store]) -> Result<(Vec<Row>, Vec<StageIssue>)> {
    let (mut rows, mut issues) = (Vec::new(), Vec::new());
    for (number, store) in stores.iter().enumerate() {
        let view = store.materializer()?.view();
        rows.extend(view.sessions().map(|meta| Row { store: number, meta }));
        issues.extend(store.issues());
    }
    issues.sort_by_cached_key(ToString::to_string); // sessions are looked at in no order
    if stores.len() > 1 {
        rows.sort_by(|a, b| {
            let place = |row: &Row| Reverse(row.meta.order);
            place(a).cmp(&place(b)).then_with(|| a.meta.key.cmp(&b.meta.key))
        });
    }
    Ok((rows, issues))
}

/// The session that a text names, and which store it is in.
pub(crate) fn session(stores: &[Store], text: &str) -> Result<(usize, SessionKey)> {
    if let Some(latest) = latest(stores, text)? {
        return Ok(latest);
    }
    let id = SessionId::new(text)
        .map_err(|why| Failure::new(Kind::BadUse, format!("{text:?} is no session: {why}")))?;
    let key = SessionKey::from(id);
    for (store, source) in stores.iter().enumerate() {
        if source.source().open()?.holds(&key)? {
            return Ok((store, key));
        }
    }
    by_prefix(stores, text)
}

/// The session that `latest` or `latest~N` names, if the text is that.
pub(crate) fn latest(stores: &[Store], text: &str) -> Result<Option<(usize, SessionKey)>> {
    steps_back(text)?.map(|back| newest(stores, back)).transpose()
}

/// How many sessions `latest~N` goes back, if the text is that.
fn steps_back(text: &str) -> Result<Option<usize>> {
    let (word, back) = text.split_once('~').map_or((text, None), |(word, back)| (word, Some(back)));
    if !["latest", "last", "recent"].contains(&word) {
        return Ok(None);
    }
    let bad = |_| {
        Failure::new(Kind::BadUse, format!("{text:?}: expected a number after `~`"))
            .hint("latest~1 is the second newest session")
    };
    back.map_or(Ok(Some(0)), |back| back.parse().map(Some).map_err(bad))
}

fn newest(stores: &[Store], back: usize) -> Result<(usize, SessionKey)> {
    let (rows, issues) = sessions(stores)?;
    let mut roots = rows.into_iter().filter(|row| row.meta.parent.is_none());
    match roots.nth(back) {
        Some(row) => Ok((row.store, row.meta.key.clone())),
        None if back == 0 => Err(missing("there are no sessions", &issues)),
        None => Err(missing(format!("there are not {} sessions", back + 1), &issues)
            .hint("`scrollback ls --roots` lists them")),
    }
}

fn by_prefix(stores: &[Store], text: &str) -> Result<(usize, SessionKey)> {
    let (rows, issues) = sessions(stores)?;
    let starts = |row: &&Row| {
        let id = row.meta.key.session.as_str();
        let bare = id.strip_prefix(SESSION_PREFIX).unwrap_or(id);
        id.starts_with(text) || bare.starts_with(text)
    };
    let mut found: Vec<&Row> = rows.iter().filter(starts).collect();
    found.dedup_by_key(|row| &row.meta.key); // a copy in another store; of the two, the newer
    match found[..] {
        [] => Err(missing(format!("no session {text:?}"), &issues)
            .hint("`scrollback ls` lists the sessions; `latest` is the newest")),
        [row] => Ok((row.store, row.meta.key.clone())),
        _ => {
            let mut failure = Failure::new(
                Kind::BadUse,
                format!("{text:?} is the start of {} session ids", found.len()),
            );
            for row in found.iter().take(8) {
                let title = row.meta.title.as_deref().unwrap_or_default();
                let title = crate::safe::line(units::title(title));
                failure.hints.push(format!("{}  {title}", row.meta.key));
            }
            Err(failure)
        }
    }
}

/// That nothing was found; where some of the store cannot be read, it may be in there.
pub(crate) fn missing(message: impl Into<String>, issues: &[StageIssue]) -> Failure {
    if issues.iter().all(|issue| issue.issue.kind == IssueKind::NoParts) {
        return Failure::new(Kind::NotFound, message);
    }
    Failure::new(Kind::Unreadable, message)
        .hint("some of the store cannot be read; `scrollback ls --issues` says what")
}
