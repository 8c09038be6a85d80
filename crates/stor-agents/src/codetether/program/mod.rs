//! codetether's own read operations, under their own names and with their quirks. They return what
//! the program itself would load, which is less than the complete reading of
//! [`Codetether`](super::Codetether): no session with one bad element, and of long sessions only the
//! last messages.
//!
//! Every function takes the directory of sessions, usually `WORKSPACE/.codetether-agent/sessions`.
//! None writes: the index that the program would repair while it reads is returned. No id leads out
//! of the directory, and no link in it is followed; the older program does both.

mod error;
mod files;
mod history;
mod index;
mod journal;
mod last;
mod list;
mod load;
mod location;
mod metadata;
mod model;
mod pages;
mod parse;
mod tasks;
mod timestamp;

pub use error::Error;
pub use history::{format_turn_path, history_dir_for_session, render_turn};
pub use index::WorkspaceIndex;
pub use journal::{JournalEntry, JournalRead, Op, RejectReason, pending_count, read_journal};
pub use last::{LastSession, last, last_for_directory, last_for_directory_tail};
pub use list::{SessionSummary, list_sessions, list_sessions_for_directory, list_sessions_paged};
pub use load::{TailLoad, load, load_tail, load_tail_from_path};
pub use location::{SessionLocations, SessionPath, session_path};
pub use metadata::{
    BeliefState, ContextPolicy, DelegationConfig, DelegationState, ExecutionProvenance, Identity,
    RlmConfig, SessionMetadata,
};
pub use model::{ContentPart, Message, PageKind, Role, Session, ToolUse, Usage};
pub use pages::{classify_all, generate_title, normalize_sidecars};
pub use tasks::{Goal, Task, TaskEvent, TaskState, TaskStatus, read_all};
pub use timestamp::Timestamp;
