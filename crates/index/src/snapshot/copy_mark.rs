//! The marks of copies in the bytes of a snapshot that is not in use yet.

use scrollback_core_type::UsageSum;

use super::decode::Snapshot;
use super::layout::{Section, message, session};
use super::row::{Row, RowMut};
use crate::MessageMeta;

/// The marks of one message, and what they change in the sum of its session.
pub(crate) struct CopyMark {
    /// The start of the message's row.
    message: usize,
    /// The start of the session's row.
    session: usize,
    flags: u32,
    removed: UsageSum,
    added: UsageSum,
}

impl Snapshot {
    /// Returns the change that gives the row of a message the marks of `meta`.
    pub(crate) fn copy_mark(&self, meta: &MessageMeta) -> Option<CopyMark> {
        const FLAGS: u32 = message::IS_COPY | message::IS_RECORDED_COPY;
        let number = self.find_message(&meta.key)?;
        let row = self.row(Section::Messages, message::LEN, number);
        let marks = |flags: u32| MessageMeta {
            is_copy: flags & message::IS_COPY != 0,
            is_recorded_copy: flags & message::IS_RECORDED_COPY != 0,
            ..meta.clone()
        };
        let flags = row.u32(message::FLAGS);
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        Some(CopyMark {
            message: self.row_start(Section::Messages, message::LEN, number),
            session: self.row_start(Section::Sessions, session::LEN, row.u32(message::SESSION)),
            flags: flags & !FLAGS
                | flag(meta.is_copy, message::IS_COPY)
                | flag(meta.is_recorded_copy, message::IS_RECORDED_COPY),
            removed: marks(flags).usage_sum(),
            added: meta.usage_sum(),
        })
    }
}

impl CopyMark {
    /// Writes the marks to the bytes of the snapshot.
    pub(crate) fn write(self, bytes: &mut [u8]) {
        let mut usage = Row(&bytes[self.session..]).session_usage();
        usage -= self.removed;
        usage += self.added;
        RowMut(&mut bytes[self.session..]).session_usage(&usage);
        RowMut(&mut bytes[self.message..]).u32(message::FLAGS, self.flags);
    }
}
