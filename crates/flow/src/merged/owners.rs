//! Decides which member owns an entity: the first member that holds the entity's session.

use std::collections::HashMap;

use scrollback_core_id::{EntityKey, MessageId, SessionKey};
use scrollback_core_type::{OwnerHead, Parse};
use scrollback_source::{Entry, Reader, Result};

/// The read transactions of all members, with the owners that were determined so far.
pub(super) struct Owners<'s> {
    pub(super) readers: Vec<Box<dyn Reader + 's>>,
    sessions: HashMap<SessionKey, usize>,
    /// The owners of messages whose parts were listed. The key of a part names its message and not
    /// its session, so the owner of a part is known only from here.
    messages: HashMap<MessageId, usize>,
}

impl<'s> Owners<'s> {
    pub(super) fn new(readers: Vec<Box<dyn Reader + 's>>) -> Self {
        Self { readers, sessions: HashMap::new(), messages: HashMap::new() }
    }

    /// Returns the index of the member that owns a session; the last member if none holds it.
    pub(super) fn owner_of(&mut self, session: &SessionKey) -> Result<usize> {
        let last = self.readers.len() - 1;
        if last == 0 {
            return Ok(0);
        }
        if let Some(owner) = self.sessions.get(session) {
            return Ok(*owner);
        }
        // The last member is never checked: it is the answer in either case.
        let owner = first_with_session(&mut self.readers[..last], session)?.unwrap_or(last);
        self.sessions.insert(session.clone(), owner);
        Ok(owner)
    }

    /// Returns the owner of a message, and remembers it for the message's parts.
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

    /// Returns the owner of a message's parts, if the parts were listed before.
    pub(super) fn cached_owner_of_message(&self, message: &MessageId) -> Option<usize> {
        if self.readers.len() == 1 {
            return Some(0);
        }
        self.messages.get(message).copied()
    }

    /// Checks whether a member's entity is visible: no earlier member holds its session. A part whose
    /// session is unknown is visible.
    pub(super) fn is_visible(&mut self, at: usize, entry: &Entry) -> Result<bool> {
        match session_of(entry) {
            Some(session) if at > 0 => Ok(self.owner_of(&session)? >= at),
            _ => Ok(true),
        }
    }
}

/// Returns the index of the first reader that holds a session.
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

/// Returns the session of an entity, as far as its key or, for a part, its bytes name it.
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
