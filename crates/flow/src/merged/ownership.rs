//! Which member of a merged store supplies a session, and which members have copies of it.

use std::collections::HashMap;
use std::rc::Rc;

use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_core_type::{OwnerHead, Parse};
use scrollback_source::Entry;

/// The owner of a session, and its other copies. Readers are named by their places.
#[derive(Debug, Default)]
pub(super) struct Ownership {
    /// `None` if no member has the session.
    pub(super) owner: Option<usize>,
    /// The members that have the session.
    pub(super) holders: Vec<usize>,
    /// The members that have messages which the owner lacks, each with the number of messages.
    pub(super) lost: Vec<(usize, usize)>,
}

impl Ownership {
    pub(super) fn of_single(holder: usize) -> Self {
        Self { owner: Some(holder), holders: vec![holder], lost: Vec::new() }
    }

    /// Checks whether the copy of this member is hidden by another copy.
    pub(super) fn hides(&self, at: usize) -> bool {
        self.owner != Some(at) && self.holders.contains(&at)
    }
}

/// The owners that were determined so far.
#[derive(Debug, Default)]
pub(super) struct KnownOwners(pub(super) HashMap<SessionKey, Rc<Ownership>>);

impl KnownOwners {
    /// Checks whether no known copy hides a member's copy of a session. A session that was not decided
    /// has one copy.
    pub(super) fn is_visible(&self, at: usize, session: &SessionKey) -> bool {
        self.0.get(session).is_none_or(|known| !known.hides(at))
    }
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
