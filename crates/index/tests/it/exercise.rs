//! Uses every function of a snapshot and its index, to check that no bytes make them panic. The fuzz
//! target includes this file, and a test replays crash inputs through it.

use std::sync::Arc;

use scrollback_core_id::{Cursor, Epoch, Revision};
use scrollback_index::{Batch, Delta, SessionIndex, Snapshot, View};
use xxhash_rust::xxh3::xxh3_64;

/// The version of the format, and the length of its header.
const VERSION: u32 = 9;
const HEADER_LEN: u32 = 288;

/// Fixes magic, version, lengths and checksum, so that any bytes pass the checks of `Snapshot::open`
/// (`docs/format/snapshot.md`). The code behind these checks must not panic for any bytes.
pub(crate) fn fix_header(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().max(HEADER_LEN as usize), 0);
    bytes[..8].copy_from_slice(b"SCROLLBK");
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&HEADER_LEN.to_le_bytes());
    let len = bytes.len() as u64;
    bytes[24..32].copy_from_slice(&len.to_le_bytes());
    let checksum = xxh3_64(&bytes[24..]);
    bytes[16..24].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Opens bytes. If they are accepted as a snapshot, runs all queries, commits a change, and writes and
/// opens a new snapshot.
pub(crate) fn exercise(bytes: &[u8]) {
    let Ok(snapshot) = Snapshot::open(Arc::new(bytes.to_vec())) else { return };
    let index = SessionIndex::from_snapshot(snapshot);
    let view = index.view();
    query_all(&view);
    for revision in [0, 1, u64::MAX] {
        let cursor = Cursor { epoch: Epoch(0), revision: Revision(revision) };
        for since in [None, Some(cursor), Some(Cursor { epoch: view.cursor().epoch, ..cursor })] {
            if let Delta::Changed(changes) = index.changes(since.as_ref()).delta {
                changes.iter().for_each(|change| drop(change.key.to_string()));
            }
        }
    }
    let mut batch = Batch::new();
    for id in view.session_ids() {
        batch.remove_session(id.clone().into());
        for message in view.by_session(&id).iter().step_by(2) {
            batch.remove_message(message.key.clone());
        }
    }
    index.commit(batch);
    query_all(&index.view());
    let rewritten = index.snapshot();
    assert!(
        Snapshot::open(Arc::new(rewritten.to_header_and_body().concat())).is_ok(),
        "a written snapshot can be opened"
    );
    query_all(&SessionIndex::from_snapshot(rewritten).view());
}

fn query_all(view: &View) {
    for project in view.projects() {
        view.project(&project.id);
        view.by_project(&project.id);
    }
    for session in view.sessions() {
        let id = &session.key.session;
        view.session(id);
        view.children(id);
        view.ancestors(id);
        view.refresh_state(id);
    }
    for id in view.session_ids() {
        view.usage(&id);
        for message in view.by_session(&id) {
            view.message_by_key(&message.key);
            view.message(&message.key.message);
            for part in message.parts.iter().flat_map(|list| list.refs.iter().take(4)) {
                view.part(&part.id);
            }
        }
    }
}
