//! Resume tokens: a read continues where the last read of a session ended.

use std::fmt;
use std::sync::Arc;

use scrollback_core_id::SessionKey;

use crate::{Probe, SourceChange};

/// How far the messages of a session were read, in the format of the Source that read them. A token
/// is valid for one store, in any process. A Source refuses a token that it did not make.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ResumeToken(Arc<[u8]>);

/// The result of [`Reader::resume`](crate::Reader::resume).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeResult {
    /// The change of the session: [`Probe::Unchanged`], or [`Probe::Changed`] with one
    /// [`SourceChange::Appended`], or [`Probe::Rescan`] if the session must be read from its start.
    pub probe: Probe,
    /// The token for the next resume. `None` if the next read must start at the beginning.
    pub token: Option<ResumeToken>,
}

impl ResumeToken {
    /// Returns a token with these bytes. Only the Source that reads the token makes them.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes of the token, so that a caller can store them.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0
    }
}

impl ResumeResult {
    /// Returns the result for a session that must be read from its start.
    pub fn rescan() -> Self {
        Self { probe: Probe::Rescan, token: None }
    }

    /// Returns the result for a session without additions.
    pub fn unchanged(token: ResumeToken) -> Self {
        Self { probe: Probe::Unchanged, token: Some(token) }
    }

    /// Returns the result for a session that grew from this byte offset on. The reader has passed
    /// the additions to its visitor.
    pub fn appended(session: SessionKey, from: u64, token: Option<ResumeToken>) -> Self {
        Self {
            probe: Probe::Changed(vec![SourceChange::Appended { session, offset: from }]),
            token,
        }
    }
}

impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResumeToken({} bytes)", self.0.len())
    }
}
