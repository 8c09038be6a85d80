//! Walks the logs below a directory, at any depth.

use std::ops::ControlFlow;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::SessionKey;
use scrollback_stor_mmap::{Dir, Directory, FileKind, ListBuffer};

use super::ids;

/// An item of a walk: the session of a log, or the issue with a name.
pub(super) type WalkItem = Result<SessionKey, Issue>;

/// Walks the logs in no order. Links are not followed, and other files are skipped.
pub(super) fn walk(
    root: &Dir,
    visitor: &mut dyn FnMut(WalkItem) -> ControlFlow<()>,
) -> ControlFlow<()> {
    walk_in(root, "", &mut ListBuffer::default(), visitor)
}

fn walk_in(
    dir: &Dir,
    path: &str,
    buffer: &mut ListBuffer,
    visitor: &mut dyn FnMut(WalkItem) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let issue_at = |path: &str, kind| Err(Issue::new(Place::path(path), kind));
    let mut names: Vec<(Vec<u8>, FileKind)> = Vec::new();
    if let Err(kind) = dir.list(buffer, |name, kind| names.push((name.to_vec(), kind))) {
        return match kind {
            IssueKind::Vanished => ControlFlow::Continue(()),
            kind => visitor(issue_at(path, kind)),
        };
    }
    for (name, kind) in names {
        let shown = format!("{path}{}", String::from_utf8_lossy(&name));
        let is_log = name.ends_with(ids::SUFFIX.as_bytes());
        match kind {
            FileKind::File if is_log => {
                let session = std::str::from_utf8(&name).ok();
                let session = session.and_then(|_| ids::session_of(shown.as_ref()));
                let bad_id =
                    || IssueKind::BadId { reason: "no session can have this name".to_owned() };
                visitor(session.map_or_else(|| issue_at(&shown, bad_id()), Ok))?;
            }
            FileKind::Link if is_log => visitor(issue_at(&shown, IssueKind::Link))?,
            FileKind::Directory if std::str::from_utf8(&name).is_ok() => {
                match dir.open_dir(&name) {
                    Ok(below) => walk_in(&below, &format!("{shown}/"), buffer, visitor)?,
                    Err(IssueKind::Vanished) => {}
                    Err(kind) => visitor(issue_at(&shown, kind))?,
                }
            }
            _ => {}
        }
    }
    ControlFlow::Continue(())
}
