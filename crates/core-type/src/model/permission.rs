//! A permission rule (`docs/format/opencode.md`, section 3.2).

use crate::json::{LazyStr, record};

record! {
    /// A rule about what the agent may do.
    PermissionRule<'a>, "a permission rule" {
        /// The permission: "edit", "bash", …
        permission: LazyStr<'a> = "permission",
        /// What it applies to.
        pattern: LazyStr<'a> = "pattern",
        /// "allow", "deny" or "ask".
        action: LazyStr<'a> = "action",
    }
}
