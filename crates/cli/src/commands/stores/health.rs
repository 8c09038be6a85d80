//! The health of each store: its messages, and its issues by category.

use std::collections::BTreeMap;

use scrollback_core_err::IssueKind;
use serde::{Serialize, Serializer};

use crate::commands::issues;

/// The largest number of kinds of damage that a text lists for one store.
const MAX_LISTED: usize = 3;

/// The category of orphans.
const ORPHANED: &str = IssueKind::OrphanAttachment.category();

/// The health of a store.
#[derive(Serialize, Default)]
pub(super) struct Health {
    /// The number of messages of the sessions that are listed from this store.
    messages: u64,
    /// The number of issues of each category.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "as_list")]
    issues: BTreeMap<&'static str, usize>,
    /// What is damaged in a database, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damage: Vec<String>,
}

/// The number of issues of one category.
#[derive(Serialize)]
struct IssueCount {
    category: &'static str,
    count: usize,
}

fn as_list<S: Serializer>(
    counts: &BTreeMap<&'static str, usize>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(counts.iter().map(|(&category, &count)| IssueCount { category, count }))
}

impl Health {
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// Describes the issues and the damage, and says what to do. No lines for a sound store.
    pub(super) fn lines(&self, path: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(counts) = issues::in_words(&self.issues) {
            let meaning = match self.issues.contains_key(ORPHANED) {
                true => " (orphaned: left from deleted sessions and messages)",
                false => "",
            };
            lines.push(format!("issues: {counts}{meaning}"));
        }
        lines.extend(self.damage.iter().take(MAX_LISTED).map(|damage| format!("damage: {damage}")));
        if self.damage.len() > MAX_LISTED {
            lines.push(format!(
                "damage: {} more; --issues lists all",
                self.damage.len() - MAX_LISTED
            ));
        }
        if !self.damage.is_empty() {
            lines.push(format!(
                "to repair it: close opencode, copy the database with its -wal file, then run `sqlite3 {path:?} \
                 REINDEX`; if that fails, `sqlite3 {path:?} .recover` saves the sound rows"
            ));
        }
        lines
    }

    pub(super) fn add_messages(&mut self, count: u64) {
        self.messages += count;
    }

    /// Counts an issue. `schema_problems` are no damage.
    pub(super) fn add_issue(&mut self, issue: &IssueKind, schema_problems: &[String]) {
        if *issue == IssueKind::NoParts {
            return;
        }
        *self.issues.entry(issue.category()).or_default() += 1;
        if let IssueKind::Database { message } = issue
            && !schema_problems.contains(message)
            && !self.damage.contains(message)
        {
            self.damage.push(message.clone());
        }
    }
}
