//! Converts the names in a directory to ids. A name of a foreign file is skipped; a malformed name is
//! an issue.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::IdError;
use scrollback_stor_mmap::{Dir, Directory, FileKind, ListBuffer};
use scrollback_stor_path::{directory_name, entity_name};

use crate::transaction::IssueSink;

/// The kind of entries that a directory lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameKind {
    /// Files `<id>.json`.
    Records,
    /// Directories `<id>`.
    Directories,
}

/// Lists the ids in a directory, in no order. `path` returns the path of the directory, for issues.
pub(crate) fn list_ids<I: FromStr<Err = IdError>>(
    dir: &Dir,
    names: NameKind,
    path: impl Fn() -> PathBuf,
    buffer: &mut ListBuffer,
    note: &mut IssueSink<'_>,
) -> Vec<I> {
    let mut ids = Vec::new();
    let listed = dir.list(buffer, |name, kind| match parse_id(name, kind, names) {
        Ok(id) => ids.extend(id),
        Err(kind) => {
            let name = String::from_utf8_lossy(name);
            note(None, Issue::new(Place::path(path().join(Path::new(&*name))), kind));
        }
    });
    if let Err(kind) = listed {
        note(None, Issue::new(Place::path(path()), kind));
    }
    ids
}

/// Returns the id that a name contains, or `None` for a foreign file.
fn parse_id<I: FromStr<Err = IdError>>(
    name: &[u8],
    kind: FileKind,
    names: NameKind,
) -> Result<Option<I>, IssueKind> {
    let text = match names {
        NameKind::Records => entity_name(name),
        NameKind::Directories => directory_name(name),
    };
    let text = match text {
        Ok(text) => text,
        Err(other) => return other.issue().map_or(Ok(None), Err),
    };
    match (names, kind) {
        (_, FileKind::Link) => Err(IssueKind::Link),
        (NameKind::Records, FileKind::File) | (NameKind::Directories, FileKind::Directory) => {
            I::from_str(text)
                .map(Some)
                .map_err(|error| IssueKind::BadId { reason: error.to_string() })
        }
        (NameKind::Records, _) => Err(IssueKind::NotAFile),
        (NameKind::Directories, _) => Err(IssueKind::NotADirectory),
    }
}
