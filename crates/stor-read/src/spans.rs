//! Single entities, by key. Their ids were not listed, so each is checked before it is a name.

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{EntityKey, OrderKey};
use scrollback_stor_mmap::{Arena, Dir, Directory};
use scrollback_stor_path::layout::{
    MESSAGE, PART, PROJECT, SESSION, SESSION_DIFF, SESSION_SHARE, TODO,
};
use scrollback_stor_path::{component, file_name};

use crate::look::{Fetched, FileLook, Note, place_of};
use crate::messages::message_order;
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

/// Where an entity is: the directory, and the id that names the file. A session's directory is
/// that of its project, which its key does not say.
fn place(key: &EntityKey) -> (Vec<&str>, &str) {
    match key {
        EntityKey::Project(id) => (vec![PROJECT], id.as_str()),
        EntityKey::Session(key) => (vec![SESSION, "*"], key.session.as_str()),
        EntityKey::Message(key) => (vec![MESSAGE, key.session.as_str()], key.message.as_str()),
        EntityKey::Part(key) => (vec![PART, key.message.as_str()], key.part.as_str()),
        EntityKey::Diff(key) => (vec![SESSION_DIFF], key.session.as_str()),
        EntityKey::Todo(key) => (vec![TODO], key.session.as_str()),
        EntityKey::Share(key) => (vec![SESSION_SHARE], key.session.as_str()),
        _ => (Vec::new(), ""),
    }
}

/// Whether every id of a key may become a name in a path; if not, that is an issue.
pub(crate) fn is_safe(key: &EntityKey, note: &mut Note<'_>) -> bool {
    let (directory, id) = place(key);
    let owner = directory.get(1).filter(|owner| **owner != "*");
    let unsafe_id = owner.and_then(|owner| component(owner).err()).or_else(|| file_name(id).err());
    if let Some(unsafe_id) = unsafe_id {
        let kind = IssueKind::BadId { why: unsafe_id.to_string() };
        note(Some(key.clone()), Issue::new(Place::default(), kind));
        return false;
    }
    true
}
