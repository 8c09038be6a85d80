//! Tasks that build the index of a whole store from nothing.

use anyhow::Result;
use scrollback_flow::PartDetail;

use super::{Task, Work};
use crate::library::index::LibraryIndex;
use crate::{Contestants, Limit, MemoryLimit, Size, Store, StoreFormat};

pub(super) const FILES: Task = Task {
    id: "index",
    description: "build the index of a store from nothing: sessions and messages",
    size: Size::M,
    format: StoreFormat::Files,
    work: Work::Threads,
    contestants: |store| contestants(store, PartDetail::Later),
    limits: &[Limit {
        contestant: "library",
        baseline: "floor",
        max: 1.25,
        goal: 1.25,
        stretch: 1.10,
    }],
    memory: Some(MemoryLimit { contestant: "library", max_kb: 60 << 10 }),
};

pub(super) const FILES_AND_PARTS: Task = Task {
    id: "index-parts",
    description: "build the index of a store from nothing: sessions, messages and the names of parts",
    contestants: |store| contestants(store, PartDetail::Names),
    memory: None,
    ..FILES
};

pub(super) const DATABASE: Task = Task {
    id: "sqlite-index",
    description: "build the index of a database from nothing: sessions and messages",
    format: StoreFormat::Database,
    ..FILES
};

pub(super) const DATABASE_V2: Task = Task {
    id: "v2-index",
    description: "build the index of a 2.0 database from nothing: sessions and messages",
    format: StoreFormat::DatabaseV2,
    ..FILES
};

fn contestants(store: &Store, parts: PartDetail) -> Result<Contestants> {
    Ok(vec![
        Box::new(LibraryIndex::new(store, parts)?),
        #[cfg(target_os = "linux")]
        floor(store, parts),
    ])
}

/// The floor of a database has no part names: the tasks on databases do not need them.
#[cfg(target_os = "linux")]
fn floor(store: &Store, parts: PartDetail) -> Box<dyn crate::Contestant> {
    use crate::floor::index::{Depth, FloorIndex};
    use crate::floor::sqlite::index::FloorSqliteIndex;

    let depth = if parts == PartDetail::Names { Depth::PartNames } else { Depth::Messages };
    match store.format {
        StoreFormat::Files => Box::new(FloorIndex::new(&store.storage, depth)),
        StoreFormat::Database | StoreFormat::DatabaseV2 => Box::new(FloorSqliteIndex::new(store)),
    }
}
