//! Every part of the store, one message's directory after the other.

use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, MessageId};
use scrollback_stor_mmap::Arena;
use scrollback_stor_path::layout::PART;

use crate::look::{FileLook, open_if_there};
use crate::messages::open_message;
use crate::names::{Names, ids};
use scrollback_source::{Each, Entry, Found};

impl FileLook<'_> {
    /// Hands them out as they come: no more than one message's parts are held.
    pub(crate) fn all_parts(&mut self, each: &mut Each<'_>) -> scrollback_source::Result<()> {
        self.begin();
        let mut issues = Vec::new();
        let note = &mut |key, issue| issues.push(Found::Issue(key, issue));
        let path = || PART.into();
        let all = open_if_there(&self.root, PART, path, note);
        let owners: Vec<MessageId> = match &all {
            Some(all) => ids(all, Names::Directories, path, &mut self.buffer, note),
            None => Vec::new(),
        };
        if issues.into_iter().try_for_each(&mut *each).is_break() {
            return Ok(());
        }
        let Some(all) = all else { return Ok(()) };
        for owner in owners {
            if self.parts_in(&all, &owner, each).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn parts_in(
        &mut self,
        all: &scrollback_stor_mmap::Dir,
        owner: &MessageId,
        each: &mut Each<'_>,
    ) -> ControlFlow<()> {
        let (mut issues, mut arena) = (Vec::new(), Arena::new());
        let note = &mut |key, issue| issues.push(Found::Issue(key, issue));
        let found = match open_message(all, owner, note) {
            Some(dir) => self.read_parts(&mut arena, &dir, owner, note),
            None => Vec::new(),
        };
        let arena = arena.freeze();
        issues.into_iter().try_for_each(&mut *each)?;
        found.into_iter().try_for_each(|(key, order, it)| {
            each(Found::Entry(Entry::new(EntityKey::Part(key), order, it.into_span(&arena))))
        })
    }
}
