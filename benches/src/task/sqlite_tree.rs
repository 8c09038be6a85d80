//! One session with its messages and their parts, from a database to typed values.

use anyhow::Result;

use super::{Task, Work};
use crate::{Contestants, Form, Limit, Size, Store, library};

pub(super) const TASK: Task = Task {
    id: "sqlite-tree",
    what: "one session of 40 messages and 160 parts, from a database to typed values",
    size: Size::S,
    form: Form::Database,
    work: Work::OneThread,
    contestants,
    limits: &[Limit { of: "library", over: "floor", most: 1.25, goal: 1.25, stretch: 1.10 }],
    memory: None,
};

fn contestants(store: &Store) -> Result<Contestants> {
    let session = &store.expected.typical_session;
    Ok(vec![
        Box::new(library::tree::LibraryTree::of_database(&store.database, session)?),
        #[cfg(target_os = "linux")]
        Box::new(crate::floor::sqlite::tree::FloorSqliteTree::new(&store.database, session)?),
    ])
}
