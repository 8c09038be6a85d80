//! The program's functions for the workspace in a directory, or in the current directory. The seed's
//! use `<base>/.claw/sessions` itself, the head's the directory with the fingerprint in it.

use std::io;
use std::path::{Path, PathBuf};

use super::error::Result;
use super::store::{LoadedManagedSession, SessionHandle, SessionStore};
use super::summary::ManagedSessionSummary;
use crate::version::Version;

fn current() -> io::Result<PathBuf> {
    std::env::current_dir()
}

/// Returns the directory of the sessions of the current directory. It is not created.
///
/// # Errors
/// The operating system's error if the current directory was deleted.
pub fn sessions_dir(version: Version) -> Result<PathBuf> {
    Ok(managed_sessions_dir_for(&current()?, version))
}

/// Returns the directory of the sessions of a workspace. It is not created.
pub fn managed_sessions_dir_for(base: &Path, version: Version) -> PathBuf {
    SessionStore::of_base(base, version).sessions_dir().to_owned()
}

/// Returns where a new session would be. Nothing is created.
///
/// # Errors
/// As [`sessions_dir`].
pub fn create_managed_session_handle(session_id: &str, version: Version) -> Result<SessionHandle> {
    Ok(create_managed_session_handle_for(&current()?, session_id, version))
}

/// Returns where a new session of a workspace would be. Nothing is created.
pub fn create_managed_session_handle_for(
    base: &Path,
    session_id: &str,
    version: Version,
) -> SessionHandle {
    SessionStore::of_base(base, version).create_handle(session_id)
}

/// See [`SessionStore::resolve_reference`].
///
/// # Errors
/// As [`SessionStore::resolve_reference`] and [`sessions_dir`].
pub fn resolve_session_reference(reference: &str, version: Version) -> Result<SessionHandle> {
    resolve_session_reference_for(&current()?, reference, version)
}

/// See [`SessionStore::resolve_reference`].
///
/// # Errors
/// As [`SessionStore::resolve_reference`].
pub fn resolve_session_reference_for(
    base: &Path,
    reference: &str,
    version: Version,
) -> Result<SessionHandle> {
    SessionStore::of_base(base, version).resolve_reference(reference)
}

/// See [`SessionStore::resolve_managed_path`].
///
/// # Errors
/// As [`SessionStore::resolve_managed_path`] and [`sessions_dir`].
pub fn resolve_managed_session_path(session_id: &str, version: Version) -> Result<PathBuf> {
    resolve_managed_session_path_for(&current()?, session_id, version)
}

/// See [`SessionStore::resolve_managed_path`].
///
/// # Errors
/// As [`SessionStore::resolve_managed_path`].
pub fn resolve_managed_session_path_for(
    base: &Path,
    session_id: &str,
    version: Version,
) -> Result<PathBuf> {
    SessionStore::of_base(base, version).resolve_managed_path(session_id)
}

/// See [`SessionStore::list_sessions`].
///
/// # Errors
/// As [`SessionStore::list_sessions`] and [`sessions_dir`].
pub fn list_managed_sessions(version: Version) -> Result<Vec<ManagedSessionSummary>> {
    list_managed_sessions_for(&current()?, version)
}

/// See [`SessionStore::list_sessions`].
///
/// # Errors
/// As [`SessionStore::list_sessions`].
pub fn list_managed_sessions_for(
    base: &Path,
    version: Version,
) -> Result<Vec<ManagedSessionSummary>> {
    SessionStore::of_base(base, version).list_sessions()
}

/// See [`SessionStore::latest_session`].
///
/// # Errors
/// As [`SessionStore::latest_session`] and [`sessions_dir`].
pub fn latest_managed_session(version: Version) -> Result<ManagedSessionSummary> {
    latest_managed_session_for(&current()?, version)
}

/// See [`SessionStore::latest_session`].
///
/// # Errors
/// As [`SessionStore::latest_session`].
pub fn latest_managed_session_for(base: &Path, version: Version) -> Result<ManagedSessionSummary> {
    SessionStore::of_base(base, version).latest_session()
}

/// See [`SessionStore::load_session`].
///
/// # Errors
/// As [`SessionStore::load_session`] and [`sessions_dir`].
pub fn load_managed_session(reference: &str, version: Version) -> Result<LoadedManagedSession> {
    load_managed_session_for(&current()?, reference, version)
}

/// See [`SessionStore::load_session`].
///
/// # Errors
/// As [`SessionStore::load_session`].
pub fn load_managed_session_for(
    base: &Path,
    reference: &str,
    version: Version,
) -> Result<LoadedManagedSession> {
    SessionStore::of_base(base, version).load_session(reference)
}

/// See [`SessionStore::session_exists`].
///
/// # Errors
/// As [`sessions_dir`].
pub fn managed_session_exists(reference: &str, version: Version) -> Result<bool> {
    Ok(managed_session_exists_for(&current()?, reference, version))
}

/// See [`SessionStore::session_exists`].
pub fn managed_session_exists_for(base: &Path, reference: &str, version: Version) -> bool {
    SessionStore::of_base(base, version).session_exists(reference)
}
