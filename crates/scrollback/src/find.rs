//! Which session a text names.

use std::collections::HashSet;

use scrollback_core_id::{SessionId, SessionKey};

use crate::session::Session;
use crate::store::Store;
use crate::{Error, Result};

impl Store {
    /// The session that a text names: an id, the start of one (with or without the agent's prefix),
    /// `agent:id` where an id alone is in several roots, or `latest` (`latest~2` is the third
    /// newest of the sessions that no other session started).
    ///
    /// # Errors
    /// [`Error::NoSession`], [`Error::Ambiguous`] or [`Error::BadSession`]; [`Error::Store`] if a
    /// root cannot be read.
    pub fn session(&self, text: &str) -> Result<Session<'_>> {
        find_session(self, text)
    }

    /// The session that `latest` or `latest~N` names; none if the text is neither.
    ///
    /// # Errors
    /// As [`Store::session`].
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
        // The newest of sessions that share an id.
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
    top_level.retain(|session| !session.is_subagent());
    let latest_count = Some(top_level.len());
    match top_level.into_iter().nth(steps) {
        Some(session) => Ok(Some(session)),
        None => Err(Error::NoSession { text: text.to_owned(), latest_count }),
    }
}

/// How many sessions `latest~N` goes back, if the text is that.
fn steps_back(text: &str) -> Result<Option<usize>> {
    let (keyword, steps) =
        text.split_once('~').map_or((text, None), |(keyword, steps)| (keyword, Some(steps)));
    if !["latest", "last", "recent"].contains(&keyword) {
        return Ok(None);
    }
    let bad_session = |_| Error::BadSession {
        text: text.to_owned(),
        reason: "expected a number after `~`, as in latest~1".to_owned(),
    };
    steps.map_or(Ok(Some(0)), |steps| steps.parse().map(Some).map_err(bad_session))
}

fn find_by_prefix<'s>(
    store: &'s Store,
    text: &str,
    agent: Option<&str>,
    id: &str,
) -> Result<Session<'s>> {
    let matches_prefix = |session: &Session<'_>| {
        let whole = session.id();
        // Ids of opencode begin with `ses_`, which need not be typed.
        let bare = whole.split_once('_').map_or(whole, |(_, bare)| bare);
        agent.is_none_or(|agent| session.root().agent() == agent)
            && (whole.starts_with(id) || bare.starts_with(id))
    };
    let mut sessions: Vec<Session<'s>> = store.sessions()?;
    sessions.retain(matches_prefix);
    let mut ids = HashSet::new();
    sessions.retain(|it| ids.insert(it.key().clone())); // of equal ids in several roots, the newest
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
