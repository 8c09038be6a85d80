//! The system's clock, for programs that measure and stress.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use scrollback_core_id::{Clock, UnixNanos};

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a program brings the system's clock")]
    fn now(&self) -> UnixNanos {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixNanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
