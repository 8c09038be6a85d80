//! Stepping aside for the writer: a log starts over only at a moment when nobody reads it.
//!
//! Readers that follow each other without a gap, none of them for long, would let the log grow
//! without end. So all readers of a store in this process leave a gap now and then, together, and
//! only if they went on for long, and the log is large and somebody writes it. Whoever reads for
//! less never waits.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrollback_core_id::{Clock, Stamp, UnixNanos};

/// How long reading may go on without a gap.
const MAX_BUSY: Duration = Duration::from_millis(35);
/// How long a gap is at least: the writer moves the log into the database, which takes the disk
/// some time, and begins it anew with its next commit.
const MIN_GAP: Duration = Duration::from_millis(20);
/// How much longer it is for each MiB of the log.
const GAP_PER_MIB: Duration = Duration::from_millis(3);
/// No gap is longer.
const MAX_GAP: Duration = Duration::from_millis(120);
/// How long others are waited for. Somebody may wait for us to end before he does.
const MAX_WAIT: Duration = Duration::from_millis(100);
/// A log of this size the writer would begin anew by itself: 1000 pages of 4 KiB, and some.
const MIN_LOG_SIZE: u64 = 5 << 20;

/// Where the transactions of a store pass through.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Transactions that are open.
    open_transactions: usize,
    /// Whether somebody makes a gap.
    is_closed: bool,
    /// The end of the last gap.
    busy_since: UnixNanos,
    /// When the last transaction ended.
    last_ended: UnixNanos,
    /// What the log looked like before the last gap.
    last_log: Option<Stamp>,
}

/// A transaction, for as long as it is open.
pub(crate) struct GateGuard<'g> {
    gate: &'g Gate,
    clock: &'g dyn Clock,
}

impl Gate {
    /// Waits while somebody makes a gap, and makes one if it is time. `log` says what the log looks
    /// like.
    pub(crate) fn enter<'g>(
        &'g self,
        clock: &'g dyn Clock,
        log: impl FnOnce() -> Option<Stamp>,
    ) -> GateGuard<'g> {
        let mut state = self.lock();
        let now = clock.now();
        if state.open_transactions == 0
            && !state.is_closed
            && now.duration_since(state.last_ended) >= MAX_GAP
        {
            state.busy_since = now; // there was one
        }
        if state.is_closed {
            state = self.wait(state, |state| state.is_closed);
        } else if now.duration_since(state.busy_since) >= MAX_BUSY {
            let log = log();
            let size = log.map_or(0, |log| log.size);
            if size > MIN_LOG_SIZE && log != state.last_log {
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

    /// A clock that waiting moves.
    struct ManualClock(AtomicI64);

    impl Clock for ManualClock {
        fn now(&self) -> UnixNanos {
            UnixNanos(self.0.load(Ordering::Relaxed))
        }

        fn pause(&self, time: Duration) {
            self.0.fetch_add(time.as_nanos() as i64, Ordering::Relaxed);
        }
    }

    /// A log of this size that is written all the time.
    fn log_stamp(size: u64, clock: &ManualClock) -> Option<Stamp> {
        Some(Stamp { size, mtime: clock.now(), inode: 1 })
    }

    /// Reads for `busy` with gaps of `gap`, and says how long others made it wait.
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
        // The first is ours, and never ends before.
        let second = gate.enter(&clock, || log_stamp(u64::MAX, &clock));
        drop((first, second));
        assert_eq!(gate.lock().open_transactions, 0);
    }
}
