//! Generates ids as opencode does (`docs/format/opencode.md`, section 2).

/// The period after which the time part of an id restarts: 2^36 ms.
pub(crate) const PERIOD_MS: i64 = 1 << 36;

/// Half a period. A reference that is further away selects another period.
pub(crate) const HALF_MS: i64 = PERIOD_MS / 2;

/// 397 days, as in the documentation: a little less than half a period.
pub(crate) const DAYS_397_MS: i64 = 397 * 86_400_000;

/// The times when the time part restarts, in Unix milliseconds, from 2022 to 2028.
pub(crate) const WRAPS_MS: [i64; 4] =
    [1_649_267_441_664, 1_717_986_918_400, 1_786_706_395_136, 1_855_425_871_872];

/// Returns an id with a time part that grows with the time: `msg`, `prt` and all others except `ses`.
pub(crate) fn ascending_id(prefix: &str, ms: i64, counter: u64) -> String {
    format!("{prefix}_{:012x}0123456789ABCD", ticks(ms, counter))
}

/// Returns an id with a time part that shrinks with the time: `ses`.
pub(crate) fn descending_id(prefix: &str, ms: i64, counter: u64) -> String {
    format!("{prefix}_{:012x}0123456789ABCD", (1_u64 << 48) - 1 - ticks(ms, counter))
}

fn ticks(ms: i64, counter: u64) -> u64 {
    let ticks = i128::from(ms) * 4096 + i128::from(counter);
    u64::try_from(ticks.rem_euclid(1 << 48)).unwrap()
}
