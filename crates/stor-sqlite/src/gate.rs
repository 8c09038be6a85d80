//! Makes readers pause so that the writer can restart its log.
//!
//! A writer can start its log over only at a moment without readers. Short transactions that follow
//! each other without a gap would let the log grow without end. So all readers of a store in this
//! process leave a common gap from time to time. They do so only if reading went on for long, the
//! log is large, and a writer changes it. Short reads never wait.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrollback_core_id::{Clock, Stamp, UnixNanos};

/// How long reading may go on without a gap.
const MAX_BUSY: Duration = Duration::from_millis(35);
/// The shortest gap. In it the writer moves the log into the database, which takes the disk some
/// time, and starts the log over with its next commit.
const MIN_GAP: Duration = Duration::from_millis(20);
/// The extra time of a gap for each MiB of the log.
const GAP_PER_MIB: Duration = Duration::from_millis(3);
/// The longest gap.
const MAX_GAP: Duration = Duration::from_millis(120);
/// The extra time that a reader waits for others. The limit prevents a deadlock: an open
/// transaction may itself wait for this reader.
const MAX_WAIT: Duration = Duration::from_millis(100);
/// Smaller logs need no gap: the writer restarts a log after 1000 pages of 4 KiB, which is a little
/// less than this size.
const MIN_LOG_SIZE: u64 = 5 << 20;

/// The entry of all transactions of a store.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The number of open transactions.
    open_transactions: usize,
    /// Whether a reader is making a gap now.
    is_closed: bool,
    /// When the last gap ended.
    busy_since: UnixNanos,
    /// When the last transaction ended.
    last_ended: UnixNanos,
    /// The stamp of the log before the last gap.
    last_log: Option<Stamp>,
}

/// An open transaction. Dropping the guard ends it.
pub(crate) struct GateGuard<'g> {
    gate: &'g Gate,
    clock: &'g dyn Clock,
}

impl Gate {
    /// Enters a transaction. Waits while another reader makes a gap, and makes a gap if one is due.
    /// `log` returns the stamp of the log.
    pub(crate) fn enter<'g>(
        &'g self,
        clock: &'g dyn Clock,
        log: impl FnOnce() -> Option<Stamp>,
    ) -> GateGuard<'g> {
        let mut state = self.lock();
        let now = clock.now();
        // A long pause between two calls is a gap in which the writer could restart its log.
        if state.open_transactions == 0
            && !state.is_closed
            && now.duration_since(state.last_ended) >= MAX_GAP
        {
            state.busy_since = now;
        }
        if state.is_closed {
            state = self.wait(state, |state| state.is_closed);
        } else if now.duration_since(state.busy_since) >= MAX_BUSY {
            // The stat of the log is not free, so it comes last. A log with the stamp that it had
            // before the last gap has no writer, and a gap would not help.
            let log = log();
            let size = log.map_or(0, |log| log.size);
            if size > MIN_LOG_SIZE && log != state.last_log {
                // Keep new transactions out, wait for the open ones, and only then count the gap:
                // the writer needs a moment without readers.
                state.last_log = log;
                state.is_closed = true;
                drop(self.wait(state, |state| state.open_transactions > 0));
                let more = GAP_PER_MIB.saturating_mul((size >> 20).try_into().unwrap_or(u32::MAX));
                clock.pause(MIN_GAP.saturating_add(more).min(MAX_GAP));
                state = self.lock();
                state.is_closed = false;
                self.changed.notify_all();
            }
            state.busy_since = clock.now();
        }
        state.open_transactions += 1;
        GateGuard { gate: self, clock }
    }

    fn wait<'s>(
        &self,
        state: MutexGuard<'s, State>,
        must_wait: impl Fn(&State) -> bool,
    ) -> MutexGuard<'s, State> {
        let result =
            self.changed.wait_timeout_while(state, MAX_GAP + MAX_WAIT, |state| must_wait(state));
        result.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for GateGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.open_transactions -= 1;
        state.last_ended = self.clock.now();
        if state.open_transactions == 0 && state.is_closed {
            self.gate.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A clock that only `pause` advances.
    struct ManualClock(AtomicI64);

    impl Clock for ManualClock {
        fn now(&self) -> UnixNanos {
            UnixNanos(self.0.load(Ordering::Relaxed))
        }

        fn pause(&self, time: Duration) {
            self.0.fetch_add(time.as_nanos() as i64, Ordering::Relaxed);
        }
    }

    /// Returns the stamp of a log of this size that was written just now.
    fn log_stamp(size: u64, clock: &ManualClock) -> Option<Stamp> {
        Some(Stamp { size, mtime: clock.now(), inode: 1 })
    }

    /// Reads for `busy` with pauses of `gap`, and returns how long the gate made it wait.
    fn measure_wait(
        busy: Duration,
        gap: Duration,
        log: impl Fn(&ManualClock) -> Option<Stamp>,
    ) -> Duration {
        let (gate, clock) = (Gate::default(), ManualClock(AtomicI64::new(1 << 60)));
        let start = clock.now();
        let step = Duration::from_millis(5);
        let steps = (busy.as_millis() / step.as_millis()) as u32;
        for _ in 0..steps {
            let inside = gate.enter(&clock, || log(&clock));
            clock.pause(step);
            drop(inside);
            clock.pause(gap);
        }
        clock.now().duration_since(start) - busy - gap * steps
    }

    #[test]
    fn only_long_reads_beside_a_writer_leave_gaps() {
        let [short, long] = [Duration::from_millis(30), Duration::from_millis(3000)];
        let none = Duration::ZERO;
        assert_eq!(measure_wait(short, none, |clock| log_stamp(10 << 20, clock)), none);
        assert_eq!(
            measure_wait(long, none, |clock| log_stamp(MIN_LOG_SIZE, clock)),
            none,
            "the log is small"
        );
        assert_eq!(measure_wait(long, none, |_| None), none, "there is none");
        assert_eq!(
            measure_wait(long, MAX_GAP, |clock| log_stamp(10 << 20, clock)),
            none,
            "there were gaps"
        );
        let gap = MIN_GAP + GAP_PER_MIB * 10;
        assert_eq!(
            measure_wait(long, none, |_| log_stamp(10 << 20, &ManualClock(AtomicI64::new(7)))),
            gap,
            "once"
        );
        let waited = measure_wait(long, none, |clock| log_stamp(10 << 20, clock));
        assert!((gap * 70..=gap * 85).contains(&waited), "{waited:?}");
        let longest = measure_wait(long, none, |clock| log_stamp(u64::MAX, clock));
        assert!((MAX_GAP * 70..=MAX_GAP * 85).contains(&longest), "{longest:?}");
    }

    #[test]
    fn a_gap_waits_for_open_transactions_only_so_long() {
        let (gate, clock) = (Gate::default(), ManualClock(AtomicI64::new(1 << 60)));
        let first = gate.enter(&clock, || log_stamp(u64::MAX, &clock));
        clock.pause(MAX_BUSY);
        // The first guard belongs to this thread and cannot end during the wait.
        let second = gate.enter(&clock, || log_stamp(u64::MAX, &clock));
        drop((first, second));
        assert_eq!(gate.lock().open_transactions, 0);
    }
}
