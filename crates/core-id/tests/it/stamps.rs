//! Times and stamps: the margin after which a file is settled, and extreme times.

use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;
use scrollback_core_id::{Clock, Stamp, UnixNanos};

const MARGIN: Duration = Duration::from_millis(100);
/// A usual mtime, which is not a whole second.
const MTIME: i64 = 1_795_219_175_055_123_456;

fn is_settled(mtime: i64, observed: i64) -> bool {
    let stamp = Stamp { mtime: UnixNanos(mtime), ..Stamp::default() };
    stamp.is_settled_at(UnixNanos(observed), MARGIN)
}

#[test]
fn a_file_is_settled_once_it_is_older_than_the_margin() {
    assert!(!is_settled(MTIME, MTIME - 1), "changed after the observation began");
    assert!(!is_settled(MTIME, MTIME));
    assert!(!is_settled(MTIME, MTIME + 100_000_000), "exactly the margin");
    assert!(is_settled(MTIME, MTIME + 100_000_001));
    let stamp = Stamp { mtime: UnixNanos(MTIME), ..Stamp::default() };
    assert!(!stamp.is_settled_at(UnixNanos(MTIME), Duration::ZERO));
    assert!(stamp.is_settled_at(UnixNanos(MTIME + 1), Duration::ZERO));
}

#[test]
fn whole_seconds_may_have_been_rounded_down() {
    let whole = 1_795_219_175_000_000_000;
    assert!(!is_settled(whole, whole + 2_100_000_000));
    assert!(is_settled(whole, whole + 2_100_000_001));
    assert!(!is_settled(0, 0) && is_settled(0, MTIME), "a file system without mtimes");
    assert!(!is_settled(-1_000_000_000, 0) && is_settled(-1_000_000_000, 1_100_000_001));
}

#[test]
fn extreme_times_do_not_settle_by_overflow() {
    assert!(!is_settled(i64::MIN, i64::MIN));
    assert!(!is_settled(i64::MAX, i64::MAX));
    assert!(!is_settled(i64::MAX, i64::MIN));
    assert!(is_settled(i64::MIN, i64::MAX));
    let stamp = Stamp { mtime: UnixNanos(MTIME), ..Stamp::default() };
    assert!(!stamp.is_settled_at(UnixNanos(i64::MAX), Duration::MAX));
}

#[test]
fn subtraction_stops_at_the_earliest_time() {
    assert_eq!(UnixNanos(5).saturating_sub(Duration::from_nanos(7)), UnixNanos(-2));
    assert_eq!(UnixNanos(5).saturating_sub(Duration::ZERO), UnixNanos(5));
    assert_eq!(UnixNanos(i64::MIN).saturating_sub(Duration::from_nanos(1)), UnixNanos(i64::MIN));
    assert_eq!(UnixNanos(i64::MAX).saturating_sub(Duration::MAX), UnixNanos(i64::MIN));
    // These durations do not fit an `i64`; the result does.
    let all = Duration::from_nanos(u64::MAX);
    assert_eq!(UnixNanos(i64::MAX).saturating_sub(all), UnixNanos(i64::MIN));
    assert_eq!(UnixNanos(0).saturating_sub(Duration::from_nanos(1 << 63)), UnixNanos(i64::MIN));
}

#[test]
fn milliseconds_are_rounded_down() {
    for (nanos, millis) in
        [(0, 0), (999_999, 0), (1_000_000, 1), (-1, -1), (-1_000_000, -1), (-1_000_001, -2)]
    {
        assert_eq!(UnixNanos(nanos).as_millis(), millis, "{nanos}");
    }
}

#[test]
fn a_test_clock_implements_the_trait() {
    struct TestClock(Mutex<UnixNanos>);

    impl Clock for TestClock {
        fn now(&self) -> UnixNanos {
            *self.0.lock().unwrap()
        }

        fn pause(&self, time: Duration) {
            self.0.lock().unwrap().0 += i64::try_from(time.as_nanos()).unwrap();
        }
    }

    let clock: &dyn Clock = &TestClock(Mutex::new(UnixNanos(MTIME)));
    let stamp = Stamp { mtime: clock.now(), ..Stamp::default() };
    assert!(!stamp.is_settled_at(clock.now(), MARGIN));
    clock.pause(MARGIN);
    assert!(!stamp.is_settled_at(clock.now(), MARGIN));
    clock.pause(Duration::from_nanos(1));
    assert!(stamp.is_settled_at(clock.now(), MARGIN));
}

proptest! {
    #[test]
    fn a_settled_file_stays_settled(mtime: i64, observed: i64, later: u64, margin: u64) {
        let stamp = Stamp { mtime: UnixNanos(mtime), ..Stamp::default() };
        let (margin, narrower) = (Duration::from_nanos(margin), Duration::from_nanos(margin / 2));
        let later = UnixNanos(observed.saturating_add_unsigned(later));
        if stamp.is_settled_at(UnixNanos(observed), margin) {
            prop_assert!(mtime < observed);
            prop_assert!(stamp.is_settled_at(later, margin));
            prop_assert!(stamp.is_settled_at(UnixNanos(observed), narrower));
        }
    }
}
