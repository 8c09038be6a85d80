//! The names of the directories and files of opencode's data directory and of its JSON tree.
//!
//! Source: docs/format/opencode.md, section 3.

/// The JSON tree, in the data directory.
pub const STORAGE: &str = "storage";
/// The database of the release channels, in the data directory.
pub const DATABASE: &str = "opencode.db";
/// The whole texts of tool outputs that were cut, in the data directory.
pub const TOOL_OUTPUT: &str = "tool-output";

/// `project/<project>.json`. In the data directory, the stores of 0.5 and older:
/// `project/<slug>/storage/`.
pub const PROJECT: &str = "project";
/// `session/<project>/<session>.json`.
pub const SESSION: &str = "session";
/// `message/<session>/<message>.json`.
pub const MESSAGE: &str = "message";
/// `part/<message>/<part>.json`.
pub const PART: &str = "part";
/// `session_diff/<session>.json`.
pub const SESSION_DIFF: &str = "session_diff";
/// `todo/<session>.json`.
pub const TODO: &str = "todo";
/// `session_share/<session>.json`.
pub const SESSION_SHARE: &str = "session_share";
