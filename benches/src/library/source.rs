//! Opens the library's `Source` of a generated store.

use std::sync::Arc;

use anyhow::Result;
use scrollback_core_id::{SourceId, SystemClock};
use scrollback_source::Source;
use scrollback_stor_read::FileReader;
use scrollback_stor_sqlite::SqliteReader;

use crate::{Store, StoreFormat};

/// Returns the `Source` for the format of a store.
pub(super) fn source(store: &Store) -> Result<Arc<dyn Source>> {
    let clock = Arc::new(SystemClock);
    Ok(match store.format {
        StoreFormat::Files => {
            let id = SourceId::new(&store.storage.to_string_lossy())?;
            Arc::new(FileReader::new(&store.storage, id, clock))
        }
        StoreFormat::Database | StoreFormat::DatabaseV2 => {
            let id = SourceId::new(&store.database.to_string_lossy())?;
            Arc::new(SqliteReader::new(&store.database, id, clock))
        }
    })
}
