//! Reads single entities by key. The ids come from the caller, so each id is checked before it becomes
//! a file name.

use std::path::PathBuf;

use scrollback_core_err::{Issue, IssueKind, Place};
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
                let mut has_issue = false;
                let entry = self.session(session, &mut |about, issue| {
                    has_issue |= about.as_ref() == Some(key);
                    note(about, issue);
                });
                match entry {
                    Some(entry) => requested.push(RequestedEntity::Entry(entry)),
                    // The issue says what is in the place of the record.
                    None if has_issue => {}
                    None => {
                        let place = record_place(&directory, id);
                        note(Some(key.clone()), Issue::new(place, IssueKind::Vanished));
                    }
                }
                continue;
            }
            let open_dir = open.take().filter(|(last, _)| *last == directory);
            let dir = match open_dir {
                Some((_, dir)) => dir,
                None => match self.open_nested_dir(&directory) {
                    Ok(dir) => dir,
                    Err(issue) => {
                        // A missing directory means that the entity is gone.
                        let place = match issue.is_vanished() {
                            true => record_place(&directory, id),
                            false => issue.place,
                        };
                        note(Some(key.clone()), Issue::new(place, issue.kind));
                        continue;
                    }
                },
            };
            match self.fetch(&mut arena, &dir, id.as_bytes()) {
                Ok(fetched) => requested.push(RequestedEntity::Fetched(key.clone(), fetched)),
                Err(kind) => {
                    let place = record_place(&directory, id);
                    note(Some(key.clone()), Issue::new(place, kind));
                }
            }
            open = Some((directory, dir));
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

    /// Opens a directory below the root. The place of an issue is the directory that failed.
    fn open_nested_dir(&self, directory: &[&str]) -> Result<Dir, Issue> {
        let mut open: Option<Dir> = None;
        for (at, name) in directory.iter().enumerate() {
            let parent = open.as_ref().unwrap_or(&self.root);
            let dir = parent.open_dir(name.as_bytes()).map_err(|kind| {
                Issue::new(Place::path(directory[..=at].iter().collect::<PathBuf>()), kind)
            })?;
            open = Some(dir);
        }
        open.ok_or_else(|| Issue::new(Place::default(), IssueKind::Vanished))
    }
}
