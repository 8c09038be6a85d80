//! The index of a database: as that of 1.x, of rows that hold far more than it needs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use super::super::index::{Queries, Shape, build};
use crate::{Contestant, Outcome};

const QUERIES: Queries = Queries {
    sessions: "SELECT id, parent_id, project_id, directory, title, version,
        time_created, time_updated, time_archived FROM session_v2",
    messages: "SELECT id, time_updated, data, type, seq FROM session_message
        WHERE session_id = ?1 ORDER BY seq",
    after: "SELECT min(session_id) FROM session_message WHERE session_id > ?1",
    recorded: "SELECT 1 FROM session_v2 WHERE id = ?1",
    shape: Shape::V2,
};

/// Builds the index of a database again and again, from nothing.
#[derive(Debug)]
pub struct FloorV2Index {
    database: PathBuf,
}

impl FloorV2Index {
    /// The floor for the database at this path.
    pub fn new(database: &Path) -> Self {
        Self { database: database.into() }
    }
}

impl Contestant for FloorV2Index {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn run(&mut self) -> Result<Outcome> {
        let index = build(&self.database, &QUERIES)?;
        Ok(Outcome::of(move || index.sums().into()))
    }

    fn proof(&mut self) -> Result<Value> {
        let index = build(&self.database, &QUERIES)?;
        Ok(index.sessions.iter().map(|session| index.facts(session).proof()).collect())
    }
}
