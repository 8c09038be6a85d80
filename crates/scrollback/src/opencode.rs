//! opencode as an agent of the registry. A data directory with its databases and its JSON tree is one
//! root. A path to one database or to `storage/` is a root of its own with fewer sessions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::SourceId;
use scrollback_flow::{MergedSource, OptionalSource};
#[cfg(feature = "sqlite")]
use scrollback_source::StoreDetails;
use scrollback_source::{
    Agent, DiscoveredRoot, DiscoveredStore, Discovery, OpenOptions, Source, StoreState,
};
use scrollback_stor_path::layout::{DATABASE, STORAGE};
use scrollback_stor_path::{
    self as stor_path, DiscoveryRule, Environment, PlaceState, SearchedPlace, StoragePaths,
    StoreKind,
};
use scrollback_stor_read::FileReader;
#[cfg(feature = "sqlite")]
use scrollback_stor_sqlite::SqliteReader;

use crate::error::with_causes;
use scrollback_source::{canonical_path, path_id};

/// The agent opencode: its JSON tree (0.6 to 1.1) and its databases (1.2 and newer).
#[derive(Debug, Clone, Copy, Default)]
pub struct Opencode;

impl Opencode {
    /// The name of the agent.
    pub const NAME: &'static str = "opencode";
}

impl Agent for Opencode {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn discover(&self, environment: &Environment) -> Discovery {
        let paths = StoragePaths::discover(environment);
        let Some((data_dir, rule)) = environment.data_dir() else {
            return Discovery { places: searched_places(&paths), ..Discovery::default() };
        };
        // The database that `OPENCODE_DB` names replaces all others.
        let chosen_place =
            paths.searched_places.iter().find(|place| place.rule == DiscoveryRule::OpencodeDb);
        let expected = match chosen_place {
            None => Some(data_dir.join(DATABASE)),
            Some(place) if matches!(place.state, PlaceState::Skipped(_)) => None,
            Some(place) => Some(place.path.clone()),
        };
        let mut root = discovered_data_root(&data_dir, rule, expected, &paths);
        if let Some(place) = chosen_place {
            // This root has other sessions than the directory, so it needs another id.
            let database = canonical_path(&place.path);
            root.id = path_id(&canonical_path(&data_dir).join(format!("#{}", database.display())));
        }
        Discovery { roots: vec![root], places: searched_places(&paths), problem: None }
    }

    fn find(&self, path: &Path) -> Discovery {
        let (paths, error) = match StoragePaths::explicit([path]) {
            Ok(paths) => (paths, None),
            Err(error) => (StoragePaths::default(), Some(error)),
        };
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let is_missing = matches!(
            error,
            Some(stor_path::Error::Missing(_) | stor_path::Error::NoStoreInside(_)) | None
        );
        let is_file = path.extension().is_some_and(|end| end == "db") && !path.is_dir();
        let is_tree = match paths.stores.first() {
            None => path.file_name().is_some_and(|name| name == STORAGE),
            Some(store) => store.kind != StoreKind::OpencodeSqlite && store.path == path,
        };
        let root = match () {
            () if !is_missing => None,
            () if is_file => Some(discovered_single_root(&path, StoreKind::OpencodeSqlite, &paths)),
            () if is_tree => Some(discovered_single_root(&path, StoreKind::OpencodeJson, &paths)),
            () => {
                let expected = Some(path.join(DATABASE));
                Some(discovered_data_root(&path, DiscoveryRule::Explicit, expected, &paths))
            }
        };
        let problem = error.map(|error| with_causes(&error));
        Discovery { roots: root.into_iter().collect(), places: searched_places(&paths), problem }
    }

