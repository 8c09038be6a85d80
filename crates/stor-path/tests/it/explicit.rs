//! Discovery at paths that a user gave.

use std::path::PathBuf;

use scrollback_stor_path::{DiscoveredStore, DiscoveryRule, Error, StoragePaths, StoreKind};

use crate::tree::Tree;

/// Returns the stores that a path leads to: name, kind and data directory.
fn stores_at(tree: &Tree, path: &str) -> Vec<(String, StoreKind, String)> {
    let discovered = StoragePaths::explicit([tree.path(path)]).unwrap();
    let name =
        |store: &DiscoveredStore| (tree.name(&store.path), store.kind, tree.name(&store.data_dir));
    discovered.stores.iter().map(name).collect()
}

#[test]
fn a_data_directory_its_storage_or_its_database() {
    let tree = Tree::new(&["d/storage/session/", "d/opencode.db", "d/opencode-dev.db"]).unwrap();
    let json = ("d/storage".to_owned(), StoreKind::OpencodeJson, "d".to_owned());
    let database = ("d/opencode.db".to_owned(), StoreKind::OpencodeSqlite, "d".to_owned());
    let channel = ("d/opencode-dev.db".to_owned(), StoreKind::OpencodeSqlite, "d".to_owned());
    assert_eq!(stores_at(&tree, "d"), [json.clone(), database.clone(), channel.clone()]);
    assert_eq!(stores_at(&tree, "d/storage"), [json]);
    assert_eq!(stores_at(&tree, "d/opencode.db"), [database]);
    assert_eq!(stores_at(&tree, "d/opencode-dev.db"), [channel]);
}

#[test]
fn a_storage_directory_by_name_or_content() {
    let tree = Tree::new(&["copy/message/", "new/storage/", "storage/storage/"]).unwrap();
    assert_eq!(stores_at(&tree, "copy")[0].0, "copy");
    assert_eq!(stores_at(&tree, "new/storage")[0].0, "new/storage");
    // A data directory that is itself called `storage`.
    assert_eq!(stores_at(&tree, "storage")[0].0, "storage/storage");
}

#[test]
fn a_data_directory_with_only_a_database() {
    let tree = Tree::new(&["d/opencode.db"]).unwrap();
    assert_eq!(
        stores_at(&tree, "d"),
        [("d/opencode.db".into(), StoreKind::OpencodeSqlite, "d".into())]
    );
}

#[test]
fn the_oldest_layout_is_known_by_its_content() {
    let tree = Tree::new(&[
        "d/project/slug/storage/session/info/",
        "new/storage/session/info/",
        "new/storage/message/",
    ])
    .unwrap();
    let legacy = StoreKind::OpencodeLegacyJson;
    let store = "d/project/slug/storage".to_owned();
    assert_eq!(stores_at(&tree, "d"), [(store.clone(), legacy, "d".to_owned())]);
    for path in ["d/project/slug", "d/project/slug/storage"] {
        assert_eq!(stores_at(&tree, path), [(store.clone(), legacy, "d/project/slug".to_owned())]);
    }
    // A project that is called `info` in the newer layout.
    assert_eq!(stores_at(&tree, "new")[0].1, StoreKind::OpencodeJson);
}

#[test]
fn several_paths_and_each_store_once() {
    let tree = Tree::new(&["a/storage/", "b/opencode.db"]).unwrap();
    let paths = ["a", "b/opencode.db", "a/storage", "b/../a/storage", "b"];
    let discovered = StoragePaths::explicit(paths.map(|path| tree.path(path))).unwrap();
    let names: Vec<_> = discovered.stores.iter().map(|store| tree.name(&store.path)).collect();
    assert_eq!(names, ["a/storage", "b/opencode.db"]);
    assert!(discovered.stores.iter().all(|store| store.rule == DiscoveryRule::Explicit));
    assert_eq!(StoragePaths::explicit::<PathBuf>([]).unwrap(), StoragePaths::default());
}

#[test]
fn a_path_that_ends_in_dots() {
    let tree = Tree::new(&["d/storage/session/p/"]).unwrap();
    let discovered = StoragePaths::explicit([tree.path("d/storage/session/..")]).unwrap();
    let data_dir = discovered.stores[0].data_dir.canonicalize().unwrap();
    assert_eq!(data_dir, tree.path("d").canonicalize().unwrap());
}

#[test]
fn each_wrong_path_has_its_error() {
    let tree =
        Tree::new(&["empty/", "notes.txt", "auth.json", "d/storage/", "opencode.db-wal"]).unwrap();
    let error = |path: &str| {
        StoragePaths::explicit([tree.path("d"), tree.path(path)]).unwrap_err().to_string()
    };
    let at = |path: &str| tree.path(path).display().to_string();
    assert_eq!(error("missing"), format!("there is nothing at {}", at("missing")));
    for file in ["notes.txt", "auth.json", "opencode.db-wal"] {
        let expected =
            "is not a store: expected a data directory, its storage/ directory, or a .db file";
        assert_eq!(error(file), format!("{} {expected}", at(file)));
    }
    assert_eq!(
        error("empty"),
        format!(
            "no store in {}: it has no storage/, opencode.db, opencode-*.db or \
             project/*/storage/, and is not a storage/ directory itself",
            at("empty")
        )
    );
    assert!(matches!(StoragePaths::explicit([""]), Err(Error::Missing(_))));
    let through_a_file = StoragePaths::explicit([tree.path("notes.txt/storage")]);
    assert!(through_a_file.is_err());
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_or_in_a_loop() {
    use std::os::unix::fs::symlink;

    let tree = Tree::new(&[]).unwrap();
    symlink("gone", tree.path("dangling")).unwrap();
    symlink("loop", tree.path("loop")).unwrap();
    let dangling = StoragePaths::explicit([tree.path("dangling")]);
    assert!(matches!(dangling, Err(Error::DanglingLink(_))));
    let looped = StoragePaths::explicit([tree.path("loop")]).unwrap_err();
    assert!(matches!(looped, Error::Unreadable(_)));
    assert!(looped.to_string().starts_with("cannot check "), "{looped}");
}
