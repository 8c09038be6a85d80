//! The lists of sessions, and their order.

use std::cmp::{Ordering, Reverse};
use std::path::{Path, PathBuf};

use super::error::{Result, SessionControlError};
use super::files;
use super::rules::is_managed_session_file;
use super::session::Session;
use crate::claw::names::millis_of_id;
use crate::version::Version;

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedSessionSummary {
    /// The id, or the stem of the name of a file that cannot be loaded. `None` if the file has none;
    /// the program makes a new one for each list.
    pub id: Option<String>,
    /// The file.
    pub path: PathBuf,
    /// The time of creation, in Unix milliseconds (head). `None` if the program takes the time of the
    /// list.
    pub created_at_ms: Option<u64>,
    /// The time of the last snapshot, in Unix milliseconds (head). `None` if the program takes the
    /// time of the list.
    pub updated_at_ms: Option<u64>,
    /// The time of the last change of the file, in Unix milliseconds.
    pub modified_epoch_millis: i64,
    /// The number of messages; 0 if the file cannot be loaded.
    pub message_count: usize,
    /// The session that this session is a fork of.
    pub parent_session_id: Option<String>,
    /// The name of the branch of a fork.
    pub branch_name: Option<String>,
}

/// Adds the sessions in a directory that `is_valid` accepts, and those that cannot be loaded.
pub(super) fn collect(
    directory: &Path,
    version: Version,
    is_valid: &dyn Fn(&Path, &Session) -> bool,
    sessions: &mut Vec<ManagedSessionSummary>,
) -> Result<()> {
    let listed = files::list(directory).map_err(SessionControlError::Io)?;
    for entry in listed.unwrap_or_default() {
        let path = directory.join(&entry.name);
        if !is_managed_session_file(&path) {
            continue;
        }
        let summary = match Session::load_from_path(&path, version) {
            Ok(session) if !is_valid(&path, &session) => continue,
            Ok(session) => of_session(session, path, entry.modified),
            Err(_) => of_damaged(path, entry.modified),
        };
        sessions.push(summary);
    }
    Ok(())
}

fn of_session(session: Session, path: PathBuf, modified: i64) -> ManagedSessionSummary {
    let (parent, branch) = match session.fork {
        Some(fork) => (Some(fork.parent_session_id), fork.branch_name),
        None => (None, None),
    };
    ManagedSessionSummary {
        id: session.session_id,
        path,
        created_at_ms: session.created_at_ms,
        updated_at_ms: session.updated_at_ms,
        modified_epoch_millis: modified.max(0),
        message_count: session.messages.len(),
        parent_session_id: parent,
        branch_name: branch,
    }
}

fn of_damaged(path: PathBuf, modified: i64) -> ManagedSessionSummary {
    let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("unknown").to_owned();
    ManagedSessionSummary {
        created_at_ms: Some(millis_of_id(&id).unwrap_or(0)),
        id: Some(id),
        path,
        updated_at_ms: Some(0),
        modified_epoch_millis: modified.max(0),
        message_count: 0,
        parent_session_id: None,
        branch_name: None,
    }
}

/// Sorts sessions as the program does. Sessions that are equal to it are sorted by path.
pub(super) fn sort(sessions: &mut [ManagedSessionSummary], version: Version) {
    // What the program makes for each list is newer than all that is in files.
    let newest_first = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => b.cmp(&a),
    };
    sessions.sort_by(|a, b| {
        let by_update = match version {
            Version::Seed => Ordering::Equal,
            Version::Head => newest_first(a.updated_at_ms, b.updated_at_ms),
        };
        let key = |it: &ManagedSessionSummary| {
            (Reverse(it.modified_epoch_millis), Reverse((it.id.is_none(), it.id.clone())))
        };
        by_update.then_with(|| key(a).cmp(&key(b))).then_with(|| a.path.cmp(&b.path))
    });
}
