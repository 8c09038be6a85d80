//! Opening the index that an earlier run kept, and a quick look at the store.

use anyhow::Result;

use super::{Task, Work};
use crate::{Contestants, Form, Limit, Size, Store};

pub(super) const TASK: Task = Task {
    id: "refresh-fast",
    what: "`snapshot`, and a stat of all session files and message directories: nothing changed",
    size: Size::M,
    form: Form::Files,
    work: Work::OneThread,
    contestants,
    limits: &[Limit { of: "library", over: "floor", most: 1.5, goal: 1.3, stretch: 1.15 }],
    memory: None,
};

fn contestants(store: &Store) -> Result<Contestants> {
    Ok(vec![
        Box::new(crate::library::index::LibrarySnapshot::new(
            store,
            Some(scrollback_flow::Verify::Fast),
        )?),
        #[cfg(target_os = "linux")]
        Box::new(crate::floor::index::FloorSnapshot::new(
            &store.storage,
            store.some_message()?,
            crate::floor::index::Warm::Fast,
        )?),
    ])
}
