//! Widening of the scopes of a store: record, message, session, store.

use scrollback_core_id::EntityKey;
use scrollback_source::DirtyScope;

use crate::dirty::Widen;

impl Widen for DirtyScope {
    fn wider(&self) -> Option<Self> {
        match self {
            Self::Entity(EntityKey::Part(key)) => Some(Self::Message(key.message.clone())),
            Self::Entity(EntityKey::Message(key)) => {
                Some(Self::Session(key.session.clone().into()))
            }
            Self::Entity(_) => Some(Self::Records),
            Self::Store => None,
            _ => Some(Self::Store),
        }
    }

    /// Checks whether this scope covers another. The key of a part does not name its session, so
    /// every dirty session covers every part.
    fn covers(&self, other: &Self) -> bool {
        let covers_key = |key: &EntityKey| match self {
            Self::Store => true,
            Self::Records => !matches!(key, EntityKey::Message(_) | EntityKey::Part(_)),
            Self::Session(session) => match key {
                EntityKey::Session(key) => key == session,
                EntityKey::Message(key) => key.session == session.session,
                EntityKey::Part(_) => true,
                _ => false,
            },
            Self::Message(message) => match key {
                EntityKey::Message(key) => key.message == *message,
                EntityKey::Part(key) => key.message == *message,
                _ => false,
            },
            _ => false,
        };
        match other {
            Self::Entity(key) => covers_key(key),
            Self::Message(_) => matches!(self, Self::Store | Self::Session(_)),
            _ => matches!(self, Self::Store),
        }
    }
}
