//! One session with its messages and their parts, from files to typed values.

use anyhow::Result;

use super::{Task, Work};
use crate::{Contestants, Form, Limit, Size, Store, library, naive};

pub(super) const TASK: Task = Task {
    id: "tree",
    what: "one session of 40 messages and 160 parts, from files to typed values",
    size: Size::S,
    form: Form::Files,
    work: Work::OneThread,
    contestants,
    limits: &[
        Limit { of: "library", over: "floor", most: 1.35, goal: 1.20, stretch: 1.10 },
        Limit { of: "library", over: "naive", most: 0.80, goal: 0.75, stretch: 0.65 },
    ],
    memory: None,
};

fn contestants(store: &Store) -> Result<Contestants> {
    let session = &store.expected.typical_session;
    Ok(vec![
        Box::new(library::tree::LibraryTree::new(&store.storage, session)?),
        #[cfg(target_os = "linux")]
        Box::new(crate::floor::tree::FloorTree::new(&store.storage, session)),
        Box::new(naive::tree::NaiveTree::new(&store.storage, session)),
    ])
}
