//! How far a stream of events was taken.

use std::fmt;
use std::str::FromStr;

use scrollback_core_id::{Cursor, Revision};
use scrollback_index::SessionIndex;

/// How far a stream of events was taken: up to a state of the index, and into the events that come
/// behind it. As text `epoch:revision`, or `epoch:revision/epoch:change+events@behind`; to be kept and
/// handed back, and not to be looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventCursor {
    /// All that was said until this state was taken.
    pub index_cursor: Cursor,
    /// How far what came behind it was taken; none if that was not begun.
    pub offset: Option<EventOffset>,
}

/// How far the changes between two states were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventOffset {
    /// All changes before this one were taken. Its number is that of the index that told it, which may
    /// be another one than that of the state before.
    pub change: Cursor,
    /// And of this one so many events.
    pub events: usize,
    /// The state that they lead to. A key that changes later within them has no earlier change there,
    /// and may have one in an index that was kept before.
    pub target: Revision,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of a stream: `epoch:revision`, as an event has it")]
pub struct EventCursorError;

impl EventCursor {
    /// Whether an index knows all that it speaks of: what one that was not kept numbered so, another
    /// gives to other changes.
    pub(super) fn is_known_to(&self, index: &SessionIndex) -> bool {
        let target_cursor =
            |EventOffset { change, target, .. }: EventOffset| Cursor { revision: target, ..change };
        let knows_target = self.offset.is_none_or(|offset| index.continues(&target_cursor(offset)));
        knows_target && index.continues(&self.index_cursor)
    }
}

impl From<Cursor> for EventCursor {
    fn from(index_cursor: Cursor) -> Self {
        Self { index_cursor, offset: None }
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.index_cursor.fmt(f)?;
        match self.offset {
            Some(EventOffset { change, events, target }) => {
                write!(f, "/{change}+{events}@{target}")
            }
            None => Ok(()),
        }
    }
}

impl FromStr for EventCursor {
    type Err = EventCursorError;

    fn from_str(text: &str) -> Result<Self, EventCursorError> {
        let (index_cursor, offset) = match text.split_once('/') {
            Some((index_cursor, offset)) => (index_cursor, Some(offset)),
            None => (text, None),
        };
        let offset = offset.map(|offset| {
            let (change, rest) = offset.split_once('+')?;
            let (events, target) = rest.split_once('@')?;
            let is_number =
                |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let is_canonical = is_number(events) && is_number(target);
            let (events, target) = (events.parse().ok()?, Revision(target.parse().ok()?));
            is_canonical.then_some(EventOffset { change: change.parse().ok()?, events, target })
        });
        let offset = match offset {
            Some(None) => return Err(EventCursorError),
            offset => offset.flatten(),
        };
        Ok(Self { index_cursor: index_cursor.parse().map_err(|_| EventCursorError)?, offset })
    }
}
