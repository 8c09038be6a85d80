//! Finding stores: where opencode would keep them, or where the user says.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use scrollback_core_err::{AtPath, PathError};

use crate::classify::channel_of;
use crate::environment::{Databases, Environment};
use crate::error::{Error, Result};
use crate::kind::{FoundBy, StoreKind};
use crate::layout::{DATABASE, MESSAGE, PART, PROJECT, SESSION, SESSION_DIFF, STORAGE};
use crate::look::{Expected, LookedAt, There, is_dir, is_link, look, names};

/// A result that depends on a directory having been listed.
type Listed<T> = std::result::Result<T, PathError>;

/// The stores that were found, and where they were looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoragePaths {
    /// Each store once, in the order in which they were looked for.
    pub stores: Vec<FoundStore>,
    /// Every place that was looked at, or would have been.
    pub looked_at: Vec<LookedAt>,
}

/// A store that was found. Whether it can be read, and is what its name says, was not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundStore {
    /// Which format it has.
    pub kind: StoreKind,
    /// Its root: the `storage/` directory, or the database file. It may be reached through
    /// links; below it none may be followed.
    pub path: PathBuf,
    /// The data directory that it belongs to, where tool outputs lie.
    pub data_dir: PathBuf,
    /// How it was found.
    pub rule: FoundBy,
}

impl FoundStore {
    /// The channel of a channel database: `next` for `opencode-next.db`.
    pub fn channel(&self) -> Option<&str> {
        if self.kind != StoreKind::OpencodeSqlite {
            return None;
        }
        channel_of(self.path.file_name()?.as_encoded_bytes()).filter(|channel| !channel.is_empty())
    }
}

impl StoragePaths {
    /// Looks where opencode keeps its stores. Finding nothing is no error: `looked_at` tells.
    ///
    /// `OPENCODE_DB` stands in for the databases of the data directory, as it does for opencode;
    /// the JSON store is found all the same.
    pub fn discover(environment: &Environment) -> Self {
        let mut found = Self::default();
        let Some((dir, rule)) = environment.data_dir() else {
            let place = Path::new("~/.local/share/opencode");
            let why = There::Skipped("the home directory is not known");
            found.note(place, FoundBy::HomeDefault, why);
            return found;
        };
        let databases = environment.databases(&dir);
        // A directory that cannot be listed is noted; what was found by name still counts.
        let _noted = found.look_in(&dir, rule, &databases);
        match &databases {
            Databases::At(path) => {
                found.try_store(StoreKind::OpencodeSqlite, path, &dir, FoundBy::OpencodeDb);
            }
            Databases::Memory => {
                let why = There::Skipped("sessions in memory leave nothing on disk");
                found.note(Path::new(":memory:"), FoundBy::OpencodeDb, why);
            }
            Databases::ByChannel | Databases::Default => {}
        }
        if let Some(dir) = environment.overridden_data_dir() {
            let why = There::Skipped("XDG_DATA_HOME is set");
            found.note(&dir, FoundBy::HomeDefault, why);
        }
        found
    }

