//! The floors for opencode's database, with plain rusqlite: columns are read from SQLite's pages,
//! statements are prepared once, records are parsed in Rust.
//!
//! If the database has no write-ahead log, no process is writing it. The file is then opened as
//! immutable, without locks and side files, and a stat at the end checks that it did not change.

#![expect(
    clippy::disallowed_methods,
    reason = "the floor uses the file system and the clock itself"
)]

pub mod index;
mod session;
pub mod text;
pub mod tree;
pub mod v2;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

/// A row that changed less than this before the read started may change again in the same
/// millisecond.
const SETTLE_MARGIN: Duration = Duration::from_millis(100);

/// An open database.
#[derive(Debug)]
struct Database {
    db: Connection,
    path: PathBuf,
    /// The size and mtime at opening, if the file is opened as immutable.
    immutable_stat: Option<(u64, SystemTime)>,
}

impl Database {
    fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let name = path.to_str().context("the path is not UTF-8")?;
        let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let immutable_stat = if has_log(path) { None } else { Some(file_stat(path)?) };
        let parameter = if immutable_stat.is_some() { "&immutable=1" } else { "" };
        let db = Connection::open_with_flags(format!("file:{name}?mode=ro{parameter}"), flags)?;
        // Without this setting SQLite prepares some statements again for each bound value, because
        // its statistics may give a better plan for that value.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(Self { db, path: path.to_owned(), immutable_stat })
    }

    /// Checks that an immutable file did not change while it was read.
    fn check(&self) -> Result<()> {
        if let Some(stat) = self.immutable_stat {
            ensure!(
                file_stat(&self.path)? == stat && !has_log(&self.path),
                "another process changed the database"
            );
        }
        Ok(())
    }
}

fn file_stat(path: &Path) -> Result<(u64, SystemTime)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.len(), metadata.modified()?))
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::symlink_metadata(log).is_ok()
}

/// Returns the time in Unix milliseconds before which a changed row is settled.
fn settled_before() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.saturating_sub(SETTLE_MARGIN).as_millis()).unwrap_or(i64::MAX)
}

/// Returns a text column.
#[inline]
fn text_column<'r>(row: &'r Row<'_>, at: usize) -> Result<&'r [u8]> {
    match row.get_ref(at)? {
        ValueRef::Text(bytes) => Ok(bytes),
        _ => Err(anyhow::anyhow!("column {at} is not text")),
    }
}

/// Returns a text column that may be NULL.
fn optional_text_column<'r>(row: &'r Row<'_>, at: usize) -> Result<Option<&'r [u8]>> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        _ => text_column(row, at).map(Some),
    }
}
