//! From stores that were found to Sources: what lies in one data directory is read as one store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::SourceId;
use scrollback_flow::{IfThere, MergedSource};
use scrollback_source::Source;
use scrollback_stor_mmap::{MapPolicy, ReadOptions};
use scrollback_stor_path::layout::{MESSAGE, SESSION, STORAGE};
use scrollback_stor_path::{FoundStore, StoreKind};
use scrollback_stor_read::FileReader;
#[cfg(feature = "sqlite")]
use scrollback_stor_sqlite::SqliteReader;

use crate::args::Global;
use scrollback_core_id::SystemClock;

/// Above this size a file of a frozen store is mapped: 256 KiB, where mapping begins to pay.
const MAP_FROM: u64 = 256 << 10;

/// Whether this version reads stores of a kind.
pub(crate) fn is_read(kind: StoreKind) -> bool {
    kind == StoreKind::OpencodeJson
        || (kind == StoreKind::OpencodeSqlite && cfg!(feature = "sqlite"))
}

/// The stores of each data directory side by side, the one that wins first: a database wins over
/// files, which were migrated into it or left behind.
pub(crate) fn groups(found: &[FoundStore]) -> Vec<Vec<&FoundStore>> {
    let mut groups: Vec<Vec<&FoundStore>> = Vec::new();
    for store in found.iter().filter(|store| is_read(store.kind)) {
        match groups.iter_mut().find(|group| is_same(&group[0].data_dir, &store.data_dir)) {
            Some(group) => group.push(store),
            None => groups.push(vec![store]),
        }
    }
    for group in &mut groups {
        group.sort_by_key(|store| (store.kind != StoreKind::OpencodeSqlite, store.channel()));
    }
    groups
}

fn is_same(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().ok().zip(b.canonicalize().ok()).is_some_and(|(a, b)| a == b)
}

/// Whether a tree of files holds sessions: of newer versions it has diffs alone.
pub(crate) fn has_sessions(store: &FoundStore) -> bool {
    store.kind != StoreKind::OpencodeJson
        || [SESSION, MESSAGE].iter().any(|name| store.path.join(name).is_dir())
}

/// The Source of one store.
pub(crate) fn one(store: &FoundStore, global: &Global) -> Arc<dyn Source> {
    match store.kind {
        #[cfg(feature = "sqlite")]
        StoreKind::OpencodeSqlite => Arc::new(database(&store.path, global)),
        _ => Arc::new(files(&store.path, global)),
    }
}

/// The Source of all of these, of which each can be opened. There is at least one.
pub(crate) fn all(stores: &[&FoundStore], global: &Global) -> Option<Arc<dyn Source>> {
    let (sessions, diffs): (Vec<&FoundStore>, Vec<&FoundStore>) =
        stores.iter().partition(|store| has_sessions(store));
    let Some((first, others)) = sessions.split_first() else {
        return Some(one(stores.first()?, global));
    };
    let beside = first.data_dir.join(STORAGE);
    let diffs = match sessions.iter().any(|store| store.kind == StoreKind::OpencodeJson) {
        true => None, // they are asked for diffs anyhow
        false => diffs.first().map(|store| &store.path).or(beside.is_dir().then_some(&beside)),
    };
    let source = one(first, global);
    if others.is_empty() && diffs.is_none() {
        return Some(source);
    }
    let id = if others.is_empty() { source.id().clone() } else { named(&first.data_dir) };
    let mut merged = MergedSource::new(id, source);
    for other in others {
        merged = merged.and(one(other, global));
    }
    if let Some(diffs) = diffs {
        merged = merged.with_diffs_of(Arc::new(files(diffs, global)));
    }
    Some(Arc::new(merged))
}

/// The Source of databases and a tree of files that may come, go and become others while it is
/// read, the one that wins first; what is not there is empty. None if there is to be none.
pub(crate) fn awaited(
    id: &Path,
    databases: &[PathBuf],
    tree: Option<&Path>,
    global: &Global,
) -> Option<Arc<dyn Source>> {
    let there = |source| -> Arc<dyn Source> { Arc::new(IfThere::new(source)) };
    #[cfg(feature = "sqlite")]
    let database = |path: &PathBuf| Some(there(Arc::new(database(path, global))));
    #[cfg(not(feature = "sqlite"))]
    let database = |_: &PathBuf| None;
    let mut members: Vec<Arc<dyn Source>> = databases.iter().filter_map(database).collect();
    members.extend(tree.map(|path| there(Arc::new(files(path, global)))));
    if members.len() < 2 {
        return members.pop();
    }
    let mut members = members.into_iter();
    let first = MergedSource::new(named(id), members.next()?);
    Some(Arc::new(members.fold(first, MergedSource::and)))
}

/// A reader of the JSON tree at this path.
pub(crate) fn files(storage: &Path, global: &Global) -> FileReader {
    FileReader::new(storage, named(storage), Arc::new(SystemClock))
        .with_options(options(global))
        .with_policy(policy(global))
}

/// A reader of the database at this path.
#[cfg(feature = "sqlite")]
pub(crate) fn database(path: &Path, global: &Global) -> SqliteReader {
    SqliteReader::new(path, named(path), Arc::new(SystemClock)).with_options(options(global))
}

/// How files and rows are read.
pub(crate) fn options(global: &Global) -> ReadOptions {
    let default = ReadOptions::default();
    ReadOptions { max_len: global.max_size.unwrap_or(default.max_len), ..default }
}

/// A store is named by its path; what cannot be in an id is shown as an escape.
pub(crate) fn named(path: &Path) -> SourceId {
    let path = path.to_string_lossy();
    let id = SourceId::new(&crate::safe::line(&path));
    #[expect(clippy::expect_used, reason = "a path is not empty, and controls were replaced")]
    id.expect("a text without controls")
}

fn policy(global: &Global) -> MapPolicy {
    if !global.mmap {
        return MapPolicy::default();
    }
    // SAFETY: the user promises it by `--mmap`, whose help says so: nobody writes to a store that
    // is a copy or an archive while this process runs. We never write to a store.
    #[expect(unsafe_code, reason = "the one opt-in to mapping files that are rewritten in place")]
    unsafe {
        MapPolicy::frozen(MAP_FROM)
    }
}
