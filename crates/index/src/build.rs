//! Building an index of a store that is read whole: what is added becomes rows at once.

use std::fmt;
use std::sync::Arc;

use scrollback_core_id::{Epoch, Revision, SessionKey, SourceId};

use crate::epoch::random_u64;
use crate::snapshot::{Encoder, SnapshotInfo};
use crate::{MessageMeta, ProjectMeta, SessionIndex, SessionState, rebase};

/// A session with its messages.
#[derive(Debug)]
pub struct SessionContents {
    /// Names it.
    pub key: SessionKey,
    /// What is known of the session itself.
    pub state: SessionState,
    /// Its messages, in no order.
    pub messages: Vec<MessageMeta>,
}

/// Takes all of a store, each key once and in no order, and makes an index of it. Every key is a
/// change of its own.
pub struct IndexBuilder {
    store: SourceId,
    encoder: Encoder,
    sequence: u64,
    token: Option<Arc<[u8]>>,
}

impl IndexBuilder {
    /// An index of nothing yet.
    pub fn new(store: SourceId) -> Self {
        Self { store, encoder: Encoder::new(0, 0, random_u64()), sequence: 0, token: None }
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Says what the store was like before it was read, in its own words; see
    /// [`SessionIndex::token`].
    pub fn set_token(&mut self, token: Option<Arc<[u8]>>) {
        self.token = token;
    }

    /// Adds a project.
    pub fn add_project(&mut self, project: &ProjectMeta) {
        let sequence = self.next_sequence();
        self.encoder.add_project(project, sequence);
    }

    /// Adds a session with its messages, which it puts in order.
    pub fn add_session(&mut self, session: &mut SessionContents) {
        let SessionContents { key, state, messages } = session;
        let sequence = self.next_sequence();
        self.encoder.begin_session(key.session.as_bytes(), state, sequence);
        let compare = |a: &MessageMeta, b: &MessageMeta| {
            (a.order, &a.key.message).cmp(&(b.order, &b.key.message))
        };
        if !messages.is_sorted_by(|a, b| compare(a, b).is_le()) {
            messages.sort_by(compare);
        }
        for message in messages {
            let sequence = self.next_sequence();
            self.encoder.add_message(message, sequence, |_| sequence);
        }
    }

    /// The index of what was added.
    pub fn finish(mut self) -> SessionIndex {
        self.encoder.sort_sessions();
        let (epoch, revision) = (Epoch(random_u64()), Revision(self.sequence));
        let info = SnapshotInfo {
            store: self.store.clone(),
            epoch,
            revision,
            floor: Revision(0),
            lineage: vec![(epoch, revision)],
            token: self.token.clone(),
        };
        let snapshot = rebase::finish_snapshot(self.encoder, &info);
        SessionIndex::from_base(self.store, Some(snapshot), Vec::new(), epoch, self.token)
    }
}

impl fmt::Debug for IndexBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexBuilder")
            .field("store", &self.store)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}
