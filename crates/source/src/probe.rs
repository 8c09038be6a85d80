//! Probes: a store reports at little cost what may have changed since a token.

use std::fmt;
use std::sync::Arc;

use scrollback_core_id::SessionKey;

/// The state of a store at a probe, in the store's own format. A token is valid for one store, in
/// any process.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SourceToken(Arc<[u8]>);

/// The result of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// What may have changed.
    pub probe: Probe,
    /// The token for the next probe. `None` if the store keeps no record of its changes.
    pub token: Option<SourceToken>,
}

/// What may have changed in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Nothing changed.
    Unchanged,
    /// The listed sessions changed. The records of all projects and sessions may have changed as
    /// well; compare them.
    Changed(Vec<SourceChange>),
    /// Anything may have changed.
    Rescan,
}

/// One change in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceChange {
    /// The messages and parts of a session may have changed.
    Session(SessionKey),
    /// The agent appended to a session's log.
    Appended {
        /// The session.
        session: SessionKey,
        /// The byte offset in the log where the new records begin.
        offset: u64,
    },
}

impl SourceChange {
    /// Returns the session that changed.
    pub fn session(&self) -> &SessionKey {
        match self {
            Self::Session(session) | Self::Appended { session, .. } => session,
        }
    }
}

impl SourceToken {
    /// Returns a token with these bytes. Only the Source that reads the token makes them.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes of the token, so that a caller can store them.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0
    }
}

impl ProbeResult {
    /// Returns the result for a store that keeps no record of its changes.
    pub fn rescan() -> Self {
        Self { probe: Probe::Rescan, token: None }
    }
}

impl fmt::Debug for SourceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceToken({} bytes)", self.0.len())
    }
}
