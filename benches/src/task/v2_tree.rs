//! One session with its messages and their parts, from a database of 2.0 to typed values.

use anyhow::Result;

use super::{Task, Work};
use crate::{Contestants, Form, Limit, Size, Store, library};

pub(super) const TASK: Task = Task {
    id: "v2-tree",
    what: "one session of 40 messages and some 160 parts, from a database of 2.0 to typed values",
    size: Size::S,
    form: Form::DatabaseV2,
    work: Work::OneThread,
    contestants,
    limits: &[Limit { of: "library", over: "floor", most: 1.25, goal: 1.25, stretch: 1.10 }],
    memory: None,
};

fn contestants(store: &Store) -> Result<Contestants> {
    let session = &store.expected.typical_session;
    Ok(vec![
        Box::new(library::tree::LibraryTree::of_v2(&store.database, session)?),
        #[cfg(target_os = "linux")]
        Box::new(crate::floor::sqlite::v2::tree::FloorV2Tree::new(&store.database, session)?),
    ])
}
