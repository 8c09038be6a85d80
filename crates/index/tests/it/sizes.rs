//! The sizes of the values and rows that stores have in large numbers. A size that grows here costs memory
//! for every message of every store.

use std::mem::size_of;

use scrollback_core_type::Role;
use scrollback_index::{
    IndexBuilder, MessageMeta, PartList, PartRef, SessionContents, SessionMeta, SessionState,
};

use crate::support::{message, message_key, session_key, store};

#[test]
#[cfg(target_pointer_width = "64")]
fn values_have_their_sizes() {
    assert_eq!(size_of::<PartRef>(), 80);
    assert_eq!(size_of::<MessageMeta>(), 400);
    assert_eq!(size_of::<SessionMeta>(), 376);
    assert_eq!(size_of::<Role>(), 1);
}

/// Returns the size of a base with this many messages, and this many parts in each.
fn base_bytes(messages: u8, parts: usize) -> usize {
    let message_with_parts = |n: u8| {
        let key = message_key(1, n);
        let part = |n| PartRef::from_id(format!("prt_{n:026}").parse().unwrap());
        let list = PartList { part_set: None, refs: (0..parts).map(part).collect() };
        MessageMeta { parts: Some(list), ..message(&key, 1) }
    };
    let mut session = SessionContents {
        key: session_key(1),
        state: SessionState::with_record(SessionMeta::new(session_key(1))),
        messages: (0..messages).map(message_with_parts).collect(),
    };
    let mut builder = IndexBuilder::new(store());
    builder.add_session(&mut session);
    builder.finish().stats().base_bytes
}

/// A row includes its share of the hash tables, which are one third to two thirds full.
#[test]
fn rows_have_their_sizes() {
    let message = (base_bytes(200, 0) - base_bytes(100, 0)) / 100;
    assert!((230..=250).contains(&message), "{message} bytes a message");
    let part = (base_bytes(10, 200) - base_bytes(10, 100)) / 1000;
    assert!((76..=90).contains(&part), "{part} bytes a part");
}
