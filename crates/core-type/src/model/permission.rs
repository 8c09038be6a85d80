//! A permission rule (`docs/format/opencode.md`, section 3.2).

use crate::json::{LazyStr, record};

record! {
    /// A rule that allows or denies an action of the agent.
    PermissionRule<'a>, "a permission rule" {
        /// The permission: "edit", "bash", …
        permission: LazyStr<'a> = "permission",
        /// The pattern of paths or commands that the rule applies to.
        pattern: LazyStr<'a> = "pattern",
        /// "allow", "deny" or "ask".
        action: LazyStr<'a> = "action",
    }
}
