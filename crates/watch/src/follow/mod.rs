//! Followers: typed events from a cursor on.

mod cursor;
mod event;
mod follower;
mod pending;
mod text;

pub use cursor::{EventCursor, EventCursorError, EventOffset};
pub use event::{ChangeKind, Event, Subject};
pub use follower::Follower;
pub use text::TextEdit;
