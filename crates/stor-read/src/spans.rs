//! Single entities, by key. Their ids were not listed, so each is checked before it is a name.

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, OrderKey};
use scrollback_stor_mmap::{Arena, Dir, Directory};

use crate::look::{Fetched, FileLook, Note, place_of};
use crate::messages::message_order;
use crate::place::{is_safe, place};
use scrollback_source::Entry;

/// Something asked for: an entry already, or bytes in the arena.
enum Got {
    Entry(Entry),
    Fetched(EntityKey, Fetched),
}

impl FileLook<'_> {
    pub(crate) fn entities(&mut self, keys: &[EntityKey], note: &mut Note<'_>) -> Vec<Entry> {
        let mut arena = Arena::new();
        let mut got = Vec::with_capacity(keys.len());
        let mut open: Option<(Vec<&str>, Dir)> = None; // neighbours mostly share a directory
        for key in keys {
            if !is_safe(key, note) {
                continue;
            }
            let (directory, id) = place(key);
            if let EntityKey::Session(session) = key {
                match self.session(session, note) {
                    Some(entry) => got.push(Got::Entry(entry)),
                    None => {
                        let place = place_of(&directory, id);
                        note(Some(key.clone()), Issue::new(place, IssueKind::Vanished));
                    }
                }
                continue;
            }
            let known = open.take().filter(|(last, _)| *last == directory);
            let dir = known.map_or_else(|| self.descend(&directory), |(_, dir)| Ok(dir));
            match dir.and_then(|dir| Ok((self.fetch(&mut arena, &dir, id.as_bytes())?, dir))) {
                Ok((fetched, dir)) => {
                    got.push(Got::Fetched(key.clone(), fetched));
                    open = Some((directory, dir));
                }
                Err(kind) => {
                    let place = place_of(&directory, id);
                    note(Some(key.clone()), Issue::new(place, kind));
                }
            }
        }
        let arena = arena.freeze();
        let finish = |got| match got {
            Got::Entry(entry) => entry,
            Got::Fetched(key, it) => {
                let (mtime, span) = (it.mtime_ms(), it.into_span(&arena));
                let order = match &key {
                    EntityKey::Message(key) => message_order(&key.message, &span, mtime),
                    _ => OrderKey::default(),
                };
                Entry::new(key, order, span)
            }
        };
        got.into_iter().map(finish).collect()
    }

    fn descend(&self, directory: &[&str]) -> Result<Dir, IssueKind> {
        let (first, rest) = directory.split_first().ok_or(IssueKind::Vanished)?;
        let top = self.root.open_dir(first.as_bytes())?;
        rest.iter().try_fold(top, |dir, name| dir.open_dir(name.as_bytes()))
    }
}
