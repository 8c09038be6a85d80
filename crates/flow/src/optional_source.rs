//! Wraps a store that may appear or go away: while the store is absent, the wrapper is empty.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, Scope, SourceId};
use scrollback_source::{
    DirtyScope, Error, IndexCheck, Probe, ProbeResult, Reader, Result, ScanItem, ScanVisitor,
    Source, SourceToken, Survey, SurveyVisitor, WatchRoot,
};

/// A Source that is empty while its store does not exist, instead of an error.
///
/// Use it to follow a pending store: a store that the agent has not created yet, or the database
/// that an upgrade will create next to the present one.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_flow::{OptionalSource, SessionLoader};
/// use scrollback_source::Source;
/// use scrollback_stor_read::FileReader;
///
/// let id = SourceId::new("opencode")?;
/// let store = FileReader::new("no/such/directory", id, Arc::new(SystemClock));
/// assert!(store.open().is_err());
///
/// let store = OptionalSource::new(Arc::new(store));
/// assert!(SessionLoader::new(&store).list_sessions(None)?.value.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct OptionalSource(Arc<dyn Source>);

/// The token of a probe that found no store.
const ABSENT_TOKEN: &[u8] = b"absent";

impl OptionalSource {
    /// Wraps a store that need not exist.
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self(source)
    }
}

/// Checks whether a store could not be opened because its path does not exist, or because something
/// else is there: a pipe, a socket, a device, a directory in place of a file, or the reverse.
pub fn is_absent(error: &Error) -> bool {
    let Error::Store { path, .. } = error else { return false };
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let is_of_other_kind = |cause: &(dyn std::error::Error + 'static)| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(kind, Some(io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory))
    };
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => true,
        Ok(_) => causes.into_iter().any(is_of_other_kind),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

impl Source for OptionalSource {
    fn id(&self) -> &SourceId {
        self.0.id()
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        self.0.clock()
    }

    fn open(&self) -> Result<Box<dyn Reader + '_>> {
        match self.0.open() {
            Err(error) if is_absent(&error) => Ok(Box::new(EmptyReader(self.0.clock()))),
            opened => opened,
        }
    }

    fn watch_plan(&self) -> Vec<WatchRoot> {
        self.0.watch_plan()
    }

    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope> {
        self.0.scope_of_path(path)
    }

    fn directory_of(&self, key: &EntityKey) -> Option<PathBuf> {
        self.0.directory_of(key)
    }

    fn probe(&self, since: Option<&SourceToken>) -> Result<ProbeResult> {
        // The store itself never sees the token of an absent store: it would not know these bytes.
        let was_absent = since.is_some_and(|since| **since.bytes() == *ABSENT_TOKEN);
        match self.0.probe(since.filter(|_| !was_absent)) {
            Err(error) if is_absent(&error) => {
                let probe = if was_absent { Probe::Unchanged } else { Probe::Rescan };
                Ok(ProbeResult { probe, token: Some(SourceToken::new(ABSENT_TOKEN)) })
            }
            probed => probed,
        }
    }

    fn has_indexes(&self) -> bool {
        self.0.has_indexes()
    }

    fn check_indexes(&self, check: IndexCheck) -> Result<bool> {
        match self.0.check_indexes(check) {
            Err(error) if is_absent(&error) => Ok(false),
            checked => checked,
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has_global_ids(&self) -> bool {
        self.0.has_global_ids()
    }

    fn memo(&self) -> Option<Arc<[u8]>> {
        self.0.memo()
    }

    fn recall(&self, memo: &[u8]) {
        self.0.recall(memo);
    }

    fn locate(&self, key: &EntityKey) -> Option<PathBuf> {
        self.0.locate(key)
    }
}

impl std::fmt::Debug for OptionalSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OptionalSource").field(self.0.id()).finish()
    }
}

/// The read transaction of an absent store: every scope is empty and every key has vanished.
struct EmptyReader<'s>(&'s Arc<dyn Clock>);

impl Reader for EmptyReader<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.0
    }

    fn scan(&mut self, _scope: &Scope, _visit: &mut ScanVisitor<'_>) -> Result<()> {
        Ok(())
    }

    fn survey(&mut self, _survey: &Survey<'_>, _visit: &mut SurveyVisitor<'_>) -> Result<()> {
        Ok(())
    }

    fn spans(&mut self, keys: &[EntityKey], visit: &mut ScanVisitor<'_>) -> Result<()> {
        for key in keys {
            let issue = Issue::new(Place::default(), IssueKind::Vanished);
            if visit(ScanItem::Issue(Some(key.clone()), issue)).is_break() {
                break;
            }
        }
        Ok(())
    }
}
