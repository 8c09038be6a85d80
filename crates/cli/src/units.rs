//! Formats sizes, times, costs, counts and titles for people.

use std::borrow::Cow;
use std::sync::OnceLock;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use scrollback_core_type::Cost;

/// Formats a size in bytes: `812 B`, `1.5 KiB`.
pub(crate) fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if size < 1024 {
        return format!("{size} B");
    }
    let mut value = size as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Returns the time zone of the user. Reads `/etc/localtime` if possible: finding the name of the
/// zone would read hundreds of files.
pub(crate) fn zone() -> TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    let local = || {
        if cfg!(windows) || std::env::var_os("TZ").is_some() {
            return None;
        }
        #[expect(clippy::disallowed_methods, reason = "a file of the system, not of a store")]
        let file = std::fs::read("/etc/localtime").ok()?;
        TimeZone::tzif("Local", &file).ok()
    };
    ZONE.get_or_init(|| local().unwrap_or_else(TimeZone::system)).clone()
}

/// Returns the value of `TZ` if it is neither the name of a known time zone nor a rule such as `EST5EDT`.
/// Times are then in UTC.
pub(crate) fn unknown_zone() -> Option<String> {
    let name = std::env::var_os("TZ").filter(|name| !name.is_empty())?;
    TimeZone::try_system().is_err().then(|| name.to_string_lossy().into_owned())
}

/// Formats a time in Unix milliseconds as local date and time, to the minute.
pub(crate) fn time(ms: i64) -> String {
    local_time(ms, "%Y-%m-%d %H:%M")
}

/// Formats a time in Unix milliseconds as local time of day, to the second.
pub(crate) fn time_of_day(ms: i64) -> String {
    local_time(ms, "%H:%M:%S")
}

/// Formats a time in Unix milliseconds as local time. A time outside the years -9999 to 9999 is
/// printed as a number.
fn local_time(ms: i64, format: &str) -> String {
    if let Ok(time) = Timestamp::from_millisecond(ms) {
        return time.to_zoned(zone()).strftime(format).to_string();
    }
    // The last hours of the year 9999 are beyond the last `Timestamp`.
    let year = if ms < 0 { -9999 } else { 9999 };
    let offset = offset_beyond_timestamps(&zone(), year);
    let since_epoch = SignedDuration::from_millis(ms).checked_add(offset_duration(offset));
    let local = since_epoch.and_then(|since| EPOCH.checked_add(since).ok());
    local.map_or_else(|| format!("{ms} ms"), |local| local.strftime(format).to_string())
}

/// 1970-01-01T00:00:00.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Returns the Unix milliseconds of a local time at an offset from UTC. Works beyond the range of
/// [`Timestamp`].
pub(crate) fn millis_of(local: DateTime, offset: Offset) -> i64 {
    let since_epoch = local.duration_since(EPOCH);
    let utc = since_epoch.checked_sub(offset_duration(offset)).unwrap_or(since_epoch);
    i64::try_from(utc.as_millis()).unwrap_or(if utc.is_negative() { i64::MIN } else { i64::MAX })
}

