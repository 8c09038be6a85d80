//! Times as the program writes them: RFC 3339 with up to nine digits of a second.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::engine::rfc3339_millis;

/// A time of day in UTC, with nanoseconds. The text has 0, 3, 6 or 9 digits of a second, as few as the
/// value needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// The seconds since 1970.
    pub seconds: i64,
    /// The nanoseconds in the second.
    pub nanos: u32,
}

impl Timestamp {
    /// Parses a time as RFC 3339, with any zone. Digits after the ninth are left out.
    pub fn parse(text: &str) -> Option<Self> {
        let seconds = rfc3339_millis(text)?.div_euclid(1000);
        let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
        let digits: String = fraction.chars().take_while(char::is_ascii_digit).take(9).collect();
        Some(Self { seconds, nanos: format!("{digits:0<9}").parse().ok()? })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.seconds.div_euclid(86_400), self.seconds.rem_euclid(86_400));
        let (year, month, day) = date(days);
        write!(f, "{year:04}-{month:02}-{day:02}T")?;
        write!(f, "{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)?;
        match self.nanos {
            0 => {}
            nanos if nanos % 1_000_000 == 0 => write!(f, ".{:03}", nanos / 1_000_000)?,
            nanos if nanos % 1000 == 0 => write!(f, ".{:06}", nanos / 1000)?,
            nanos => write!(f, ".{nanos:09}")?,
        }
        f.write_str("Z")
    }
}

/// Returns the day of the Gregorian calendar that is this many days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    // The year begins in March here, so that the day of a leap year is its last.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("input contains invalid characters"))
    }
}