    fn open(&self, root: &DiscoveredRoot, options: &OpenOptions) -> Arc<dyn Source> {
        let sources = root.stores.iter().filter_map(|store| self.open_store(store, options));
        let mut sources =
            sources.map(|it| -> Arc<dyn Source> { Arc::new(OptionalSource::new(it)) });
        let is_directory = root.path == root.data_dir;
        let storage_beside = root.data_dir.join(STORAGE);
        let Some(first) = sources.next() else {
            return Arc::new(OptionalSource::new(Arc::new(file_source(&storage_beside, options)))); // may appear later
        };
        if !is_directory && is_tree(&root.path) {
            return first;
        }
        let merged =
            sources.fold(MergedSource::new(root.id.clone(), first), MergedSource::with_source);
        let merged = match &options.from_store {
            Some(store) => merged.with_forced_member(store.clone()),
            None => merged,
        };
        match is_directory {
            true => Arc::new(merged),
            // The diffs of a database's sessions are in files beside the database.
            false => {
                Arc::new(merged.with_diff_source(Arc::new(file_source(&storage_beside, options))))
            }
        }
    }

    fn open_store(
        &self,
        store: &DiscoveredStore,
        options: &OpenOptions,
    ) -> Option<Arc<dyn Source>> {
        if store.state == StoreState::Unsupported {
            return None;
        }
        if is_tree(&store.path) {
            return Some(Arc::new(file_source(&store.path, options)));
        }
        database_source(&store.path, options)
    }

    #[cfg(feature = "sqlite")]
    fn details(
        &self,
        store: &DiscoveredStore,
        options: &OpenOptions,
    ) -> scrollback_source::Result<StoreDetails> {
        if is_tree(&store.path) || store.state != StoreState::Present {
            return Ok(StoreDetails::default());
        }
        let database = sqlite_source(&store.path, options);
        let access = database.access()?; // first, because opening the store can create side files
        let report = database.schema_report()?;
        Ok(StoreDetails {
            access: Some(access.to_string()),
            unknown_columns: report.unknown_columns.iter().map(ToString::to_string).collect(),
            unknown_tables: report.unknown_tables,
            schema_problems: report.problems.iter().map(ToString::to_string).collect(),
        })
    }
}

/// Checks whether a store is a tree of JSON files. A database has the extension `.db`.
pub(crate) fn is_tree(path: &Path) -> bool {
    path.extension().is_none_or(|end| end != "db")
}

fn searched_places(paths: &StoragePaths) -> Vec<String> {
    paths.searched_places.iter().map(ToString::to_string).collect()
}

/// Returns the root of a data directory: its databases by channel, the expected database, the tree, and
/// the backups of databases. They are in the order of preference.
fn discovered_data_root(
    data_dir: &Path,
    rule: DiscoveryRule,
    expected: Option<PathBuf>,
    paths: &StoragePaths,
) -> DiscoveredRoot {
    let stores_of_kind = |kind| paths.stores.iter().filter(move |store| store.kind == kind);
    let mut databases: Vec<_> = stores_of_kind(StoreKind::OpencodeSqlite).collect();
    databases.sort_by_key(|store| (store.channel(), &store.path));
    // A backup supplies only what no other store has, unless `OPENCODE_DB` names it.
    let (backups, databases): (Vec<_>, Vec<_>) = databases.into_iter().partition(|store| {
        stor_path::is_backup_name(&store.path) && expected.as_ref() != Some(&store.path)
    });
    let mut stores: Vec<DiscoveredStore> = databases.into_iter().map(present_store).collect();
    let (unusable_databases, unusable_trees): (Vec<_>, Vec<_>) =
        paths.searched_places.iter().filter_map(unusable_store).partition(|it| !is_tree(&it.path));
    let is_known = |path: &PathBuf| {
        paths.stores.iter().any(|store| store.path == *path)
            || unusable_databases.iter().any(|store| store.path == *path)
    };
    if let Some(path) = expected.filter(|path| !is_known(path)) {
        stores.insert(0, missing_store(&path, StoreKind::OpencodeSqlite, rule));
    }
    stores.extend(unusable_databases);
    match stores_of_kind(StoreKind::OpencodeJson).next() {
        Some(tree) => stores.push(present_store(tree)),
        None if !unusable_trees.is_empty() => stores.extend(unusable_trees),
        None => {
            stores.push(missing_store(&data_dir.join(STORAGE), StoreKind::OpencodeJson, rule));
        }
    }
    stores.extend(stores_of_kind(StoreKind::OpencodeLegacyJson).map(present_store));
    stores.extend(backups.into_iter().map(present_store));
    let (path, id) = (data_dir.to_owned(), path_id(&canonical_path(data_dir)));
    DiscoveredRoot { agent: Opencode::NAME, id, data_dir: path.clone(), path, stores }
}

