//! Formats sizes, times, costs, counts and titles for people.

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
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

/// Formats a time in Unix milliseconds as local date and time, to the minute.
pub(crate) fn time(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(time) => time.to_zoned(zone()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => format!("{ms} ms"),
    }
}

/// Formats a time in Unix milliseconds as local time of day, to the second.
pub(crate) fn time_of_day(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(time) => time.to_zoned(zone()).strftime("%H:%M:%S").to_string(),
        Err(_) => format!("{ms} ms"),
    }
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

/// Formats a cost in US dollars: with 2 decimals, below one cent with 4.
pub(crate) fn cost(cost: Cost) -> String {
    let dollars = cost.dollars();
    if dollars == 0.0 || dollars >= 0.01 {
        format!("${dollars:.2}")
    } else {
        format!("${dollars:.4}")
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
