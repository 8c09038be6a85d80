//! Counts the work that refreshes did with records that the index had already.

/// The counters of a refresh, or of all refreshes of a materializer. They grow with the number of
/// changed records, not with the size of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefreshCounters {
    /// The number of sessions that were resumed: only the appended records were read.
    pub resumed: u64,
    /// The number of records that were compared with the index.
    pub compared: u64,
    /// The number of records that were copied, to be changed or kept.
    pub cloned: u64,
}

impl std::ops::AddAssign for RefreshCounters {
    fn add_assign(&mut self, more: Self) {
        self.resumed += more.resumed;
        self.compared += more.compared;
        self.cloned += more.cloned;
    }
}
