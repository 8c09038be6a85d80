//! A Source that counts the comparisons of copies and the surveys of their messages.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use scrollback_core_id::{Clock, EntityKey, Scope, SessionKey, SourceId};
use scrollback_source::{
    DirtyScope, ProbeResult, Reader, Result, ScanVisitor, Source, SourceToken, Survey,
    SurveyVisitor, WatchRoot,
};

/// A Source that counts some calls.
pub(super) struct CountingSource {
    pub(super) source: Arc<dyn Source>,
    /// The lists of message names, which only a comparison of copies reads here.
    pub(super) compared: Arc<AtomicUsize>,
    /// The surveys of all sets of messages.
    pub(super) surveyed: Arc<AtomicUsize>,
}

struct CountingReader<'s> {
    reader: Box<dyn Reader + 's>,
    counts: &'s CountingSource,
}

impl Source for CountingSource {
    fn id(&self) -> &SourceId {
        self.source.id()
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        self.source.clock()
    }

    fn open(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(CountingReader { reader: self.source.open()?, counts: self }))
    }

    fn watch_plan(&self) -> Vec<WatchRoot> {
        self.source.watch_plan()
    }

    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope> {
        self.source.scope_of_path(path)
    }

    fn probe(&self, since: Option<&SourceToken>) -> Result<ProbeResult> {
        self.source.probe(since)
    }

    fn locate(&self, key: &EntityKey) -> Option<PathBuf> {
        self.source.locate(key)
    }
}

impl Reader for CountingReader<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.reader.clock()
    }

    fn scan(&mut self, scope: &Scope, visit: &mut ScanVisitor<'_>) -> Result<()> {
        if let Scope::MessageNames(_) = scope {
            self.counts.compared.fetch_add(1, Ordering::Relaxed);
        }
        self.reader.scan(scope, visit)
    }

    fn survey(&mut self, survey: &Survey<'_>, visit: &mut SurveyVisitor<'_>) -> Result<()> {
        if let Survey::MessageSets = survey {
            self.counts.surveyed.fetch_add(1, Ordering::Relaxed);
        }
        self.reader.survey(survey, visit)
    }

    fn spans(&mut self, keys: &[EntityKey], visit: &mut ScanVisitor<'_>) -> Result<()> {
        self.reader.spans(keys, visit)
    }

    fn format_rank(&mut self, session: &SessionKey) -> Result<u32> {
        self.reader.format_rank(session)
    }
}
