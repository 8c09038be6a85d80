//! Event cursors: positions in the stream of events.

use std::fmt;
use std::str::FromStr;

use scrollback_core_id::{Cursor, Revision};
use scrollback_index::SessionIndex;

/// A position in the stream of events: a state of the index, and an offset into the events after
/// that state. Its text is `epoch:revision`, or `epoch:revision/epoch:change+events@target`. Keep
/// the text and hand it back; its parts have no meaning for callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventCursor {
    /// The state of the index up to which all events were taken.
    pub index_cursor: Cursor,
    /// The offset into the events after that state, or `None` if none of them was taken.
    pub offset: Option<EventOffset>,
}

/// A position within the changes between two states of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventOffset {
    /// The first change that was not taken completely. Its cursor belongs to the index that
    /// reported it, which may have another epoch than the state before.
    pub change: Cursor,
    /// The number of events of this change that were taken.
    pub events: usize,
    /// The state that the changes lead to. If a record changes again within them, this index
    /// reports only its last change; a snapshot that was saved in between may have the earlier
    /// change.
    pub target: Revision,
}

/// The error of a text that is not an event cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an event cursor: use the cursor of an event, such as `epoch:revision`")]
pub struct EventCursorError;

impl EventCursor {
    /// Checks whether an index has the states that this cursor names. Revisions that were never
    /// saved do not count: another process gives the same numbers to other changes.
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
