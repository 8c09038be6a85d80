//! The sweep: a long-running process verifies every file of every session once in a period.

use std::ops::ControlFlow;
use std::time::Duration;

use scrollback_core_id::SessionKey;
use scrollback_core_type::StageReport;
use scrollback_source::Result;

use super::state::SessionMaterializer;

impl SessionMaterializer {
    /// Takes one step of a sweep: refreshes with the materializer's own options, and verifies the
    /// sessions that are due.
    ///
    /// Call it about once a second in a long-running process. Every session is then verified file by
    /// file at least once in each `period` (one minute is usual). This finds the changes that a fast
    /// refresh misses: records that were rewritten in place in a cold session.
    ///
    /// # Errors
    /// If the store cannot be opened or walked.
    pub fn sweep(&self, period: Duration) -> Result<StageReport> {
        let go_on = |_| ControlFlow::Continue(());
        let mut report = match self.refresh(&self.options, &go_on)? {
            ControlFlow::Continue(refreshed) => refreshed.report,
            ControlFlow::Break(()) => StageReport::default(),
        };
        report.merge(self.sweep_without_refresh(period)?);
        Ok(report)
    }

    /// Takes one step of a sweep without the refresh, for a caller that refreshes by itself. New
    /// sessions are not found.
    ///
    /// # Errors
    /// If the store cannot be opened or walked.
    pub fn sweep_without_refresh(&self, period: Duration) -> Result<StageReport> {
        let now = self.source.clock().now();
        let all_sessions = || self.view().session_ids().into_iter().map(SessionKey::from).collect();
        let due = {
            let mut sweep = self.sweep.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            sweep.take_due(now, period, all_sessions)
        };
        self.verify_sessions(&due)
    }
}
