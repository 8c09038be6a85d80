//! Finds stores, either at opencode's own places or at paths that a user gave.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use scrollback_core_err::{AtPath, PathError};

use crate::classify::channel_of;
use crate::environment::{DatabaseSelection, Environment};
use crate::error::{Error, Result};
use crate::kind::{DiscoveryRule, StoreKind};
use crate::layout::{DATABASE, MESSAGE, PART, PROJECT, SESSION, SESSION_DIFF, STORAGE};
use crate::place::{
    ExpectedKind, PlaceState, SearchedPlace, check_place, is_dir, is_link, list_names,
};

/// A result that fails if a directory cannot be listed.
type ListResult<T> = std::result::Result<T, PathError>;

/// The stores that a search found, and the places that it searched.
///
/// ```
/// use scrollback_stor_path::{StoragePaths, StoreKind};
///
/// # let data_dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let paths = StoragePaths::explicit([data_dir])?;
/// assert_eq!(paths.stores[0].kind, StoreKind::OpencodeJson);
/// assert!(paths.stores[0].path.ends_with("storage"));
///
/// let error = StoragePaths::explicit(["/not/there"]).unwrap_err();
/// assert_eq!(error.to_string(), "there is nothing at /not/there");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoragePaths {
    /// The stores, each of them once, in the order of the search.
    pub stores: Vec<DiscoveredStore>,
    /// Every place that was searched, and every place that was skipped with a reason.
    pub searched_places: Vec<SearchedPlace>,
}

/// A store that a search found. The search did not open it, so the store may still be unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoveredStore {
    /// The format of the store.
    pub kind: StoreKind,
    /// The root: the `storage/` directory, or the database file. The root may be reached through
    /// links; a reader must not follow links below it.
    pub path: PathBuf,
    /// The data directory that contains the store. Tool outputs are in the same directory.
    pub data_dir: PathBuf,
    /// The rule that found the store.
    pub rule: DiscoveryRule,
}

impl DiscoveredStore {
    /// Returns the channel of a channel database: `next` for `opencode-next.db`.
    pub fn channel(&self) -> Option<&str> {
        if self.kind != StoreKind::OpencodeSqlite {
            return None;
        }
        channel_of(self.path.file_name()?.as_encoded_bytes()).filter(|channel| !channel.is_empty())
    }
}

/// Checks whether a database has the name of a backup: `backup`, `old`, `copy` or `bak` as a whole
/// word. Users copy the database before they repair it, and opencode would take such a name for a
/// channel.
///
/// ```
/// use std::path::Path;
/// use scrollback_stor_path::is_backup_name;
///
/// assert!(is_backup_name(Path::new("data/opencode-backup-2026.db")));
/// assert!(is_backup_name(Path::new("opencode-dev.Old.db")));
/// assert!(!is_backup_name(Path::new("old/opencode-golden.db")));
/// ```
pub fn is_backup_name(database: &Path) -> bool {
    let name = database.file_name().unwrap_or_default().to_string_lossy();
    let mut words = name.split(|letter: char| !letter.is_alphanumeric());
    words.any(|word| BACKUP_WORDS.iter().any(|backup| word.eq_ignore_ascii_case(backup)))
}

/// The words in the name of a backup.
const BACKUP_WORDS: [&str; 4] = ["backup", "old", "copy", "bak"];

