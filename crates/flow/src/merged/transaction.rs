//! One read of all members, and which of them hold sessions.

use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, SourceId, Stamp};
use scrollback_source::{Entry, Listing, Reader, Result, ScanItem, Source};

use super::owners::Owners;

pub(super) struct MergedTransaction<'s> {
    pub(super) clock: &'s Arc<dyn Clock>,
    /// The members that may hold sessions, one for each reader of `owners`; at least one.
    pub(super) members: Vec<Member<'s>>,
    pub(super) owners: Owners<'s>,
    /// Members without sessions, and the store of diffs: asked for diffs alone.
    pub(super) diff_readers: Vec<DiffReader<'s>>,
}

/// A store that is asked for diffs, and a read of it.
pub(super) type DiffReader<'s> = (&'s Arc<dyn Source>, Box<dyn Reader + 's>);

/// A member of a merged store.
pub(super) struct Member<'s> {
    /// Its place among all members, whether they hold sessions or not.
    pub(super) number: usize,
    pub(super) source: &'s Arc<dyn Source>,
}

impl<'s> MergedTransaction<'s> {
    /// Opens the members in their order, and the store of diffs.
    pub(super) fn open(
        sources: impl Iterator<Item = &'s Arc<dyn Source>>,
        diffs: Option<&'s Arc<dyn Source>>,
        clock: &'s Arc<dyn Clock>,
    ) -> Result<Self> {
        let members = sources.enumerate();
        let members = members.map(|(number, source)| Member { number, source });
        let (mut members, empty): (Vec<Member<'_>>, Vec<Member<'_>>) =
            members.partition(|member| !member.source.is_empty());
        let mut empty = empty.into_iter();
        if members.is_empty() {
            members.extend(empty.next());
        }
        let readers = members.iter().map(|member| member.source.open());
        let readers = readers.collect::<Result<Vec<_>>>()?;
        // A store of diffs need not be there: it comes with the first diff.
        let diffs = empty.map(|member| member.source).chain(diffs);
        let diffs = diffs.filter_map(|source| Some((source, source.open().ok()?))).collect();
        Ok(Self { clock, members, owners: Owners::new(readers), diff_readers: diffs })
    }

    /// Whether only one member holds sessions: it then answers by itself.
    pub(super) fn is_single(&self) -> bool {
        self.members.len() == 1
    }

    /// What one member has of an entity.
    pub(super) fn read_from_member(&mut self, member: usize, key: &EntityKey) -> Result<Listing> {
        let reader = &mut self.owners.readers[member];
        Listing::collect(|visit| reader.spans(std::slice::from_ref(key), visit))
    }
}

/// Says of a session which store it is from.
pub(super) fn with_origin(mut item: ScanItem, origin: &SourceId) -> ScanItem {
    if let ScanItem::Entry(entry) = &mut item
        && matches!(entry.key, EntityKey::Session(_))
    {
        entry.origin = Some(origin.clone());
    }
    item
}

/// Notes of a session that another store has it too, which may change while its record does not.
pub(super) fn note_copy(entry: &mut Entry, number: usize, copy: &Entry) {
    if !matches!(entry.key, EntityKey::Session(_)) {
        return;
    }
    entry.provenance = std::mem::take(&mut entry.provenance).with_copy(&copy.provenance);
    if let Some(span) = &entry.span {
        let mut stamp = *span.stamp();
        mark_copy(&mut stamp, number);
        entry.span = Some(span.with_stamp(stamp));
    }
}

/// What the stamp of a session's record says of another store that has it too.
pub(super) fn mark_copy(stamp: &mut Stamp, number: usize) {
    stamp.inode ^= 1_u64.rotate_left(number as u32 + 32);
}
