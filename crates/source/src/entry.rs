//! What a reader hands out: entities, sets of them, and what is wrong.

use std::fmt;
use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::{EntityKey, OrderKey, ProjectId, SourceId};
use scrollback_core_type::Provenance;
use scrollback_stor_mmap::MappedSpan;

use crate::Observation;

/// What a reader calls for each thing it finds. Breaking ends the call.
pub type ScanVisitor<'e> = dyn FnMut(ScanItem) -> ControlFlow<()> + 'e;

/// Something that a reader found.
#[derive(Debug)]
pub enum ScanItem {
    /// An entity.
    Entry(Entry),
    /// The set of records that the call lists, as it was before it was listed: what joins or leaves
    /// it later changes its stamp, so a settled one that stays the same was listed whole.
    Set(Observation),
    /// Something that is wrong, about an entity if the key is known.
    Issue(Option<EntityKey>, Issue),
}

/// An entity in a store.
#[derive(Clone)]
pub struct Entry {
    /// Names it.
    pub key: EntityKey,
    /// Where it stands among its siblings.
    pub order: OrderKey,
    /// Its bytes, in the shape of opencode's own JSON, where the call reads them.
    pub span: Option<MappedSpan>,
    /// The project that a session's place says it belongs to.
    pub project: Option<ProjectId>,
    /// Whether a message is a copy of one of another session, made by a fork or a resume. What it
    /// used counts there.
    pub is_copy: bool,
    /// Which of several stores a session is from; none where there is but one.
    pub origin: Option<SourceId>,
    /// Which generation of storage a session was read from, and what else there is of it.
    pub provenance: Provenance,
}

impl Entry {
    /// An entity with its bytes.
    pub fn new(key: impl Into<EntityKey>, order: OrderKey, span: MappedSpan) -> Self {
        Self { span: Some(span), ..Self::without_span(key, order) }
    }

    /// An entity that was only named.
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
