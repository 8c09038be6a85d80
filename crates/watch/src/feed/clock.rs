//! Feed clocks: positions in the batches of a feed.

use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::str::FromStr;
use std::sync::Arc;

/// The position of a feed after a batch. Hand it back to the feed after the batch was verified. Its
/// text may be kept: a watchman server knows its clocks as long as it runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FeedClock(pub(crate) Arc<str>);

impl fmt::Display for FeedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FeedClock {
    type Err = Infallible;

    /// Accepts any text. A feed that does not know the clock starts again with a rescan.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

/// Returns a clock prefix that no other feed has.
pub(super) fn unique_clock_prefix() -> String {
    format!("{:016x}:", RandomState::new().hash_one(0))
}
