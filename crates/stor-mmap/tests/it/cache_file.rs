//! Cache files: written whole or not at all, and readable by their owner only.

use std::fs;
use std::thread;

use scrollback_core_err::IssueKind;
use scrollback_stor_mmap::{Backing, Error, open_cache_file, write_atomic};

use crate::support::Store;

fn names(store: &Store) -> Vec<String> {
    let names = fs::read_dir(store.path("")).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_written_cache_file_can_be_opened() {
    let _turn = crate::maps::lock_live_maps();
    let store = Store::new();
    let path = store.path("index");
    for (len, backing) in [
        (0, Backing::Empty),
        (10, Backing::Pooled),
        (100_000, Backing::Mapped),
        (7, Backing::Pooled),
    ] {
        write_atomic(&path, &[vec![b'x'; len / 3], vec![b'x'; len - len / 3]]).unwrap();
        let span = open_cache_file(&path).unwrap();
        assert_eq!((span.len(), span.backing(), span.is_settled()), (len, backing, true));
        assert!(span.iter().all(|&byte| byte == b'x'));
        assert_eq!(names(&store), ["index"], "nothing is left behind");
    }
}

#[test]
#[cfg(unix)]
fn only_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let store = Store::new();
    let path = store.path("index");
    fs::write(&path, "readable by all").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    write_atomic(&path, &[b"new"]).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_open_span_keeps_the_old_bytes() {
    let _turn = crate::maps::lock_live_maps();
    let store = Store::new();
    let path = store.path("index");
    write_atomic(&path, &[[1; 100_000]]).unwrap();
    let old = open_cache_file(&path).unwrap();
    assert_eq!(old.backing(), Backing::Mapped);
    write_atomic(&path, &[[2; 50]]).unwrap();
    assert!(old.iter().all(|&byte| byte == 1));
    assert_eq!(open_cache_file(&path).unwrap()[..], [2; 50]);
}

#[test]
fn a_failed_write_leaves_all_as_it_was() {
    let store = Store::new();
    store.mkdir("index");
    let Err(Error::Io(error)) = write_atomic(&store.path("index"), &[b"new"]) else { panic!() };
    assert_eq!((error.action, error.path), ("write", store.path("index")));
    assert_eq!(names(&store), ["index"]);

    let Err(Error::Io(error)) = write_atomic(&store.path("nowhere/index"), &[b"new"]) else {
        panic!()
    };
    assert_eq!(error.action, "create");
    assert!(write_atomic(&store.path(".."), &[b"new"]).is_err());
    assert_eq!(names(&store), ["index"]);
}

#[test]
fn opening_a_missing_cache_file_fails() {
    let store = Store::new();
    store.mkdir("d");
    let kind = |name: &str| match open_cache_file(&store.path(name)).unwrap_err() {
        Error::Issue(issue) => {
            assert_eq!(issue.place.path, Some(store.path(name)));
            issue.kind
        }
        error => panic!("{error}"),
    };
    assert_eq!(kind("missing"), IssueKind::Vanished);
    assert_eq!(kind("d"), IssueKind::NotAFile);
    assert!(matches!(open_cache_file(&store.path("nowhere/index")), Err(Error::Io(_))));
}

#[test]
fn readers_never_see_half() {
    let store = Store::new();
    let path = store.path("index");
    write_atomic(&path, &[[0; 1000]]).unwrap();
    thread::scope(|scope| {
        for writer in 1..=2_u8 {
            let path = &path;
            scope.spawn(move || {
                for n in 0..20 {
                    write_atomic(path, &[vec![writer; 1000 + n * 50]]).unwrap();
                }
            });
        }
        for _ in 0..2000 {
            let span = open_cache_file(&path).unwrap();
            assert!(span.len() >= 1000 && span.iter().all(|&byte| byte == span[0]));
        }
    });
    assert_eq!(names(&store), ["index"]);
}
