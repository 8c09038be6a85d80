//! The builder of an index for a store that is read whole. It writes each entity to a snapshot row at
//! once, without an overlay.

use std::fmt;
use std::sync::Arc;

use scrollback_core_id::{Epoch, Revision, SessionKey, SourceId};

use crate::epoch::random_u64;
use crate::snapshot::{Encoder, SnapshotInfo};
use crate::{MessageMeta, ProjectMeta, SessionIndex, SessionState, View, rebase};

/// A session with its messages.
#[derive(Debug)]
pub struct SessionContents {
    /// The key of the session.
    pub key: SessionKey,
    /// The state of the session itself.
    pub state: SessionState,
    /// The messages, in any order.
    pub messages: Vec<MessageMeta>,
}

/// A builder that takes every entity of a store and makes an index of them. Add each key once, in any
/// order. Each key takes one change number.
pub struct IndexBuilder {
    store: SourceId,
    encoder: Encoder,
    sequence: u64,
    token: Option<Arc<[u8]>>,
}

impl IndexBuilder {
    /// Returns a builder without entities.
    pub fn new(store: SourceId) -> Self {
        Self { store, encoder: Encoder::new(0, 0, random_u64()), sequence: 0, token: None }
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Sets the token that the Source returned before it was read; see [`SessionIndex::token`].
    pub fn set_token(&mut self, token: Option<Arc<[u8]>>) {
        self.token = token;
    }

    /// Adds a project.
    pub fn add_project(&mut self, project: &ProjectMeta) {
        let sequence = self.next_sequence();
        self.encoder.add_project(project, sequence);
    }

    /// Adds a session with its messages. Sorts `session.messages` by order and id first, and drops
    /// repeated messages.
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
        // A table without a primary key may have a row twice.
        messages.dedup_by(|a, b| a.key.message == b.key.message);
        for message in messages {
            let sequence = self.next_sequence();
            self.encoder.add_message(message, sequence, |_| sequence);
        }
    }

    /// Returns the index of all added entities.
    pub fn finish(self) -> SessionIndex {
        self.finish_with_copies(|_| Vec::new())
    }

    /// Returns the index of all added entities, with marks of copies that only all messages together
    /// show: `find_copies` returns the messages whose marks change, with the new marks.
    pub fn finish_with_copies(
        mut self,
        find_copies: impl FnOnce(&View) -> Vec<MessageMeta>,
    ) -> SessionIndex {
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
        let Self { encoder, store, token, .. } = self;
        let bytes = Arc::new(encoder.finish(&info));
        let snapshot = rebase::open_encoded(Arc::<Vec<u8>>::clone(&bytes));
        let open = |snapshot| {
            let (store, token) = (store.clone(), token.clone());
            SessionIndex::from_base(store, Some(snapshot), Vec::new(), epoch, token)
        };
        let index = open(snapshot.clone());
        let copies = find_copies(&index.view());
        if copies.is_empty() {
            return index;
        }
        let marks: Vec<_> = copies.iter().filter_map(|meta| snapshot.copy_mark(meta)).collect();
        drop((index, snapshot)); // no other owner is left, so the bytes are not copied
        let mut bytes = Arc::unwrap_or_clone(bytes);
        marks.into_iter().for_each(|mark| mark.write(&mut bytes));
        open(rebase::open_encoded(Arc::new(bytes)))
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
