//! A store that may come or go: while it is not there, it is empty.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, Scope, SourceId};
use scrollback_source::{
    DirtyScope, Error, Probe, ProbeResult, Reader, Result, ScanItem, ScanVisitor, Source,
    SourceToken, Survey, SurveyVisitor, WatchRoot,
};

/// A Source that is empty while its store is not there, instead of an error. For whoever follows a
/// store that is still to come, or the one that an upgrade will make beside another.
#[derive(Clone)]
pub struct OptionalSource(Arc<dyn Source>);

/// What a store that is not there was like when it was probed.
const ABSENT_TOKEN: &[u8] = b"absent";

impl OptionalSource {
    /// The same store, whether it is there or not.
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self(source)
    }
}

/// Whether a store could not be read because it is not there.
pub fn is_absent(error: &Error) -> bool {
    matches!(error, Error::Store { path, .. } if matches!(path.try_exists(), Ok(false)))
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
        let was_absent = since.is_some_and(|since| **since.bytes() == *ABSENT_TOKEN);
        match self.0.probe(since.filter(|_| !was_absent)) {
            Err(error) if is_absent(&error) => {
                let probe = if was_absent { Probe::Unchanged } else { Probe::Rescan };
                Ok(ProbeResult { probe, token: Some(SourceToken::new(ABSENT_TOKEN)) })
            }
            probed => probed,
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has_global_ids(&self) -> bool {
        self.0.has_global_ids()
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

/// A look at a store that is not there.
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
