//! The change of one file (`docs/format/opencode.md`, section 3.3).

use crate::json::{LazyStr, record};

record! {
    /// The change of one file, in either shape: whole texts (1.1) or a patch (1.18).
    FileDiff<'a>, "a file diff" {
        /// The file, relative to the work tree.
        file: LazyStr<'a> = "file",
        /// The whole text before (1.1); empty for binary files.
        before: LazyStr<'a> = "before",
        /// The whole text after (1.1); empty for binary files.
        after: LazyStr<'a> = "after",
        /// A unified diff (1.18).
        patch: LazyStr<'a> = "patch",
        /// Lines added.
        additions: i64 = "additions",
        /// Lines deleted.
        deletions: i64 = "deletions",
        /// "added", "deleted" or "modified".
        status: LazyStr<'a> = "status",
    }
}
