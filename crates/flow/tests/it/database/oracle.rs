//! Reproduces opencode's own exports and diffs from its databases.

use std::collections::BTreeMap;

use scrollback_fixtures::{Corpus, corpus};
use scrollback_flow::{Export, MergedSource, SessionLoader, run_session_tree_flow};
use serde_json::Value;

use crate::store::session_key;
use crate::support::{database_source, file_source, source_id};

#[test]
fn every_export_equals_what_opencode_printed() {
    for which in [Corpus::OpencodeSqlite, Corpus::OpencodeMigrated] {
        let paths = corpus(which);
        let store = database_source(&paths.database);
        let exports = paths.exports().unwrap();
        assert_eq!(exports.len(), 59);
        for export in exports {
            let oracle: Value =
                serde_json::from_slice(&std::fs::read(&export.path).unwrap()).unwrap();
            let ours = run_session_tree_flow(&*store, &session_key(&export.session), |tree| {
                serde_json::to_value(Export(tree)).unwrap()
            });
            assert_eq!(ours.unwrap().value, oracle, "{which:?} {}", export.session);
        }
    }
}

/// opencode 1.18 keeps diffs in files, and its API returns none. The diffs of 1.1 are compared with
/// its API.
#[test]
fn diffs_are_found_in_the_files_beside_the_database() {
    let json = corpus(Corpus::OpencodeJson);
    let migrated = MergedSource::new(
        source_id("m"),
        database_source(&corpus(Corpus::OpencodeMigrated).database),
    )
    .with_source(file_source(&json.storage));
    let api = std::fs::read(json.oracle.join("api/children-todo-diff.json")).unwrap();
    let api: BTreeMap<String, Value> = serde_json::from_slice(&api).unwrap();
    let mut expected: BTreeMap<String, Value> =
        api.into_iter().map(|(session, answers)| (session, answers["diff"].clone())).collect();
    assert_eq!(check_diffs(&migrated, &expected), 7);

    let paths = corpus(Corpus::OpencodeSqlite);
    let store = MergedSource::new(source_id("s"), database_source(&paths.database));
    let store = store.with_diff_source(file_source(&paths.storage));
    expected.clear();
    for file in std::fs::read_dir(paths.storage.join("session_diff")).unwrap() {
        let path = file.unwrap().path();
        let session = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let diff = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        expected.insert(session, diff);
    }
    assert_eq!(check_diffs(&store, &expected), 5);
}

/// Checks the diffs of all sessions, and returns their number.
fn check_diffs(store: &MergedSource, expected: &BTreeMap<String, Value>) -> usize {
    let loader = SessionLoader::new(store);
    let mut diffs = 0;
    for (session, oracle) in expected {
        let loaded = loader.load_session_with_diff(&session_key(session)).unwrap();
        let diff = serde_json::to_value(loaded.diff().unwrap().value).unwrap();
        assert_eq!(diff, *oracle, "{session}");
        diffs += diff.as_array().unwrap().len();
    }
    diffs
}
