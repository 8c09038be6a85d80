//! Tests databases of another user, in directories without write access. A process that has given
//! up its rights reads them.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use scrollback_core_id::Scope;
use scrollback_fixtures::Corpus;
use scrollback_source::Source;
use scrollback_stor_sqlite::Access;
use tempfile::TempDir;

use crate::calls::scan;
use crate::support::{
    SMALL_ROWS, copy_corpus, database_with_rows, entry_json, open, open_writer, read_everything,
    read_files, side_file, skip, titles,
};

/// The environment variable that passes the database to the other process.
const DATABASE_VARIABLE: &str = "SCROLLBACK_TEST_DATABASE";
const NOBODY: u32 = 65534;
/// The name of the small test database.
const SMALL_NAME: &str = "small.db";

/// Runs in the other process. Without a database in the environment the test passes at once.
#[test]
fn reads_as_nobody() {
    let Some(database) = std::env::var_os(DATABASE_VARIABLE) else { return };
    let store = open(Path::new(&database));
    let (_, issues) = read_everything(&store);
    assert_eq!(issues, 0);
    if Path::new(&database).ends_with(SMALL_NAME) {
        assert_eq!(titles(&mut *store.open().unwrap()), ["committed", "committed"]);
    } else {
        let listed = scan(&store, &Scope::Sessions).entries;
        assert_eq!(listed.len(), 59);
        assert!(listed.iter().all(|entry| entry_json(entry)["tokens"]["input"].is_number()));
        assert_eq!(store.access().unwrap(), Access::Detached);
    }
    println!("it was read");
}

/// Copies this program to a place where the user `nobody` can run it. Returns `None` if that is not
/// possible.
fn copy_of_program() -> Option<(TempDir, PathBuf)> {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    chmod(dir.path(), 0o755);
    chmod(&program, 0o755);
    let may_run = Command::new(&program).arg("--list").uid(NOBODY).gid(NOBODY).output();
    if may_run.is_ok_and(|output| output.status.success()) {
        return Some((dir, program));
    }
    skip("databases of somebody else", "only root can become nobody, where nobody may run a file");
    None
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Reads a database as the user `nobody`, and checks that the directory stays the same.
fn read_as_nobody(program: &Path, database: &Path, is_shm_hidden: bool) {
    let dir = database.parent().unwrap();
    for name in read_files(dir).keys() {
        chmod(&dir.join(name), 0o644);
    }
    if is_shm_hidden {
        chmod(&side_file(database, "-shm"), 0o600);
    }
    chmod(dir, 0o555);
    let before = read_files(dir);
    let output = Command::new(program)
        .args(["--exact", "unprivileged::reads_as_nobody", "--nocapture"])
        .env(DATABASE_VARIABLE, database)
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stdout.contains("it was read"), "{stdout}{stderr}");
    assert!(read_files(dir) == before);
}

#[test]
fn a_log_is_read_in_a_directory_without_write_access() {
    let Some((_keep, program)) = copy_of_program() else { return };
    let (_dir, database) = copy_corpus(Corpus::OpencodeRawWal);
    read_as_nobody(&program, &database, false);
}

#[test]
fn the_database_of_another_user_is_read() {
    let Some((_keep, program)) = copy_of_program() else { return };
    for (is_alive, is_hidden) in [(true, false), (true, true), (false, false)] {
        let (dir, original) = database_with_rows(SMALL_ROWS);
        let database = dir.path().join(SMALL_NAME);
        std::fs::rename(original, &database).unwrap();
        let db = open_writer(&database);
        db.execute("UPDATE session SET title = 'committed'", []).unwrap();
        let killed = tempfile::tempdir().unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let copied = killed.path().join(SMALL_NAME);
            std::fs::copy(side_file(&database, suffix), side_file(&copied, suffix)).unwrap();
        }
        let dir = if is_alive { dir.path() } else { killed.path() };
        read_as_nobody(&program, &dir.join(database.file_name().unwrap()), is_hidden);
    }
}
