//! Tasks that open the snapshot of an earlier run and check whether the store changed.

use anyhow::Result;
use scrollback_flow::Verify;

use super::{Task, Work};
use crate::library::index::LibrarySnapshot;
use crate::{Contestants, Limit, Size, Store, StoreFormat};

pub(super) const OPEN: Task = Task {
    id: "snapshot",
    description: "open a snapshot and verify all of it; sum up the newest session, find a message",
    size: Size::M,
    format: StoreFormat::Files,
    work: Work::OneThread,
    contestants: |store| contestants(store, None),
    limits: &[Limit {
        contestant: "library",
        baseline: "floor",
        max: 2.0,
        goal: 2.0,
        stretch: 1.3,
    }],
    memory: None,
};

pub(super) const REFRESH_FAST: Task = Task {
    id: "refresh-fast",
    description: "`snapshot`, and a stat of all session files and message directories, without changes",
    contestants: |store| contestants(store, Some(Verify::Fast)),
    limits: &[Limit {
        contestant: "library",
        baseline: "floor",
        max: 1.5,
        goal: 1.3,
        stretch: 1.15,
    }],
    ..OPEN
};

pub(super) const REFRESH_FULL: Task = Task {
    id: "refresh-full",
    description: "`refresh-fast`, and a stat of all message files, without changes",
    work: Work::Threads,
    contestants: |store| contestants(store, Some(Verify::Full)),
    limits: &[Limit {
        contestant: "library",
        baseline: "floor",
        max: 1.3,
        goal: 1.3,
        stretch: 1.15,
    }],
    ..OPEN
};

fn contestants(store: &Store, verify: Option<Verify>) -> Result<Contestants> {
    Ok(vec![
        Box::new(LibrarySnapshot::new(store, verify)?),
        #[cfg(target_os = "linux")]
        floor(store, verify)?,
    ])
}

#[cfg(target_os = "linux")]
fn floor(store: &Store, verify: Option<Verify>) -> Result<Box<dyn crate::Contestant>> {
    use crate::floor::index::{FloorSnapshot, RefreshMode};

    let warm = match verify {
        None => RefreshMode::Open,
        Some(Verify::Fast) => RefreshMode::Fast,
        Some(Verify::Full) => RefreshMode::Full,
    };
    Ok(Box::new(FloorSnapshot::new(&store.storage, store.some_message()?, warm)?))
}
