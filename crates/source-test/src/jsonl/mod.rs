//! A Source over append-only JSONL logs: an example for an agent that writes such logs, and a store
//! for tests.
//!
//! The store is a directory. Each file `*.jsonl` at any depth below it is a session. The file's path
//! without the suffix is the session's id, so a session is opened without a search. Each line is a
//! JSON object, and its field `record` gives the kind of the line:
//!
//! * `session`: the session's `title`, `directory`, `version`, `parentID` and `created` (Unix
//!   milliseconds), in the first line of a log. A later `session` line replaces an earlier one.
//! * `message`: a message in opencode's shape. With `replaces` it replaces an earlier message, which
//!   is named by the offset of its line.
//! * `part`: a part in opencode's shape; its `message` is the offset of the message's line.
//! * Any other value: an item of the timeline.
//!
//! A line of such a log never changes. So the id of a record contains the offset of its line. The
//! stamp of a record is the hash of its bytes, and it is always settled. A last line is ignored until
//! its line feed is written. The stamp of a file does not say which records are new; the store finds
//! them through [`Reader::resume`], in time proportional to the appended bytes.
//!
//! * `ids`: from ids to files and offsets, and back. `walk`: the logs of a store.
//! * `file`: an open log. `lines`: the records of its lines. `entries`: their entities and sets.
//! * `store`: the open store. `transaction`: the reader. `survey`, `resume`: its two longer calls.
//! * `state`: what a mark remembers. `counters`: the cost of reads. `writer`: writes logs for tests.

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

/// A Source over the JSONL logs of one directory. Clones share their counters.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_source::SourceExt;
/// use scrollback_source_test::jsonl::{JsonlSource, LogWriter};
///
/// let dir = tempfile::tempdir()?;
/// let mut log = LogWriter::open(dir.path(), "2026/11/30/first")?;
/// log.append_session("a title")?;
/// let question = log.append_user_message()?;
/// log.append_text(question, "a question")?;
///
/// let store = JsonlSource::new(dir.path(), SourceId::new("logs")?, Arc::new(SystemClock));
/// let sessions = store.list_sessions()?;
/// assert_eq!(sessions.entries[0].key.to_string(), "session 2026/11/30/first");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JsonlSource {
    root: PathBuf,
    id: SourceId,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
}

impl JsonlSource {
    /// Returns a Source over the logs below this directory.
    pub fn new(root: impl Into<PathBuf>, id: SourceId, clock: Arc<dyn Clock>) -> Self {
        Self { root: root.into(), id, clock, counters: Arc::default() }
    }

    /// Returns the counters of all reads so far.
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
