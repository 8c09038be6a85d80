//! How far a stream of events was taken.

use std::fmt;
use std::str::FromStr;

use scrollback_core_id::Cursor;
use scrollback_index::SessionIndex;

/// How far a stream of events was taken: up to a state of the index, and into the events that come
/// behind it. As text `epoch:revision`, or `epoch:revision/epoch:change+events`; to be kept and
/// handed back, and not to be looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventCursor {
    /// All that was said until this state was taken.
    pub at: Cursor,
    /// All changes before this one were taken too, and of this one so many events. Its number is
    /// that of the index that told it, which may be another one than that of the state.
    pub within: Option<(Cursor, usize)>,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of a stream: `epoch:revision`, as an event has it")]
pub struct EventCursorError;

impl EventCursor {
    /// Whether an index knows all that it speaks of: what one that was not kept numbered so, another
    /// gives to other changes.
    pub(super) fn is_known_to(&self, index: &SessionIndex) -> bool {
        let within = self.within.is_none_or(|(change, _)| index.continues(&change));
        within && index.continues(&self.at)
    }
}

impl From<Cursor> for EventCursor {
    fn from(at: Cursor) -> Self {
        Self { at, within: None }
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)?;
        match self.within {
            Some((next, events)) => write!(f, "/{next}+{events}"),
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
            let (next, events) = within.split_once('+')?;
            let is_number = !events.is_empty() && events.bytes().all(|it| it.is_ascii_digit());
            is_number.then_some((next.parse().ok()?, events.parse().ok()?))
        });
        let within = match within {
            Some(None) => return Err(EventCursorError),
            within => within.flatten(),
        };
        Ok(Self { at: at.parse().map_err(|_| EventCursorError)?, within })
    }
}
