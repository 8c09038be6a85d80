//! Checks paths without opening files, and records the places of a search.

use std::ffi::OsString;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use scrollback_core_err::{AtPath, PathError};

use crate::classify::channel_of;
use crate::kind::{DiscoveryRule, StoreKind};
use crate::layout::STORAGE;

/// A place that discovery searched or skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchedPlace {
    /// The path.
    pub path: PathBuf,
    /// The rule that names the place.
    pub rule: DiscoveryRule,
    /// The result of the check.
    pub state: PlaceState,
}

/// The result of checking a place where a store could be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceState {
    /// The place has a store.
    Store(StoreKind),
    /// The place is a data directory. Its stores are separate places.
    DataDirectory,
    /// Nothing exists at the place.
    Nothing,
    /// The place is a link whose target is missing.
    DanglingLink,
    /// The place is not a directory, but should be a directory.
    NotADirectory,
    /// The place is not a file, but should be a file.
    NotAFile,
    /// The place cannot be read; the text is the operating system's error.
    Unreadable(String),
    /// The place was not searched; the text is the reason.
    Skipped(&'static str),
}

impl SearchedPlace {
    /// Returns why something at the place cannot be used, as a text for users. `None` if the place has a
    /// store, was skipped, or has nothing. A database that `OPENCODE_DB` names must exist.
    pub fn problem(&self) -> Option<String> {
        match &self.state {
            PlaceState::Nothing if self.rule == DiscoveryRule::OpencodeDb => {
                Some("OPENCODE_DB names it, but it does not exist".to_owned())
            }
            PlaceState::DanglingLink
            | PlaceState::NotADirectory
            | PlaceState::NotAFile
            | PlaceState::Unreadable(_) => Some(self.state.to_string()),
            PlaceState::Store(_)
            | PlaceState::DataDirectory
            | PlaceState::Nothing
            | PlaceState::Skipped(_) => None,
        }
    }

    /// Returns the format of the store that was expected at the place; `None` for a directory that is
    /// only listed.
    pub fn expected_kind(&self) -> Option<StoreKind> {
        let name = self.path.file_name()?;
        let is_named_database = Path::new(name).extension().is_some_and(|it| it == "db");
        let is_given = self.rule == DiscoveryRule::Explicit && is_named_database;
        let is_selected = self.rule == DiscoveryRule::OpencodeDb;
        if is_given || is_selected || channel_of(name.as_encoded_bytes()).is_some() {
            return Some(StoreKind::OpencodeSqlite);
        }
        (name == STORAGE).then_some(StoreKind::OpencodeJson)
    }
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
            Self::Skipped(why) => write!(f, "not searched: {why}"),
        }
    }
}

/// The kind of file that a place should have.
#[derive(Clone, Copy)]
pub(crate) enum ExpectedKind {
    Directory,
    File,
}

/// Stats a path, following links, and returns in which way it differs from the expected kind.
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

/// Lists the names in a directory, sorted.
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
