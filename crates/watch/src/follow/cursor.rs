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
        let told = |EventOffset { change, target: behind, .. }: EventOffset| Cursor {
            revision: behind,
            ..change
        };
        let within = self.offset.is_none_or(|within| index.continues(&told(within)));
        within && index.continues(&self.index_cursor)
    }
}

impl From<Cursor> for EventCursor {
    fn from(at: Cursor) -> Self {
        Self { index_cursor: at, offset: None }
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.index_cursor.fmt(f)?;
        match self.offset {
            Some(EventOffset { change, events, target: behind }) => {
                write!(f, "/{change}+{events}@{behind}")
            }
            None => Ok(()),
        }
    }
}

impl FromStr for EventCursor {
    type Err = EventCursorError;

    fn from_str(text: &str) -> Result<Self, EventCursorError> {
        let (at, within) = match text.split_once('/') {
            Some((at, within)) => (at, Some(within)),
            None => (text, None),
        };
        let within = within.map(|within| {
            let (change, told) = within.split_once('+')?;
            let (events, behind) = told.split_once('@')?;
            let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
            let is_known = is_number(events) && is_number(behind);
            let (events, behind) = (events.parse().ok()?, Revision(behind.parse().ok()?));
            is_known.then_some(EventOffset { change: change.parse().ok()?, events, target: behind })
        });
        let within = match within {
            Some(None) => return Err(EventCursorError),
            within => within.flatten(),
        };
        Ok(Self { index_cursor: at.parse().map_err(|_| EventCursorError)?, offset: within })
    }
}
