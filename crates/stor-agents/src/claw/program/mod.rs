//! claw's own read operations, under their own names and with their quirks. They return what the
//! program itself would load, which is less than the complete reading of [`Claw`](super::Claw): one
//! record that the program cannot parse makes the whole session fail.
//!
//! The two versions of the program lay out and order the same files differently, so each operation
//! takes the [`Version`](crate::Version): the seed is commit ecdca495 (2026-04-07), the head is
//! 08106b0c (2026-08-16).
//!
//! Nothing here writes. Where the program makes an id or a time while it loads a file that has none,
//! the value here is `None`; the program makes another one for each load. Where it creates a
//! directory, [`SessionStore::missing_directory`] returns it.

mod error;
mod files;
mod free;
mod json;
mod load;
mod rules;
mod session;
mod store;
mod summary;

pub use error::SessionControlError;
pub use free::{
    create_managed_session_handle, create_managed_session_handle_for, latest_managed_session,
    latest_managed_session_for, list_managed_sessions, list_managed_sessions_for,
    load_managed_session, load_managed_session_for, managed_session_exists,
    managed_session_exists_for, managed_sessions_dir_for, resolve_managed_session_path,
    resolve_managed_session_path_for, resolve_session_reference, resolve_session_reference_for,
    sessions_dir,
};
pub use json::{JsonError, JsonValue};
pub use rules::{is_managed_session_file, is_session_reference_alias, workspace_fingerprint};
pub use session::{
    ContentBlock, ConversationMessage, MessageRole, Session, SessionCompaction, SessionFork,
    SessionPromptEntry, TokenUsage,
};
pub use store::{LoadedManagedSession, SessionHandle, SessionStore, global_sessions_root};
pub use summary::ManagedSessionSummary;
