//! Tests of discovery: which paths are one root, and which are several.

use std::path::Path;

use scrollback::layers::stor_path::Environment;
use scrollback::{Error, Store, StoreState};
use scrollback_fixtures::{Corpus, corpus, write_tree};

fn environment(data: &Path) -> Environment {
    Environment { xdg_data_home: Some(data.as_os_str().to_owned()), ..Environment::default() }
}

#[test]
fn a_data_directory_is_one_root() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("opencode");
    std::fs::create_dir(&data).unwrap();
    corpus(Corpus::OpencodeJson).copy_to(dir.path()).unwrap();
    let tree = corpus(Corpus::OpencodeJson).storage.clone();
    copy_directory(&tree, &data.join("storage"));
    let by = |store: Store| {
        let [root] = store.roots() else { panic!("one root") };
        (root.id().to_owned(), root.agent(), store.sessions().unwrap().len())
    };
    let discovered = Store::builder().environment(environment(dir.path())).without_cache().build();
    let discovered = by(discovered.unwrap());
    let given = by(Store::builder().path(&data).without_cache().build().unwrap());
    assert_eq!(discovered, given, "discovery and an explicit path give the same root");
    assert_eq!(discovered.0, data.canonicalize().unwrap().to_str().unwrap());
    assert_eq!((discovered.1, discovered.2), ("opencode", 59));
    // The tree alone is another root with the same sessions.
    let alone = by(Store::builder().path(data.join("storage")).without_cache().build().unwrap());
    assert_eq!((alone.0, alone.2), (format!("{}/storage", discovered.0), 59));
}

#[test]
fn the_same_root_by_two_paths_is_found_once() {
    let storage = &corpus(Corpus::OpencodeJson).storage;
    let builder = Store::builder().path(storage).path(storage.join("../storage")).without_cache();
    assert_eq!(builder.build().unwrap().roots().len(), 1);
}

#[test]
fn equal_ids_in_two_roots_are_two_sessions() {
    let dir = tempfile::tempdir().unwrap();
    for (name, updated) in [("a", 5), ("b", 9)] {
        let text = format!(
            r#"
            //- session/p/ses_1.json
            {{"id":"ses_1","title":"in {name}","time":{{"created":1,"updated":{updated}}}}}
            //- message/ses_1/msg_1.json
            {{"id":"msg_1","sessionID":"ses_1","role":"assistant","cost":0.1,"time":{{"created":1}}}}
            "#
        );
        write_tree(&dir.path().join(name).join("storage"), &text).unwrap();
    }
    let paths = ["a", "b"].map(|name| dir.path().join(name));
    let store = Store::builder().paths(paths).without_cache().build().unwrap();
    assert_eq!(store.roots().len(), 2);
    let titles: Vec<String> =
        store.sessions().unwrap().iter().map(|it| it.title().to_owned()).collect();
    assert_eq!(titles, ["in b", "in a"], "the newest first, over all roots");
    assert_eq!(store.session("ses_1").unwrap().title(), "in b", "the newer of the two");
    assert_eq!(store.session("opencode:ses_1").unwrap().full_id(), "opencode:ses_1");
    assert_eq!(store.usage().unwrap().total().cost.to_string(), "0.2");
    assert!(matches!(store.session("opencode:ses_2"), Err(Error::NoSession { .. })));
}

#[test]
fn an_ambiguous_start_of_an_id_lists_each_id_once() {
    let dir = tempfile::tempdir().unwrap();
    for (root, id, updated) in [("a", "ses_1", 5), ("a", "ses_2", 7), ("b", "ses_1", 9)] {
        let text = format!(
            r#"
            //- session/p/{id}.json
            {{"id":"{id}","title":"in {root}","time":{{"created":1,"updated":{updated}}}}}
            "#
        );
        write_tree(&dir.path().join(root).join("storage"), &text).unwrap();
    }
    let paths = ["a", "b"].map(|name| dir.path().join(name));
    let store = Store::builder().paths(paths).without_cache().build().unwrap();
    let Err(Error::Ambiguous { sessions, .. }) = store.session("ses_") else { panic!() };
    let named: Vec<_> = sessions.iter().map(|(id, title)| (&**id, &**title)).collect();
    assert_eq!(named, [("ses_1", "in b"), ("ses_2", "in a")], "the newest of equal ids");
}

#[test]
fn a_path_without_a_store_reports_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("x.txt"), "").unwrap();
    for (path, reason) in [
        (dir.path().to_owned(), "no store in"),
        (dir.path().join("x.txt"), "is not a store: expected"),
        (dir.path().join("not/there"), "there is nothing at"),
        (dir.path().join("not/there.db"), "there is nothing at"),
    ] {
        let error = Store::builder().path(&path).without_cache().build().unwrap_err();
        assert!(matches!(&error, Error::NotAStore { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let none = Store::builder().environment(environment(dir.path())).without_cache().build();
    let Err(Error::NoStore { places, .. }) = none else { panic!("{none:?}") };
    assert!(places[0].contains("nothing there"), "{places:?}");
}

#[test]
fn a_pending_root_has_no_sessions_yet() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::builder()
        .environment(environment(dir.path()))
        .without_cache()
        .include_pending()
        .build()
        .unwrap();
    let [root] = store.roots() else { panic!("one root") };
    assert!(root.discovered_root().stores.iter().all(|store| store.state != StoreState::Present));
    assert!(store.sessions().unwrap().is_empty());
}

#[cfg(all(unix, feature = "sqlite"))]
#[test]
fn an_unreadable_store_does_not_hide_the_others() {
    let dir = tempfile::tempdir().unwrap();
    copy_directory(&corpus(Corpus::OpencodeJson).storage, &dir.path().join("storage"));
    std::fs::write(
        dir.path().join("opencode.db"),
        "not a database, and long enough to be read as one",
    )
    .unwrap();
    let cache = dir.path().join("cache");
    let store = Store::builder().path(dir.path()).cache_dir(&cache).build().unwrap();
    assert_eq!(store.sessions().unwrap().len(), 59);
    assert_eq!(store.failures().len(), 1);
    assert!(store.failures()[0].to_string().contains("opencode.db"), "{:?}", store.failures());
    drop(store);
    assert!(!cache.exists(), "an incomplete root saves no index");
}

pub(crate) fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_directory(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}
