//! Damaged snapshots are refused, and no bytes cause a panic.

use std::sync::Arc;

use scrollback_index::{Batch, SessionIndex, Snapshot, SnapshotError};

use crate::exercise::{exercise, fix_header};
use crate::support::{message, message_key, project, session, session_key, store, view_state};

/// Returns a snapshot with every kind of row.
pub(crate) fn small_snapshot() -> Snapshot {
    let index = SessionIndex::new(store());
    let mut batch = Batch::new();
    batch.put_project(project(1, 2));
    for n in [0, 1, 4] {
        batch.put_session(session_key(n), session(n, i64::from(n) + 4));
        for m in 0..2 {
            let key = message_key(n, m);
            batch.put_message(message(&key, i64::from(n * 3 + m)));
        }
    }
    index.commit(batch);
    let mut batch = Batch::new();
    batch.remove_session(session_key(0));
    batch.remove_message(message_key(1, 0));
    index.commit(batch);
    index.snapshot()
}

fn open(bytes: Vec<u8>) -> Result<Snapshot, SnapshotError> {
    Snapshot::open(Arc::new(bytes))
}

#[test]
fn every_flipped_byte_is_refused() {
    let sound = small_snapshot().to_header_and_body().concat();
    for at in 0..sound.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[at] ^= flip;
            let refused = open(bytes).err();
            let expected = match at {
                0..8 => SnapshotError::Foreign,
                8..12 => {
                    let mut version = 9_u32.to_le_bytes();
                    version[at - 8] ^= flip;
                    SnapshotError::Version { version: u32::from_le_bytes(version) }
                }
                _ => SnapshotError::Damaged,
            };
            assert_eq!(refused, Some(expected), "byte {at}");
        }
    }
}

#[test]
fn every_cut_is_refused() {
    let sound = small_snapshot().to_header_and_body().concat();
    for len in 0..sound.len() {
        assert!(open(sound[..len].to_vec()).is_err(), "the first {len} bytes");
    }
    assert!(open([&sound[..], b"\0"].concat()).is_err(), "one extra byte");
}

#[test]
fn no_flipped_byte_behind_the_header_checks_panics() {
    let sound = small_snapshot().to_header_and_body().concat();
    exercise(&sound);
    assert!(open(fix_header(&sound)).is_ok(), "a fixed header passes");
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= [0x01, 0x40, 0xff][at % 3];
        exercise(&fix_header(&bytes));
    }
}

#[test]
fn an_undamaged_snapshot_has_the_committed_state() {
    let snapshot = small_snapshot();
    let index = SessionIndex::from_snapshot(open(snapshot.to_header_and_body().concat()).unwrap());
    assert_eq!(
        view_state(&index.view()).len(),
        1 + 2 + 5,
        "{:?}",
        view_state(&index.view()).keys()
    );
}

/// Replays the crash inputs of the fuzzer. `cargo xtask fuzz snapshot` prints where to put a new input.
#[test]
#[expect(clippy::disallowed_methods, reason = "the inputs are files of this test")]
fn past_crash_inputs_do_not_panic() {
    let crashes = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crashes");
    for entry in std::fs::read_dir(crashes).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        exercise(&bytes);
        exercise(&fix_header(&bytes));
    }
}
