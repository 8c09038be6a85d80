//! The directories of the tree that a feed follows, and the scope of a changed path.

use std::path::{Component, Path, PathBuf};

use scrollback_core_id::{Discipline, EntityKey, SessionId};
use scrollback_stor_path::layout::{
    MESSAGE, PART, PROJECT, SESSION, SESSION_DIFF, SESSION_SHARE, TODO,
};
use scrollback_stor_path::{classify, directory_name, message_dir, part_dir};

use scrollback_source::{DirtyScope, WatchDepth, WatchRoot, WatchedFiles};

/// Returns every directory that contains records. opencode writes files directly in these directories
/// or one level below. `part/` has one directory per message, which are too many to follow all.
pub(crate) fn watch_plan(storage: &Path) -> Vec<WatchRoot> {
    let nested = [(SESSION, WatchDepth::All), (MESSAGE, WatchDepth::All), (PART, WatchDepth::Hot)];
    let flat = [PROJECT, SESSION_DIFF, TODO, SESSION_SHARE].map(|name| (name, WatchDepth::Nothing));
    let root = |(name, below)| {
        let files = WatchedFiles::Ending(".json");
        let discipline = Discipline::InPlace;
        WatchRoot { path: storage.join(name), depth: below, files, discipline }
    };
    nested.into_iter().chain(flat).map(root).collect()
}

/// Returns the scope of a change of a path, which is relative to `storage/`.
pub(crate) fn scope_of_path(path: &Path) -> Option<DirtyScope> {
    if let Some(key) = classify(path).key() {
        return Some(DirtyScope::Entity(key));
    }
    let mut names = path.components();
    let Some(Component::Normal(top)) = names.next() else { return Some(DirtyScope::Store) };
    let top = top.to_str()?;
    let Some(Component::Normal(name)) = names.next() else {
        return [SESSION, MESSAGE, PART, PROJECT].contains(&top).then_some(DirtyScope::Store);
    };
    let id = directory_name(name.as_encoded_bytes()).ok()?;
    match (top, names.next()) {
        (SESSION, None) => Some(DirtyScope::Records),
        (MESSAGE, None) => Some(DirtyScope::Session(id.parse::<SessionId>().ok()?.into())),
        (PART, None) => Some(DirtyScope::Message(id.parse().ok()?)),
        _ => None,
    }
}

/// Returns the directory of an entity's children, relative to `storage/`.
pub(crate) fn directory_of(key: &EntityKey) -> Option<PathBuf> {
    match key {
        EntityKey::Session(key) => message_dir(&key.session).ok(),
        EntityKey::Message(key) => part_dir(&key.message).ok(),
        _ => None,
    }
}
