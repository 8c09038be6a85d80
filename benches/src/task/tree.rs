//! Tasks that load one session with its messages and parts into typed values.

use anyhow::Result;

use super::{Task, Work};
use crate::library::tree::LibraryTree;
use crate::naive::tree::NaiveTree;
use crate::{Contestants, Limit, Size, Store, StoreFormat};

pub(super) const FILES: Task = Task {
    id: "tree",
    description: "load one session of 40 messages and 160 parts from files, typed",
    size: Size::S,
    format: StoreFormat::Files,
    work: Work::OneThread,
    contestants,
    limits: &[
        Limit { contestant: "library", baseline: "floor", max: 1.35, goal: 1.20, stretch: 1.10 },
        Limit { contestant: "library", baseline: "naive", max: 0.80, goal: 0.75, stretch: 0.65 },
    ],
    memory: None,
};

pub(super) const DATABASE: Task = Task {
    id: "sqlite-tree",
    description: "load one session of 40 messages and 160 parts from a database, typed",
    format: StoreFormat::Database,
    limits: &[Limit {
        contestant: "library",
        baseline: "floor",
        max: 1.25,
        goal: 1.25,
        stretch: 1.10,
    }],
    ..FILES
};

pub(super) const DATABASE_V2: Task = Task {
    id: "v2-tree",
    description: "load one session of 40 messages and about 160 parts from a 2.0 database, typed",
    format: StoreFormat::DatabaseV2,
    ..DATABASE
};

fn contestants(store: &Store) -> Result<Contestants> {
    let session = &store.expected.typical_session;
    let mut all: Contestants = vec![Box::new(LibraryTree::new(store, session)?)];
    #[cfg(target_os = "linux")]
    all.push(floor(store, session)?);
    if store.format == StoreFormat::Files {
        all.push(Box::new(NaiveTree::new(&store.storage, session)));
    }
    Ok(all)
}

#[cfg(target_os = "linux")]
fn floor(store: &Store, session: &str) -> Result<Box<dyn crate::Contestant>> {
    use crate::floor::sqlite::{tree::FloorSqliteTree, v2::tree::FloorV2Tree};
    use crate::floor::tree::FloorTree;

    Ok(match store.format {
        StoreFormat::Files => Box::new(FloorTree::new(&store.storage, session)),
        StoreFormat::Database => Box::new(FloorSqliteTree::new(&store.database, session)?),
        StoreFormat::DatabaseV2 => Box::new(FloorV2Tree::new(&store.database, session)?),
    })
}
