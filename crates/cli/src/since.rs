//! Parses the value of `ls --since`.

use jiff::civil::Time;
use jiff::fmt::temporal::Pieces;
use jiff::{Span, Timestamp, Zoned};
use scrollback_core_id::{Clock, SystemClock};

use crate::failure::{Failure, Kind, Result};
use crate::units;

/// Parses an age, a date or a time. Returns Unix milliseconds.
pub(crate) fn parse(text: &str) -> Result<i64> {
    let bad_time = || {
        Failure::new(Kind::BadUse, format!("--since {text:?} is not an age, a date or a time"))
            .hint("examples: `7d`, `12h`, `2 weeks`, `2026-01-31`, `2026-01-31T12:00:00Z`")
    };
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let zone = units::zone();
    if let Ok(age) = text.parse::<Span>() {
        let now =
            Timestamp::from_millisecond(SystemClock.now().as_millis()).map_err(|_| bad_time())?;
        // An age that begins before all times that can be computed excludes nothing.
        let then = now.to_zoned(zone).checked_sub(age.abs());
        return Ok(then.map_or(i64::MIN, |then: Zoned| then.timestamp().as_millisecond()));
    }
    // A time at the end of the year 9999, or one with an offset, may be beyond the last `Timestamp`.
    let pieces = Pieces::parse(text).map_err(|_| bad_time())?;
    let local = pieces.date().to_datetime(pieces.time().unwrap_or_else(Time::midnight));
    let offset = match pieces.to_numeric_offset() {
        Some(offset) => offset,
        None => match local.to_zoned(zone.clone()) {
            Ok(time) => return Ok(time.timestamp().as_millisecond()),
            Err(_) => units::offset_beyond_timestamps(&zone, local.year()),
        },
    };
    Ok(units::millis_of(local, offset))
}
