//! Follows a store: merges the events of all roots into one stream with one cursor.

mod builder;
mod cursor;
mod event;
mod events;

pub use builder::WatchBuilder;
pub use cursor::StoreCursor;
pub use event::Event;
pub use events::Events;
