//! Opening the index that an earlier run kept, and a thorough look at the store.

use anyhow::Result;

use super::{Task, Work};
use crate::{Contestants, Form, Limit, Size, Store};

pub(super) const TASK: Task = Task {
    id: "refresh-full",
    what: "`refresh-fast`, and a stat of all message files: nothing changed",
    size: Size::M,
    form: Form::Files,
    work: Work::Threads,
    contestants,
    limits: &[Limit { of: "library", over: "floor", most: 1.3, goal: 1.3, stretch: 1.15 }],
    memory: None,
};

fn contestants(store: &Store) -> Result<Contestants> {
    Ok(vec![
        Box::new(crate::library::index::LibrarySnapshot::new(
            store,
            Some(scrollback_flow::Verify::Full),
        )?),
        #[cfg(target_os = "linux")]
        Box::new(crate::floor::index::FloorSnapshot::new(
            &store.storage,
            store.some_message()?,
            crate::floor::index::Warm::Full,
        )?),
    ])
}
