//! Whose an entity is: of the first store that holds its session.

use std::collections::HashMap;

use scrollback_core_id::{EntityKey, MessageId, SessionKey};
use scrollback_core_type::{OwnerHead, Parse};
use scrollback_source::{Entry, Reader, Result};

/// Looks at all stores, and what was found out about whose something is.
pub(super) struct Owners<'s> {
    pub(super) readers: Vec<Box<dyn Reader + 's>>,
    sessions: HashMap<SessionKey, usize>,
    /// Messages whose parts were asked for: a part's key does not say its session.
    messages: HashMap<MessageId, usize>,
}

impl<'s> Owners<'s> {
    pub(super) fn new(readers: Vec<Box<dyn Reader + 's>>) -> Self {
        Self { readers, sessions: HashMap::new(), messages: HashMap::new() }
    }

    /// The store that a session is of; the last if none holds it.
    pub(super) fn owner_of(&mut self, session: &SessionKey) -> Result<usize> {
        let last = self.readers.len() - 1;
        if last == 0 {
            return Ok(0);
        }
        if let Some(owner) = self.sessions.get(session) {
            return Ok(*owner);
        }
        let owner = first_with_session(&mut self.readers[..last], session)?.unwrap_or(last);
        self.sessions.insert(session.clone(), owner);
        Ok(owner)
    }

    /// Remembers whose the parts of a message are.
    pub(super) fn owner_of_message(
        &mut self,
        message: &MessageId,
        session: &SessionKey,
    ) -> Result<usize> {
        let owner = self.owner_of(session)?;
        if self.readers.len() > 1 && !self.messages.contains_key(message) {
            self.messages.insert(message.clone(), owner);
        }
        Ok(owner)
    }

    /// Whose the parts of a message are, if they were asked for.
    pub(super) fn cached_owner_of_message(&self, message: &MessageId) -> Option<usize> {
        if self.readers.len() == 1 {
            return Some(0);
        }
        self.messages.get(message).copied()
    }

    /// Whether what this store has of an entity counts: no store before it holds its session. A
    /// part whose session cannot be told counts.
    pub(super) fn is_visible(&mut self, at: usize, entry: &Entry) -> Result<bool> {
        match session_of(entry) {
            Some(session) if at > 0 => Ok(self.owner_of(&session)? >= at),
            _ => Ok(true),
        }
    }
}

/// The first of these stores that holds a session.
pub(super) fn first_with_session(
    readers: &mut [Box<dyn Reader + '_>],
    session: &SessionKey,
) -> Result<Option<usize>> {
    for (at, reader) in readers.iter_mut().enumerate() {
        if reader.has_session(session)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// The session of an entity, as far as it can be told.
pub(super) fn session_of(entry: &Entry) -> Option<SessionKey> {
    match &entry.key {
        EntityKey::Session(key) | EntityKey::Todo(key) | EntityKey::Share(key) => Some(key.clone()),
        EntityKey::Message(key) => Some(key.session.clone().into()),
        EntityKey::Item(key) => Some(key.session.clone().into()),
        EntityKey::Part(_) => {
            let head = OwnerHead::parse(entry.span.as_deref()?).ok()?;
            head.value.session_id.map(SessionKey::from)
        }
        _ => None,
    }
}
