//! Damage around the file of a database: its log, its kind, its rights.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use scrollback_fixtures::{Corpus, corpus};

use super::scan::{Scan, scan};
use crate::case::{DAMAGED_AGE, settle};
use crate::random::Random;

/// The name of the log beside the database.
const LOG: &str = "opencode.db-wal";
/// A change of the database beside a sound log.
const CHANGED_DATABASE: &str = "bytes of a database with a log";

/// Puts a database and a damaged log, or the log of another database, into `dir`. Returns what was
/// done, and what SQLite reads.
pub(crate) fn damaged_log(dir: &Path, random: &mut Random) -> Result<(String, Scan)> {
    let own = corpus(Corpus::OpencodeRawWal);
    let mut log = std::fs::read(own.data_dir.join(LOG))?;
    let mut database = std::fs::read(&own.database)?;
    let change = match random.below(6) {
        0 => {
            log.truncate(random.below(log.len()));
            "log cut".to_owned()
        }
        1 => {
            for _ in 0..=random.below(4) {
                let at = random.below(log.len());
                log[at] = random.byte();
            }
            "bytes of the log".to_owned()
        }
        2 => {
            let at = random.below(log.len());
            log[at..].fill(0);
            "log with a tail of NUL bytes".to_owned()
        }
        3 => {
            // Pages that the log replaces, so that a sound log heals them.
            for _ in 0..=random.below(20) {
                let at = 4096 + random.below(database.len() - 4096);
                database[at] = random.byte();
            }
            CHANGED_DATABASE.to_owned()
        }
        _ => {
            // Not `OpencodeMigrated`: its content came out of this log.
            let others =
                [Corpus::OpencodeSqlite, Corpus::OpencodePrelaunch, Corpus::OpencodeV2Fresh];
            let other = others[random.below(others.len())];
            database = std::fs::read(corpus(other).database)?;
            format!("log of another database beside {other:?}")
        }
    };
    let copy = tempfile::tempdir()?;
    for dir in [dir, copy.path()] {
        for (name, bytes) in [("opencode.db", &database), (LOG, &log)] {
            std::fs::write(dir.join(name), bytes)?;
            settle(&dir.join(name), DAMAGED_AGE)?;
        }
    }
    let mut damaged = scan(&copy.path().join("opencode.db"));
    if change == CHANGED_DATABASE {
        // A row that the log does not heal is damaged, whatever SQLite reads.
        let sound = tempfile::tempdir()?;
        std::fs::copy(&own.database, sound.path().join("opencode.db"))?;
        std::fs::copy(own.data_dir.join(LOG), sound.path().join(LOG))?;
        let sound = scan(&sound.path().join("opencode.db"));
        damaged.rows.retain(|row| sound.rows.contains(row));
        damaged.is_changed = damaged.rows.len() < sound.rows.len();
    }
    Ok((change, damaged))
}

/// Puts something else in the place of the database. Returns what it is.
pub(crate) fn replaced_file(path: &Path, can_deny: bool, random: &mut Random) -> Result<String> {
    let _ = std::fs::remove_file(path);
    Ok(match random.below(if can_deny { 6 } else { 5 }) {
        0 => {
            std::fs::create_dir(path)?;
            "a directory in place of the database"
        }
        1 => {
            symlink("/nowhere/opencode.db", path)?;
            "a dead link in place of the database"
        }
        2 => {
            ensure!(Command::new("mkfifo").arg(path).status()?.success(), "no mkfifo");
            "a pipe in place of the database"
        }
        3 => {
            std::fs::write(path, "")?;
            "an empty file in place of the database"
        }
        4 => {
            std::fs::write(path, "some text that is no database\n".repeat(500))?;
            "a text in place of the database"
        }
        _ => {
            std::fs::copy(corpus(Corpus::OpencodeSqlite).database, path)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000))?;
            "a database that may not be read"
        }
    }
    .to_owned())
}
