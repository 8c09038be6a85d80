//! Going on from where a session was read up to, instead of reading it again.

use std::fmt;
use std::sync::Arc;

use scrollback_core_id::SessionKey;

use crate::{Probe, SourceChange};

/// How far the messages of a session were read, in the words of the Source that read them. Good for
/// one store, in any process. A Source refuses a token that it did not make.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ResumeToken(Arc<[u8]>);

/// The answer of [`Reader::resume`](crate::Reader::resume).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeResult {
    /// What happened to the session: [`Probe::Unchanged`]; [`Probe::Changed`] with the one
    /// [`SourceChange::Appended`]; or [`Probe::Rescan`], and the session has to be read anew.
    pub probe: Probe,
    /// What to resume from the next time; none if the session has to be read anew then.
    pub token: Option<ResumeToken>,
}

impl ResumeToken {
    /// A token of these bytes, which its Source made.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, to be kept.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0
    }
}

impl ResumeResult {
    /// The session has to be read anew.
    pub fn rescan() -> Self {
        Self { probe: Probe::Rescan, token: None }
    }

    /// Nothing was added.
    pub fn unchanged(token: ResumeToken) -> Self {
        Self { probe: Probe::Unchanged, token: Some(token) }
    }

    /// Something was added from this byte offset on, and has been handed out.
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
