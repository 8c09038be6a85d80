//! Opening the index that an earlier run kept.

use anyhow::Result;

use super::{Task, Work};
use crate::{Contestants, Form, Limit, Size, Store};

pub(super) const TASK: Task = Task {
    id: "snapshot",
    what: "an index from its file, all of it checked; the newest session summed up, a message found",
    size: Size::M,
    form: Form::Files,
    work: Work::OneThread,
    contestants,
    limits: &[Limit { of: "library", over: "floor", most: 2.0, goal: 2.0, stretch: 1.3 }],
    memory: None,
};

fn contestants(store: &Store) -> Result<Contestants> {
    Ok(vec![
        Box::new(crate::library::index::LibrarySnapshot::new(store, None)?),
        #[cfg(target_os = "linux")]
        Box::new(crate::floor::index::FloorSnapshot::new(
            &store.storage,
            store.some_message()?,
            crate::floor::index::Warm::Open,
        )?),
    ])
}
