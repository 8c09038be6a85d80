//! Feeds that this crate does not have.

use std::fmt;
use std::sync::Arc;

use super::context::FeedContext;
use super::contract::Feed;
use super::error::FeedError;
use super::kind::FeedKind;

/// A feed of somebody else's: its name, and a function that makes one. It is called again each
/// time the feed is taken up again after it could not go on, on the thread of the driver, where a
/// runtime of tokio runs. What may take long (a connection, say) belongs into the first
/// [`Feed::next`], which is given up after [`LiveOptions::timeout`](crate::LiveOptions::timeout).
///
/// The feed itself should have [`FeedKind::Custom`] with the same name as its kind.
#[derive(Clone)]
pub struct CustomFeed {
    name: &'static str,
    make: Arc<MakeFeed>,
}

type MakeFeed = dyn Fn(FeedContext) -> Result<Box<dyn Feed>, FeedError> + Send + Sync;

impl CustomFeed {
    /// A feed of this name, which `make` makes. [`FeedError::Custom`] is for errors of its own.
    pub fn new(
        name: &'static str,
        make: impl Fn(FeedContext) -> Result<Box<dyn Feed>, FeedError> + Send + Sync + 'static,
    ) -> Self {
        Self { name, make: Arc::new(make) }
    }

    /// Its kind, in statistics and errors.
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
