//! The same work on opencode's database, by plain rusqlite: columns as they lie in SQLite's pages,
//! statements prepared once, records parsed in Rust.
//!
//! Where there is no log nobody writes, and the file is read as one that does not change: nothing is
//! locked, no file is made beside it, and a look at the end makes sure that it did not change.

#![expect(clippy::disallowed_methods, reason = "it asks the system itself")]

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

/// A row that changed this shortly before the look may change once more in the same millisecond.
const SETTLE_MARGIN: Duration = Duration::from_millis(100);

/// An open database.
#[derive(Debug)]
struct Database {
    db: Connection,
    path: PathBuf,
    /// Its bytes and mtime when it was opened, if it is read as a file that does not change.
    immutable_stat: Option<(u64, SystemTime)>,
}

impl Database {
    fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let name = path.to_str().context("a path that is no text")?;
        let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let still = if has_log(path) { None } else { Some(file_stat(path)?) };
        let how = if still.is_some() { "&immutable=1" } else { "" };
        let db = Connection::open_with_flags(format!("file:{name}?mode=ro{how}"), flags)?;
        // Or else some statements are prepared anew whenever another value is bound, as one that
        // has statistics on values could do better for some of them.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(Self { db, path: path.to_owned(), immutable_stat: still })
    }

    /// Makes sure that what was read is of one state.
    fn check(&self) -> Result<()> {
        if let Some(still) = self.immutable_stat {
            ensure!(file_stat(&self.path)? == still && !has_log(&self.path), "somebody writes");
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

/// Rows that changed before this, in Unix milliseconds, are settled.
fn settled_before() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.saturating_sub(SETTLE_MARGIN).as_millis()).unwrap_or(i64::MAX)
}

/// A column that is a text.
#[inline]
fn text_column<'r>(row: &'r Row<'_>, at: usize) -> Result<&'r [u8]> {
    match row.get_ref(at)? {
        ValueRef::Text(bytes) => Ok(bytes),
        _ => Err(anyhow::anyhow!("column {at} is no text")),
    }
}

/// A column that is a text, or NULL.
fn optional_text_column<'r>(row: &'r Row<'_>, at: usize) -> Result<Option<&'r [u8]>> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        _ => text_column(row, at).map(Some),
    }
}
