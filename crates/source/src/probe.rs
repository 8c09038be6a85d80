//! Whether a store changed, by its own account.

use std::fmt;
use std::sync::Arc;

use scrollback_core_id::SessionKey;

/// What a store was like when it was probed, in its own words. Good for one store, in any process.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SourceToken(Arc<[u8]>);

/// What a probe came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// What may have changed.
    pub probe: Probe,
    /// What to ask with the next time; none if this store keeps no account of itself.
    pub token: Option<SourceToken>,
}

/// What may have changed in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Nothing did.
    Unchanged,
    /// These, and the records of any project or session: those are to be compared.
    Changed(Vec<SourceChange>),
    /// Anything.
    Rescan,
}

/// One thing that changed in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceChange {
    /// The messages and parts of a session.
    Session(SessionKey),
    /// A session's log was appended to.
    Appended {
        /// The session.
        session: SessionKey,
        /// The byte offset in its log that the new records begin at.
        offset: u64,
    },
}

impl SourceChange {
    /// The session that changed.
    pub fn session(&self) -> &SessionKey {
        match self {
            Self::Session(session) | Self::Appended { session, .. } => session,
        }
    }
}

impl SourceToken {
    /// A token of these bytes, which its Source made.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, to be kept.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0
    }
}

impl ProbeResult {
    /// The answer of a store that keeps no account of itself.
    pub fn rescan() -> Self {
        Self { probe: Probe::Rescan, token: None }
    }
}

impl fmt::Debug for SourceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceToken({} bytes)", self.0.len())
    }
}
