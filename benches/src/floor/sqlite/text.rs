//! Searches a word in the records of all parts, in one pass over the table in row order.

use std::path::Path;

use anyhow::Result;
use memchr::memmem::Finder;
use serde_json::{Value, json};

use super::{Database, text_column};
use crate::facts::TextFacts;
use crate::{Contestant, Outcome};

const PARTS: &str = "SELECT id, message_id, session_id, data FROM part";

/// A contestant that searches all parts of a database.
#[derive(Debug)]
pub struct FloorSqliteText {
    db: Database,
    finder: Finder<'static>,
}

impl FloorSqliteText {
    /// Returns the floor that searches `word` in a database.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub fn new(database: &Path, word: &str) -> Result<Self> {
        Ok(Self { db: Database::open(database)?, finder: Finder::new(word).into_owned() })
    }

    fn search(&self) -> Result<TextFacts> {
        let mut facts = TextFacts::default();
        let mut statement = self.db.db.prepare_cached(PARTS)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let data = text_column(row, 3)?;
            facts.parts += 1;
            if self.finder.find(data).is_some() {
                facts.add(text_column(row, 0)?, text_column(row, 1)?, data.len() as u64);
            }
        }
        drop(rows);
        self.db.check()?;
        Ok(facts)
    }
}

impl Contestant for FloorSqliteText {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn run(&mut self) -> Result<Outcome> {
        Ok((&self.search()?).into())
    }

    fn proof(&mut self) -> Result<Value> {
        Ok(json!(self.search()?))
    }
}
