//! The share records of a session. The secret, a write token, is skipped and never kept.

use crate::json::{LazyStr, record};

record! {
    /// The share record of a session (`session_share/<ses>.json`).
    Share<'a>, "a share record", skip "secret" {
        /// The id of the share.
        id: LazyStr<'a> = "id",
        /// The public address.
        url: LazyStr<'a> = "url",
    }
}

record! {
    /// The share link inside a session's record.
    ShareLink<'a>, "an object", skip "secret" {
        /// The public address.
        url: LazyStr<'a> = "url",
    }
}
