//! Finds the file of a session that another directory of sessions may hold.

use std::io;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::files::SessionsDir;
use super::load::check_id;
use crate::version::Version;

/// Where the newer program looks for a session besides the directory of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionLocations {
    /// The directory `session-locations` with one file `ID.path` per session.
    pub registry: Option<PathBuf>,
    /// The current directory. Stores in it and above it are examined, and those in
    /// `.codetether-worktrees` beside them.
    pub current_dir: Option<PathBuf>,
}

/// The file of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPath {
    /// The path. The file need not exist.
    pub path: PathBuf,
    /// Whether the program would write the path into the registry.
    pub is_recorded: bool,
}

/// Returns the file of a session.
///
/// [`Version::Seed`] knows only the directory of sessions. [`Version::Head`] also examines the registry,
/// then the stores above the current directory.
///
/// # Errors
/// [`Error::InvalidId`] of the newer version.
pub fn session_path(
    sessions: &Path,
    id: &str,
    locations: &SessionLocations,
    version: Version,
) -> Result<SessionPath, Error> {
    check_id(id, version)?;
    let name = format!("{id}.json");
    let local = sessions.join(&name);
    if version == Version::Seed {
        return Ok(SessionPath { path: local, is_recorded: false });
    }
    if is_session(&local) {
        return Ok(SessionPath { path: local, is_recorded: true });
    }
    if let Some(path) = locations.registry.as_deref().and_then(|registry| recorded(registry, id)) {
        return Ok(SessionPath { path, is_recorded: false });
    }
    let above = locations.current_dir.iter().flat_map(|dir| dir.ancestors());
    let found = above.flat_map(|root| stores(root).unwrap_or_default());
    let path = found.map(|sessions| sessions.join(&name)).find(|path| is_session(path));
    Ok(SessionPath { is_recorded: path.is_some(), path: path.unwrap_or(local) })
}

/// Returns the path that the registry has for a session, if it is a file with the session's name.
fn recorded(registry: &Path, id: &str) -> Option<PathBuf> {
    let dir = SessionsDir::open(registry).ok()??;
    let bytes = dir.read(&format!("{id}.path")).ok()?;
    let path = PathBuf::from(std::str::from_utf8(&bytes).ok()?.trim());
    let name = path.file_name().and_then(|name| name.to_str()) == Some(&format!("{id}.json"));
    (path.is_absolute() && name && is_session(&path)).then_some(path)
}

/// Returns the directories of sessions of a workspace, and of the trees that belong to it.
fn stores(workspace: &Path) -> io::Result<Vec<PathBuf>> {
    let of = |workspace: PathBuf| workspace.join(".codetether-agent/sessions");
    let mut stores = vec![of(workspace.to_owned())];
    let trees = workspace.join(".codetether-worktrees");
    if let Some(dir) = SessionsDir::open(&trees)? {
        stores.extend(dir.names()?.into_iter().map(|name| of(trees.join(name))));
    }
    Ok(stores)
}

/// Checks whether a path is a regular file, and no link.
fn is_session(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}