/// Returns the offset of a zone at the last or the first [`Timestamp`]. Local times of these years can
/// be beyond it.
pub(crate) fn offset_beyond_timestamps(zone: &TimeZone, year: i16) -> Offset {
    zone.to_offset(if year < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn offset_duration(offset: Offset) -> SignedDuration {
    SignedDuration::from_secs(i64::from(offset.seconds()))
}

/// Formats a time span in milliseconds: `412 ms`, `3.2 s`, `4 m 10 s`.
pub(crate) fn duration(ms: i64) -> String {
    match ms {
        ..=999 => format!("{ms} ms"),
        1_000..=59_999 => format!("{:.1} s", ms as f64 / 1000.0),
        60_000..=3_599_999 => format!("{} m {} s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{} h {} m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// Formats a cost in US dollars: with 2 decimals, below one cent with 4. A cost that would seem to be 0
/// is `<$0.0001`, or `>-$0.0001`.
pub(crate) fn cost(cost: Cost) -> String {
    const CENT: u128 = Cost::UNITS_PER_DOLLAR.unsigned_abs() / 100;
    let units = cost.units().unsigned_abs();
    let is_negative = cost.units() < 0;
    let decimals = match units {
        0 | CENT.. => 2,
        _ if units >= CENT / 100 => 4,
        _ => return (if is_negative { ">-$0.0001" } else { "<$0.0001" }).to_owned(),
    };
    let step = 10_u128.pow(12 - decimals); // the units of one digit at the last place
    let rounded = (units.saturating_add(step / 2)) / step;
    let base = 10_u128.pow(decimals);
    let (whole, fraction) = (rounded / base, rounded % base);
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}${whole}.{fraction:0width$}", width = decimals as usize)
}

/// Formats a count in at most 5 characters: `950`, `12.3k`, `1.2M`, `24.7B`. Numbers below 10,000 are
/// exact.
pub(crate) fn short_count(number: i64) -> String {
    const UNITS: [&str; 6] = ["k", "M", "B", "T", "P", "E"];
    let size = number.unsigned_abs();
    if size < 10_000 {
        return count(number);
    }
    let sign = if number < 0 { "-" } else { "" };
    // In tenths of the unit, rounded. 999,960 is 1.0M and not 1000k.
    let (mut unit, mut scale) = (0, 1_000_u64);
    let tenths = loop {
        let tenths = (u128::from(size) * 10 + u128::from(scale) / 2) / u128::from(scale);
        if tenths < 9_995 || unit + 1 == UNITS.len() {
            break tenths;
        }
        (unit, scale) = (unit + 1, scale.saturating_mul(1000));
    };
    match tenths {
        0..1_000 => format!("{sign}{}.{}{}", tenths / 10, tenths % 10, UNITS[unit]),
        _ => format!("{sign}{}{}", (tenths + 5) / 10, UNITS[unit]),
    }
}

/// Formats a count with a comma for each group of thousands.
pub(crate) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Formats a count with a noun, adding an s for the plural: `1 message`, `1,234 messages`.
pub(crate) fn pluralize(number: impl TryInto<i64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// Returns the title of a session, or `(untitled)`: in 2.x a session has no title until its first
/// answer.
pub(crate) fn title_or_placeholder(title: &str) -> &str {
    if title.is_empty() { "(untitled)" } else { title }
}

/// Returns the title of a session, with a mark if its record cannot be read.
pub(crate) fn title_with_mark(title: &str, is_unreadable: bool) -> Cow<'_, str> {
    match (title, is_unreadable) {
        (_, false) => title_or_placeholder(title).into(),
        ("", true) => "(record unreadable)".into(),
        (_, true) => format!("{title} (record unreadable)").into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_formatted_for_people() {
        assert_eq!(
            [bytes(0), bytes(1023), bytes(1536), bytes(3 << 30)],
            ["0 B", "1023 B", "1.5 KiB", "3.0 GiB"]
        );
        let durations = [12, 3_210, 250_000, 7_260_000].map(duration);
        assert_eq!(durations, ["12 ms", "3.2 s", "4 m 10 s", "2 h 1 m"]);
        assert_eq!([count(7), count(1234), count(-1_234_567)], ["7", "1,234", "-1,234,567"]);
        let messages = [0, 1, 1234].map(|number| pluralize(number, "message"));
        assert_eq!(messages, ["0 messages", "1 message", "1,234 messages"]);
        let marked = ["", "One"].map(|title| title_with_mark(title, true).into_owned());
        assert_eq!(marked, ["(record unreadable)", "One (record unreadable)"]);
        assert_eq!([title_or_placeholder(""), title_or_placeholder("One")], ["(untitled)", "One"]);
        assert_eq!(time(i64::MAX), format!("{} ms", i64::MAX));
        // The last minute of 9999 is beyond the last `Timestamp`.
        let end = millis_of("9999-12-31T23:59:59".parse().unwrap(), Offset::UTC);
        assert_eq!(end, 253_402_300_799_000);
        let offset = offset_beyond_timestamps(&zone(), 9999);
        let local_end = end - i64::from(offset.seconds()) * 1000;
        assert_eq!(time(local_end), "9999-12-31 23:59");
        assert_eq!(time(local_end + 1000), format!("{} ms", local_end + 1000));
    }

    /// Source: report anomalyco/opencode#22618 (case 22-negative-and-tiny-cost).
    #[test]
    fn only_a_cost_of_0_is_printed_as_0() {
        let costs = [
            (0.0, "$0.00"),
            (1.5, "$1.50"),
            (1234.56, "$1234.56"),
            (0.01, "$0.01"),
            (0.00123, "$0.0012"),
            (0.0001, "$0.0001"),
            (0.0000999, "<$0.0001"),
            (1.2e-6, "<$0.0001"),
            (1e-12, "<$0.0001"),
            (-0.25, "-$0.25"),
            (-0.0012, "-$0.0012"),
            (-1.2e-6, ">-$0.0001"),
        ];
        for (dollars, text) in costs {
            assert_eq!(cost(Cost::from_dollars(dollars)), text);
        }
        assert_eq!(cost(Cost::from_units(i128::MAX)), "$170141183460469231731687303.72");
    }

    proptest! {
        #[test]
        fn no_other_cost_has_only_zeros(units in prop_oneof![1..1_000_000_i128, 1..i128::MAX]) {
            for units in [units, -units] {
                let text = cost(Cost::from_units(units));
                prop_assert!(text.chars().any(|c| ('1'..='9').contains(&c)), "{units}: {text}");
                prop_assert_eq!(text.contains("-$"), units < 0);
            }
        }

        #[test]
        fn short_counts_are_short_and_near(number in any::<i64>(), bits in 0_u32..63) {
            let number = number >> bits;
            let text = short_count(number);
            prop_assert!(text.len() <= 6, "{text}");
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = 1000_f64.powi(" kMBTPE".find(&text[digits.len()..]).unwrap_or(0) as i32);
            let unit = if digits.len() == text.len() { 1.0 } else { unit };
            let value = digits.replace(',', "").parse::<f64>().unwrap() * unit;
            prop_assert!((value - number as f64).abs() <= number.unsigned_abs() as f64 * 0.05);
        }
    }

    /// Source: report stablyai/orca#20187 (case 50-large-numbers-in-80-columns).
    #[test]
    fn large_counts_become_short() {
        let counts = [
            (0, "0"),
            (9_999, "9,999"),
            (12_345, "12.3k"),
            (99_960, "100k"),
            (999_449, "999k"),
            (999_960, "1.0M"),
            (1_234_567, "1.2M"),
            (24_700_000_000, "24.7B"),
            (-1_234_567, "-1.2M"),
            (i64::MAX, "9.2E"),
        ];
        for (number, text) in counts {
            assert_eq!(short_count(number), text);
        }
    }
}
