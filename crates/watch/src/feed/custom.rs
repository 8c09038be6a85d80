//! Custom feeds, which the caller supplies.

use std::fmt;
use std::sync::Arc;

use super::context::FeedContext;
use super::contract::Feed;
use super::error::FeedError;
use super::kind::FeedKind;

/// A feed of the caller: a name, and a function that creates the feed. The function is called again
/// each time the driver returns to the feed after a failure. It runs on the thread of the driver,
/// inside a tokio runtime. Slow work, such as a connection, belongs in the first [`Feed::next`],
/// which is limited by [`LiveOptions::timeout`](crate::LiveOptions::timeout).
///
/// The feed must return [`FeedKind::Custom`] with the same name from [`Feed::kind`].
#[derive(Clone)]
pub struct CustomFeed {
    name: &'static str,
    make: Arc<MakeFeed>,
}

type MakeFeed = dyn Fn(FeedContext) -> Result<Box<dyn Feed>, FeedError> + Send + Sync;

impl CustomFeed {
    /// Returns a custom feed. `make` creates the feed; use [`FeedError::Custom`] for its errors.
    pub fn new(
        name: &'static str,
        make: impl Fn(FeedContext) -> Result<Box<dyn Feed>, FeedError> + Send + Sync + 'static,
    ) -> Self {
        Self { name, make: Arc::new(make) }
    }

    /// Returns the kind, for counters and errors.
    pub fn kind(&self) -> FeedKind {
        FeedKind::Custom(self.name)
    }

    pub(crate) fn make(&self, context: FeedContext) -> Result<Box<dyn Feed>, FeedError> {
        (self.make)(context)
    }
}

impl PartialEq for CustomFeed {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.make, &other.make)
    }
}

impl Eq for CustomFeed {}

impl fmt::Debug for CustomFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomFeed").field("name", &self.name).finish_non_exhaustive()
    }
}
