//! What the caller of a check expects a store to contain.

/// A kind of content that a store may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Projects: each session names its project.
    Projects,
    /// Messages with parts.
    Parts,
    /// Items: entries of the timeline that are neither messages nor parts.
    Items,
    /// Messages without their session, or parts without their message.
    Orphans,
    /// Resume tokens: [`Reader::resume`](scrollback_source::Reader::resume) continues from a scan.
    Resume,
    /// Places: [`Source::locate`](scrollback_source::Source::locate) names the files of records.
    Places,
}

/// The expected content of a store. A check of missing content fails, unless the caller says here
/// that the store lacks the content; then the check requires that the store lacks it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectations {
    missing_content: Vec<Content>,
}

impl Expectations {
    /// Expects a store with sessions, messages and every kind of [`Content`].
    pub fn everything() -> Self {
        Self::default()
    }

    /// Expects a store without this kind of content.
    #[must_use]
    pub fn without(mut self, content: Content) -> Self {
        self.missing_content.push(content);
        self
    }

    /// Checks whether the store is expected to have this kind of content.
    pub fn has(&self, content: Content) -> bool {
        !self.missing_content.contains(&content)
    }

    /// Checks the number of items of a kind of content.
    ///
    /// # Panics
    /// If the store has content that it should lack, or lacks content that it should have.
    pub fn check(&self, content: Content, count: usize) {
        match self.has(content) {
            true => assert!(count > 0, "{content:?} are expected, and none was found"),
            false => assert_eq!(count, 0, "{content:?} are not expected"),
        }
    }
}
