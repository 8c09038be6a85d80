//! Reads single entities by key. The ids come from the caller, so each id is checked before it becomes
//! a file name.

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, OrderKey};
use scrollback_stor_mmap::{Arena, Dir, Directory};

use crate::entity_location::{check_ids, directory_and_id};
use crate::messages::message_order;
use crate::transaction::{FetchedBytes, FileTransaction, IssueSink, record_place};
use scrollback_source::Entry;

/// A requested entity: a finished entry, or bytes in the arena.
enum RequestedEntity {
    Entry(Entry),
    Fetched(EntityKey, FetchedBytes),
}

impl FileTransaction<'_> {
    pub(crate) fn read_entities(
        &mut self,
        keys: &[EntityKey],
        note: &mut IssueSink<'_>,
    ) -> Vec<Entry> {
        let mut arena = Arena::new();
        let mut requested = Vec::with_capacity(keys.len());
        let mut open: Option<(Vec<&str>, Dir)> = None; // consecutive keys often share a directory
        for key in keys {
            if !check_ids(key, note) {
                continue;
            }
            let (directory, id) = directory_and_id(key);
            if let EntityKey::Session(session) = key {
                match self.session(session, note) {
                    Some(entry) => requested.push(RequestedEntity::Entry(entry)),
                    None => {
                        let place = record_place(&directory, id);
                        note(Some(key.clone()), Issue::new(place, IssueKind::Vanished));
                    }
                }
                continue;
            }
            let open_dir = open.take().filter(|(last, _)| *last == directory);
            let dir = open_dir.map_or_else(|| self.open_nested_dir(&directory), |(_, dir)| Ok(dir));
            match dir.and_then(|dir| Ok((self.fetch(&mut arena, &dir, id.as_bytes())?, dir))) {
                Ok((fetched, dir)) => {
                    requested.push(RequestedEntity::Fetched(key.clone(), fetched));
                    open = Some((directory, dir));
                }
                Err(kind) => {
                    let place = record_place(&directory, id);
                    note(Some(key.clone()), Issue::new(place, kind));
                }
            }
        }
        let arena = arena.freeze();
        let to_entry = |entity| match entity {
            RequestedEntity::Entry(entry) => entry,
            RequestedEntity::Fetched(key, fetched) => {
                let (mtime, span) = (fetched.mtime_ms(), fetched.into_span(&arena));
                let order = match &key {
                    EntityKey::Message(key) => message_order(&key.message, &span, mtime),
                    _ => OrderKey::default(),
                };
                Entry::new(key, order, span)
            }
        };
        requested.into_iter().map(to_entry).collect()
    }

    fn open_nested_dir(&self, directory: &[&str]) -> Result<Dir, IssueKind> {
        let (first, rest) = directory.split_first().ok_or(IssueKind::Vanished)?;
        let top = self.root.open_dir(first.as_bytes())?;
        rest.iter().try_fold(top, |dir, name| dir.open_dir(name.as_bytes()))
    }
}
