//! Damaged databases: the fixtures, and one iteration over one of them.

mod base;
mod damage;
mod pages;
mod places;
mod record;
mod rows;
mod scan;
mod truth;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, ensure};
use scrollback_fixtures::{Corpus, corpus};

use self::base::Base;
use self::damage::Damaged;
use crate::case::{Case, DAMAGED_AGE, SOUND_AGE, settle};
use crate::random::Random;
use crate::truth::Truth;

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
        options: Options,
        random: &mut Random,
        sound: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Case> {
        ensure!(!self.0.is_empty(), "there is no database");
        std::fs::remove_dir_all(dir)?;
        std::fs::create_dir(dir)?;
        match random.below(20) {
            0 => damaged_place(dir, options.can_deny, random),
            1 => damaged_log(dir, random),
            _ => {
                let (corpus, base) = &self.0[random.below(self.0.len())];
                let (changes, truth) = damaged_file(base, dir, options.only, random, sound)?;
                Ok(Case { store: format!("{corpus:?}"), changes, truth })
            }
        }
    }
}

/// What the damage of one iteration is limited to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// The only change to make, of those that the seed gives.
    pub(crate) only: Option<usize>,
    /// Whether rights keep the reader from reading.
    pub(crate) can_deny: bool,
}

/// Damages rows, and then bytes of the file. Returns the changes and what must be found.
fn damaged_file(
    base: &Base,
    dir: &Path,
    only: Option<usize>,
    random: &mut Random,
    sound: &mut dyn FnMut() -> Result<()>,
) -> Result<(Vec<String>, Truth)> {
    let path = dir.join("opencode.db");
    std::fs::write(&path, &base.bytes)?;
    let count = if random.one_in(4) { 2 + random.below(4) } else { 1 };
    let mut changes_of_rows = Vec::new();
    let mut changes_of_bytes = Vec::new();
    let mut has_changes_of_rows = false;
    for number in 0..count {
        let is_of_rows = random.one_in(4);
        has_changes_of_rows |= is_of_rows;
        let list = if is_of_rows { &mut changes_of_rows } else { &mut changes_of_bytes };
        let own = Random::new(random.next());
        if only.is_none_or(|only| only == number) {
            list.push(own);
        }
    }
    // A row that changes under the time of its last change is found by a full verification only.
    if random.one_in(4) && !has_changes_of_rows {
        settle(&path, SOUND_AGE)?;
        sound()?;
    }
    let mut changes = Vec::new();
    for random in &mut changes_of_rows {
        changes.push(rows::change(base, &path, random)?);
    }
    let reread = match changes.is_empty() {
        true => None,
        false => Some(Base::read(&path)?),
    };
    let base = reread.as_ref().unwrap_or(base);
    let mut damaged = Damaged::new(base);
    for random in &mut changes_of_bytes {
        damaged.change(base, random)?;
    }
    std::fs::write(&path, &damaged.bytes)?;
    settle(&path, DAMAGED_AGE)?;
    let mut truth = truth::truth(base, &damaged.pages(base)?);
    truth.is_store_damaged |= damaged.bytes.len() < base.bytes.len();
    changes.append(&mut damaged.changes);
    Ok((changes, truth))
}

fn damaged_place(dir: &Path, can_deny: bool, random: &mut Random) -> Result<Case> {
    let change = places::replaced_file(&dir.join("opencode.db"), can_deny, random)?;
    let truth = Truth { must_report: true, is_store_damaged: true, ..Truth::default() };
    Ok(Case { store: "no database".to_owned(), changes: vec![change], truth })
}

fn damaged_log(dir: &Path, random: &mut Random) -> Result<Case> {
    let (change, scan) = places::damaged_log(dir, random)?;
    let is_foreign = change.contains("another database");
    let (is_whole, has_sessions) = (scan.is_whole, scan.tables.contains(&"session"));
    let is_changed = scan.is_changed;
    let mut truth = truth::truth(&scan.into_base(), &BTreeSet::new());
    truth.is_store_damaged |= !is_whole;
    truth.must_report = is_foreign || !has_sessions;
    if is_changed {
        truth.message_counts.clear();
    }
    Ok(Case { store: "a database with a log".to_owned(), changes: vec![change], truth })
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
