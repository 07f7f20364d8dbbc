//! Places in the server's order: timestamps and sequence numbers as one kind of number, and back.

use crate::scalar::Scalar;
use crate::spec::Ordering;
use chrono::{DateTime, SecondsFormat, TimeZone, Utc};

/// How a server writes places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// None was seen yet.
    Unknown,
    /// ISO 8601 / RFC 3339 in a string; the number is nanoseconds since 1970.
    Iso,
    /// An integer; the number is that integer.
    Integer,
    /// A string of digits; the number is its value.
    Digits,
}

impl Positions {
    /// What a spec says of them, before any was seen: places without gaps are numbers.
    #[must_use]
    pub fn of(order: Option<&Ordering>) -> Self {
        if order.is_some_and(|order| order.gap_free) { Self::Integer } else { Self::Unknown }
    }
}

/// Reads a place and how it was written.
#[must_use]
pub fn read(scalar: &Scalar) -> Option<(Positions, i64)> {
    match scalar {
        Scalar::Int(number) => Some((Positions::Integer, *number)),
        Scalar::Text(text) if text.contains('-') && text.contains(':') => {
            let time = DateTime::parse_from_rfc3339(text).ok()?;
            Some((Positions::Iso, time.timestamp_nanos_opt()?))
        }
        Scalar::Text(text) => Some((Positions::Digits, text.parse().ok()?)),
        _ => None,
    }
}

/// Writes a place as the server does. Where none was seen, places are times.
#[must_use]
pub fn write(positions: Positions, order: i64) -> Scalar {
    match positions {
        Positions::Integer => Scalar::Int(order),
        Positions::Digits => Scalar::Text(order.to_string().into()),
        Positions::Iso | Positions::Unknown => {
            let format = match order.rem_euclid(1_000_000) {
                0 => SecondsFormat::Millis,
                rest if rest % 1_000 == 0 => SecondsFormat::Micros,
                _ => SecondsFormat::Nanos,
            };
            let time = Utc.timestamp_nanos(order);
            Scalar::Text(time.to_rfc3339_opts(format, true).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Hole;

    #[test]
    fn places_without_gaps_are_numbers_before_any_was_seen() {
        let order = |gap_free| Ordering {
            by: Hole::AT,
            live: false,
            pipelined: false,
            unique: false,
            gap_free,
        };
        assert_eq!(write(Positions::of(Some(&order(true))), 0), Scalar::Int(0));
        let time = Scalar::from("1970-01-01T00:00:00.000Z");
        assert_eq!(write(Positions::of(Some(&order(false))), 0), time);
    }

    #[test]
    fn places_come_back_as_they_were_written() {
        for text in ["2026-11-20T10:00:00.123Z", "2026-11-20T10:00:00.123456Z"] {
            let (positions, order) = read(&Scalar::from(text)).unwrap();
            assert_eq!(write(positions, order), Scalar::from(text));
        }
        assert_eq!(read(&Scalar::Int(42)), Some((Positions::Integer, 42)));
        assert_eq!(read(&Scalar::from("42")), Some((Positions::Digits, 42)));
        assert_eq!(read(&Scalar::from("yesterday")), None);
    }
}
