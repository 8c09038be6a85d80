//! The store that is followed: it may be there, or still to come.

use std::path::{Path, PathBuf};

use scrollback_stor_path::layout::{DATABASE, STORAGE};
use scrollback_stor_path::{Environment, Error, FoundBy, StoragePaths, StoreKind, There};

use crate::args::Global;
use crate::failure::{Failure, Kind, Result};
use crate::open::{self, Store};
use crate::sources;

/// Where the one store that is followed is, or will be. What lies in a data directory is read as one
/// store, and a tree of files may become a database there.
struct Place {
    /// What it is named by, whatever is there now.
    id: PathBuf,
    data_dir: PathBuf,
    databases: Vec<PathBuf>,
    tree: Option<PathBuf>,
}

/// The store that the user means, whether it is there yet or not.
pub(crate) fn store(global: &Global) -> Result<Store> {
    let place = match &global.store[..] {
        [] => Place::usual()?,
        [path] => Place::given(path)?,
        _ => {
            return Err(Failure::new(Kind::BadUse, "only one store can be followed")
                .hint("a process for each follows several"));
        }
    };
    let Place { id, data_dir, databases, tree } = place;
    let source = sources::awaited(&id, &databases, tree.as_deref(), global);
    let source = source.ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("{} is nothing that could be read", id.display()))
    })?;
    Ok(Store::new(source, global, open::snapshots(global, [&id, &data_dir])))
}

impl Place {
    /// Where opencode keeps its stores.
    fn usual() -> Result<Self> {
        let environment = Environment::from_process();
        let found = StoragePaths::discover(&environment);
        let Some((data_dir, _)) = environment.data_dir() else { return Err(open::nothing(&found)) };
        // What `OPENCODE_DB` says stands for the usual database, which may be to come.
        let named = found.looked_at.iter().find(|place| place.rule == FoundBy::OpencodeDb);
        let expected = match named {
            None => Some(data_dir.join(DATABASE)),
            Some(place) if matches!(place.there, There::Skipped(_)) => None,
            Some(place) => Some(place.path.clone()),
        };
        Ok(Self::of(data_dir, expected, &found))
    }

    /// A path that the user gave.
    fn given(path: &Path) -> Result<Self> {
        let found = match StoragePaths::explicit([path]) {
            Err(Error::Missing(_) | Error::NoStoreInside(_)) => StoragePaths::default(),
            found => found?,
        };
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let data_dir = path.parent().unwrap_or(&path).to_owned();
        let is_tree = match &found.stores[..] {
            [] => path.file_name().is_some_and(|name| name == STORAGE),
            [one, ..] => one.kind == StoreKind::OpencodeJson && one.path == path,
        };
        if is_tree {
            let tree = Some(path.clone());
            return Ok(Self { id: path, data_dir, databases: Vec::new(), tree });
        }
        if path.extension().is_some_and(|end| end == "db") && !path.is_dir() {
            let databases = vec![path.clone()];
            return Ok(Self { id: path, data_dir, databases, tree: None });
        }
        let expected = Some(path.join(DATABASE));
        Ok(Self::of(path, expected, &found))
    }

    /// A data directory.
    fn of(data_dir: PathBuf, expected: Option<PathBuf>, found: &StoragePaths) -> Self {
        let databases = found.stores.iter().filter(|it| it.kind == StoreKind::OpencodeSqlite);
        let mut databases: Vec<_> = databases.map(|it| (it.channel(), it.path.clone())).collect();
        databases.sort();
        let mut databases: Vec<PathBuf> = databases.into_iter().map(|(_, path)| path).collect();
        if let Some(expected) = expected.filter(|it| !databases.contains(it)) {
            databases.insert(0, expected);
        }
        let tree = Some(data_dir.join(STORAGE));
        Self { id: data_dir.clone(), data_dir, databases, tree }
    }
}
