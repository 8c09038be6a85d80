//! The read transaction of a merged store: one transaction of each member.

use std::io;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, SourceId, Stamp};
use scrollback_source::{Entry, Error, Listing, Reader, Result, ScanItem, Source, SurveyItem};
use scrollback_stor_path::opencode;

use super::choices::Choices;
use super::owners::Owners;
use crate::optional_source::is_absent;

/// The read transaction of a merged store. `reader` implements `Reader` for it.
pub(super) struct MergedTransaction<'s> {
    pub(super) clock: &'s Arc<dyn Clock>,
    /// The number of all members, with and without sessions.
    pub(super) member_count: usize,
    /// The members that may hold sessions, in the order of `owners.readers`; at least one.
    pub(super) members: Vec<Member<'s>>,
    pub(super) owners: Owners<'s>,
    /// The readers that supply diffs and nothing else: members without sessions, and the store of
    /// diffs.
    pub(super) diff_readers: Vec<DiffReader<'s>>,
    /// Why a store that may have diffs could not be opened.
    pub(super) unread_diffs: Option<Issue>,
    /// The records of each member, surveyed together with the sets of messages. The next survey of the
    /// sessions takes them.
    pub(super) surveyed_sessions: Option<Vec<Vec<SurveyItem>>>,
}

/// A store that supplies diffs, with its reader.
pub(super) type DiffReader<'s> = (&'s Arc<dyn Source>, Box<dyn Reader + 's>);

/// A member that may hold sessions.
pub(super) struct Member<'s> {
    /// The index of the member among all members, with or without sessions. It marks copies in
    /// stamps, so it must not change when another member becomes empty.
    pub(super) number: usize,
    pub(super) source: &'s Arc<dyn Source>,
}

impl<'s> MergedTransaction<'s> {
    /// Opens the members in their order, and the store of diffs.
    ///
    /// # Errors
    /// If a member that may hold sessions cannot be opened.
    pub(super) fn open(
        sources: impl Iterator<Item = &'s Arc<dyn Source>>,
        diffs: Option<&'s Arc<dyn Source>>,
        clock: &'s Arc<dyn Clock>,
        (choices, forced): (&'s Choices, Option<&SourceId>),
    ) -> Result<Self> {
        let members = sources.enumerate();
        let members = members.map(|(number, source)| Member { number, source });
        // A member without sessions owns none. Leaving it out saves one check of every session, and
        // often leaves a single member.
        let (mut members, empty): (Vec<Member<'_>>, Vec<Member<'_>>) =
            members.partition(|member| !member.source.is_empty());
        let member_count = members.len() + empty.len();
        let mut empty = empty.into_iter();
        if members.is_empty() {
            members.extend(empty.next());
        }
        let readers = members.iter().map(|member| member.source.open());
        let readers = readers.collect::<Result<Vec<_>>>()?;
        // The store of diffs may not exist yet: the agent creates it with the first diff.
        let (mut diff_readers, mut unread_diffs) = (Vec::new(), None);
        for source in empty.map(|member| member.source).chain(diffs) {
            match source.open() {
                Ok(reader) => diff_readers.push((source, reader)),
                Err(error) if is_absent(&error) => {}
                Err(error) => unread_diffs = Some(issue_of(&error)),
            }
        }
        let ids = members.iter().map(|member| (member.number, member.source.id())).collect();
        let owners = Owners::new(readers, ids, choices, forced);
        let surveyed_sessions = None;
        Ok(Self {
            clock,
            member_count,
            members,
            owners,
            diff_readers,
            unread_diffs,
            surveyed_sessions,
        })
    }

    /// Checks whether only one member may hold sessions. Calls then go to it directly.
    pub(super) fn is_single(&self) -> bool {
        self.members.len() == 1
    }

    /// Reads one entity from one member, by the member's index in `members`.
    pub(super) fn read_from_member(&mut self, member: usize, key: &EntityKey) -> Result<Listing> {
        let reader = &mut self.owners.readers[member];
        Listing::collect(|visit| reader.spans(std::slice::from_ref(key), visit))
    }
}

/// Sets the origin of an item that is a session's record.
pub(super) fn with_origin(mut item: ScanItem, origin: &SourceId) -> ScanItem {
    if let ScanItem::Entry(entry) = &mut item
        && matches!(entry.key, EntityKey::Session(_))
    {
        entry.origin = Some(origin.clone());
    }
    item
}

/// Makes the record of a session from another copy, for a store that has messages of the session and lost
/// its record. The totals in the record are those of other messages.
pub(super) fn record_of_copy(copy: &Entry, owner: &SourceId) -> Entry {
    let provenance = copy.provenance.clone().with_complete_totals(false);
    let provenance = provenance.with_migration(opencode::RECORD_OF_COPY);
    Entry { origin: Some(owner.clone()), provenance, ..copy.clone() }
}

/// Notes in a session's record that another member has the session too. Other entities stay as they
/// are.
///
/// The copy may appear or go away while the record itself stays the same, so the stamp is marked
/// too.
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

/// Marks a session's stamp with a copy in member `number`.
///
/// Each member flips its own bit of the inode, so that each set of copies gives another stamp.
pub(super) fn mark_copy(stamp: &mut Stamp, number: usize) {
    stamp.inode ^= 1_u64.rotate_left(number as u32 + 32);
}

/// Returns the issue of a store that could not be opened.
fn issue_of(error: &Error) -> Issue {
    let place = match error {
        Error::Store { path, .. } => Place::path(path),
        _ => Place::default(),
    };
    let message = std::error::Error::source(error)
        .map_or_else(|| error.to_string(), |source| source.to_string());
    Issue::new(
        place,
        IssueKind::Unreadable { action: "open", error: message, kind: io::ErrorKind::Other },
    )
}
