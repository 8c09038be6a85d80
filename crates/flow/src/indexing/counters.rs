//! What refreshes did with records that were known already.

/// Counts of a refresh, or of all refreshes of a materializer. They grow with the number of changed
/// records, not with the size of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefreshCounters {
    /// Sessions of which only what was added was read.
    pub resumed: u64,
    /// Records that were compared with what is known of them.
    pub compared: u64,
    /// Records of which a copy was made, to be changed or kept.
    pub cloned: u64,
}

impl std::ops::AddAssign for RefreshCounters {
    fn add_assign(&mut self, more: Self) {
        self.resumed += more.resumed;
        self.compared += more.compared;
        self.cloned += more.cloned;
    }
}
