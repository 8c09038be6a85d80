//! What a store that is checked holds, as the caller knows it.

/// A kind of content that a store may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Projects: each session names its project.
    Projects,
    /// Messages with parts.
    Parts,
    /// Items: what happened in a session and is no message.
    Items,
    /// Messages without their session, or parts without their message.
    Orphans,
    /// Resume tokens: [`Reader::resume`](scrollback_source::Reader::resume) goes on from a scan.
    Resume,
    /// Places: [`Source::locate`](scrollback_source::Source::locate) names the files of records.
    Places,
}

/// What a store holds. A check of something that is missing fails, unless the caller says here that
/// the store lacks it; then the check makes sure that it does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectations {
    missing_content: Vec<Content>,
}

impl Expectations {
    /// A store with sessions, messages and every kind of [`Content`].
    pub fn everything() -> Self {
        Self::default()
    }

    /// The same without some content.
    #[must_use]
    pub fn without(mut self, content: Content) -> Self {
        self.missing_content.push(content);
        self
    }

    /// Whether the store holds some content.
    pub fn has(&self, content: Content) -> bool {
        !self.missing_content.contains(&content)
    }

    /// Checks what was found of some content.
    ///
    /// # Panics
    /// If something was found that the store should lack, or nothing of what it should hold.
    pub fn check(&self, content: Content, found: usize) {
        match self.has(content) {
            true => assert!(found > 0, "{content:?} are expected, and none was found"),
            false => assert_eq!(found, 0, "{content:?} are not expected"),
        }
    }
}
