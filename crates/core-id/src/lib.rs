//! Ids, keys and the small values that every scrollback crate uses.
//!
#![doc = include_str!("../README.md")]

mod ascii;
mod clock;
mod compact;
mod cursor;
mod discipline;
mod id;
mod id_clock;
mod key;
mod order;
mod scope;
mod stamp;

pub use ascii::{all_bytes, is_printable_ascii};
pub use clock::{Clock, SystemClock, UnixMillis, UnixNanos};
pub use cursor::{Cursor, CursorError, Epoch, Revision};
pub use discipline::Discipline;
pub use id::{
    CallId, EventId, IdError, ItemId, MessageId, PartId, PermissionId, ProjectId, QuestionId,
    SessionId, SourceId, ToolOutputId, WorkspaceId,
};
pub use id_clock::IdClock;
pub use key::{EntityKey, ItemKey, MessageKey, PartKey, SessionKey};
pub use order::OrderKey;
pub use scope::Scope;
pub use stamp::Stamp;
