//! Tokens, as records state them.

use crate::json::record;

record! {
    /// Tokens used. `input` does not hold the cached ones.
    Tokens<'a>, "an object" {
        /// All of them; absent in 1.0.61 and on messages that never finished a step.
        total: i64 = "total",
        /// Read anew.
        input: i64 = "input",
        /// Written.
        output: i64 = "output",
        /// Written as reasoning.
        reasoning: i64 = "reasoning",
        /// Read from and written to the provider's cache.
        cache: CacheTokens<'a> = "cache",
    }
}

record! {
    /// Tokens of the provider's cache.
    CacheTokens<'a>, "an object" {
        /// Read from it.
        read: i64 = "read",
        /// Written to it.
        write: i64 = "write",
    }
}
