//! Where the sessions of a database are: in the tables of 2.x, in those of 1.x, or in both.

use std::cell::{OnceCell, RefCell};

use rusqlite::Row as SqlRow;
use scrollback_core_type::Provenance;
use scrollback_stor_path::opencode::{
    AGENT, LATE_LEGACY, LEGACY_ONLY, PENDING_MIGRATION, PREVIEW, TABLES_V1, TABLES_V2, WITHOUT_ROWS,
};

use crate::ask::Ask;
use crate::cells::{bytes, whole};
use crate::schema::sessions::Found;
use crate::schema::tables::v2::KvColumn;

/// How far the migration of 1.x to 2.x is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Migration {
    UnderWay,
    /// Since when it has ended, in Unix milliseconds.
    Ended(i64),
}

/// The tables of 1.x.
const V1: u8 = 1 << 1;
/// The tables of 2.x.
const V2: u8 = 1 << 2;

/// What is particular about where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
enum Standing {
    #[default]
    Usual = 0,
    Awaited = 1,
    LegacyOnly = 2,
    LateLegacy = 3,
    WithoutRows = 4,
    Preview = 5,
}

impl Standing {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Usual => None,
            Self::Awaited => Some(PENDING_MIGRATION),
            Self::LegacyOnly => Some(LEGACY_ONLY),
            Self::LateLegacy => Some(LATE_LEGACY),
            Self::WithoutRows => Some(WITHOUT_ROWS),
            Self::Preview => Some(PREVIEW),
        }
    }
}

/// Where a session is: which tables were read, and which have it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    read: u8,
    also: u8,
    standing: Standing,
}

impl Place {
    /// As a number, for stamps: it differs where the place does.
    pub(crate) fn number(self) -> u32 {
        u32::from_le_bytes([self.read, self.also, self.standing as u8, 0])
    }

    fn provenance(self) -> Provenance {
        let names = |tables: u8| {
            [(V1, TABLES_V1), (V2, TABLES_V2)]
                .into_iter()
                .filter(move |(bit, _)| tables & bit != 0)
                .map(|(_, name)| name)
        };
        let newest = if self.read & V2 != 0 { TABLES_V2 } else { TABLES_V1 };
        let mut it = Provenance::new(AGENT, newest);
        it = names(self.read).fold(it, Provenance::with_format);
        it = names(self.also).fold(it, Provenance::with_also_in);
        it = self.standing.name().into_iter().fold(it, Provenance::with_migration);
        // The record of 2.x counts titles and compactions too; see the rules in
        // `docs/format/opencode-v2.md`, section 7.
        it.with_complete_totals(self.read == V2 && self.standing == Standing::Usual)
    }
}

/// Says of sessions where they are.
#[derive(Debug, Default)]
pub(crate) struct Provenances {
    migration: OnceCell<Migration>,
    /// There are few different ones.
    known: RefCell<Vec<(Place, Provenance)>>,
}

impl Provenances {
    /// Of the session that was made at `created`, with what was found in column `at`.
    pub(crate) fn of(
        &self,
        ask: &Ask<'_>,
        row: &SqlRow<'_>,
        at: usize,
        created: i64,
    ) -> rusqlite::Result<Place> {
        let found = Found::new(whole(row, at)?);
        let (rows, messages) = (found.has(Found::ROWS), found.has(Found::MESSAGES));
        let is_preview = ask.schema.v2.as_ref().is_some_and(|v2| v2.is_preview);
        let read = if rows { V2 } else { V1 };
        let mut it = Place { read, ..Place::default() };
        if is_preview {
            if rows && messages {
                it.read |= V1;
            }
            it.standing = if rows { Standing::Preview } else { Standing::Usual };
            return Ok(it);
        }
        if found.has(Found::IN_V2) {
            if rows || !messages {
                it.read = V2;
                if found.has(Found::IN_V1) {
                    it.also |= V1;
                }
            } else {
                it.also |= V2;
                it.standing = Standing::WithoutRows;
            }
        } else if ask.schema.v2.is_some() {
            it.standing = match self.migration(ask)? {
                Migration::UnderWay => Standing::Awaited,
                Migration::Ended(when) if created >= when => Standing::LateLegacy,
                Migration::Ended(_) => Standing::LegacyOnly,
            };
        }
        Ok(it)
    }

    /// What is said of a place, the same value for the same place.
    pub(crate) fn provenance(&self, place: Place) -> Provenance {
        let mut known = self.known.borrow_mut();
        if let Some((_, it)) = known.iter().find(|(it, _)| *it == place) {
            return it.clone();
        }
        let provenance = place.provenance();
        known.push((place, provenance.clone()));
        provenance
    }

    fn migration(&self, ask: &Ask<'_>) -> rusqlite::Result<Migration> {
        if let Some(known) = self.migration.get() {
            return Ok(*known);
        }
        let mut migration = Migration::UnderWay;
        if let Some(sql) = &ask.schema.marker {
            ask.each(sql, [], |row| {
                let value: serde_json::Value =
                    serde_json::from_slice(bytes(row, KvColumn::Value.at())?).unwrap_or_default();
                if value["phase"] == "completed" {
                    migration = Migration::Ended(whole(row, KvColumn::Updated.at())?);
                }
                Ok(())
            })?;
        }
        Ok(*self.migration.get_or_init(|| migration))
    }
}
