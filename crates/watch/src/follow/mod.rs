//! Followers: a stream of what happened, from whatever was taken last.

mod cursor;
mod event;
mod follower;
mod text;
mod told;

pub use cursor::{EventCursor, EventCursorError, Within};
pub use event::{Event, Of, What};
pub use follower::Follower;
pub use text::TextEdit;
