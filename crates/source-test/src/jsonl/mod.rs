//! A Source over append-only JSONL logs: an example for whoever adds an agent that writes such logs,
//! and a store for tests.
//!
//! The store is a directory. Each file `*.jsonl` at any depth below it is a session; its path without
//! the suffix is the session's id, so that a file is found without a search. Each line is a JSON
//! object, whose `record` says what it is:
//!
//! * `session`: the session's `title`, `directory`, `version`, `parentID` and `created` (Unix
//!   milliseconds). It is the first line, and a later one replaces it.
//! * `message`: a message of opencode's shape. With `replaces` it replaces an earlier one, which is
//!   named by the offset of its line.
//! * `part`: a part of the `message` whose line has this offset, of opencode's shape.
//! * Anything else is an item: something that happened and is no message.
//!
//! A line of such a log never changes. So the id of a record holds the offset of its line, its stamp
//! is the hash of its bytes and always settled, and a last line without its line feed is not looked at
//! before it is whole. What the store cannot tell by a file's stamp it learns by
//! [`Reader::resume`], in as much time as was appended.
//!
//! * `ids`: from ids to files and offsets, and back. `counters`: what reads cost.
//! * `file`: an open log. `lines`: what its lines say. `state`: what a mark in it remembers.
//! * `look`: the reader; `resume`: the way to read on. `writer`: writes logs, for tests.

mod counters;
mod entries;
mod file;
mod ids;
mod lines;
mod resume;
mod state;
mod store;
mod survey;
mod transaction;
mod walk;
mod writer;

pub use counters::{Counters, Counts};
pub use writer::LogWriter;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{Clock, Discipline, EntityKey, SourceId};
use scrollback_source::{
    DirtyScope, Error, Reader, Result, Source, WatchDepth, WatchRoot, WatchedFiles,
};
use scrollback_stor_mmap::Dir;

use self::transaction::LogTransaction;

/// Reads JSONL logs. Clones share their counters.
#[derive(Clone)]
pub struct JsonlSource {
    root: PathBuf,
    id: SourceId,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
}

impl JsonlSource {
    /// A reader of the logs below this directory.
    pub fn new(root: impl Into<PathBuf>, id: SourceId, clock: Arc<dyn Clock>) -> Self {
        Self { root: root.into(), id, clock, counters: Arc::default() }
    }

    /// What was read until now.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl Source for JsonlSource {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn open(&self) -> Result<Box<dyn Reader + '_>> {
        let dir = Dir::open(&self.root)
            .map_err(|source| Error::Store { path: self.root.clone(), source: Box::new(source) })?;
        Ok(Box::new(LogTransaction::new(dir, &self.clock, &self.counters)))
    }

    fn watch_plan(&self) -> Vec<WatchRoot> {
        vec![WatchRoot {
            path: self.root.clone(),
            depth: WatchDepth::Tree,
            files: WatchedFiles::Ending(ids::SUFFIX),
            discipline: Discipline::Append,
        }]
    }

    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope> {
        let path = path.strip_prefix(&self.root).ok()?;
        match ids::session_of(path) {
            Some(session) => Some(DirtyScope::Session(session)),
            None if path.extension().is_none() => Some(DirtyScope::Records), // a directory of logs
            None => None,
        }
    }

    fn locate(&self, key: &EntityKey) -> Option<PathBuf> {
        ids::path_of(&ids::owner(key)?)
    }
}

impl fmt::Debug for JsonlSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonlSource")
            .field("root", &self.root)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
