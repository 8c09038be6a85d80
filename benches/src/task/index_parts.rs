//! The index of a whole store from nothing, with the names of parts.

use anyhow::Result;

use super::{Task, Work};
use crate::{Contestants, Form, Limit, Size, Store};

pub(super) const TASK: Task = Task {
    id: "index-parts",
    what: "the index of a store from nothing: sessions, messages and the names of parts",
    size: Size::M,
    form: Form::Files,
    work: Work::Threads,
    contestants,
    limits: &[Limit { of: "library", over: "floor", most: 1.25, goal: 1.25, stretch: 1.10 }],
    memory: None,
};

fn contestants(store: &Store) -> Result<Contestants> {
    Ok(vec![
        Box::new(crate::library::index::LibraryIndex::new(store, scrollback_flow::Parts::Names)?),
        #[cfg(target_os = "linux")]
        Box::new(crate::floor::index::FloorIndex::new(
            &store.storage,
            crate::floor::index::Depth::PartNames,
        )),
    ])
}
