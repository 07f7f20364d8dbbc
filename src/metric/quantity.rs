//! Numbers as people read them: three significant digits and a unit. One spelling for all reports,
//! messages and arguments.

use crate::history::Nanos;

/// A duration: `870 µs`, `1.23 ms`, `40.0 ms`, `1.50 s`, `12 min 5 s`.
#[must_use]
pub fn duration(nanos: Nanos) -> String {
    let nanos_f = nanos as f64;
    // The bounds are where three digits would round up into the next unit.
    if nanos < 1_000 {
        format!("{nanos} ns")
    } else if nanos_f < 999.5e3 {
        format!("{} µs", digits(nanos_f / 1e3))
    } else if nanos_f < 999.5e6 {
        format!("{} ms", digits(nanos_f / 1e6))
    } else if nanos_f < 119.5e9 {
        format!("{} s", digits(nanos_f / 1e9))
    } else {
        let seconds = (nanos_f / 1e9).round() as u64;
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

/// A point in time since the run's start, in seconds to the microsecond: `12.345678`.
#[must_use]
pub fn instant(nanos: Nanos) -> String {
    let micros = nanos / 1_000;
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// A count, with a comma between thousands: `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let plain = number.to_string();
    let mut text = String::with_capacity(plain.len() + plain.len() / 3);
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as a percentage: `99.0%`, `100%`. Rounded towards neither bound: only all is `100%`.
#[must_use]
pub fn share(share: f64) -> String {
    if share >= 1.0 {
        format!("{:.0}%", share * 100.0)
    } else {
        // Cut off, so that 99.97% is not shown as all.
        format!("{:.1}%", (share * 1000.0 + 1e-9).floor() / 10.0)
    }
}

/// An amount of memory: `812 B`, `1.50 KiB`, `34.0 MiB`.
#[must_use]
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut amount = number as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{} {}", digits(amount), UNITS[unit])
}

/// A count and its noun: `1 message`, `2 messages`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// Three significant digits for 1 to 999.
fn digits(number: f64) -> String {
    if number < 9.995 {
        format!("{number:.2}")
    } else if number < 99.95 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        let shown = [
            (0, "0 ns"),
            (870_000, "870 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (1_234_567, "1.23 ms"),
            (40_000_000, "40.0 ms"),
            (99_960_000, "100 ms"),
            (1_500_000_000, "1.50 s"),
            (30_000_000_000, "30.0 s"),
            (725_000_000_000, "12 min 5 s"),
        ];
        for (nanos, text) in shown {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn counts_shares_bytes_and_instants() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(share(0.9997), "99.9%");
        assert_eq!(share(0.99), "99.0%");
        assert_eq!(share(1.0), "100%");
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(1536), "1.50 KiB");
        assert_eq!(bytes(34 << 20), "34.0 MiB");
        assert_eq!(instant(12_345_678_901), "12.345678");
        assert_eq!(counted(1, "message"), "1 message");
        assert_eq!(counted(1_200, "message"), "1,200 messages");
    }
}
