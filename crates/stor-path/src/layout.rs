//! The names of opencode's JSON tree: from a key to a path, from a listed name to an id.
//!
//! Source: docs/format/opencode.md, section 3. All paths are relative to `storage/`.

use std::path::PathBuf;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageId, ProjectId, SessionId, is_printable_ascii};

use crate::component::{Unsafe, UnsafeId, component};
use crate::secret::is_secret_file;

/// The JSON tree, in the data directory.
pub const STORAGE: &str = "storage";
/// The database of the release channels, in the data directory.
pub const DATABASE: &str = "opencode.db";
/// Whole texts of tool outputs that were cut, in the data directory.
pub const TOOL_OUTPUT: &str = "tool-output";

/// `project/<project>.json`. In the data directory, the stores of 0.5 and older:
/// `project/<slug>/storage/`.
pub const PROJECT: &str = "project";
/// `session/<project>/<session>.json`.
pub const SESSION: &str = "session";
/// `message/<session>/<message>.json`.
pub const MESSAGE: &str = "message";
/// `part/<message>/<part>.json`.
pub const PART: &str = "part";
/// `session_diff/<session>.json`.
pub const SESSION_DIFF: &str = "session_diff";
/// `todo/<session>.json`.
pub const TODO: &str = "todo";
/// `session_share/<session>.json`.
pub const SESSION_SHARE: &str = "session_share";
/// `share/<session>.json`, the older form.
pub const SHARE: &str = "share";
/// `permission/<project>.json`.
pub const PERMISSION: &str = "permission";
/// A file: the number of storage migrations applied.
pub const MIGRATION: &str = "migration";

/// Why a key has no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoPath {
    /// An id of the key cannot become a path component.
    #[error(transparent)]
    UnsafeId(#[from] UnsafeId),
    /// A session's record lies in the directory of its project, and no project was given.
    #[error("the record of a session has no path without its project")]
    ProjectNeeded,
    /// The JSON tree does not hold entities of this kind.
    #[error("the JSON tree has no place for {0}")]
    NoPlace(EntityKey),
}

/// Gives the path of an entity, relative to `storage/`. Only sessions need `project`.
///
/// # Errors
/// [`NoPath`] if an id is not safe as a path component, or a session comes without its project.
pub fn path_of(key: &EntityKey, project: Option<&ProjectId>) -> Result<PathBuf, NoPath> {
    let (directory, id) = match key {
        EntityKey::Project(key) => (PROJECT.into(), key.as_str()),
        EntityKey::Session(key) => {
            (session_dir(project.ok_or(NoPath::ProjectNeeded)?)?, key.session.as_str())
        }
        EntityKey::Message(key) => (message_dir(&key.session)?, key.message.as_str()),
        EntityKey::Part(key) => (part_dir(&key.message)?, key.part.as_str()),
        EntityKey::Diff(key) => (SESSION_DIFF.into(), key.session.as_str()),
        EntityKey::Todo(key) => (TODO.into(), key.session.as_str()),
        EntityKey::Share(key) => (SESSION_SHARE.into(), key.session.as_str()),
        other => return Err(NoPath::NoPlace(other.clone())),
    };
    Ok(directory.join(file_name(id)?))
}

/// Gives the directory of a project's sessions, relative to `storage/`.
///
/// # Errors
/// [`UnsafeId`] if the id is not safe as a path component.
pub fn session_dir(project: &ProjectId) -> Result<PathBuf, UnsafeId> {
    Ok([SESSION, component(project.as_str())?].iter().collect())
}

/// Gives the directory of a session's messages, relative to `storage/`.
///
/// # Errors
/// [`UnsafeId`] if the id is not safe as a path component.
pub fn message_dir(session: &SessionId) -> Result<PathBuf, UnsafeId> {
    Ok([MESSAGE, component(session.as_str())?].iter().collect())
}

/// Gives the directory of a message's parts, relative to `storage/`.
///
/// # Errors
/// [`UnsafeId`] if the id is not safe as a path component.
pub fn part_dir(message: &MessageId) -> Result<PathBuf, UnsafeId> {
    Ok([PART, component(message.as_str())?].iter().collect())
}

/// Gives the name of the file that holds the entity of this id, within its directory.
///
/// # Errors
/// [`UnsafeId`] if the id is not safe as a path component.
pub fn file_name(id: &str) -> Result<String, UnsafeId> {
    let name = [component(id)?, ".json"].concat();
    if is_secret_file(name.as_bytes()) {
        return Err(UnsafeId::new(id, Unsafe::Secret));
    }
    Ok(name)
}

/// Why a name in a directory of the tree is not that of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAnEntity {
    /// `*.tmp`: a file that was being written when its writer died (0.5 and older).
    #[error("a temporary file")]
    Temp,
    /// A hidden file, or no name at all before `.json`.
    #[error("a hidden file")]
    Hidden,
    /// A name without `.json` where entities are files.
    #[error("no .json file")]
    NoJson,
    /// A file that holds credentials.
    #[error("a file with credentials")]
    Secret,
    /// A name that is not UTF-8.
    #[error("the name is not UTF-8")]
    NotUtf8,
    /// A name with a control character.
    #[error("the name holds a control character")]
    Control,
}

impl NotAnEntity {
    /// The issue to report: names that no id can have are one, foreign files are none.
    pub fn issue(self) -> Option<IssueKind> {
        match self {
            Self::NotUtf8 | Self::Control => Some(IssueKind::BadId { why: self.to_string() }),
            Self::Temp | Self::Hidden | Self::NoJson | Self::Secret => None,
        }
    }
}

/// Gives the id that a listed file name holds: the text before `.json`.
///
/// The name was listed, so it needs no strict check to be opened in its directory; the id is
/// valid for [`scrollback_core_id`], and a path only after [`component`]. Callers with an `OsStr`
/// pass `as_encoded_bytes()`.
///
/// # Errors
/// [`NotAnEntity`] says what else the file is.
pub fn entity_name(file_name: &[u8]) -> Result<&str, NotAnEntity> {
    if file_name.ends_with(b".tmp") {
        return Err(NotAnEntity::Temp);
    }
    match directory_name(file_name)?.strip_suffix(".json") {
        None => Err(NotAnEntity::NoJson),
        Some(_) if is_secret_file(file_name) => Err(NotAnEntity::Secret),
        Some(id) => Ok(id),
    }
}

/// Gives the id that a listed directory name is: the whole name. Also for files that are named by
/// an id without an extension, as in `tool-output/`.
///
/// # Errors
/// [`NotAnEntity`] if no id can have that name.
pub fn directory_name(name: &[u8]) -> Result<&str, NotAnEntity> {
    if name.first().is_none_or(|&first| first == b'.') {
        return Err(NotAnEntity::Hidden);
    }
    let text = std::str::from_utf8(name).map_err(|_| NotAnEntity::NotUtf8)?;
    // The usual case is told without decoding.
    let has_control = !is_printable_ascii(name) && text.chars().any(char::is_control);
    if has_control { Err(NotAnEntity::Control) } else { Ok(text) }
}
