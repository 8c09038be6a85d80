//! Finds the session that a text names.

use std::collections::HashSet;

use scrollback_core_id::{SessionId, SessionKey};

use crate::session::Session;
use crate::store::Store;
use crate::{Error, Result};

impl Store {
    /// Finds the session that a text names:
    ///
    /// * an id, or a prefix of an id (with or without the part up to `_`);
    /// * `agent:id`, which names the agent of the session as well;
    /// * `latest`, the newest session at the top level ([`Subagents`](crate::Subagents)). `latest~2` is the third newest. `last` and
    ///   `recent` mean the same.
    ///
    /// If several roots have the id, the newest of these sessions is returned.
    ///
    /// # Errors
    /// [`Error::NoSession`] if no session matches; [`Error::Ambiguous`] if a prefix matches several ids;
    /// [`Error::BadSession`] if the text is not a valid id; [`Error::Store`] if a root cannot be read.
    pub fn session(&self, text: &str) -> Result<Session<'_>> {
        find_session(self, text)
    }

    /// Finds the session that `latest` or `latest~N` names; `None` for any other text.
    ///
    /// # Errors
    /// The errors of [`Store::session`].
    pub fn latest(&self, text: &str) -> Result<Option<Session<'_>>> {
        find_latest(self, text)
    }
}

fn find_session<'s>(store: &'s Store, text: &str) -> Result<Session<'s>> {
    if let Some(latest) = find_latest(store, text)? {
        return Ok(latest);
    }
    let (agent, id) = match text.split_once(':') {
        Some((agent, id)) if store.roots().iter().any(|root| root.agent() == agent) => {
            (Some(agent), id)
        }
        _ => (None, text),
    };
    let bad_session = |error: scrollback_core_id::IdError| Error::BadSession {
        text: text.to_owned(),
        reason: error.to_string(),
    };
    let key = SessionKey::from(SessionId::new(id).map_err(bad_session)?);
    let has_agent = |root: &&crate::Root| agent.is_none_or(|agent| root.agent() == agent);
    let mut roots = Vec::new();
    for root in store.roots().iter().filter(has_agent) {
        if root.source().open()?.has_session(&key)? {
            roots.push(root);
        }
    }
    match roots[..] {
        [] => find_by_prefix(store, text, agent, id),
        [root] => Ok(Session::from_key(root, key)),
        // Several roots have this id: `sessions` is sorted, so this finds the newest.
        _ => {
            let mut sessions = store.sessions()?.into_iter();
            let same = |it: &Session<'_>| *it.key() == key && has_agent(&it.root());
            sessions.find(same).ok_or_else(|| no_session_error(text))
        }
    }
}

fn find_latest<'s>(store: &'s Store, text: &str) -> Result<Option<Session<'s>>> {
    let Some(steps) = steps_back(text)? else { return Ok(None) };
    let mut top_level: Vec<Session<'s>> = store.sessions()?;
    let subagents = store.subagents(&top_level)?;
    top_level.retain(|session| subagents.is_top_level(session));
    let latest_count = Some(top_level.len());
    match top_level.into_iter().nth(steps) {
        Some(session) => Ok(Some(session)),
        None => Err(Error::NoSession { text: text.to_owned(), latest_count }),
    }
}

/// Parses `latest~N`. Returns N, or `None` for any other text.
fn steps_back(text: &str) -> Result<Option<usize>> {
    let (keyword, steps) =
        text.split_once('~').map_or((text, None), |(keyword, steps)| (keyword, Some(steps)));
    if !["latest", "last", "recent"].contains(&keyword) {
        return Ok(None);
    }
    let bad_session = |_: std::num::ParseIntError| Error::BadSession {
        text: text.to_owned(),
        reason: "expected a number after `~`, as in latest~1".to_owned(),
    };
    let Some(steps) = steps else { return Ok(Some(0)) };
    if !steps.is_empty() && steps.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is more than any store has.
        return Ok(Some(steps.parse().unwrap_or(usize::MAX)));
    }
    steps.parse().map(Some).map_err(bad_session)
}

fn find_by_prefix<'s>(
    store: &'s Store,
    text: &str,
    agent: Option<&str>,
    id: &str,
) -> Result<Session<'s>> {
    let matches_prefix = |session: &Session<'_>| {
        let whole = session.id();
        // Ids of opencode begin with `ses_`. A user need not type that.
        let bare = whole.split_once('_').map_or(whole, |(_, bare)| bare);
        agent.is_none_or(|agent| session.root().agent() == agent)
            && (whole.starts_with(id) || bare.starts_with(id))
    };
    let mut sessions: Vec<Session<'s>> = store.sessions()?;
    sessions.retain(matches_prefix);
    let mut ids = HashSet::new();
    sessions.retain(|it| ids.insert(it.key().clone())); // keeps the newest of equal ids in several roots
    match sessions.len() {
        0 => Err(no_session_error(text)),
        1 => Ok(sessions.remove(0)),
        _ => {
            let sessions = sessions.iter().map(|it| (it.id().to_owned(), it.title().to_owned()));
            Err(Error::Ambiguous { text: text.to_owned(), sessions: sessions.collect() })
        }
    }
}

fn no_session_error(text: &str) -> Error {
    Error::NoSession { text: text.to_owned(), latest_count: None }
}
