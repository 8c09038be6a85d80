//! Tests of cache directories that are unsafe or cannot be used: every command works without an index, and
//! one note says why.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{RunOutput, scrollback, store_from_text};

const STORE: &str = r#"
    //- session/p/ses_1.json
    {"id":"ses_1","title":"kept","time":{"created":1,"updated":1}}
"#;

/// Lists a store, and checks that the list is whole and that there is exactly one note, which has this
/// text.
fn assert_listed_with_note(store: &Path, cache_home: &Path, note: &str) {
    for args in [["ls", "--json"], ["stores", "--json"], ["show", "ses_1"], ["tree", "ses_1"]] {
        let mut command = scrollback();
        command.env("XDG_CACHE_HOME", cache_home).arg("--store").arg(store).args(args);
        let ran = RunOutput::from(command.output().unwrap());
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
        assert!(ran.stdout.contains(if args[0] == "stores" { "sessions" } else { "kept" }));
        assert!(ran.stderr.contains(note), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{args:?}: {}", ran.stderr);
    }
}

/// Creates a store, and an empty directory beside it.
fn store_and_directory() -> (TempDir, TempDir) {
    (store_from_text(STORE), tempfile::tempdir().unwrap())
}

#[test]
fn no_index_is_kept_inside_a_store() {
    const NOTE: &str = "it is inside a store";
    let (store, other) = store_and_directory();
    let names = |dir: &Path| fs::read_dir(dir).unwrap().count();
    let before = (names(store.path()), names(&store.path().join("storage")));
    let name = store.path().file_name().unwrap();
    for inside in [
        store.path().to_owned(),
        store.path().join("storage"),
        store.path().join("storage/not/there"),
        other.path().join("missing/../..").join(name),
    ] {
        assert_listed_with_note(store.path(), &inside, NOTE);
        assert_listed_with_note(&store.path().join("storage"), &store.path().join("storage"), NOTE);
    }
    #[cfg(unix)]
    for (link, target) in [("link", ""), ("dead", "later"), ("deep", "storage/a/../b")] {
        std::os::unix::fs::symlink(store.path().join(target), other.path().join(link)).unwrap();
        assert_listed_with_note(store.path(), &other.path().join(link), NOTE);
    }
    assert_eq!((names(store.path()), names(&store.path().join("storage"))), before);
    assert!(!other.path().join("missing").exists());

    // A store that is named beside another one is a store, too.
    let second = store_from_text("");
    let mut command = scrollback();
    command.env("XDG_CACHE_HOME", second.path()).arg("ls").arg("--store").arg(store.path());
    let ran = RunOutput::from(command.arg("--store").arg(second.path()).output().unwrap());
    assert!(!second.path().join("scrollback").exists(), "{}", ran.stderr);
}

/// A database can lie in the home directory, which has the cache directory too.
#[test]
fn an_index_is_kept_beside_a_database_of_the_home_directory() {
    let home = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(home.path().join("opencode.db")).unwrap();
    let schema = include_str!("../../../../fixtures/schema/opencode-1.18.33.sql");
    database.execute_batch(schema).unwrap();
    let cache = home.path().join(".cache");
    let mut command = scrollback();
    command.env("XDG_CACHE_HOME", &cache).arg("stores");
    let path = home.path().join("opencode.db");
    let ran = RunOutput::from(command.arg("--store").arg(path).output().unwrap());
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert!(cache.join("scrollback").is_dir());
}

#[cfg(unix)]
#[test]
fn no_index_is_kept_where_other_users_can_write() {
    use std::os::unix::fs::PermissionsExt;
    for (mode, is_safe) in [(0o777, false), (0o1777, false), (0o775, false), (0o755, true)] {
        let (store, cache_home) = store_and_directory();
        let dir = cache_home.path().join("scrollback");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
        if is_safe {
            let mut command = scrollback();
            command.env("XDG_CACHE_HOME", cache_home.path()).arg("ls").arg("--store");
            let ran = RunOutput::from(command.arg(store.path()).output().unwrap());
            assert_eq!((ran.code, &*ran.stderr), (0, ""));
        } else {
            assert_listed_with_note(store.path(), cache_home.path(), "other users can write to it");
        }
        assert_eq!(fs::read_dir(&dir).unwrap().count() > 0, is_safe, "{mode:o}");
    }
}

#[cfg(unix)]
#[test]
fn no_index_is_kept_in_a_directory_of_another_user() {
    use rustix::process::geteuid;
    if !geteuid().is_root() {
        crate::support::skip("no_index_is_kept_in_a_directory_of_another_user", "needs root");
        return;
    }
    let (store, cache_home) = store_and_directory();
    let dir = cache_home.path().join("scrollback");
    fs::create_dir(&dir).unwrap();
    std::os::unix::fs::chown(&dir, Some(65534), None).unwrap();
    assert_listed_with_note(store.path(), cache_home.path(), "it belongs to another user");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
}

#[test]
fn a_cache_directory_that_cannot_be_used_costs_one_note() {
    const NOTE: &str = "cannot save the index";
    let (store, cache_home) = store_and_directory();
    fs::write(cache_home.path().join("scrollback"), "a file where the directory belongs").unwrap();
    assert_listed_with_note(store.path(), cache_home.path(), NOTE);
    #[cfg(unix)]
    {
        let (store, cache_home) = store_and_directory();
        let link = cache_home.path().join("scrollback");
        std::os::unix::fs::symlink("/not-mounted/cache", &link).unwrap();
        assert_listed_with_note(store.path(), cache_home.path(), NOTE);
    }
}
