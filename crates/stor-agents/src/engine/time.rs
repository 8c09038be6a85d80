//! Times as agents write them.

/// Returns the Unix milliseconds of a time such as `2026-11-21T00:10:53.032715973+00:00` or with `Z`.
///
/// ```
/// use scrollback_stor_agents::engine::rfc3339_millis;
///
/// assert_eq!(rfc3339_millis("1970-01-02T00:00:01.5Z"), Some(86_401_500));
/// assert_eq!(rfc3339_millis("1970-01-01T02:00:00+02:00"), Some(0));
/// assert_eq!(rfc3339_millis("2026-11-21T00:10:53.032715973+00:00"), Some(1_795_219_853_032));
/// assert_eq!(rfc3339_millis("yesterday"), None);
/// ```
pub fn rfc3339_millis(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [year, month, day] = three_numbers(date, '-')?;
    let [hour, minute, second] = three_numbers(clock, ':')?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 24 || minute > 59 {
        return None;
    }
    let days = days_since_1970(year, month, day);
    let minutes = (days * 24 + hour) * 60 + minute - zone_minutes(zone)?;
    Some((minutes * 60 + second) * 1000 + millis_of_fraction(fraction)?)
}

fn three_numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut numbers = text.splitn(3, separator).map(digits);
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

/// Parses at most four digits.
fn digits(text: &str) -> Option<i64> {
    let is_number = matches!(text.len(), 1..=4) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

fn millis_of_fraction(fraction: &str) -> Option<i64> {
    let is_number = fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("{fraction:0<3}").get(..3)?.parse().ok())?
}

fn zone_minutes(zone: &str) -> Option<i64> {
    let sign = match zone.get(..1)? {
        "Z" | "z" => return (zone.len() == 1).then_some(0),
        "-" => -1,
        _ => 1,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    Some(sign * (digits(hours)? * 60 + digits(minutes)?))
}

/// Returns the number of days from 1970-01-01 to a day of the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // The year begins in March here, so that the day of a leap year is its last.
    let year = if month > 2 { year } else { year - 1 };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
