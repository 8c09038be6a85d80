//! The envelopes of a staged flow: what a stage gave, what it met, what it cost.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use scrollback_core_err::Issue;
use scrollback_core_id::EntityKey;

/// A stage of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StageName {
    /// Which entities there are, and in which order.
    Plan,
    /// Their bytes.
    Resolve,
    /// Their typed values.
    Hydrate,
    /// What an index keeps of them.
    Index,
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Plan => "plan",
            Self::Resolve => "resolve",
            Self::Hydrate => "hydrate",
            Self::Index => "index",
        })
    }
}

/// Something that a stage met: which stage, about what, and where and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StageIssue {
    /// The stage that met it.
    pub stage: StageName,
    /// The entity it is about, if it is about one.
    pub key: Option<EntityKey>,
    /// Where and what it is.
    pub issue: Issue,
}

impl fmt::Display for StageIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stage, self.issue)?;
        match &self.key {
            Some(key) => write!(f, " ({key})"),
            None => Ok(()),
        }
    }
}

/// How much a stage went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageCounts {
    /// Sessions.
    pub sessions: usize,
    /// Messages.
    pub messages: usize,
    /// Parts.
    pub parts: usize,
    /// Bytes of spans, where the stage has them.
    pub bytes: u64,
    /// Spans that are provisional: read while they may have been written.
    pub provisional: usize,
}

impl std::ops::AddAssign for StageCounts {
    fn add_assign(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.messages += other.messages;
        self.parts += other.parts;
        self.bytes += other.bytes;
        self.provisional += other.provisional;
    }
}

/// What one stage went through, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageRun {
    /// The stage.
    pub stage: StageName,
    /// How much it went through.
    pub counts: StageCounts,
    /// How long it took.
    pub elapsed: Duration,
}

/// What the stages of a flow met and cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StageReport {
    /// Each stage once, in the order they first ran.
    pub runs: Vec<StageRun>,
    /// What they met.
    pub issues: Vec<StageIssue>,
}

impl StageReport {
    /// The report of one stage.
    pub fn from_run(run: StageRun, issues: Vec<StageIssue>) -> Self {
        Self { runs: vec![run], issues }
    }

    /// Adds another report: of a later stage, or of the same stages over something else.
    pub fn merge(&mut self, other: Self) {
        for run in other.runs {
            match self.runs.iter_mut().find(|existing| existing.stage == run.stage) {
                Some(existing) => {
                    existing.counts += run.counts;
                    existing.elapsed += run.elapsed;
                }
                None => self.runs.push(run),
            }
        }
        self.issues.extend(other.issues);
    }

    /// Adds another report of the same store. Issues that are in this one already are left out.
    pub fn merge_new_issues(&mut self, mut other: Self) {
        let mut known_issues: HashSet<StageIssue> = self.issues.iter().cloned().collect();
        other.issues.retain(|issue| known_issues.insert(issue.clone()));
        self.merge(other);
    }

    /// The run of one stage.
    pub fn run(&self, stage: StageName) -> Option<&StageRun> {
        self.runs.iter().find(|run| run.stage == stage)
    }
}

/// What a stage gave, and its report.
#[derive(Debug, Clone, PartialEq)]
pub struct StageResult<T> {
    /// What it gave.
    pub value: T,
    /// What it met and cost.
    pub report: StageReport,
}

impl<T> StageResult<T> {
    /// The same report over another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> StageResult<U> {
        StageResult { value: change(self.value), report: self.report }
    }
}