impl StoragePaths {
    /// Searches the places where opencode keeps its stores. An empty result is valid; its
    /// `searched_places` say why nothing was found.
    ///
    /// If `OPENCODE_DB` is set, its database replaces the databases of the data directory, as it
    /// does for opencode. The JSON store is found in any case.
    pub fn discover(environment: &Environment) -> Self {
        let mut paths = Self::default();
        let Some((dir, rule)) = environment.data_dir() else {
            let place = Path::new("~/.local/share/opencode");
            let why = PlaceState::Skipped("the home directory is not known");
            paths.add_searched_place(place, DiscoveryRule::HomeDefault, why);
            return paths;
        };
        let databases = environment.databases(&dir);
        // A directory that cannot be listed is a searched place; the stores found by name count.
        let _reported = paths.search_data_dir(&dir, rule, &databases);
        match &databases {
            DatabaseSelection::At(path) => {
                paths.try_store(StoreKind::OpencodeSqlite, path, &dir, DiscoveryRule::OpencodeDb);
            }
            DatabaseSelection::Memory => {
                let why = PlaceState::Skipped("sessions in memory leave nothing on disk");
                paths.add_searched_place(Path::new(":memory:"), DiscoveryRule::OpencodeDb, why);
            }
            DatabaseSelection::ByChannel | DatabaseSelection::Default => {}
        }
        if let Some(dir) = environment.overridden_data_dir() {
            let why = PlaceState::Skipped("XDG_DATA_HOME is set");
            paths.add_searched_place(&dir, DiscoveryRule::HomeDefault, why);
        }
        paths
    }

