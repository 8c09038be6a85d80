//! The index of a database of 2.0 from nothing, parts left for later.

use anyhow::Result;

use super::{Task, Work};
use crate::{Contestants, Form, Limit, MemoryLimit, Size, Store};

pub(super) const TASK: Task = Task {
    id: "v2-index",
    what: "the index of a database of 2.0 from nothing: its sessions and messages",
    size: Size::M,
    form: Form::DatabaseV2,
    work: Work::Threads,
    contestants,
    limits: &[Limit { of: "library", over: "floor", most: 1.25, goal: 1.25, stretch: 1.10 }],
    memory: Some(MemoryLimit { of: "library", most_kb: 60 << 10 }),
};

fn contestants(store: &Store) -> Result<Contestants> {
    Ok(vec![
        Box::new(crate::library::index::LibraryIndex::new(store, scrollback_flow::Parts::Later)?),
        #[cfg(target_os = "linux")]
        Box::new(crate::floor::sqlite::v2::index::FloorV2Index::new(&store.database)),
    ])
}
