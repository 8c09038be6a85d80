//! Ids, keys and the small values that every scrollback crate shares.
//!
//! Nothing here does I/O or reads a clock. Ids hold any non-empty text without control
//! characters; their prefix and the time inside them are questions one may ask.
//!
//! ```
//! use scrollback_core_id::{MessageId, SessionId};
//!
//! let session = SessionId::new("ses_e04994972ffet9oc5rH3S1zFJZ")?;
//! let message = MessageId::new("msg_1fb66b68f0017yogycnZeArDqY")?;
//! // Ids keep their time modulo 2^36 ms (795 days); a reference within 397 days settles which.
//! let reference = 1_795_000_000_000;
//! assert_eq!(session.time(reference), Some(1_795_219_175_053));
//! assert_eq!(message.time(reference), Some(1_795_219_175_055));
//! assert!(session.is_canonical() && message.is_canonical());
//! # Ok::<(), scrollback_core_id::IdError>(())
//! ```

mod clock;
mod compact;
mod discipline;
mod id;
mod id_clock;
mod key;
mod order;
mod scope;
mod stamp;

pub use clock::{Clock, UnixNanos};
pub use discipline::Discipline;
pub use id::{
    CallId, EventId, IdError, MessageId, PartId, PermissionId, ProjectId, QuestionId, SessionId,
    SourceId, ToolOutputId, WorkspaceId,
};
pub use id_clock::IdClock;
pub use key::{EntityKey, MessageKey, PartKey, SessionKey};
pub use order::{OrderKey, circular_orders};
pub use scope::Scope;
pub use stamp::Stamp;
