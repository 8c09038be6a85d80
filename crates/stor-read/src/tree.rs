//! Reads all of one session into one arena: its record, its messages, their parts.

use scrollback_core_id::{EntityKey, OrderKey, SessionKey};
use scrollback_stor_mmap::Arena;
use scrollback_stor_path::layout::PART;

use crate::entity_location::check_ids;
use crate::messages::open_parts_dir;
use crate::transaction::{FileTransaction, IssueSink};
use scrollback_source::Entry;

/// The size that a session of a few dozen messages needs. The arena grows from there.
const INITIAL_ARENA_BYTES: usize = 256 << 10;

impl FileTransaction<'_> {
    pub(crate) fn read_tree(&mut self, key: &SessionKey, note: &mut IssueSink<'_>) -> Vec<Entry> {
        if !check_ids(&key.clone().into(), note) {
            return Vec::new();
        }
        let mut entries: Vec<Entry> = self.session(key, note).into_iter().collect();
        let mut arena = Arena::with_capacity(INITIAL_ARENA_BYTES);
        let messages = self.read_messages(&mut arena, key, note);
        let all_parts = if messages.is_empty() { None } else { self.top_directory(PART, note) };
        let mut records = Vec::with_capacity(messages.len() * 5);
        for message in messages {
            let id = message.key.message.clone();
            records.push((message.key.into(), message.order, message.fetched));
            if let Some(dir) = all_parts.as_ref().and_then(|all| open_parts_dir(all, &id, note)) {
                let parts = self.read_parts(&mut arena, &dir, &id, note);
                let keyed_part = |(key, order, fetched): (_, OrderKey, _)| {
                    (EntityKey::Part(key), order, fetched)
                };
                records.extend(parts.into_iter().map(keyed_part));
            }
        }
        let arena = arena.freeze();
        let records = records.into_iter();
        entries.extend(
            records.map(|(key, order, fetched)| Entry::new(key, order, fetched.into_span(&arena))),
        );
        entries
    }
}
