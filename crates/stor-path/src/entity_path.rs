//! Converts keys to paths of opencode's JSON tree. All paths are relative to `storage/`.

use std::path::PathBuf;

use scrollback_core_id::{EntityKey, MessageId, ProjectId, SessionId};

use crate::component::{UnsafeId, UnsafeReason, safe_component};
use crate::layout::{MESSAGE, PART, PROJECT, SESSION, SESSION_DIFF, SESSION_SHARE, TODO};
use crate::secret::is_secret_file;

/// Why a key has no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntityPathError {
    /// An id of the key cannot become a path component.
    #[error(transparent)]
    UnsafeId(#[from] UnsafeId),
    /// The directory of a session's record depends on its project, and the caller gave no project.
    #[error("the record of a session has no path without its project")]
    ProjectNeeded,
    /// The JSON tree has no entities of this kind.
    #[error("the JSON tree has no place for {0}")]
    NoPlace(EntityKey),
}

/// Returns the path of an entity, relative to `storage/`. Only sessions need `project`.
///
/// # Errors
/// [`EntityPathError`] if an id is not safe as a path component, if the project of a session is
/// missing, or if the JSON tree has no entities of this kind.
pub fn path_of(key: &EntityKey, project: Option<&ProjectId>) -> Result<PathBuf, EntityPathError> {
    let (directory, id) = match key {
        EntityKey::Project(key) => (PROJECT.into(), key.as_str()),
        EntityKey::Session(key) => {
            (session_dir(project.ok_or(EntityPathError::ProjectNeeded)?)?, key.session.as_str())
        }
        EntityKey::Message(key) => (message_dir(&key.session)?, key.message.as_str()),
        EntityKey::Part(key) => (part_dir(&key.message)?, key.part.as_str()),
        EntityKey::Diff(key) => (SESSION_DIFF.into(), key.session.as_str()),
        EntityKey::Todo(key) => (TODO.into(), key.session.as_str()),
        EntityKey::Share(key) => (SESSION_SHARE.into(), key.session.as_str()),
        other => return Err(EntityPathError::NoPlace(other.clone())),
    };
    Ok(directory.join(file_name(id)?))
}

/// Returns the directory of a project's sessions, relative to `storage/`.
fn session_dir(project: &ProjectId) -> Result<PathBuf, UnsafeId> {
    Ok([SESSION, safe_component(project.as_str())?].iter().collect())
}

/// Returns the directory of a session's messages, relative to `storage/`.
///
/// # Errors
/// [`UnsafeId`] if the id is not safe as a path component.
pub fn message_dir(session: &SessionId) -> Result<PathBuf, UnsafeId> {
    Ok([MESSAGE, safe_component(session.as_str())?].iter().collect())
}

/// Returns the directory of a message's parts, relative to `storage/`.
///
/// # Errors
/// [`UnsafeId`] if the id is not safe as a path component.
pub fn part_dir(message: &MessageId) -> Result<PathBuf, UnsafeId> {
    Ok([PART, safe_component(message.as_str())?].iter().collect())
}

/// Returns the name of the file that contains the entity with this id, within its directory.
///
/// # Errors
/// [`UnsafeId`] if the id is not safe as a path component.
pub fn file_name(id: &str) -> Result<String, UnsafeId> {
    let name = [safe_component(id)?, ".json"].concat();
    if is_secret_file(name.as_bytes()) {
        return Err(UnsafeId::new(id, UnsafeReason::Secret));
    }
    Ok(name)
}
