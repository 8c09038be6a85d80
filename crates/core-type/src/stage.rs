//! The result of a stage of a flow: its value, its issues, and its counts and time.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use scrollback_core_err::Issue;
use scrollback_core_id::EntityKey;

/// A stage of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StageName {
    /// Lists the keys to read, in order.
    Plan,
    /// Reads the bytes of the keys into spans.
    Resolve,
    /// Parses typed values from the spans.
    Hydrate,
    /// Puts entities into an index.
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

/// An issue with the stage that found it and the entity that has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StageIssue {
    /// The stage that found the issue.
    pub stage: StageName,
    /// The entity that has the issue, if it concerns a single entity.
    pub key: Option<EntityKey>,
    /// The issue itself.
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

/// The numbers of entities and bytes that a stage processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageCounts {
    /// The number of sessions.
    pub sessions: usize,
    /// The number of messages.
    pub messages: usize,
    /// The number of parts.
    pub parts: usize,
    /// The bytes of the spans, if the stage has spans.
    pub bytes: u64,
    /// The number of provisional spans: a write may have been under way when they were read.
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

/// The counts and the time of one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageRun {
    /// The stage.
    pub stage: StageName,
    /// The processed entities and bytes.
    pub counts: StageCounts,
    /// The time that the stage took.
    pub elapsed: Duration,
}

/// The issues, counts and times of the stages of a flow.
///
/// ```
/// use std::time::Duration;
///
/// use scrollback_core_type::{StageCounts, StageName, StageReport, StageRun};
///
/// let run = |stage, sessions| {
///     let counts = StageCounts { sessions, ..StageCounts::default() };
///     StageReport::from_run(StageRun { stage, counts, elapsed: Duration::ZERO }, Vec::new())
/// };
/// let mut report = run(StageName::Plan, 3);
/// report.merge(run(StageName::Resolve, 3));
/// report.merge(run(StageName::Plan, 2));
///
/// assert_eq!(report.runs.len(), 2);
/// assert_eq!(report.run(StageName::Plan).map(|run| run.counts.sessions), Some(5));
/// assert!(report.issues.is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StageReport {
    /// The stages, each once, in the order of their first run.
    pub runs: Vec<StageRun>,
    /// The issues of all stages.
    pub issues: Vec<StageIssue>,
}

impl StageReport {
    /// Returns the report of one stage.
    pub fn from_run(run: StageRun, issues: Vec<StageIssue>) -> Self {
        Self { runs: vec![run], issues }
    }

    /// Adds the report of a later stage, or of the same stages over other entities. Counts and times of equal
    /// stages are added.
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

    /// Adds another report of the same store. Leaves out issues that this report already has.
    pub fn merge_new_issues(&mut self, mut other: Self) {
        let mut known_issues: HashSet<StageIssue> = self.issues.iter().cloned().collect();
        other.issues.retain(|issue| known_issues.insert(issue.clone()));
        self.merge(other);
    }

    /// Returns the counts and time of a stage, if it ran.
    pub fn run(&self, stage: StageName) -> Option<&StageRun> {
        self.runs.iter().find(|run| run.stage == stage)
    }
}

/// The value of a stage, with its report.
#[derive(Debug, Clone, PartialEq)]
pub struct StageResult<T> {
    /// The value.
    pub value: T,
    /// The issues, counts and times.
    pub report: StageReport,
}

impl<T> StageResult<T> {
    /// Changes the value and keeps the report.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> StageResult<U> {
        StageResult { value: change(self.value), report: self.report }
    }
}
