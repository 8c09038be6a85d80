//! An entry of a todo list (`docs/format/opencode.md`, section 3.5).

use crate::json::{LazyStr, record};

record! {
    /// An entry of a session's todo list.
    Todo<'a>, "a todo" {
        /// The id; only in older files.
        id: LazyStr<'a> = "id",
        /// The task.
        content: LazyStr<'a> = "content",
        /// "pending", "in_progress", "completed", "cancelled"; free text.
        status: LazyStr<'a> = "status",
        /// "high", "medium", "low"; free text.
        priority: LazyStr<'a> = "priority",
    }
}
