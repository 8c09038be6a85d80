//! Batches: changes that are committed whole or not at all.

use std::sync::Arc;

use scrollback_core_id::{MessageKey, ProjectId, SessionKey};

use crate::{MessageMeta, ProjectMeta, SessionState};

/// Changes that become visible together. Of several for one key the last counts. A session and
/// its messages are changed one by one: a message may outlive its session's record.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) changes: Vec<BatchEntry>,
    /// Another token, or none from now on.
    pub(crate) token: Option<Option<Arc<[u8]>>>,
}

/// A key and its new value; none removes it.
#[derive(Debug)]
pub(crate) enum BatchEntry {
    Project(ProjectId, Option<ProjectMeta>),
    Session(SessionKey, Option<SessionState>),
    Message(MessageKey, Option<Box<MessageMeta>>),
}

impl Batch {
    /// A batch without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Adds a project, or replaces it.
    pub fn put_project(&mut self, project: ProjectMeta) {
        self.changes.push(BatchEntry::Project(project.id.clone(), Some(project)));
    }

    /// Removes a project.
    pub fn remove_project(&mut self, id: ProjectId) {
        self.changes.push(BatchEntry::Project(id, None));
    }

    /// Adds what is known of a session, or replaces it.
    pub fn put_session(&mut self, key: SessionKey, state: SessionState) {
        self.changes.push(BatchEntry::Session(key, Some(state)));
    }

    /// Removes all that is known of a session, apart from its messages.
    pub fn remove_session(&mut self, key: SessionKey) {
        self.changes.push(BatchEntry::Session(key, None));
    }

    /// Adds a message, or replaces it.
    pub fn put_message(&mut self, message: MessageMeta) {
        self.changes.push(BatchEntry::Message(message.key.clone(), Some(Box::new(message))));
    }

    /// Removes a message.
    pub fn remove_message(&mut self, key: MessageKey) {
        self.changes.push(BatchEntry::Message(key, None));
    }

    /// Says what the store was like before the look that these changes came of, in its own words;
    /// see [`SessionIndex::token`](crate::SessionIndex::token).
    pub fn set_token(&mut self, token: Option<Arc<[u8]>>) {
        self.token = Some(token);
    }

    /// Adds the changes of another batch after these.
    pub fn append(&mut self, mut other: Self) {
        self.changes.append(&mut other.changes);
        self.token = other.token.or(self.token.take());
    }
}