/// Returns the root of one database or of one tree.
fn discovered_single_root(path: &Path, kind: StoreKind, paths: &StoragePaths) -> DiscoveredRoot {
    let present = paths.stores.first().map(present_store);
    let unusable = || paths.searched_places.iter().find_map(unusable_store);
    let missing = || missing_store(path, kind, DiscoveryRule::Explicit);
    let stores = vec![present.or_else(unusable).unwrap_or_else(missing)];
    let data_dir = path.parent().unwrap_or(path).to_owned();
    let id = path_id(&canonical_path(path));
    DiscoveredRoot { agent: Opencode::NAME, id, path: path.to_owned(), data_dir, stores }
}

fn present_store(store: &scrollback_stor_path::DiscoveredStore) -> DiscoveredStore {
    let state = match store.kind {
        StoreKind::OpencodeJson => StoreState::Present,
        StoreKind::OpencodeSqlite if cfg!(feature = "sqlite") => StoreState::Present,
        _ => StoreState::Unsupported,
    };
    discovered_store(&store.path, store.kind, store.rule, state)
}

/// Returns the store that should be at a place where something else is; `None` for any other place. A
/// database that `OPENCODE_DB` names is expected, and its absence is a problem.
fn unusable_store(place: &SearchedPlace) -> Option<DiscoveredStore> {
    let (kind, problem) = (place.expected_kind()?, place.problem()?);
    let state = match place.state {
        PlaceState::Nothing => StoreState::Expected,
        _ => StoreState::Unusable,
    };
    let store = discovered_store(&place.path, kind, place.rule, state);
    Some(DiscoveredStore { problem: Some(problem), ..store })
}

fn missing_store(path: &Path, kind: StoreKind, rule: DiscoveryRule) -> DiscoveredStore {
    let state = match kind {
        StoreKind::OpencodeSqlite if !cfg!(feature = "sqlite") => StoreState::Unsupported,
        _ => StoreState::Expected,
    };
    discovered_store(path, kind, rule, state)
}

fn discovered_store(
    path: &Path,
    kind: StoreKind,
    rule: DiscoveryRule,
    state: StoreState,
) -> DiscoveredStore {
    DiscoveredStore {
        id: store_id(path),
        path: path.to_owned(),
        format: kind.to_string(),
        discovery_rule: rule.to_string(),
        state,
        problem: None,
    }
}

fn store_id(path: &Path) -> SourceId {
    path_id(&canonical_path(path))
}

fn file_source(storage: &Path, options: &OpenOptions) -> FileReader {
    FileReader::new(storage, store_id(storage), Arc::clone(&options.clock))
        .with_options(options.read)
        .with_policy(options.map)
}

#[cfg(feature = "sqlite")]
fn sqlite_source(path: &Path, options: &OpenOptions) -> SqliteReader {
    SqliteReader::new(path, store_id(path), Arc::clone(&options.clock)).with_options(options.read)
}

#[cfg(feature = "sqlite")]
fn database_source(path: &Path, options: &OpenOptions) -> Option<Arc<dyn Source>> {
    Some(Arc::new(sqlite_source(path, options)))
}

#[cfg(not(feature = "sqlite"))]
fn database_source(_: &Path, _: &OpenOptions) -> Option<Arc<dyn Source>> {
    None
}
