//! Every path of a store that opencode 1.1.65 wrote.

use std::collections::BTreeMap;
use std::path::Path;

use scrollback_stor_path::{
    PathClass, StoragePaths, StoreKind, classify, classify_in_data_dir, path_of,
};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");

fn walk(dir: &Path, visitor: &mut dyn FnMut(&Path)) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), visitor)?;
        } else {
            visitor(&entry.path());
        }
    }
    Ok(())
}

#[test]
fn every_path_round_trips() {
    let storage = Path::new(CORPUS).join("storage");
    let mut counts = BTreeMap::new();
    walk(&storage, &mut |path| {
        let path = path.strip_prefix(&storage).unwrap();
        let classified = classify(path);
        *counts.entry(format!("{:?}", classified.class())).or_insert(0) += 1;
        match classified.key() {
            Some(key) => assert_eq!(path_of(&key, classified.project()).as_deref(), Ok(path)),
            None => assert_eq!(classified.class(), PathClass::Migration, "{}", path.display()),
        }
    })
    .unwrap();
    let count = |class: &str| counts.get(class).copied().unwrap_or_default();
    assert_eq!((count("Project"), count("Session"), count("Message")), (3, 59, 186), "{counts:?}");
    assert_eq!((count("Part"), count("Migration"), count("Foreign")), (511, 1, 0), "{counts:?}");
    assert!(count("Diff") > 0 && count("Todo") > 0, "{counts:?}");
}

#[test]
fn tool_outputs_are_known() {
    let mut count = 0;
    walk(&Path::new(CORPUS).join("tool-output"), &mut |path| {
        let path = path.strip_prefix(CORPUS).unwrap();
        assert_eq!(classify_in_data_dir(path).class(), PathClass::ToolOutput);
        count += 1;
    })
    .unwrap();
    assert!(count > 0);
}

#[test]
fn the_corpus_is_found() {
    let discovered = StoragePaths::explicit([CORPUS]).unwrap();
    let kinds: Vec<_> = discovered.stores.iter().map(|store| store.kind).collect();
    assert_eq!(kinds, [StoreKind::OpencodeJson]);
}
