//! Looking without opening: what is at a path, and the record of having looked.

use std::ffi::OsString;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use scrollback_core_err::{AtPath, PathError};

use crate::kind::{DiscoveryRule, StoreKind};

/// A place where discovery looked, or would have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchedPlace {
    /// Where.
    pub path: PathBuf,
    /// By which rule.
    pub rule: DiscoveryRule,
    /// What is there.
    pub state: PlaceState,
}

/// What is at a place where a store could be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceState {
    /// A store.
    Store(StoreKind),
    /// A data directory; what it holds is told apart.
    DataDirectory,
    /// Nothing.
    Nothing,
    /// A link whose target is missing.
    DanglingLink,
    /// Something else where a directory belongs.
    NotADirectory,
    /// Something else where a file belongs.
    NotAFile,
    /// Something that cannot be looked at, in the system's words.
    Unreadable(String),
    /// It was not looked at, for this reason.
    Skipped(&'static str),
}

impl fmt::Display for SearchedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.path.display(), self.rule, self.state)
    }
}

impl fmt::Display for PlaceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(kind) => kind.fmt(f),
            Self::DataDirectory => f.write_str("data directory"),
            Self::Nothing => f.write_str("nothing there"),
            Self::DanglingLink => f.write_str("a link that leads nowhere"),
            Self::NotADirectory => f.write_str("not a directory"),
            Self::NotAFile => f.write_str("not a file"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::Skipped(why) => write!(f, "not looked at: {why}"),
        }
    }
}

/// What belongs at a place.
#[derive(Clone, Copy)]
pub(crate) enum ExpectedKind {
    Directory,
    File,
}

/// Looks at a path, through links, and says in which way it is not what is expected there.
pub(crate) fn check_place(path: &Path, expected: ExpectedKind) -> Result<(), PlaceState> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return Err(state_of_error(path, &error)),
    };
    match expected {
        ExpectedKind::Directory if !metadata.is_dir() => Err(PlaceState::NotADirectory),
        ExpectedKind::File if !metadata.is_file() => Err(PlaceState::NotAFile),
        _ => Ok(()),
    }
}

fn state_of_error(path: &Path, error: &io::Error) -> PlaceState {
    match error.kind() {
        io::ErrorKind::NotFound if is_link(path) => PlaceState::DanglingLink,
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => PlaceState::Nothing,
        _ => PlaceState::Unreadable(error.to_string()),
    }
}

pub(crate) fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).as_ref().is_ok_and(Metadata::is_symlink)
}

pub(crate) fn is_dir(path: &Path) -> bool {
    check_place(path, ExpectedKind::Directory).is_ok()
}

/// The names in a directory, sorted.
#[expect(
    clippy::disallowed_methods,
    reason = "a data directory is listed by name to find its stores; this crate sees no stor-mmap"
)]
pub(crate) fn list_names(dir: &Path) -> Result<Vec<OsString>, PathError> {
    let mut names = std::fs::read_dir(dir)
        .and_then(|entries| {
            entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()
        })
        .at_path("list", dir)?;
    names.sort_unstable();
    Ok(names)
}
