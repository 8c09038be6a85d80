//! Classifies a path of a data directory by its place and name alone.
//!
//! Source: docs/format/opencode.md, sections 1, 3 and 8. This module reads nothing from disk, so the
//! reader must check whether the path exists, and whether it is a file or a link.

use std::path::{Component, Path};

use scrollback_core_id::{
    Discipline, EntityKey, MessageId, MessageKey, PartId, PartKey, ProjectId, SessionId,
    SessionKey, ToolOutputId,
};

use crate::listed_name::{NotAnEntity, directory_name, entity_name};
use crate::secret::is_secret_file;

/// The meaning of a path, with the ids that the path contains.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClassifiedPath {
    /// A project's record.
    Project(ProjectId),
    /// A session's record, in the directory of its project.
    Session {
        /// The project that the session belongs to now.
        project: ProjectId,
        /// The session.
        session: SessionKey,
    },
    /// A message's record, without its parts.
    Message(MessageKey),
    /// A part.
    Part(PartKey),
    /// The diffs of a session.
    Diff(SessionKey),
    /// The todo list of a session.
    Todo(SessionKey),
    /// The share link of a session.
    Share(SessionKey),
    /// The share link of a session in its older form.
    LegacyShare(SessionKey),
    /// The permission rules of a project.
    Permission(ProjectId),
    /// The number of storage migrations applied.
    Migration,
    /// The whole text of a tool output that was cut.
    ToolOutput(ToolOutputId),
    /// A database or one of its side files.
    Database,
    /// A file of a store of 0.5 or older.
    Legacy,
    /// A temporary file that remained when its writer died.
    Temp,
    /// A file with credentials. Never open it.
    Secret,
    /// Any other path. Ignore it.
    Foreign(ForeignReason),
}

/// Why a path does not belong to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignReason {
    /// An absolute path, or a path with `..`.
    #[error("the path leads out of the store")]
    Outside,
    /// The store keeps no entity at this place, or the path is a directory of entities.
    #[error("the store keeps no entity there")]
    Elsewhere,
    /// The store keeps entities at this place, but the name is not the name of an entity.
    #[error(transparent)]
    Name(#[from] NotAnEntity),
}

/// The meaning of a path, without ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is described at the same variant of `ClassifiedPath`")]
pub enum PathClass {
    Project,
    Session,
    Message,
    Part,
    Diff,
    Todo,
    Share,
    LegacyShare,
    Permission,
    Migration,
    ToolOutput,
    Database,
    Legacy,
    Temp,
    Secret,
    Foreign,
}

impl ClassifiedPath {
    /// Returns the class without the ids.
    pub fn class(&self) -> PathClass {
        match self {
            Self::Project(_) => PathClass::Project,
            Self::Session { .. } => PathClass::Session,
            Self::Message(_) => PathClass::Message,
            Self::Part(_) => PathClass::Part,
            Self::Diff(_) => PathClass::Diff,
            Self::Todo(_) => PathClass::Todo,
            Self::Share(_) => PathClass::Share,
            Self::LegacyShare(_) => PathClass::LegacyShare,
            Self::Permission(_) => PathClass::Permission,
            Self::Migration => PathClass::Migration,
            Self::ToolOutput(_) => PathClass::ToolOutput,
            Self::Database => PathClass::Database,
            Self::Legacy => PathClass::Legacy,
            Self::Temp => PathClass::Temp,
            Self::Secret => PathClass::Secret,
            Self::Foreign(_) => PathClass::Foreign,
        }
    }

    /// Returns the key of the path's entity, if the entity has a key.
    pub fn key(&self) -> Option<EntityKey> {
        Some(match self {
            Self::Project(id) => EntityKey::Project(id.clone()),
            Self::Session { session, .. } => EntityKey::Session(session.clone()),
            Self::Message(key) => EntityKey::Message(key.clone()),
            Self::Part(key) => EntityKey::Part(key.clone()),
            Self::Diff(key) => EntityKey::Diff(key.clone()),
            Self::Todo(key) => EntityKey::Todo(key.clone()),
            Self::Share(key) => EntityKey::Share(key.clone()),
            _ => return None,
        })
    }

    /// Returns the project that the path names.
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Project(id) | Self::Permission(id) | Self::Session { project: id, .. } => {
                Some(id)
            }
            _ => None,
        }
    }
}

/// Returns how opencode writes files of a class, which decides how they may be read.
///
/// Source: docs/format/opencode.md, section 4 (every JSON file is rewritten in place, without a
/// rename), section 8 (0.5 and older wrote a temporary file and renamed it) and section 5 (the
/// database, its `-wal` and its `-shm`). A path that does not belong to the store has the strictest
/// discipline that a file can have.
pub fn discipline(class: PathClass) -> Discipline {
    match class {
        PathClass::Database => Discipline::Database,
        PathClass::Legacy => Discipline::Replace,
        PathClass::Project
        | PathClass::Session
        | PathClass::Message
        | PathClass::Part
        | PathClass::Diff
        | PathClass::Todo
        | PathClass::Share
        | PathClass::LegacyShare
        | PathClass::Permission
        | PathClass::Migration
        | PathClass::ToolOutput
        | PathClass::Temp
        | PathClass::Secret
        | PathClass::Foreign => Discipline::InPlace,
    }
}

