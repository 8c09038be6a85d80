//! The time inside an id: `ms * 4096 + counter`, low 48 bits, as 12 hex digits.
//!
//! Source: `docs/format/opencode.md`, section 2. Tests check it with every id of the corpora.

/// The period after which the clock of ids restarts: 2^36 ms, about 795 days.
const PERIOD_MS: i64 = 1 << 36;
const LOW_48: u64 = (1 << 48) - 1;

/// The clock inside an id: a time modulo 2^36 ms, and a counter within the millisecond.
///
/// ```
/// use scrollback_core_id::MessageId;
///
/// let id = MessageId::new("msg_1fb66b68f0017yogycnZeArDqY")?;
/// let clock = id.clock().expect("the id has a clock");
/// assert_eq!(clock.nearest(1_795_000_000_000), 1_795_219_175_055);
///
/// let next = MessageId::new("msg_1fb66b68f0027yogycnZeArDqY")?.clock().expect("a clock");
/// assert_eq!(next.ticks_after(clock), 1);
/// # Ok::<(), scrollback_core_id::IdError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdClock {
    ticks: u64, // 48 bits: (ms mod 2^36) * 4096 + counter
}

impl IdClock {
    pub(crate) fn from_ascending_id(id: &[u8], prefix: &str) -> Option<Self> {
        let digits = id.strip_prefix(prefix.as_bytes())?.get(..12)?;
        let mut ticks = 0_u64;
        for digit in digits {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            ticks = ticks << 4 | u64::from(value);
        }
        Some(Self { ticks })
    }

    pub(crate) fn from_descending_id(id: &[u8], prefix: &str) -> Option<Self> {
        let clock = Self::from_ascending_id(id, prefix)?;
        Some(Self { ticks: clock.ticks ^ LOW_48 })
    }

    /// Returns the Unix milliseconds modulo 2^36.
    pub fn millis(self) -> i64 {
        (self.ticks >> 12) as i64
    }

    /// Returns the counter within the millisecond. opencode starts it at 1.
    pub fn counter(self) -> u16 {
        (self.ticks & 0xfff) as u16
    }

    /// Returns the time with this clock that is nearest to `reference_ms`, in Unix milliseconds.
    pub fn nearest(self, reference_ms: i64) -> i64 {
        let ahead = self.millis().wrapping_sub(reference_ms).rem_euclid(PERIOD_MS);
        let step = if ahead >= PERIOD_MS / 2 { ahead - PERIOD_MS } else { ahead };
        reference_ms.saturating_add(step)
    }

    /// Returns how far this clock is after `other`, in ticks of 1/4096 ms and in circular order.
    /// Negative if this clock is before `other`.
    pub fn ticks_after(self, other: Self) -> i64 {
        let ahead = (self.ticks.wrapping_sub(other.ticks) & LOW_48) as i64;
        if ahead > 1 << 47 { ahead - (1 << 48) } else { ahead }
    }
}
