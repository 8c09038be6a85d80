//! The journal of saves. The program writes it and has no reader of its own.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::load::open;
use super::timestamp::Timestamp;

/// A line of a journal. The number of a transaction begins at 0 in every journal that the program
/// opens, so it may come several times in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum JournalEntry {
    /// A change begins.
    Staged {
        /// The number of the transaction.
        txn: u64,
        /// The time.
        at: Timestamp,
        /// The change.
        op: Op,
    },
    /// A change was refused.
    Rejected {
        /// The number of the transaction.
        txn: u64,
        /// The time.
        at: Timestamp,
        /// The reason.
        reason: RejectReason,
    },
    /// A change was made.
    Committed {
        /// The number of the transaction.
        txn: u64,
        /// The time.
        at: Timestamp,
    },
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// The context was compacted. The file of the session keeps all messages.
    Compaction {
        /// The number of messages before.
        before: u64,
        /// The number of messages after.
        after: u64,
    },
    /// The session was saved.
    Save,
    /// The session was reset.
    Reset,
    /// The context was reset.
    ContextReset,
    /// The history was uploaded.
    HistorySinkUpload {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// The size in bytes.
        bytes: u64,
    },
}

/// Why a change was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum RejectReason {
    /// It would have destroyed data.
    DestructiveOp,
    /// The data has a wrong shape.
    SchemaMismatch {
        /// More about it.
        detail: String,
    },
    /// The provenance is wrong.
    ProvenanceFail {
        /// More about it.
        detail: String,
    },
    /// A rule is broken.
    InvariantViolation {
        /// More about it.
        detail: String,
    },
}

/// What a journal says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalRead {
    /// The lines in order.
    pub entries: Vec<JournalEntry>,
    /// The ranges of bytes of the lines that cannot be parsed.
    pub damaged: Vec<Range<u64>>,
}

/// Reads the journal of a session, also of one that was deleted. A missing journal is empty.
///
/// # Errors
/// [`Error::Io`] if the file exists and cannot be read.
pub fn read_journal(sessions: &Path, id: &str) -> Result<JournalRead, Error> {
    let mut read = JournalRead::default();
    visit_lines(sessions, &format!("{id}.journal.jsonl"), &mut |range, line| {
        match serde_json::from_slice(line) {
            Ok(entry) => read.entries.push(entry),
            Err(_) => read.damaged.push(range),
        }
    })?;
    Ok(read)
}

/// Returns how many changes have begun and are neither made nor refused.
pub fn pending_count(entries: &[JournalEntry]) -> usize {
    let mut pending = BTreeSet::new();
    for entry in entries {
        match entry {
            JournalEntry::Staged { txn, .. } => pending.insert(txn),
            JournalEntry::Committed { txn, .. } | JournalEntry::Rejected { txn, .. } => {
                pending.remove(txn)
            }
        };
    }
    pending.len()
}

/// Passes the lines of a file that are not blank, with their ranges of bytes.
pub(super) fn visit_lines(
    sessions: &Path,
    name: &str,
    visitor: &mut dyn FnMut(Range<u64>, &[u8]),
) -> Result<(), Error> {
    let bytes = match open(sessions).and_then(|dir| Ok(dir.read(name)?)) {
        Ok(bytes) => bytes,
        Err(Error::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let mut at = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        if !line.trim_ascii().is_empty() {
            visitor(at..at + line.len() as u64, line);
        }
        at += line.len() as u64 + 1;
    }
    Ok(())
}
