//! Sorts dirty records by the work that verifying them takes.

use std::collections::{BTreeMap, BTreeSet};

use scrollback_core_id::{EntityKey, MessageId, MessageKey, PartKey, ProjectId, SessionKey};
use scrollback_index::View;

use super::dirty::Dirty;

/// Dirty records, sorted by the kind of verification that each one needs.
///
/// A change that adds or removes a record concerns the set that the record is in, so the work moves up
/// one level: from a part to the part list of its message, from a message to its whole session.
#[derive(Default)]
pub(super) struct DirtyWork {
    pub(super) projects: Vec<ProjectId>,
    /// Sessions to verify as a whole.
    pub(super) sessions: BTreeSet<SessionKey>,
    /// Sessions whose own record alone is read.
    pub(super) records: BTreeSet<SessionKey>,
    /// Messages whose records are read, by session.
    pub(super) messages: BTreeMap<SessionKey, BTreeSet<MessageId>>,
    /// Parts to read, by message.
    pub(super) parts: BTreeMap<MessageKey, BTreeSet<PartKey>>,
    /// Messages whose parts are listed, and read where they changed.
    pub(super) part_lists: BTreeSet<MessageKey>,
}

impl DirtyWork {
    /// Returns the sessions whose single records are read.
    pub(super) fn touched_sessions(&self) -> BTreeSet<SessionKey> {
        let of_messages = self.parts.keys().chain(&self.part_lists);
        let of_messages = of_messages.map(|message| message.session.clone().into());
        self.records.iter().chain(self.messages.keys()).cloned().chain(of_messages).collect()
    }

    /// Replaces the work on single records of a session by work on all of it.
    pub(super) fn verify_whole(&mut self, session: SessionKey) {
        self.messages.remove(&session);
        self.records.remove(&session);
        self.parts.retain(|message, _| message.session != session.session);
        self.part_lists.retain(|message| message.session != session.session);
        self.sessions.insert(session);
    }

    /// Sorts dirty records by what the index knows of them.
    pub(super) fn from_dirty(dirty: &Dirty, view: &View) -> Self {
        let mut work =
            Self { sessions: dirty.sessions.iter().cloned().collect(), ..Self::default() };
        for id in &dirty.messages {
            // A message that is not in the index is found when its session is verified.
            let Some(message) = view.message(id) else { continue };
            let session = SessionKey::from(message.key.session.clone());
            work.messages.entry(session).or_default().insert(id.clone());
            work.part_lists.insert(message.key.clone());
        }
        for key in &dirty.records {
            match key {
                EntityKey::Project(id) => work.projects.push(id.clone()),
                EntityKey::Session(key) if view.session_state(&key.session).is_none() => {
                    work.sessions.insert(key.clone());
                }
                EntityKey::Session(key) => {
                    work.records.insert(key.clone());
                }
                EntityKey::Message(key) => {
                    let session = SessionKey::from(key.session.clone());
                    if view.message_by_key(key).is_none() {
                        work.sessions.insert(session);
                    } else {
                        work.messages.entry(session).or_default().insert(key.message.clone());
                    }
                }
                // The parts of a message that is not in the index are listed with that message.
                EntityKey::Part(key) => {
                    let Some(message) = view.message(&key.message) else { continue };
                    let is_known = message
                        .parts
                        .as_ref()
                        .is_some_and(|list| list.refs.iter().any(|part| part.id == key.part));
                    let message = message.key.clone();
                    if is_known {
                        work.parts.entry(message).or_default().insert(key.clone());
                    } else {
                        work.part_lists.insert(message);
                    }
                }
                _ => {} // not in the index
            }
        }
        work
    }
}
