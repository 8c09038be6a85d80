//! Where a feed is in the stream of what it says.

use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::str::FromStr;
use std::sync::Arc;

/// Where a feed is. Handed back to it once all that it said until then was looked at. As text it may
/// be kept: a watchman server knows its clocks as long as it runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FeedClock(pub(crate) Arc<str>);

impl fmt::Display for FeedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FeedClock {
    type Err = Infallible;

    /// Any text may be a clock; a feed that does not know it begins anew.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

/// A name that no other feed has, for what clocks begin with.
pub(super) fn unique_clock_prefix() -> String {
    format!("{:016x}:", RandomState::new().hash_one(0))
}