/// Classifies a path relative to `storage/`.
pub fn classify(path: &Path) -> ClassifiedPath {
    classify_names(path, in_storage)
}

/// Classifies a path relative to the data directory, including paths below `storage/`.
pub fn classify_in_data_dir(path: &Path) -> ClassifiedPath {
    classify_names(path, |names| match names {
        [b"storage", rest @ ..] => in_storage(rest),
        [b"project", _slug, b"storage", .., file] => {
            entity_name(file)?;
            Ok(ClassifiedPath::Legacy)
        }
        [b"tool-output", name] => Ok(ClassifiedPath::ToolOutput(parse_id(directory_name(name)?)?)),
        [name] if is_database_file(name) => Ok(ClassifiedPath::Database),
        _ => Err(ForeignReason::Elsewhere),
    })
}

/// The depth of the deepest path, `project/<slug>/storage/session/part/<ses>/<msg>/<prt>`.
const MAX_DEPTH: usize = 8;

/// Splits a path into names and passes them to `grammar`. The rules for all paths are applied here.
fn classify_names(
    path: &Path,
    grammar: impl FnOnce(&[&[u8]]) -> Result<ClassifiedPath, ForeignReason>,
) -> ClassifiedPath {
    let mut names: [&[u8]; MAX_DEPTH] = [b""; MAX_DEPTH];
    let mut depth = 0;
    for part in path.components() {
        match part {
            Component::Normal(name) => {
                if let Some(slot) = names.get_mut(depth) {
                    *slot = name.as_encoded_bytes();
                }
                depth += 1;
            }
            Component::CurDir => {}
            _ => return ClassifiedPath::Foreign(ForeignReason::Outside),
        }
    }
    match path.file_name().map(|name| name.as_encoded_bytes()) {
        Some(name) if is_secret_file(name) => return ClassifiedPath::Secret,
        Some(name) if name.ends_with(b".tmp") => return ClassifiedPath::Temp,
        _ => {}
    }
    let names = names.get(..depth).ok_or(ForeignReason::Elsewhere);
    names.and_then(grammar).unwrap_or_else(ClassifiedPath::Foreign)
}

fn in_storage(names: &[&[u8]]) -> Result<ClassifiedPath, ForeignReason> {
    Ok(match names {
        [b"project", file] => ClassifiedPath::Project(file_id(file)?),
        [b"session", project, file] => {
            ClassifiedPath::Session { project: directory_id(project)?, session: session(file)? }
        }
        [b"message", session, file] => ClassifiedPath::Message(MessageKey {
            session: directory_id(session)?,
            message: file_id::<MessageId>(file)?,
        }),
        [b"part", message, file] => ClassifiedPath::Part(PartKey {
            message: directory_id(message)?,
            part: file_id::<PartId>(file)?,
        }),
        [b"session_diff", file] => ClassifiedPath::Diff(session(file)?),
        [b"todo", file] => ClassifiedPath::Todo(session(file)?),
        [b"session_share", file] => ClassifiedPath::Share(session(file)?),
        [b"share", file] => ClassifiedPath::LegacyShare(session(file)?),
        [b"permission", file] => ClassifiedPath::Permission(file_id(file)?),
        [b"migration"] => ClassifiedPath::Migration,
        _ => return Err(ForeignReason::Elsewhere),
    })
}

fn session(file: &[u8]) -> Result<SessionKey, ForeignReason> {
    Ok(SessionKey { session: file_id::<SessionId>(file)? })
}

fn file_id<I: std::str::FromStr>(file: &[u8]) -> Result<I, ForeignReason> {
    parse_id(entity_name(file)?)
}

fn directory_id<I: std::str::FromStr>(name: &[u8]) -> Result<I, ForeignReason> {
    parse_id(directory_name(name)?)
}

/// Parses an id. The name has passed the checks of an id already, so this never fails.
fn parse_id<I: std::str::FromStr>(text: &str) -> Result<I, ForeignReason> {
    text.parse().map_err(|_| ForeignReason::Name(NotAnEntity::Control))
}

/// Returns the channel of a database's name: `Some("")` for the release channels' `opencode.db`.
pub(crate) fn channel_of(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let channel = name.strip_prefix("opencode")?.strip_suffix(".db")?;
    match channel.strip_prefix('-') {
        None => channel.is_empty().then_some(""),
        // opencode replaces every other character by `-`.
        Some(channel) => (!channel.is_empty()
            && channel.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)))
        .then_some(channel),
    }
}

fn is_database_file(name: &[u8]) -> bool {
    let database = [&b"-wal"[..], b"-shm", b"-journal"]
        .iter()
        .find_map(|side| name.strip_suffix(*side))
        .unwrap_or(name);
    channel_of(database).is_some()
}
