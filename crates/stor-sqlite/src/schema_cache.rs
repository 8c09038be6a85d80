//! The schema of a database, read once for all its connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use scrollback_core_id::Stamp;

use crate::error::{Error, Result};
use crate::schema::Schema;

/// The schema that was read last.
#[derive(Debug, Default)]
pub(crate) struct SchemaCache(Mutex<Option<(Stamp, Arc<Schema>)>>);

impl SchemaCache {
    /// The schema of a database whose file looked so when `db` was opened. The cached one is
    /// returned if the file is the same and its version too: the version alone says nothing of a
    /// file that took the place of another.
    pub(crate) fn of(&self, db: &Connection, file: Option<Stamp>) -> Result<Arc<Schema>> {
        let version = Schema::version_of(db)?;
        if let (Some((of, schema)), Some(file)) = (&*self.lock(), file)
            && *of == file
            && schema.version == version
        {
            return Ok(Arc::clone(schema));
        }
        let schema = read(db, None)?;
        *self.lock() = file.map(|file| (file, Arc::clone(&schema)));
        Ok(schema)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Stamp, Arc<Schema>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the schema of a database.
pub(crate) fn read(db: &Connection, cap: Option<u64>) -> Result<Arc<Schema>> {
    Ok(Arc::new(Schema::of(db, cap)?.ok_or(Error::NoSessions)?))
}
