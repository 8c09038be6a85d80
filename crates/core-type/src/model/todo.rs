//! An entry of a todo list (`docs/format/opencode.md`, section 3.5).

use crate::json::{LazyStr, record};

record! {
    /// An entry of a session's todo list.
    Todo<'a>, "a todo" {
        /// Its id; only in older files.
        id: LazyStr<'a> = "id",
        /// What is to be done.
        content: LazyStr<'a> = "content",
        /// "pending", "in_progress", "completed", "cancelled"; free.
        status: LazyStr<'a> = "status",
        /// "high", "medium", "low"; free.
        priority: LazyStr<'a> = "priority",
    }
}
