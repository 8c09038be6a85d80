//! The state of a log that a mark keeps.

use scrollback_core_id::SessionKey;
use serde::{Deserialize, Serialize};

/// The session's record, as its line gives it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Head {
    title: Option<String>,
    directory: Option<String>,
    version: Option<String>,
    #[serde(rename = "parentID")]
    parent: Option<String>,
    created: Option<i64>,
}

/// The state of a log up to a mark.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// The newest head.
    pub(super) head: Head,
    /// The offset of the head's line, or `None` if the log has no such line.
    pub(super) head_at: Option<u64>,
    /// The offsets of damaged lines. Their issues are reported by every read transaction.
    pub(super) damaged: Vec<u64>,
    /// The size of the file, and its time in nanoseconds. A file with the same size and another time
    /// was rewritten.
    pub(super) stamp: (u64, i64),
}

/// With more damaged lines than this, a log is read whole each time.
const MAX_DAMAGED_LINES: usize = 16;

impl State {
    /// Returns the bytes that a mark keeps, or `None` if there are too many.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        (self.damaged.len() <= MAX_DAMAGED_LINES).then(|| serde_json::to_vec(self).ok())?
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// A session in opencode's shape.
#[derive(Serialize)]
struct Session<'s> {
    id: &'s str,
    #[serde(rename = "parentID", skip_serializing_if = "Option::is_none")]
    parent: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'s str>,
    time: Time,
}

#[derive(Serialize)]
struct Time {
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<i64>,
    updated: i64,
}

impl Head {
    /// The session's span; `updated` is the time of the last append, in Unix milliseconds.
    pub(super) fn to_json(&self, session: &SessionKey, updated: i64) -> Vec<u8> {
        let session = Session {
            id: session.session.as_str(),
            parent: self.parent.as_deref(),
            directory: self.directory.as_deref(),
            title: self.title.as_deref(),
            version: self.version.as_deref(),
            time: Time { created: self.created, updated },
        };
        serde_json::to_vec(&session).unwrap_or_default()
    }
}
