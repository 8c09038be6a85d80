//! crabtalk's own read operations, under their own names and with their quirks (0.0.22). They return
//! what the program itself would load, which is less than the complete reading of
//! [`Crabtalk`](super::Crabtalk): only the history after the last compaction, and no step that this
//! version of the program cannot parse.
//!
//! Every function takes the directory of sessions, usually `~/.crabtalk/sessions`. None writes.

mod memory;
mod numbers;
mod sessions;
mod slug;
mod step_line;

pub use memory::{EntryKind, MemoryDb, MemoryEntry, MemoryError, resumed_history};
pub use numbers::{next_session_seq, next_session_slug, recover_step_counter, step_file_name};
pub use sessions::{
    ConversationMeta, Error, LoadedSession, SessionSummary, find_latest_session, list_sessions,
    load_session,
};
pub use slug::sender_slug;
pub use step_line::{
    CompletionDetails, ContentBlock, EventLine, HistoryEntry, Message, StepLine, ToolCall,
    ToolResultContent, Usage,
};
