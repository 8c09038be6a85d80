//! Caches the schema of a database for all its connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use scrollback_core_id::Stamp;

use crate::error::{Error, Result};
use crate::schema::Schema;

/// The schema that was read last, with the stamp of its file.
#[derive(Debug, Default)]
pub(crate) struct SchemaCache(Mutex<Option<(Stamp, Arc<Schema>)>>);

impl SchemaCache {
    /// Returns the schema of a database. `file` is the stamp of the file when `db` was opened. The
    /// cached schema is returned only if both the file and the schema version are the same: a file
    /// that replaced another may have the same version.
    pub(crate) fn get(&self, db: &Connection, file: Option<Stamp>) -> Result<Arc<Schema>> {
        let version = Schema::version_of(db)?;
        if let (Some((cached_file, schema)), Some(file)) = (&*self.lock(), file)
            && *cached_file == file
            && schema.version == version
        {
            return Ok(Arc::clone(schema));
        }
        let schema = read_schema(db, None)?;
        *self.lock() = file.map(|file| (file, Arc::clone(&schema)));
        Ok(schema)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Stamp, Arc<Schema>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the schema of a database.
///
/// # Errors
///
/// Returns [`Error::NoSessions`] if the database has no table of sessions, and
/// [`Error::UnknownSessions`] if the table lacks a needed column.
pub(crate) fn read_schema(db: &Connection, cap: Option<u64>) -> Result<Arc<Schema>> {
    if let Some(schema) = Schema::read(db, cap)? {
        return Ok(Arc::new(schema));
    }
    Err(match Schema::problem_of_sessions(db)? {
        Some(problem) => Error::UnknownSessions { problem },
        None => Error::NoSessions,
    })
}

#[cfg(test)]
mod tests {
    use scrollback_core_id::UnixNanos;

    use super::*;

    #[test]
    fn a_changed_version_or_file_makes_the_schema_be_reread() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("../../../fixtures/schema/opencode-1.18.33.sql")).unwrap();
        let schemas = SchemaCache::default();
        let file = |inode| Some(Stamp { size: 1, mtime: UnixNanos(1), inode });
        let first = schemas.get(&db, file(1)).unwrap();
        assert!(Arc::ptr_eq(&first, &schemas.get(&db, file(1)).unwrap()));
        let other_file = schemas.get(&db, file(2)).unwrap();
        assert!(!Arc::ptr_eq(&first, &other_file));
        db.execute_batch("ALTER TABLE todo RENAME COLUMN status TO state").unwrap();
        let altered = schemas.get(&db, file(2)).unwrap();
        assert!(other_file.todos.is_some() && altered.todos.is_none());
        let unknown = schemas.get(&db, None).unwrap();
        assert!(!Arc::ptr_eq(&unknown, &schemas.get(&db, None).unwrap()));
    }
}
