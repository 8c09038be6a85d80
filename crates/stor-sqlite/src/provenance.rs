//! Determines where the sessions of a database were read from: the tables of 2.x, the tables of
//! 1.x, or both.

use std::cell::{OnceCell, RefCell};

use rusqlite::Row as SqlRow;
use scrollback_core_type::Provenance;
use scrollback_stor_path::opencode::{
    AGENT, LATE_LEGACY, LEGACY_ONLY, PENDING_MIGRATION, PREVIEW, TABLES_V1, TABLES_V2, WITHOUT_ROWS,
};

use crate::cells::{bytes, integer};
use crate::query_context::QueryContext;
use crate::schema::sessions::TablePresence;
use crate::schema::tables::v2::KvColumn;

/// How far the migration from 1.x to 2.x is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MigrationProgress {
    UnderWay,
    /// When the migration ended, in Unix milliseconds.
    Ended(i64),
}

/// The tables of 1.x.
const V1: u8 = 1 << 1;
/// The tables of 2.x.
const V2: u8 = 1 << 2;

/// How far opencode has moved one session from the tables of 1.x to those of 2.x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
enum MigrationState {
    #[default]
    Usual = 0,
    NotMigrated = 1,
    LegacyOnly = 2,
    LateLegacy = 3,
    WithoutRows = 4,
    Preview = 5,
}

impl MigrationState {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Usual => None,
            Self::NotMigrated => Some(PENDING_MIGRATION),
            Self::LegacyOnly => Some(LEGACY_ONLY),
            Self::LateLegacy => Some(LATE_LEGACY),
            Self::WithoutRows => Some(WITHOUT_ROWS),
            Self::Preview => Some(PREVIEW),
        }
    }
}

/// The tables that a session was read from, and the other tables that have it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SessionLocation {
    read_tables: u8,
    other_tables: u8,
    migration_state: MigrationState,
}

impl SessionLocation {
    /// Returns the location as a number for stamps. Different locations have different numbers.
    pub(crate) fn stamp_bits(self) -> u32 {
        u32::from_le_bytes([self.read_tables, self.other_tables, self.migration_state as u8, 0])
    }

    fn provenance(self) -> Provenance {
        let names = |tables: u8| {
            [(V1, TABLES_V1), (V2, TABLES_V2)]
                .into_iter()
                .filter(move |(bit, _)| tables & bit != 0)
                .map(|(_, name)| name)
        };
        let newest = if self.read_tables & V2 != 0 { TABLES_V2 } else { TABLES_V1 };
        let mut provenance = Provenance::new(AGENT, newest);
        provenance = names(self.read_tables).fold(provenance, Provenance::with_format);
        provenance = names(self.other_tables).fold(provenance, Provenance::with_also_in);
        provenance =
            self.migration_state.name().into_iter().fold(provenance, Provenance::with_migration);
        // The record of 2.x also counts the requests for titles and compactions, and that of 1.x all
        // steps. The preview does not count its turns, and a record of 2.x without rows counts rows
        // that are not there. See the rules in `docs/format/opencode-v2.md`, section 7.7.
        provenance.with_complete_totals(!matches!(
            self.migration_state,
            MigrationState::Preview | MigrationState::WithoutRows
        ))
    }
}

/// Locates sessions and caches their provenance values.
#[derive(Debug, Default)]
pub(crate) struct ProvenanceCache {
    migration: OnceCell<MigrationProgress>,
    /// A short list, because a database has few different locations.
    cached: RefCell<Vec<(SessionLocation, Provenance)>>,
}

impl ProvenanceCache {
    /// Returns the location of a session that was created at `created` (Unix milliseconds). Column
    /// `at` holds its [`TablePresence`].
    pub(crate) fn locate_session(
        &self,
        context: &QueryContext<'_>,
        row: &SqlRow<'_>,
        at: usize,
        created: i64,
    ) -> rusqlite::Result<SessionLocation> {
        let presence = TablePresence::new(integer(row, at)?);
        let (has_rows, has_messages) =
            (presence.has(TablePresence::ROWS), presence.has(TablePresence::MESSAGES));
        let is_preview = context.schema.v2.as_ref().is_some_and(|v2| v2.is_preview);
        let read = if has_rows { V2 } else { V1 };
        let mut location = SessionLocation { read_tables: read, ..SessionLocation::default() };
        // Preview: rows and messages are turns of the same session, and both are read.
        if is_preview {
            if has_rows && has_messages {
                location.read_tables |= V1;
            }
            location.migration_state =
                if has_rows { MigrationState::Preview } else { MigrationState::Usual };
            return Ok(location);
        }
        // 2.x: rows replace the messages that they were migrated from. A record of
        // 2.x without rows means that the migration has not reached the messages or could not read
        // them, or that a revert removed all rows. Then the messages are read, if there are any.
        if presence.has(TablePresence::IN_V2) {
            if has_rows || !has_messages {
                location.read_tables = V2;
                if presence.has(TablePresence::IN_V1) {
                    location.other_tables |= V1;
                }
            } else {
                location.other_tables |= V2;
                location.migration_state = MigrationState::WithoutRows;
            }
        } else if context.schema.v2.is_some() {
            // Only 1.x has the session. The time of the migration's end tells whether a client of 1.x
            // made it afterwards, or the migration left it out.
            location.migration_state = match self.migration_progress(context)? {
                MigrationProgress::UnderWay => MigrationState::NotMigrated,
                MigrationProgress::Ended(when) if created >= when => MigrationState::LateLegacy,
                MigrationProgress::Ended(_) => MigrationState::LegacyOnly,
            };
        }
        Ok(location)
    }

    /// Returns the provenance of a location. Equal locations share one value.
    pub(crate) fn provenance(&self, location: SessionLocation) -> Provenance {
        let mut cached = self.cached.borrow_mut();
        if let Some((_, entry)) = cached.iter().find(|(entry, _)| *entry == location) {
            return entry.clone();
        }
        let provenance = location.provenance();
        cached.push((location, provenance.clone()));
        provenance
    }

    fn migration_progress(
        &self,
        context: &QueryContext<'_>,
    ) -> rusqlite::Result<MigrationProgress> {
        if let Some(cached) = self.migration.get() {
            return Ok(*cached);
        }
        let mut migration = MigrationProgress::UnderWay;
        if let Some(sql) = &context.schema.migration_query {
            context.for_each_row(sql, [], |row| {
                let value: serde_json::Value =
                    serde_json::from_slice(bytes(row, KvColumn::Value.at())?).unwrap_or_default();
                if value["phase"] == "completed" {
                    migration = MigrationProgress::Ended(integer(row, KvColumn::Updated.at())?);
                }
                Ok(())
            })?;
        }
        Ok(*self.migration.get_or_init(|| migration))
    }
}
