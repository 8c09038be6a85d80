//! Where the sessions of a database are: in the tables of 2.x, in those of 1.x, or in both.

use std::cell::OnceCell;

use rusqlite::Row as SqlRow;
use scrollback_core_type::{Provenance, Standing, StoreGeneration};

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

/// Says of sessions where they are.
#[derive(Debug, Default)]
pub(crate) struct Provenances {
    migration: OnceCell<Migration>,
}

impl Provenances {
    /// Of the session that was made at `created`, with what was found in column `at`.
    pub(crate) fn of(
        &self,
        ask: &Ask<'_>,
        row: &SqlRow<'_>,
        at: usize,
        created: i64,
    ) -> rusqlite::Result<Provenance> {
        use StoreGeneration::{V1, V2};
        let found = Found::new(whole(row, at)?);
        let (rows, messages) = (found.has(Found::ROWS), found.has(Found::MESSAGES));
        let is_preview = ask.schema.v2.as_ref().is_some_and(|v2| v2.is_preview);
        let mut it = Provenance::of(if rows { V2 } else { V1 });
        if is_preview {
            if rows && messages {
                it.read.insert(V1);
            }
            it.standing = if rows { Standing::Preview } else { Standing::Usual };
            return Ok(it);
        }
        if found.has(Found::IN_V2) {
            if rows || !messages {
                it.read = V2.into();
                if found.has(Found::IN_V1) {
                    it.also.insert(V1);
                }
            } else {
                it.also.insert(V2);
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
