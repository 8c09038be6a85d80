//! Measures a stage: its time, counts and issues.

use std::path::Path;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, UnixNanos};
use scrollback_core_type::{
    StageCounts, StageIssue, StageName, StageReport, StageResult, StageRun,
};
use scrollback_stor_mmap::{MappedSpan, Settled};

/// A stage that is running.
pub(crate) struct Stage {
    name: StageName,
    clock: Arc<dyn Clock>,
    started: UnixNanos,
    pub(crate) counts: StageCounts,
    issues: Vec<StageIssue>,
}

impl Stage {
    pub(crate) fn begin(name: StageName, clock: &Arc<dyn Clock>) -> Self {
        Self {
            name,
            started: clock.now(),
            clock: Arc::clone(clock),
            counts: StageCounts::default(),
            issues: Vec::new(),
        }
    }

    /// Notes an issue that a Source or a parser found.
    pub(crate) fn note(&mut self, key: Option<EntityKey>, issue: Issue) {
        self.issues.push(StageIssue { stage: self.name, key, issue });
    }

    /// Notes an issue about an entity as a whole.
    pub(crate) fn note_kind(&mut self, key: impl Into<EntityKey>, kind: IssueKind) {
        self.note(Some(key.into()), Issue::new(Place::default(), kind));
    }

    /// Counts the bytes of a span.
    pub(crate) fn count_bytes(&mut self, span: &MappedSpan) {
        self.counts.bytes += span.len() as u64;
        self.counts.provisional += usize::from(span.settled() == Settled::Provisional);
    }

    pub(crate) fn end<T>(self, value: T) -> StageResult<T> {
        let elapsed = self.clock.now().duration_since(self.started);
        let run = StageRun { stage: self.name, counts: self.counts, elapsed };
        StageResult { value, report: StageReport::from_run(run, self.issues) }
    }
}

/// Fills in the path of each issue that has a key and no path.
pub(crate) fn locate_issues(
    report: &mut StageReport,
    locate: impl Fn(&EntityKey) -> Option<std::path::PathBuf>,
) {
    for StageIssue { key, issue, .. } in &mut report.issues {
        let known = issue.place.path.as_deref().is_some_and(|path| path != Path::new(""));
        if let (false, Some(key)) = (known, key) {
            issue.place.path = locate(key);
        }
    }
}
