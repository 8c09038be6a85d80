//! What scrollback says about a damaged store, in one form for calls in process and for processes.

use std::collections::BTreeSet;

use serde_json::Value;

/// The answers of one iteration.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) list: List,
    pub(crate) sessions: Vec<SessionAnswer>,
    /// Problems of the run itself: a wrong exit code, output that is not JSON, a panic, a hang.
    pub(crate) faults: Vec<String>,
}

/// The list of sessions.
#[derive(Debug, Default)]
pub(crate) struct List {
    pub(crate) sessions: Vec<Listed>,
    pub(crate) problems: Problems,
}

/// The issues and the error of one call or command.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) issues: Vec<String>,
    /// The error, if the whole call failed.
    pub(crate) error: Option<String>,
}

impl Problems {
    pub(crate) fn texts(&self) -> impl Iterator<Item = &String> {
        self.issues.iter().chain(&self.error)
    }
}

/// A session in the list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) id: String,
    /// `title`, `directory`, `created`, `updated`, `projectID`, `parentID`.
    pub(crate) fields: Value,
    pub(crate) messages: u64,
}

/// The content of one session.
#[derive(Debug, Default)]
pub(crate) struct SessionAnswer {
    /// The command or call: "export", "tree".
    pub(crate) surface: &'static str,
    pub(crate) id: String,
    pub(crate) messages: Vec<MessageAnswer>,
    /// The ids of entries of the timeline that are not messages; `None` if the call leaves them out.
    pub(crate) items: Option<BTreeSet<String>>,
    /// The rows of the export in the form of 2.x.
    pub(crate) rows: Option<Vec<Value>>,
    pub(crate) problems: Problems,
}

/// A message with its parts.
#[derive(Debug)]
pub(crate) struct MessageAnswer {
    pub(crate) id: String,
    /// The record; `None` if the call gives only ids.
    pub(crate) value: Option<Value>,
    pub(crate) parts: Vec<(String, Option<Value>)>,
}
