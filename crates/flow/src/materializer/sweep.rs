//! The sweep: a process that runs for long looks at every file of every session within a bound.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Duration;

use scrollback_core_id::{SessionKey, UnixNanos};
use scrollback_core_type::StageReport;
use scrollback_source::Result;

use super::SessionMaterializer;

/// Where a sweep is.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Sessions that are still to come in this round.
    left: VecDeque<SessionKey>,
    /// When the last step was; none before the first.
    last: Option<UnixNanos>,
    /// Sessions in this round.
    round: usize,
}

impl Sweep {
    /// The sessions that are due now, given that steps are taken often: as much of a round as has
    /// passed of its time.
    fn due(
        &mut self,
        now: UnixNanos,
        period: Duration,
        all: impl FnOnce() -> Vec<SessionKey>,
    ) -> Vec<SessionKey> {
        if self.left.is_empty() {
            self.left = all().into();
            self.round = self.left.len();
        }
        let passed = self.last.map_or(Duration::ZERO, |last| now.since(last));
        self.last = Some(now);
        // The first of a round may be the last of the next: two rounds fit into the period.
        let round = period.as_secs_f64() / 2.0;
        let share = passed.as_secs_f64() / round.max(f64::MIN_POSITIVE);
        let due = (self.round as f64 * share).ceil() as usize;
        self.left.drain(..due.min(self.left.len())).collect()
    }
}

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
        report.merge(self.sweep_known(period)?);
        Ok(report)
    }

    /// The same without the refresh, for whoever refreshes as often as it takes: which sessions
    /// there are is not looked at.
    ///
    /// # Errors
    /// If the store cannot be opened or walked.
    pub fn sweep_known(&self, period: Duration) -> Result<StageReport> {
        let now = self.source.clock().now();
        let all = || self.view().known_sessions().into_iter().map(SessionKey::from).collect();
        let due = {
            let mut sweep = self.sweep.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            sweep.due(now, period, all)
        };
        self.verify_sessions(&due)
    }
}
