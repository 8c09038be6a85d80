//! Loads one session.

use std::path::Path;

use super::error::Error;
use super::files::SessionsDir;
use super::model::Session;
use super::pages::normalize_sidecars;
use super::parse;
use crate::files::not_found;
use crate::version::Version;

/// A session of which only the last elements are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct TailLoad {
    /// The session.
    pub session: Session,
    /// How many messages and tool uses were left out, together.
    pub dropped: usize,
    /// The size of the file in bytes.
    pub file_bytes: u64,
}

/// The largest file that the newer program loads.
const MAX_BYTES: u64 = 512 << 20;

/// Loads a session.
///
/// [`Version::Head`] also requires that the id is valid and that the file has this id, and refuses
/// files of more than 512 MiB.
///
/// # Errors
/// [`Error::Io`] if the file does not exist or cannot be read; [`Error::Parse`] for any damage; and
/// [`Error::InvalidId`], [`Error::WrongId`] and [`Error::TooLarge`] of the newer version.
pub fn load(sessions: &Path, id: &str, version: Version) -> Result<Session, Error> {
    check_id(id, version)?;
    let name = format!("{id}.json");
    let dir = open(sessions)?;
    let size = dir.stamp(&name).size;
    if version == Version::Head && size > MAX_BYTES {
        return Err(Error::TooLarge { path: dir.path_of(&name), size });
    }
    let bytes = dir.read(&name)?;
    if std::str::from_utf8(&bytes).is_err() {
        let problem = "stream did not contain valid UTF-8";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, problem).into());
    }
    let mut session = parse::session(&bytes, usize::MAX, version)?.session;
    if version == Version::Head && session.id != id {
        return Err(Error::WrongId);
    }
    normalize_sidecars(&mut session);
    Ok(session)
}

/// Loads a session, and keeps the last `window` messages and the last `window` tool uses.
///
/// # Errors
/// As of [`load`], with the path of the file. The id in the file is not compared.
pub fn load_tail(
    sessions: &Path,
    id: &str,
    window: usize,
    version: Version,
) -> Result<TailLoad, Error> {
    check_id(id, version)?;
    let name = format!("{id}.json");
    let dir = open(sessions).map_err(|error| error.at(sessions.join(&name)))?;
    tail(&dir, &name, window, version).map_err(|error| error.at(dir.path_of(&name)))
}

/// Loads the session at a path, as [`load_tail`] does.
///
/// # Errors
/// As of [`load_tail`].
pub fn load_tail_from_path(
    path: &Path,
    window: usize,
    version: Version,
) -> Result<TailLoad, Error> {
    let place = path.parent().zip(path.file_name().and_then(|name| name.to_str()));
    let Some((parent, name)) = place else {
        return Err(Error::from(std::io::Error::from(std::io::ErrorKind::NotFound)).at(path.into()));
    };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let loaded = open(parent).and_then(|dir| tail(&dir, name, window, version));
    loaded.map_err(|error| error.at(path.to_owned()))
}

/// Loads the end of a session, and classifies its messages.
pub(super) fn tail(
    dir: &SessionsDir,
    name: &str,
    window: usize,
    version: Version,
) -> Result<TailLoad, Error> {
    let mut loaded = tail_as_stored(dir, name, window, version)?;
    normalize_sidecars(&mut loaded.session);
    Ok(loaded)
}

/// Loads the end of a session, with the pages that the file has.
pub(super) fn tail_as_stored(
    dir: &SessionsDir,
    name: &str,
    window: usize,
    version: Version,
) -> Result<TailLoad, Error> {
    let bytes = dir.read(name)?;
    let parsed = parse::session(&bytes, window, version)?;
    let dropped = parsed.dropped_messages + parsed.dropped_tool_uses;
    Ok(TailLoad { session: parsed.session, dropped, file_bytes: bytes.len() as u64 })
}

pub(super) fn open(sessions: &Path) -> Result<SessionsDir, Error> {
    Ok(SessionsDir::open(sessions)?.ok_or_else(not_found)?)
}

pub(super) fn check_id(id: &str, version: Version) -> Result<(), Error> {
    let is_valid = (1..=128).contains(&id.len())
        && id.chars().all(|char| char.is_alphanumeric() || char == '-' || char == '_');
    match version {
        Version::Head if !is_valid => Err(Error::InvalidId),
        _ => Ok(()),
    }
}