    /// Searches paths that the user gave: data directories, `storage/` directories, `.db` files.
    /// A store that several paths lead to is listed once. A directory whose only store cannot be used,
    /// such as a database that is a link to nowhere, adds a searched place and no store. So does a pipe
    /// with the name of a database.
    ///
    /// # Errors
    /// [`Error`] with the problem of the first path that is none of these.
    pub fn explicit<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let mut discovered = Self::default();
        for path in paths {
            discovered.add_given_path(path.as_ref())?;
        }
        let mut canonical_paths = HashSet::new();
        discovered.stores.retain(|store| {
            canonical_paths.insert(store.path.canonicalize().unwrap_or_else(|_| store.path.clone()))
        });
        Ok(discovered)
    }

    /// Adds the stores at one path that the user gave.
    fn add_given_path(&mut self, given: &Path) -> Result<()> {
        let metadata = match std::fs::metadata(given) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let error = if is_link(given) { Error::DanglingLink } else { Error::Missing };
                return Err(error(given.to_owned()));
            }
            other => other.at_path("check", given)?,
        };
        let path = std::path::absolute(given).at_path("check", given)?;
        let is_named_database = path.extension().is_some_and(|extension| extension == "db");
        if is_named_database && !metadata.is_file() && !metadata.is_dir() {
            self.add_searched_place(&path, DiscoveryRule::Explicit, PlaceState::NotAFile);
            return Ok(());
        }
        if metadata.is_file() && is_named_database {
            self.add_store(
                StoreKind::OpencodeSqlite,
                &path,
                &parent(&path),
                DiscoveryRule::Explicit,
            );
            return Ok(());
        }
        if !metadata.is_dir() {
            return Err(Error::NotAStore(given.to_owned()));
        }
        if is_storage(&path) {
            self.add_store(json_kind(&path), &path, &parent(&path), DiscoveryRule::Explicit);
            return Ok(());
        }
        let (before, places_before) = (self.stores.len(), self.searched_places.len());
        let listed =
            self.search_data_dir(&path, DiscoveryRule::Explicit, &DatabaseSelection::ByChannel);
        if self.stores.len() == before {
            listed?;
            let mut places = self.searched_places[places_before..].iter();
            if places.any(|place| place.problem().is_some()) {
                return Ok(());
            }
            return Err(Error::NoStoreInside(given.to_owned()));
        }
        Ok(())
    }

    /// Adds every store of one data directory. Problems become searched places. The error is for
    /// callers that found no store.
    fn search_data_dir(
        &mut self,
        dir: &Path,
        rule: DiscoveryRule,
        databases: &DatabaseSelection,
    ) -> ListResult<()> {
        if let Err(state) = check_place(dir, ExpectedKind::Directory) {
            self.add_searched_place(dir, rule, state);
            return Ok(());
        }
        self.add_searched_place(dir, rule, PlaceState::DataDirectory);
        let storage = dir.join(STORAGE);
        self.try_store(json_kind(&storage), &storage, dir, rule);

        self.try_database(&dir.join(DATABASE), dir, rule, databases);
        for name in self.list(dir, rule)? {
            if channel_of(name.as_encoded_bytes()).is_some_and(|channel| !channel.is_empty()) {
                self.try_database(&dir.join(name), dir, DiscoveryRule::ChannelDatabase, databases);
            }
        }
        let projects = dir.join(PROJECT);
        if is_dir(&projects) {
            for slug in self.list(&projects, rule)? {
                let storage = projects.join(slug).join(STORAGE);
                if is_dir(&storage) {
                    self.add_store(StoreKind::OpencodeLegacyJson, &storage, dir, rule);
                }
            }
        }
        Ok(())
    }

    /// Adds a database that has one of opencode's own names, unless the environment excludes it.
    fn try_database(
        &mut self,
        path: &Path,
        dir: &Path,
        rule: DiscoveryRule,
        databases: &DatabaseSelection,
    ) {
        match databases {
            DatabaseSelection::At(only) if only == path => {} // the rule `OPENCODE_DB` adds it
            DatabaseSelection::At(_) | DatabaseSelection::Memory => {
                self.add_searched_place(path, rule, PlaceState::Skipped("OPENCODE_DB is set"));
            }
            DatabaseSelection::Default if rule == DiscoveryRule::ChannelDatabase => {
                self.add_searched_place(
                    path,
                    rule,
                    PlaceState::Skipped("OPENCODE_DISABLE_CHANNEL_DB is set"),
                );
            }
            DatabaseSelection::Default | DatabaseSelection::ByChannel => {
                self.try_store(StoreKind::OpencodeSqlite, path, dir, rule);
            }
        }
    }

    fn list(&mut self, dir: &Path, rule: DiscoveryRule) -> ListResult<Vec<OsString>> {
        list_names(dir).inspect_err(|error| {
            self.add_searched_place(dir, rule, PlaceState::Unreadable(error.source.to_string()));
        })
    }

    /// Adds the store at a path, or the place if the path has no store.
    fn try_store(&mut self, kind: StoreKind, path: &Path, data_dir: &Path, rule: DiscoveryRule) {
        let expected = match kind {
            StoreKind::OpencodeSqlite => ExpectedKind::File,
            StoreKind::OpencodeJson | StoreKind::OpencodeLegacyJson => ExpectedKind::Directory,
        };
        match check_place(path, expected) {
            Ok(()) => self.add_store(kind, path, data_dir, rule),
            Err(state) => self.add_searched_place(path, rule, state),
        }
    }

    fn add_store(&mut self, kind: StoreKind, path: &Path, data_dir: &Path, rule: DiscoveryRule) {
        self.add_searched_place(path, rule, PlaceState::Store(kind));
        let (path, data_dir) = (path.to_owned(), data_dir.to_owned());
        self.stores.push(DiscoveredStore { kind, path, data_dir, rule });
    }

    fn add_searched_place(&mut self, path: &Path, rule: DiscoveryRule, state: PlaceState) {
        self.searched_places.push(SearchedPlace { path: path.to_owned(), rule, state });
    }
}

/// Checks whether a directory is a `storage/` directory, not the data directory around one. A copy
/// may have another name, so the content of the directory counts as well.
fn is_storage(dir: &Path) -> bool {
    let holds = |name: &str| is_dir(&dir.join(name));
    if holds(STORAGE) || check_place(&dir.join(DATABASE), ExpectedKind::File).is_ok() {
        return false;
    }
    dir.file_name().is_some_and(|name| name == STORAGE)
        || [SESSION, MESSAGE, PART, SESSION_DIFF].into_iter().any(holds)
}

/// Returns which layout a `storage/` has. opencode 0.5 and older kept everything under `session/`
/// (docs/format/opencode.md, section 8).
fn json_kind(storage: &Path) -> StoreKind {
    let holds = |name: &str| is_dir(&storage.join(name));
    if !holds(MESSAGE) && (holds("session/info") || holds("session/message")) {
        StoreKind::OpencodeLegacyJson
    } else {
        StoreKind::OpencodeJson
    }
}

/// Returns the directory around a path, also for a path that ends in `..`.
fn parent(path: &Path) -> PathBuf {
    match (path.file_name(), path.parent()) {
        (Some(_), Some(parent)) => parent.to_owned(),
        _ => path.join(".."),
    }
}
