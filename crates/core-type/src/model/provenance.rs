//! The provenance of a session: its agent, the storage format that was read, the other copies, and the
//! migration state.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The name of an agent, a storage format or a state. The Source chooses it.
pub type SourceName = Cow<'static, str>;

/// Where a session was read from: agent, storage format, other copies, migration state.
///
/// The Source chooses the names. Lists are sorted by name. Clones share their data and are cheap.
///
/// ```
/// use scrollback_core_type::Provenance;
///
/// let provenance = Provenance::new("opencode", "2.x").with_also_in("json");
/// assert_eq!(provenance.agent(), "opencode");
/// assert_eq!(provenance.formats().collect::<Vec<_>>(), ["2.x"]);
/// assert_eq!(provenance.also_in().collect::<Vec<_>>(), ["json"]);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Provenance(Option<Arc<ProvenanceData>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct ProvenanceData {
    agent: SourceName,
    formats: Vec<SourceName>,
    also_in: Vec<SourceName>,
    migration: Option<SourceName>,
    has_complete_totals: bool,
}

impl Provenance {
    /// Returns the provenance of an agent's session that was read from one storage format.
    pub fn new(agent: impl Into<SourceName>, format: impl Into<SourceName>) -> Self {
        let (agent, formats) = (agent.into(), vec![format.into()]);
        Self(Some(Arc::new(ProvenanceData { agent, formats, ..ProvenanceData::default() })))
    }

    /// Adds another format that the session was read from.
    #[must_use]
    pub fn with_format(self, format: impl Into<SourceName>) -> Self {
        self.modify(|facts| insert_sorted(&mut facts.formats, format.into()))
    }

    /// Adds a format or place that also has the session and was not read.
    #[must_use]
    pub fn with_also_in(self, place: impl Into<SourceName>) -> Self {
        self.modify(|facts| insert_sorted(&mut facts.also_in, place.into()))
    }

    /// Adds the formats of another copy of the session, as formats that were not read.
    #[must_use]
    pub fn with_copy(self, other: &Self) -> Self {
        let formats = other.0.iter().flat_map(|facts| facts.formats.iter().cloned());
        formats.fold(self, Self::with_also_in)
    }

    /// Sets the state of a migration from one format to another, if users should know it.
    #[must_use]
    pub fn with_migration(self, state: impl Into<SourceName>) -> Self {
        self.modify(|facts| facts.migration = Some(state.into()))
    }

    /// Sets whether the totals in the session's own record cover the whole session.
    #[must_use]
    pub fn with_complete_totals(self, complete: bool) -> Self {
        self.modify(|facts| facts.has_complete_totals = complete)
    }

    fn modify(mut self, change: impl FnOnce(&mut ProvenanceData)) -> Self {
        change(Arc::make_mut(self.0.get_or_insert_default()));
        self
    }

    /// Returns the agent that wrote the session, such as "opencode". Empty if the provenance is unknown.
    pub fn agent(&self) -> &str {
        self.0.as_ref().map_or("", |facts| &facts.agent)
    }

    /// Returns the storage formats that the messages were read from. There are several if the turns of one
    /// session are in several formats.
    pub fn formats(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|facts| facts.formats.iter().map(|name| &**name))
    }

    /// Returns the formats and places that also have the session and were not read.
    pub fn also_in(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|facts| facts.also_in.iter().map(|name| &**name))
    }

    /// Returns the state of a migration from one format to another, if users should know it.
    pub fn migration(&self) -> Option<&str> {
        self.0.as_ref()?.migration.as_deref()
    }

    /// Checks whether the totals in the session's own record cover the whole session: all messages, and
    /// all other usage, such as titles and compactions.
    pub fn has_complete_totals(&self) -> bool {
        self.0.as_ref().is_some_and(|facts| facts.has_complete_totals)
    }
}

/// Inserts a name into a sorted list, unless the list has it already.
fn insert_sorted(names: &mut Vec<SourceName>, name: SourceName) {
    if let Err(at) = names.binary_search(&name) {
        names.insert(at, name);
    }
}

impl fmt::Debug for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(facts) => facts.fmt(f),
            None => f.write_str("Provenance(unknown)"),
        }
    }
}
