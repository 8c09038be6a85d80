//! The sweep: a process that runs for long looks at every file of every session within a bound.

use std::ops::ControlFlow;
use std::time::Duration;

use scrollback_core_id::SessionKey;
use scrollback_core_type::StageReport;
use scrollback_source::Result;

use super::state::SessionMaterializer;

impl SessionMaterializer {
    /// Takes one step of a sweep: refreshes fast, and looks at every file of those sessions that
    /// are due, so that each is looked at once within any `period` (one minute is usual). To be called every
    /// second or so by a process that runs for long.
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

    /// The same without the refresh, for whoever refreshes as often as it takes: which sessions
    /// there are is not looked at.
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
