//! Tests that all processes share one snapshot for each root.

use std::path::Path;

use scrollback::Store;
use scrollback_fixtures::{Corpus, corpus};

use crate::roots::copy_directory;

fn count_files(cache: &Path, end: &str) -> usize {
    let names = std::fs::read_dir(cache).unwrap();
    names.filter(|it| it.as_ref().unwrap().file_name().to_str().unwrap().ends_with(end)).count()
}

#[test]
fn a_root_with_a_database_and_files_keeps_one_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    copy_directory(&corpus(Corpus::OpencodeJson).storage, &data.join("storage"));
    std::fs::copy(&corpus(Corpus::OpencodeSqlite).database, data.join("opencode.db")).unwrap();
    let cache = dir.path().join("cache");
    let open = || Store::builder().path(&data).cache_dir(&cache).build().unwrap();
    let cold: Vec<String> =
        open().sessions().unwrap().iter().map(|it| it.id().to_owned()).collect();
    assert_eq!(count_files(&cache, ".snapshot"), 1);
    let warm = open();
    let ids: Vec<String> = warm.sessions().unwrap().iter().map(|it| it.id().to_owned()).collect();
    assert_eq!(ids, cold);
    use scrollback::layers::flow::IndexOrigin;
    let stats = warm.roots()[0].materializer().unwrap().stats();
    assert!(matches!(stats.origin, IndexOrigin::Snapshot(_)), "{:?}", stats.origin);
    assert_eq!(count_files(&cache, ".snapshot"), 1);
}

#[test]
fn no_snapshot_is_kept_within_a_store() {
    let dir = tempfile::tempdir().unwrap();
    copy_directory(&corpus(Corpus::OpencodeJson).storage, &dir.path().join("storage"));
    let cache = dir.path().join("storage/cache");
    let store = Store::builder().path(dir.path()).cache_dir(&cache).build().unwrap();
    assert!(!store.sessions().unwrap().is_empty());
    drop(store);
    assert!(!cache.exists());
}
