//! The time inside an id: `ms * 4096 + counter`, low 48 bits, as 12 hex digits.
//!
//! Source: `docs/format/opencode.md`, section 2. Tests check it with every id of the corpora.

/// The period after which the clock of ids restarts: 2^36 ms, about 795 days.
const PERIOD_MS: i64 = 1 << 36;
const LOW_48: u64 = (1 << 48) - 1;
/// The value of a byte that is no lowercase hex digit. It has all bits, so that it stays after an `or`.
const NO_DIGIT: u8 = 0xff;
/// The value of each byte as a lowercase hex digit. A table has no branches.
const HEX_VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    values
};

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
        let digits: &[u8; 12] = id.strip_prefix(prefix.as_bytes())?.first_chunk()?;
        let (mut ticks, mut all) = (0_u64, 0);
        for digit in digits {
            let value = HEX_VALUES[usize::from(*digit)];
            all |= value;
            ticks = ticks << 4 | u64::from(value & 0xf);
        }
        (all != NO_DIGIT).then_some(Self { ticks })
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
