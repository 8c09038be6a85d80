//! Where a session was read from: which program's it is, in which form of storage it is, and what
//! else there is of it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A name that a Source chose: of an agent, of a storage format, of a state.
pub type SourceName = Cow<'static, str>;

/// Where a session was read from. Names are the Source's own; lists are in the order of the names.
/// Clones are cheap: Sources hand out few different ones.
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
    /// A session of an agent, read from one storage format.
    pub fn new(agent: impl Into<SourceName>, format: impl Into<SourceName>) -> Self {
        let (agent, formats) = (agent.into(), vec![format.into()]);
        Self(Some(Arc::new(ProvenanceData { agent, formats, ..ProvenanceData::default() })))
    }

    /// The same, read from this format too.
    #[must_use]
    pub fn with_format(self, format: impl Into<SourceName>) -> Self {
        self.modify(|facts| insert_sorted(&mut facts.formats, format.into()))
    }

    /// The same, with a format or place that has the session too and was not read.
    #[must_use]
    pub fn with_also_in(self, place: impl Into<SourceName>) -> Self {
        self.modify(|facts| insert_sorted(&mut facts.also_in, place.into()))
    }

    /// The same, with the formats of another place that has the session too.
    #[must_use]
    pub fn with_copy(self, other: &Self) -> Self {
        let formats = other.0.iter().flat_map(|facts| facts.formats.iter().cloned());
        formats.fold(self, Self::with_also_in)
    }

    /// The same, in a state of a migration from one format to another that is worth a word.
    #[must_use]
    pub fn with_migration(self, state: impl Into<SourceName>) -> Self {
        self.modify(|facts| facts.migration = Some(state.into()))
    }

    /// The same, with whether the totals in the session's own record cover the whole session.
    #[must_use]
    pub fn with_complete_totals(self, complete: bool) -> Self {
        self.modify(|facts| facts.has_complete_totals = complete)
    }

    fn modify(mut self, change: impl FnOnce(&mut ProvenanceData)) -> Self {
        change(Arc::make_mut(self.0.get_or_insert_default()));
        self
    }

    /// The program that wrote the session: "opencode". Empty if the Source does not say it.
    pub fn agent(&self) -> &str {
        self.0.as_ref().map_or("", |facts| &facts.agent)
    }

    /// The storage formats that its messages were read from; several where turns in several of them
    /// belong to one session.
    pub fn formats(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|facts| facts.formats.iter().map(|name| &**name))
    }

    /// Formats and places that have the session too, and were not read.
    pub fn also_in(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|facts| facts.also_in.iter().map(|name| &**name))
    }

    /// The state of a migration from one format to another, if it is worth a word.
    pub fn migration(&self) -> Option<&str> {
        self.0.as_ref()?.migration.as_deref()
    }

    /// Whether the totals in the session's own record cover the whole session: all of its messages,
    /// and what else it used, such as titles and compactions.
    pub fn has_complete_totals(&self) -> bool {
        self.0.as_ref().is_some_and(|facts| facts.has_complete_totals)
    }
}

/// Inserts a name in its place, unless it is there.
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
