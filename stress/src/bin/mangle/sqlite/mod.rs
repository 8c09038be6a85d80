//! Damaged databases: the fixtures, and one iteration over one of them.

mod base;
mod damage;
mod pages;
mod record;
mod truth;

use std::path::Path;

use anyhow::{Result, ensure};
use scrollback_fixtures::{Corpus, corpus};

use self::base::Base;
use self::damage::Damaged;
use crate::case::{Case, settle};
use crate::random::Random;

/// The databases that are damaged.
const CORPORA: [Corpus; 5] = [
    Corpus::OpencodeSqlite,
    Corpus::OpencodeMigrated,
    Corpus::OpencodePrelaunch,
    Corpus::OpencodeV2Fresh,
    Corpus::OpencodeV2Upgraded,
];

/// The undamaged databases.
pub(crate) struct Databases(Vec<(Corpus, Base)>);

impl Databases {
    /// Reads the fixtures.
    ///
    /// # Errors
    /// If a fixture cannot be read.
    pub(crate) fn open() -> Result<Self> {
        let read = |it| Ok((it, Base::read(&corpus(it).database)?));
        Ok(Self(CORPORA.into_iter().map(read).collect::<Result<_>>()?))
    }

    /// Writes a damaged database into `dir`. `sound` is called when the undamaged one is in place.
    pub(crate) fn damage(
        &self,
        dir: &Path,
        only: Option<usize>,
        random: &mut Random,
        sound: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Case> {
        ensure!(!self.0.is_empty(), "there is no database");
        let (corpus, base) = &self.0[random.below(self.0.len())];
        let path = dir.join("opencode.db");
        if random.one_in(4) {
            std::fs::write(&path, &base.bytes)?;
            settle(&path, 7200)?;
            sound()?;
        }
        let damaged = Damaged::new(base, only, random)?;
        std::fs::write(&path, &damaged.bytes)?;
        settle(&path, 3600)?;
        let mut truth = truth::truth(base, &damaged.pages(base)?);
        truth.is_store_damaged |= damaged.bytes.len() < base.bytes.len();
        let changes = damaged.changes;
        Ok(Case { store: format!("{corpus:?}"), changes, truth })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rusqlite::{Connection, OpenFlags};

    use super::base::TABLES;
    use super::*;

    /// The page reader must find what SQLite finds without an index, in every fixture.
    #[test]
    fn the_page_reader_agrees_with_sqlite() {
        for (corpus, base) in &Databases::open().unwrap().0 {
            let path = scrollback_fixtures::corpus(*corpus).database;
            let uri = format!("file:{}?immutable=1", path.display());
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            let db = Connection::open_with_flags(uri, flags).unwrap();
            let tables =
                TABLES.into_iter().filter(|name| base.objects.iter().any(|it| it.name == *name));
            for table in tables {
                let mut rows = db
                    .prepare(&format!("SELECT id, time_created, rowid FROM {table} NOT INDEXED"))
                    .unwrap();
                let read = rows
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .unwrap()
                    .collect::<rusqlite::Result<BTreeSet<(String, i64)>>>()
                    .unwrap();
                let ours = base.rows.iter().filter(|row| row.table == table);
                let ours: BTreeSet<(String, i64)> = ours
                    .map(|row| {
                        let created = row.cell("time_created").integer().unwrap();
                        (row.text("id").unwrap().to_owned(), created)
                    })
                    .collect();
                assert_eq!(ours, read, "{corpus:?}, {table}");
            }
            let mut used = db.prepare("SELECT pageno FROM dbstat WHERE name = 'part'").unwrap();
            let used: rusqlite::Result<BTreeSet<u32>> =
                used.query_map([], |row| row.get(0)).unwrap().collect();
            if let Some(part) = base.objects.iter().find(|it| it.name == "part") {
                let tree = &part.tree;
                let ours = tree.interior.iter().chain(&tree.leaves).chain(&tree.overflow);
                assert_eq!(ours.copied().collect::<BTreeSet<u32>>(), used.unwrap(), "{corpus:?}");
            }
        }
    }
}
