//! Properties of watching: the watch plan, the scope of a path, and probes.

use std::path::Path;

use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_source::{DirtyScope, Probe, Source, WatchDepth, WatchRoot};

use super::sessions;
use crate::calls::tree;
use crate::{Content, Expectations};

/// Checks whether a scope contains an entity of a session.
fn covers(scope: &DirtyScope, session: &SessionKey, key: &EntityKey) -> bool {
    match (scope, key) {
        (DirtyScope::Store | DirtyScope::Records, _) => true, // a probe of the store narrows it
        (DirtyScope::Session(changed), _) => changed == session,
        (DirtyScope::Entity(changed), key) => changed == key,
        _ => false,
    }
}

/// The plan names at least one directory that exists, and only absolute paths.
pub fn a_watch_plan_names_directories(store: &dyn Source, _: &Expectations) {
    let plan = store.watch_plan();
    assert!(plan.iter().any(|root| root.path.is_dir()));
    assert!(plan.iter().all(|root| root.path.is_absolute()));
}

/// A probe without a token returns a rescan.
pub fn a_probe_without_a_token_is_a_rescan(store: &dyn Source, _: &Expectations) {
    assert_eq!(store.probe(None).unwrap().probe, Probe::Rescan);
}

/// The path of a record has a scope that contains the record, and its directory is watched.
pub fn record_paths_have_a_scope_and_are_watched(store: &dyn Source, expected: &Expectations) {
    let plan = store.watch_plan();
    let mut keys: Vec<(SessionKey, EntityKey)> = Vec::new();
    for session in sessions(store) {
        let entries = tree(store, &session).entries.into_iter();
        keys.extend(entries.map(|entry| (session.clone(), entry.key)));
    }
    let mut located = 0;
    for (session, key) in keys {
        // `locate` returns a path relative to the root of the store, which the plan does not name.
        let Some(relative) = store.locate(&key) else { continue };
        let bases = plan.iter().flat_map(|root| [Some(&*root.path), root.path.parent()]);
        let mut paths = bases.flatten().map(|base| base.join(&relative));
        let path = paths.find(|path| path.exists()).unwrap();
        located += 1;
        let scope = store.scope_of_path(&path);
        assert!(
            scope.as_ref().is_some_and(|scope| covers(scope, &session, &key)),
            "{key}: {scope:?}"
        );
        // The record's directory is watched itself, or its parent directory is.
        let dir = path.parent().unwrap();
        let watches = |root: &&WatchRoot| match root.depth {
            WatchDepth::Nothing => dir == root.path,
            WatchDepth::All | WatchDepth::Hot => {
                dir == root.path || dir.parent() == Some(&root.path)
            }
            WatchDepth::Tree => dir.starts_with(&root.path),
        };
        let root = plan.iter().find(watches);
        let root = root.unwrap_or_else(|| panic!("{} is not watched", path.display()));
        if root.depth == WatchDepth::Hot {
            // If only some directories are followed, the directory itself names its message.
            let EntityKey::Part(part) = &key else { panic!("{key} is hot") };
            let owner = store.scope_of_path(dir);
            assert_eq!(owner, Some(DirtyScope::Message(part.message.clone())), "{key}");
        }
    }
    expected.check(Content::Places, located);
    // A path outside the store has no scope.
    assert_eq!(store.scope_of_path(Path::new("/somewhere/else.json")), None);
}
