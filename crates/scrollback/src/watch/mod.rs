//! Following a store: one stream of events over all roots.

mod builder;
mod cursor;
mod event;
mod events;

pub use builder::WatchBuilder;
pub use cursor::StoreCursor;
pub use event::Event;
pub use events::Events;