    /// Looks at paths that the user gave: data directories, `storage/` directories, `.db` files.
    /// A store that several of them lead to is found once.
    ///
    /// # Errors
    /// [`Error`] says what is wrong with the first path that is none of these.
    pub fn explicit<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let mut found = Self::default();
        for path in paths {
            found.look_at(path.as_ref())?;
        }
        let mut seen = HashSet::new();
        found.stores.retain(|store| {
            seen.insert(store.path.canonicalize().unwrap_or_else(|_| store.path.clone()))
        });
        Ok(found)
    }

    /// One path that the user gave.
    fn look_at(&mut self, given: &Path) -> Result<()> {
        let metadata = match std::fs::metadata(given) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let error = if is_link(given) { Error::DanglingLink } else { Error::Missing };
                return Err(error(given.to_owned()));
            }
            other => other.at_path("look at", given)?,
        };
        let path = std::path::absolute(given).at_path("look at", given)?;
        if metadata.is_file() && path.extension().is_some_and(|extension| extension == "db") {
            self.store(StoreKind::OpencodeSqlite, &path, &parent(&path), FoundBy::Explicit);
            return Ok(());
        }
        if !metadata.is_dir() {
            return Err(Error::NotAStore(given.to_owned()));
        }
        if is_storage(&path) {
            self.store(json_kind(&path), &path, &parent(&path), FoundBy::Explicit);
            return Ok(());
        }
        let before = self.stores.len();
        let listed = self.look_in(&path, FoundBy::Explicit, &Databases::ByChannel);
        if self.stores.len() == before {
            listed?;
            return Err(Error::NoStoreInside(given.to_owned()));
        }
        Ok(())
    }

    /// Everything in one data directory. What is wrong is noted; the error is for those who found
    /// nothing.
    fn look_in(&mut self, dir: &Path, rule: FoundBy, databases: &Databases) -> Listed<()> {
        if let Err(there) = look(dir, Expected::Directory) {
            self.note(dir, rule, there);
            return Ok(());
        }
        self.note(dir, rule, There::DataDirectory);
        let storage = dir.join(STORAGE);
        self.try_store(json_kind(&storage), &storage, dir, rule);

        self.try_database(&dir.join(DATABASE), dir, rule, databases);
        for name in self.list(dir, rule)? {
            if channel_of(name.as_encoded_bytes()).is_some_and(|channel| !channel.is_empty()) {
                self.try_database(&dir.join(name), dir, FoundBy::ChannelDatabase, databases);
            }
        }
        let projects = dir.join(PROJECT);
        if is_dir(&projects) {
            for slug in self.list(&projects, rule)? {
                let storage = projects.join(slug).join(STORAGE);
                if is_dir(&storage) {
                    self.store(StoreKind::OpencodeLegacyJson, &storage, dir, rule);
                }
            }
        }
        Ok(())
    }

    /// A database that has one of opencode's own names.
    fn try_database(&mut self, path: &Path, dir: &Path, rule: FoundBy, databases: &Databases) {
        match databases {
            Databases::At(only) if only == path => {} // found by `OPENCODE_DB`
            Databases::At(_) | Databases::Memory => {
                self.note(path, rule, There::Skipped("OPENCODE_DB is set"));
            }
            Databases::Default if rule == FoundBy::ChannelDatabase => {
                self.note(path, rule, There::Skipped("OPENCODE_DISABLE_CHANNEL_DB is set"));
            }
            Databases::Default | Databases::ByChannel => {
                self.try_store(StoreKind::OpencodeSqlite, path, dir, rule);
            }
        }
    }

    fn list(&mut self, dir: &Path, rule: FoundBy) -> Listed<Vec<OsString>> {
        names(dir).inspect_err(|error| {
            self.note(dir, rule, There::Unreadable(error.source.to_string()));
        })
    }

    /// Adds a store if there is one.
    fn try_store(&mut self, kind: StoreKind, path: &Path, data_dir: &Path, rule: FoundBy) {
        let expected = match kind {
            StoreKind::OpencodeSqlite => Expected::File,
            StoreKind::OpencodeJson | StoreKind::OpencodeLegacyJson => Expected::Directory,
        };
        match look(path, expected) {
            Ok(()) => self.store(kind, path, data_dir, rule),
            Err(there) => self.note(path, rule, there),
        }
    }

    fn store(&mut self, kind: StoreKind, path: &Path, data_dir: &Path, rule: FoundBy) {
        self.note(path, rule, There::Store(kind));
        let (path, data_dir) = (path.to_owned(), data_dir.to_owned());
        self.stores.push(FoundStore { kind, path, data_dir, rule });
    }

    fn note(&mut self, path: &Path, rule: FoundBy, there: There) {
        self.looked_at.push(LookedAt { path: path.to_owned(), rule, there });
    }
}

/// Whether a directory is a `storage/` rather than the data directory around one. A copy may have
/// another name, so its content counts as well.
fn is_storage(dir: &Path) -> bool {
    let holds = |name: &str| is_dir(&dir.join(name));
    if holds(STORAGE) || look(&dir.join(DATABASE), Expected::File).is_ok() {
        return false;
    }
    dir.file_name().is_some_and(|name| name == STORAGE)
        || [SESSION, MESSAGE, PART, SESSION_DIFF].into_iter().any(holds)
}

/// Tells the two layouts of `storage/` apart: 0.5 and older kept everything under `session/`
/// (docs/format/opencode.md, section 8).
fn json_kind(storage: &Path) -> StoreKind {
    let holds = |name: &str| is_dir(&storage.join(name));
    if !holds(MESSAGE) && (holds("session/info") || holds("session/message")) {
        StoreKind::OpencodeLegacyJson
    } else {
        StoreKind::OpencodeJson
    }
}

/// The directory around a path, also where the path ends in `..`.
fn parent(path: &Path) -> PathBuf {
    match (path.file_name(), path.parent()) {
        (Some(_), Some(parent)) => parent.to_owned(),
        _ => path.join(".."),
    }
}
