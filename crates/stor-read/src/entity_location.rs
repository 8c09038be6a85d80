//! Where the file of an entity is. A caller's id is checked before it becomes a file name.

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::EntityKey;
use scrollback_stor_path::layout::{
    MESSAGE, PART, PROJECT, SESSION, SESSION_DIFF, SESSION_SHARE, TODO,
};
use scrollback_stor_path::{file_name, safe_component};

use crate::transaction::IssueSink;

/// Returns the directory of an entity, and the id that names its file. The directory of a session
/// is `*`, because the key does not contain the session's project.
pub(crate) fn directory_and_id(key: &EntityKey) -> (Vec<&str>, &str) {
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

/// Checks whether every id of a key may become a name in a path, and notes an issue if not.
pub(crate) fn check_ids(key: &EntityKey, note: &mut IssueSink<'_>) -> bool {
    let (directory, id) = directory_and_id(key);
    let owner = directory.get(1).filter(|owner| **owner != "*");
    let unsafe_id =
        owner.and_then(|owner| safe_component(owner).err()).or_else(|| file_name(id).err());
    if let Some(unsafe_id) = unsafe_id {
        let kind = IssueKind::BadId { reason: unsafe_id.to_string() };
        note(Some(key.clone()), Issue::new(Place::default(), kind));
        return false;
    }
    true
}
