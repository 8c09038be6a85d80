//! The task log: the goal of a session, and its tasks.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::journal::visit_lines;
use super::timestamp::Timestamp;

/// A line of a task log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TaskEvent {
    /// The goal was set.
    GoalSet {
        /// The time.
        at: Timestamp,
        /// The goal.
        objective: String,
        /// When the goal is reached.
        #[serde(default)]
        success_criteria: Vec<String>,
        /// What must not be done.
        #[serde(default)]
        forbidden: Vec<String>,
    },
    /// The goal is still the goal.
    GoalReaffirmed {
        /// The time.
        at: Timestamp,
        /// The progress.
        progress_note: String,
    },
    /// The goal was dropped.
    GoalCleared {
        /// The time.
        at: Timestamp,
        /// The reason.
        reason: String,
    },
    /// A task was added.
    TaskAdded {
        /// The time.
        at: Timestamp,
        /// The id.
        id: String,
        /// The text.
        content: String,
        /// The task above.
        parent_id: Option<String>,
    },
    /// The status of a task changed.
    TaskStatus {
        /// The time.
        at: Timestamp,
        /// The id.
        id: String,
        /// The status.
        status: TaskStatus,
        /// More about it.
        note: Option<String>,
    },
    /// The session works on something else.
    DriftDetected {
        /// The time.
        at: Timestamp,
        /// The number of tool calls since the goal was set or confirmed.
        tool_calls_since_reaffirm: u32,
        /// The number of errors since then.
        errors_since_reaffirm: u32,
    },
}

/// The status of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It has not begun.
    Pending,
    /// It has begun.
    InProgress,
    /// It is done.
    Done,
    /// It waits for something.
    Blocked,
    /// It was dropped.
    Cancelled,
}

/// Reads the task log of a session. A line that is blank, damaged or of a kind that is not known is
/// skipped, as the program does; the complete reading has an issue for it. A missing log is empty.
///
/// # Errors
/// [`Error::Io`] if the file exists and cannot be read.
pub fn read_all(sessions: &Path, id: &str) -> Result<Vec<TaskEvent>, Error> {
    let mut events = Vec::new();
    visit_lines(sessions, &format!("{id}.tasks.jsonl"), &mut |_, line| {
        events.extend(serde_json::from_slice::<TaskEvent>(line));
    })?;
    Ok(events)
}

/// What a task log amounts to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskState {
    /// The goal.
    pub goal: Option<Goal>,
    /// The tasks by id.
    pub tasks: BTreeMap<String, Task>,
}

/// The goal of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// The goal.
    pub objective: String,
    /// When the goal is reached.
    pub success_criteria: Vec<String>,
    /// What must not be done.
    pub forbidden: Vec<String>,
    /// The time when the goal was set.
    pub set_at: Timestamp,
    /// The time when the goal was last set or confirmed.
    pub last_reaffirmed_at: Timestamp,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The text.
    pub content: String,
    /// The task above.
    pub parent_id: Option<String>,
    /// The status.
    pub status: TaskStatus,
    /// The note of the last status.
    pub last_note: Option<String>,
}

impl TaskState {
    /// Applies the events of a log in order. A status of a task that does not exist has no effect.
    pub fn from_log(events: &[TaskEvent]) -> Self {
        let mut state = Self::default();
        events.iter().for_each(|event| state.apply(event));
        state
    }

    fn apply(&mut self, event: &TaskEvent) {
        match event.clone() {
            TaskEvent::GoalSet { at, objective, success_criteria, forbidden } => {
                let (set_at, last_reaffirmed_at) = (at, at);
                self.goal = Some(Goal {
                    objective,
                    success_criteria,
                    forbidden,
                    set_at,
                    last_reaffirmed_at,
                });
            }
            TaskEvent::GoalReaffirmed { at, .. } => {
                self.goal.iter_mut().for_each(|goal| goal.last_reaffirmed_at = at);
            }
            TaskEvent::GoalCleared { .. } => self.goal = None,
            TaskEvent::TaskAdded { id, content, parent_id, .. } => {
                let status = TaskStatus::Pending;
                self.tasks.insert(id, Task { content, parent_id, status, last_note: None });
            }
            TaskEvent::TaskStatus { id, status, note, .. } => {
                if let Some(task) = self.tasks.get_mut(&id) {
                    (task.status, task.last_note) = (status, note);
                }
            }
            TaskEvent::DriftDetected { .. } => {}
        }
    }
}
