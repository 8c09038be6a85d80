//! The task that searches a word in the records of all parts of a store.

use anyhow::Result;

use super::{Task, Work};
use crate::library::text::LibraryText;
use crate::{Contestants, Limit, Size, Store, StoreFormat};

/// A word that occurs in some parts and not in most.
const WORD: &str = "survives_truncation";

pub(super) const DATABASE: Task = Task {
    id: "sqlite-text",
    description: "search a word in the records of all parts of a database",
    size: Size::M,
    format: StoreFormat::Database,
    work: Work::OneThread,
    contestants,
    limits: &[Limit {
        contestant: "library",
        baseline: "floor",
        max: 1.25,
        goal: 1.25,
        stretch: 1.10,
    }],
    memory: None,
};

fn contestants(store: &Store) -> Result<Contestants> {
    Ok(vec![
        Box::new(LibraryText::new(store, WORD)?),
        #[cfg(target_os = "linux")]
        Box::new(crate::floor::sqlite::text::FloorSqliteText::new(&store.database, WORD)?),
    ])
}
