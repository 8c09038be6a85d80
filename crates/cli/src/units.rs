//! Sizes, times, sums and titles, as people read them.

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use scrollback_core_type::Cost;

/// A size in bytes: `812 B`, `1.5 KiB`.
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

/// The zone of the user. Where the system says it by a file, that is read and its name not looked
/// for among those of all zones, which is hundreds of files.
pub(crate) fn zone() -> TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    let local = || {
        if cfg!(windows) || std::env::var_os("TZ").is_some() {
            return None;
        }
        #[expect(clippy::disallowed_methods, reason = "a file of the system, and of no store")]
        let file = std::fs::read("/etc/localtime").ok()?;
        TimeZone::tzif("Local", &file).ok()
    };
    ZONE.get_or_init(|| local().unwrap_or_else(TimeZone::system)).clone()
}

/// A time in Unix milliseconds as a local date and time, to the minute.
pub(crate) fn time(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(time) => time.to_zoned(zone()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => format!("{ms} ms"),
    }
}

/// The time of day of a time in Unix milliseconds, to the second.
pub(crate) fn time_of_day(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(time) => time.to_zoned(zone()).strftime("%H:%M:%S").to_string(),
        Err(_) => format!("{ms} ms"),
    }
}

/// A time span in milliseconds: `412 ms`, `3.2 s`, `4 m 10 s`.
pub(crate) fn duration(ms: i64) -> String {
    match ms {
        ..=999 => format!("{ms} ms"),
        1_000..=59_999 => format!("{:.1} s", ms as f64 / 1000.0),
        60_000..=3_599_999 => format!("{} m {} s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{} h {} m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// A cost in US dollars.
pub(crate) fn cost(cost: Cost) -> String {
    let dollars = cost.dollars();
    if dollars == 0.0 || dollars >= 0.01 {
        format!("${dollars:.2}")
    } else {
        format!("${dollars:.4}")
    }
}

/// A count with thousands set apart.
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

/// So many of something whose plural ends in s: `1 message`, `1,234 messages`.
pub(crate) fn pluralize(number: impl TryInto<i64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// The title of a session, or that it has none: in 2.x one has none until its first answer.
pub(crate) fn title_or_placeholder(title: &str) -> &str {
    if title.is_empty() { "(untitled)" } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_formatted_for_people() {
        assert_eq!(
            [bytes(0), bytes(1023), bytes(1536), bytes(3 << 30)],
            ["0 B", "1023 B", "1.5 KiB", "3.0 GiB"]
        );
        let costs = [0.0, 1.5, 0.00123].map(|dollars| cost(Cost::from_dollars(dollars)));
        assert_eq!(costs, ["$0.00", "$1.50", "$0.0012"]);
        let durations = [12, 3_210, 250_000, 7_260_000].map(duration);
        assert_eq!(durations, ["12 ms", "3.2 s", "4 m 10 s", "2 h 1 m"]);
        assert_eq!([count(7), count(1234), count(-1_234_567)], ["7", "1,234", "-1,234,567"]);
        let messages = [0, 1, 1234].map(|number| pluralize(number, "message"));
        assert_eq!(messages, ["0 messages", "1 message", "1,234 messages"]);
        assert_eq!([title_or_placeholder(""), title_or_placeholder("One")], ["(untitled)", "One"]);
        assert_eq!(time(i64::MAX), format!("{} ms", i64::MAX));
    }
}
