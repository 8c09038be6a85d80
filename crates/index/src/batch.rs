//! Batches: changes that are committed together.

use std::sync::Arc;

use scrollback_core_id::{MessageKey, ProjectId, SessionKey};

use crate::{MessageMeta, ProjectMeta, SessionState};

/// Changes that become visible together when [`SessionIndex::commit`](crate::SessionIndex::commit)
/// commits the batch. If a batch changes a key several times, the last change counts.
///
/// A session and its messages are separate keys: removing a session leaves its messages.
///
/// ```
/// use scrollback_core_id::{SessionId, SessionKey, SourceId};
/// use scrollback_index::{Batch, SessionIndex, SessionMeta, SessionState};
///
/// let key = SessionKey::from(SessionId::new("ses_1")?);
/// let mut batch = Batch::new();
/// batch.put_session(key.clone(), SessionState::with_record(SessionMeta::new(key.clone())));
/// assert_eq!(batch.len(), 1);
///
/// let index = SessionIndex::new(SourceId::new("a store")?);
/// let revision = index.commit(batch);
/// assert_eq!(index.cursor().revision, revision);
/// assert!(index.view().session(&key.session).is_some());
/// # Ok::<(), scrollback_core_id::IdError>(())
/// ```
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) changes: Vec<BatchEntry>,
    /// The new token of the index, if the batch sets one. The inner `None` removes the token.
    pub(crate) token: Option<Option<Arc<[u8]>>>,
}

/// A key and its new value; `None` removes the key.
#[derive(Debug)]
pub(crate) enum BatchEntry {
    Project(ProjectId, Option<ProjectMeta>),
    Session(SessionKey, Option<SessionState>),
    Message(MessageKey, Option<Box<MessageMeta>>),
}

impl Batch {
    /// Returns a batch without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Checks whether the batch has no changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Adds or replaces a project.
    pub fn put_project(&mut self, project: ProjectMeta) {
        self.changes.push(BatchEntry::Project(project.id.clone(), Some(project)));
    }

    /// Removes a project.
    pub fn remove_project(&mut self, id: ProjectId) {
        self.changes.push(BatchEntry::Project(id, None));
    }

    /// Adds or replaces the state of a session.
    pub fn put_session(&mut self, key: SessionKey, state: SessionState) {
        self.changes.push(BatchEntry::Session(key, Some(state)));
    }

    /// Removes the state of a session. Its messages stay.
    pub fn remove_session(&mut self, key: SessionKey) {
        self.changes.push(BatchEntry::Session(key, None));
    }

    /// Adds or replaces a message.
    pub fn put_message(&mut self, message: MessageMeta) {
        self.changes.push(BatchEntry::Message(message.key.clone(), Some(Box::new(message))));
    }

    /// Removes a message.
    pub fn remove_message(&mut self, key: MessageKey) {
        self.changes.push(BatchEntry::Message(key, None));
    }

    /// Returns the changes of messages, in the order in which they were added. A removed message has no
    /// new value.
    pub fn messages(&self) -> impl Iterator<Item = (&MessageKey, Option<&MessageMeta>)> {
        self.changes.iter().filter_map(|change| match change {
            BatchEntry::Message(key, new) => Some((key, new.as_deref())),
            BatchEntry::Project(..) | BatchEntry::Session(..) => None,
        })
    }

    /// Sets the token that the Source returned before it was read for these changes; see
    /// [`SessionIndex::token`](crate::SessionIndex::token). `None` removes the token.
    pub fn set_token(&mut self, token: Option<Arc<[u8]>>) {
        self.token = Some(token);
    }

    /// Appends the changes of another batch. The token of `other` wins if it has one.
    pub fn append(&mut self, mut other: Self) {
        self.changes.append(&mut other.changes);
        self.token = other.token.or(self.token.take());
    }
}
