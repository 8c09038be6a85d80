//! Scans every part of the store, one message's directory after the other.

use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, MessageId};
use scrollback_stor_mmap::Arena;
use scrollback_stor_path::layout::PART;

use crate::messages::open_parts_dir;
use crate::name_kind::NameKind;
use crate::names::list_ids;
use crate::transaction::{FileTransaction, open_optional_dir};
use scrollback_source::{Entry, ScanItem, ScanVisitor};

impl FileTransaction<'_> {
    /// Passes the parts to `visitor` directory by directory, and keeps at most one message's parts in
    /// memory.
    pub(crate) fn all_parts(
        &mut self,
        visitor: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.restart_context();
        let mut issues = Vec::new();
        let note = &mut |key, issue| issues.push(ScanItem::Issue(key, issue));
        let path = || PART.into();
        let all = open_optional_dir(&self.root, PART, path, note);
        let owners: Vec<MessageId> = match &all {
            Some(all) => list_ids(
                all,
                NameKind::PART_SETS,
                path,
                (&mut self.list_buffer, &self.context),
                note,
            ),
            None => Vec::new(),
        };
        if issues.into_iter().try_for_each(&mut *visitor).is_break() {
            return Ok(());
        }
        let Some(all) = all else { return Ok(()) };
        for owner in owners {
            if self.visit_parts_of_message(&all, &owner, visitor).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn visit_parts_of_message(
        &mut self,
        all: &scrollback_stor_mmap::Dir,
        owner: &MessageId,
        visitor: &mut ScanVisitor<'_>,
    ) -> ControlFlow<()> {
        let (mut issues, mut arena) = (Vec::new(), Arena::new());
        let note = &mut |key, issue| issues.push(ScanItem::Issue(key, issue));
        let parts = match open_parts_dir(all, owner, note) {
            Some(dir) => self.read_parts(&mut arena, &dir, owner, note),
            None => Vec::new(),
        };
        let arena = arena.freeze();
        issues.into_iter().try_for_each(&mut *visitor)?;
        parts.into_iter().try_for_each(|(key, order, fetched)| {
            visitor(ScanItem::Entry(Entry::new(
                EntityKey::Part(key),
                order,
                fetched.into_span(&arena),
            )))
        })
    }
}
