//! Token counts in records.

use crate::json::record;

record! {
    /// Tokens used. `input` does not include cached tokens.
    Tokens<'a>, "an object" {
        /// The total; absent in 1.0.61 and on messages that never finished a step.
        total: i64 = "total",
        /// Input tokens that were not in the cache.
        input: i64 = "input",
        /// Output tokens.
        output: i64 = "output",
        /// Reasoning tokens.
        reasoning: i64 = "reasoning",
        /// Tokens of the provider's cache.
        cache: CacheTokens<'a> = "cache",
    }
}

record! {
    /// Tokens of the provider's cache.
    CacheTokens<'a>, "an object" {
        /// Tokens read from the cache.
        read: i64 = "read",
        /// Tokens written to the cache.
        write: i64 = "write",
    }
}
