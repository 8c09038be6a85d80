//! The items of a scan: entities, sets of entities, and issues.

use std::fmt;
use std::iter::Peekable;
use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::{EntityKey, OrderKey, ProjectId, SourceId};
use scrollback_core_type::Provenance;
use scrollback_stor_mmap::MappedSpan;

use crate::Observation;

/// The function that a reader calls with each item. Return `Break` to end the call.
pub type ScanVisitor<'e> = dyn FnMut(ScanItem) -> ControlFlow<()> + 'e;

/// An item of a scan.
#[derive(Debug)]
pub enum ScanItem {
    /// An entity.
    Entry(Entry),
    /// The set of records that the scan lists, observed before the scan listed it. A record that
    /// joins or leaves the set later changes the set's stamp. So if the stamp is settled and stays
    /// the same, the scan listed the whole set.
    Set(Observation),
    /// A problem. The key says which entity it concerns, if the key is known.
    Issue(Option<EntityKey>, Issue),
}

/// An entity of a store: its key, its order, and its bytes if the call reads them.
#[derive(Clone)]
pub struct Entry {
    /// The entity's key.
    pub key: EntityKey,
    /// The entity's order among its siblings.
    pub order: OrderKey,
    /// The bytes, in the shape of opencode's own JSON. `None` if the call does not read them, or for
    /// the record of a session that exists and cannot be read; an issue then gives the reason.
    pub span: Option<MappedSpan>,
    /// The project that a session belongs to, according to the place of its record.
    pub project: Option<ProjectId>,
    /// Whether a message is a copy of a message of another session, made by a fork or a resume. Its
    /// usage counts in the other session.
    pub is_copy: bool,
    /// The store that supplies a session. `None` if the Source has only one store.
    pub origin: Option<SourceId>,
    /// The storage format that a session was read from, and the other copies of the session.
    pub provenance: Provenance,
}

impl Entry {
    /// Returns an entity with its bytes.
    pub fn new(key: impl Into<EntityKey>, order: OrderKey, span: MappedSpan) -> Self {
        Self { span: Some(span), ..Self::without_span(key, order) }
    }

    /// Returns an entity without its bytes.
    pub fn without_span(key: impl Into<EntityKey>, order: OrderKey) -> Self {
        let provenance = Provenance::default();
        let (key, project, origin) = (key.into(), None, None);
        Self { key, order, span: None, project, is_copy: false, origin, provenance }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({}, {:?}, {:?})", self.key, self.order, self.span)
    }
}

/// Takes the items that come before a message in the timeline.
pub(crate) fn items_before(
    items: &mut Peekable<impl Iterator<Item = Entry>>,
    message: &Entry,
) -> Vec<ScanItem> {
    let next = || items.next_if(|item| item.order < message.order).map(ScanItem::Entry);
    std::iter::from_fn(next).collect()
}

/// Gives each part the order that its name was listed with, because spans come without an order.
pub(crate) fn with_listed_order(
    entries: Vec<Entry>,
    names: &[Entry],
) -> impl Iterator<Item = Entry> {
    let mut names = names.iter();
    entries.into_iter().map(move |part| {
        // The parts come in the order of the names; some may be missing.
        let name = names.find(|name| name.key == part.key);
        Entry { order: name.map_or(part.order, |name| name.order), ..part }
    })
}
