//! A server's time of a message: milliseconds since 1970 and ISO 8601.
//!
//! It knows no clock but the one function [`now`]; all else is arithmetic.

use crate::world;
use std::fmt::Write;

/// Milliseconds since 1970 on the wall clock.
#[must_use]
pub(crate) fn now() -> i64 {
    world::wall().as_millis() as i64
}

/// `2026-11-05T12:34:56.789Z`
#[must_use]
pub(crate) fn to_iso(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = date(days);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1000 % 60, rest % 1000);
    let mut text = String::with_capacity(24);
    let _ =
        write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z");
    text
}

/// Reads what [`to_iso`] writes, with or without a fraction, or plain milliseconds.
#[must_use]
pub(crate) fn parse(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse() {
        return Some(ms);
    }
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let known = (1..=12).contains(&month) && (1..=31).contains(&day) && (0..=9999).contains(&year);
    let clear = hour < 24 && minute < 60 && second < 61;
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit()) && fraction.len() <= 9;
    if !(known && clear && digits) {
        return None;
    }
    let milli: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1000 + milli)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    (parts.next().is_none() && numbers.iter().all(|number| *number >= 0)).then_some(numbers)
}

/// Days since 1970 to year, month, day; years begin in March so that leap days end them.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days_read_as_the_calendar_says() {
        assert_eq!(to_iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(to_iso(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(to_iso(1_793_882_096_789), "2026-11-05T12:34:56.789Z");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for ms in (0..200).map(|n| n * 20_123_456_789 + n) {
            assert_eq!(parse(&to_iso(ms)), Some(ms));
        }
        assert_eq!(parse("2026-11-05T12:34:56Z"), Some(1_793_882_096_000));
        assert_eq!(parse("1793882096789"), Some(1_793_882_096_789));
    }

    #[test]
    fn nonsense_is_no_time() {
        for text in
            ["", "Z", "yesterday", "2026-13-05T12:34:56Z", "2026-11-05T12:34Z", "2026-1é-05T1:2:3Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
