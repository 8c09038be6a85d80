//! Reads what the rule compares of one copy of a session.

use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, Scope, SessionKey, Stamp};
use scrollback_core_type::order_time;
use scrollback_source::{BorrowedItem, Entry, Reader, Result, ScanItem};
use scrollback_stor_mmap::Settled;

use super::choose::CopyOutline;

/// The stamp of a set of messages, and whether it is settled.
pub(super) type SetStamp = (Stamp, Settled);

/// The outline of a copy, as it was read.
#[derive(Default)]
pub(super) struct OutlineRead {
    pub(super) outline: CopyOutline,
    /// The stamp of the set of messages; `None` if the copy has no set.
    pub(super) set: Option<SetStamp>,
    /// Whether some names may be missing, because a directory or table could not be read.
    pub(super) is_unread: bool,
}

/// Reads the names of a copy's messages, and observes the set of them.
pub(super) fn read_outline(reader: &mut dyn Reader, session: &SessionKey) -> Result<OutlineRead> {
    let OutlineRead { mut outline, mut set, mut is_unread } = OutlineRead::default();
    outline.format_rank = reader.format_rank(session)?;
    reader.scan(&Scope::MessageNames(session.clone()), &mut |item| {
        match item {
            ScanItem::Set(observation) => set = Some((observation.stamp, observation.settled)),
            ScanItem::Entry(Entry { key: EntityKey::Message(key), .. })
            // A damaged message is there too.
            | ScanItem::Issue(Some(EntityKey::Message(key)), _) => {
                outline.messages.insert(key.message);
            }
            ScanItem::Issue(_, issue) => is_unread |= issue.is_unread(),
            ScanItem::Entry(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok(OutlineRead { outline, set, is_unread })
}

/// Reads when the newest message of a copy was created, by the records.
pub(super) fn newest_message(reader: &mut dyn Reader, session: &SessionKey) -> Result<Option<i64>> {
    let mut newest = None;
    reader.scan_borrowed(&Scope::Messages(session.clone()), &mut |item| {
        match item {
            BorrowedItem::Record(record) => newest = newest.max(order_time(record.bytes).created),
            BorrowedItem::Rollback => newest = None,
            _ => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok(newest)
}
