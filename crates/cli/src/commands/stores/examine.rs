//! Examines the stores of a root, and attributes each issue to the store that has it.

use std::collections::HashMap;
use std::path::Path;

use scrollback::Root;
use scrollback_core_id::{EntityKey, SessionId};
use scrollback_core_type::StageIssue;
use scrollback_index::View;

use super::health::Health;
use super::listed::ListedStore;
use crate::failure::Result;

/// Sets the health of the stores of a root, and returns the issues of the root.
pub(super) fn examine(root: &Root, listed: &mut [&mut ListedStore]) -> Result<Vec<StageIssue>> {
    let view = root.view()?;
    let mut issues = root.issues();
    issues.extend(root.find_orphans()?);
    let at: HashMap<String, usize> =
        listed.iter().enumerate().map(|(at, entry)| (entry.id.clone(), at)).collect();
    let mut health: Vec<Health> = listed.iter().map(|_| Health::default()).collect();
    // A root with a single store names no store for its sessions.
    let store_at = |name: &str| at.get(name).copied().unwrap_or(0);
    for session in view.sessions() {
        if let Some(health) = health.get_mut(store_at(root.store_of(&session))) {
            health.add_messages(view.usage(&session.key.session).messages);
        }
    }
    for issue in &issues {
        let place = issue.issue.place.path.as_deref();
        let by_path =
            place.and_then(|place| listed.iter().position(|entry| has_place(entry, place)));
        let by_session = || {
            let session = view.session(&session_of(&view, issue.key.as_ref()?)?)?;
            Some(store_at(root.store_of(&session)))
        };
        let store = by_path.or_else(by_session).unwrap_or(0);
        if let (Some(health), Some(entry)) = (health.get_mut(store), listed.get(store)) {
            health.add_issue(&issue.issue.kind, entry.schema_problems());
        }
    }
    for (entry, health) in listed.iter_mut().zip(health) {
        if let Some(contents) = &mut entry.contents {
            contents.health = health;
        }
    }
    Ok(issues)
}

/// Checks whether the place of an issue is in a store: a path in its directory, or its file.
fn has_place(entry: &ListedStore, place: &Path) -> bool {
    let store = Path::new(&entry.path);
    if place.is_absolute() {
        return place.starts_with(store);
    }
    let is_database = |path: &Path| path.extension().is_some_and(|end| end == "db");
    match is_database(store) {
        true => store.file_name() == Some(place.as_os_str()),
        false => !is_database(place),
    }
}

fn session_of(view: &View, key: &EntityKey) -> Option<SessionId> {
    match key {
        EntityKey::Session(key)
        | EntityKey::Diff(key)
        | EntityKey::Todo(key)
        | EntityKey::Share(key) => Some(key.session.clone()),
        EntityKey::Message(key) => Some(key.session.clone()),
        EntityKey::Item(key) => Some(key.session.clone()),
        EntityKey::Part(key) => Some(view.message(&key.message)?.key.session.clone()),
        _ => None,
    }
}
