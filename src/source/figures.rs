//! Figures with units: durations, rates, shares, counts, ranges.
//!
//! Each reader complains precisely and returns `None`; so the caller goes on and finds the next
//! mistake.

use crate::source::diagnostic::Diagnostics;
use crate::source::fields::listed;
use crate::source::suggest::suggestion;
use crate::source::tree::Node;
use std::fmt;
use std::time::Duration;

/// A rate as written: how many per second, and of whom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateText {
    /// How many; in the beginning, where it changes.
    pub count: f64,
    /// How many in the end.
    pub rising: f64,
    /// In how long.
    pub window: Duration,
    /// Of whom it speaks.
    pub whose: RateWhose,
}

/// Of whom a rate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateWhose {
    /// `per person`
    Person,
    /// `per conversation`
    Conversation,
    /// `in all`
    All,
}

const DURATION: &str = "a duration such as `100ms`, `5s`, `2m`, `1h`";
const RATE: &str = "a rate such as `10/s per person`, `6/min per conversation`, `0.5/s in all`";
const SHARE: &str = "a share such as `10%` or `0.1`";

impl Node {
    /// The text of a scalar; complains if it is something else or nothing.
    pub fn read_text(&self, what: &str, found: &mut Diagnostics<'_>) -> Option<&str> {
        match self.text() {
            Some(text) if !self.is_null() => Some(text),
            _ => {
                let message = format!("`{what}` is {}", self.what());
                found.error(self.span, message).expected("a text");
                None
            }
        }
    }

    /// The version of the language that a file is written in: 1.
    pub fn read_version(&self, found: &mut Diagnostics<'_>) {
        if self.text() != Some("1") {
            found.error(self.span, "this version of the language is not known").expected("`1`");
        }
    }

    /// A duration with its unit.
    pub fn read_duration(&self, found: &mut Diagnostics<'_>) -> Option<Duration> {
        let text = self.figure(DURATION, found)?;
        let parsed = duration(text);
        if parsed.is_none() {
            let complaint = found.error(self.span, format!("`{text}` is no duration"));
            complaint.expected(DURATION);
            if let Some(near) = mended_duration(text) {
                complaint.hint(format!("did you mean `{near}`?"));
            }
        }
        parsed
    }

    /// A rate with its window and of whom it speaks.
    pub fn read_rate(&self, found: &mut Diagnostics<'_>) -> Option<RateText> {
        let rate = self.read_ramp(found)?;
        if rate.count != rate.rising {
            found.error(self.span, "this rate cannot change").expected(RATE);
            return None;
        }
        Some(rate)
    }

    /// A rate that may change from one figure to another: `10..100/s in all`.
    pub fn read_ramp(&self, found: &mut Diagnostics<'_>) -> Option<RateText> {
        let text = self.figure(RATE, found)?;
        match rate(text) {
            Ok(rate) => Some(rate),
            Err(hint) => {
                let complaint = found.error(self.span, format!("`{text}` is no rate"));
                complaint.expected(RATE);
                if let Some(hint) = hint {
                    complaint.hint(hint);
                }
                None
            }
        }
    }

    /// A share from 0 to 1, as `10%` or `0.1`.
    pub fn read_share(&self, found: &mut Diagnostics<'_>) -> Option<f64> {
        let text = self.figure(SHARE, found)?;
        let parsed = share(text);
        match parsed {
            Some(share) if (0.0..=1.0).contains(&share) => return parsed,
            Some(share) => {
                let complaint = found.error(self.span, format!("`{text}` is more than the whole"));
                complaint.expected("a share from `0%` to `100%`");
                if !text.contains('%') && share <= 100.0 {
                    complaint.hint(format!("did you mean `{text}%`?"));
                }
            }
            None => {
                found.error(self.span, format!("`{text}` is no share")).expected(SHARE);
            }
        }
        None
    }

    /// A whole number, at least `least`.
    pub fn read_count(&self, least: u32, found: &mut Diagnostics<'_>) -> Option<u32> {
        let expected = match least {
            0 => "a whole number".to_owned(),
            _ => format!("a whole number from {least} on"),
        };
        let text = self.figure(&expected, found)?;
        match text.parse::<u32>() {
            Ok(count) if count >= least => Some(count),
            _ => {
                let complaint = found.error(self.span, format!("`{text}` is no count"));
                complaint.expected(expected);
                let plain: String = text.chars().filter(char::is_ascii_digit).collect();
                if text.contains(['_', ',', '\'']) && !plain.is_empty() {
                    complaint.hint(format!("write `{plain}`"));
                }
                None
            }
        }
    }

    /// A range such as `5..8`, both ends included, or one number for both.
    pub fn read_range(&self, least: u32, found: &mut Diagnostics<'_>) -> Option<(u32, u32)> {
        const RANGE: &str = "a range such as `5..8`, or one number";
        let text = self.figure(RANGE, found)?;
        let ends = match text.split_once("..") {
            Some((from, to)) => from.trim().parse().ok().zip(to.trim().parse().ok()),
            None => text.parse().ok().map(|one| (one, one)),
        };
        match ends {
            Some((from, to)) if from > to => {
                found
                    .error(self.span, format!("`{text}` runs backwards"))
                    .hint(format!("did you mean `{to}..{from}`?"));
                None
            }
            Some((from, _)) if from < least => {
                found.error(self.span, format!("`{text}` starts below {least}"));
                None
            }
            Some(ends) => Some(ends),
            None => {
                let complaint = found.error(self.span, format!("`{text}` is no range"));
                complaint.expected(RANGE);
                if text.contains('-') {
                    complaint.hint(format!("did you mean `{}`?", text.replacen('-', "..", 1)));
                }
                None
            }
        }
    }

    /// A number with this unit, e.g. `1000 characters`.
    pub fn read_quantity(&self, unit: &str, found: &mut Diagnostics<'_>) -> Option<u32> {
        let expected = format!("a number of {unit}, such as `100 {unit}`");
        let text = self.figure(&expected, found)?;
        let number = text.strip_suffix(unit).map(str::trim_end);
        match number.and_then(|number| number.parse::<u32>().ok()) {
            Some(0) => {
                found.error(self.span, format!("`{text}` forbids everything"));
                None
            }
            Some(number) => Some(number),
            None => {
                let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
                let complaint = found.error(self.span, format!("`{text}` is no number of {unit}"));
                complaint.expected(expected);
                if !digits.is_empty() {
                    complaint.hint(format!("did you mean `{digits} {unit}`?"));
                }
                None
            }
        }
    }

    /// `true`, `false`, `yes` or `no`.
    pub fn read_bool(&self, found: &mut Diagnostics<'_>) -> Option<bool> {
        match self.figure("`true` or `false`", found)? {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            other => {
                found
                    .error(self.span, format!("`{other}` is neither true nor false"))
                    .expected("`true`, `false`, `yes` or `no`");
                None
            }
        }
    }

    /// One of these words.
    pub fn read_choice<T: Copy>(
        &self,
        choices: &[(&'static str, T)],
        found: &mut Diagnostics<'_>,
    ) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of {}", listed(&words));
        let text = self.figure(&expected, found)?;
        let choice = choices.iter().find(|(word, _)| *word == text);
        if choice.is_none() {
            let complaint = found.error(self.span, format!("`{text}` is not known here"));
            complaint.expected(expected);
            if let Some(near) = suggestion(text, words) {
                complaint.hint(format!("did you mean `{near}`?"));
            }
        }
        choice.map(|(_, value)| *value)
    }

    /// A list of durations.
    pub fn read_durations(&self, found: &mut Diagnostics<'_>) -> Option<Vec<Duration>> {
        let Some(items) = self.items() else {
            let message = format!("{} stands where a list should", self.what());
            found.error(self.span, message).expected("a list of durations such as `[1s, 2s, 4s]`");
            return None;
        };
        let read: Vec<_> = items.iter().map(|item| item.read_duration(found)).collect();
        read.into_iter().collect()
    }

    fn figure(&self, expected: &str, found: &mut Diagnostics<'_>) -> Option<&str> {
        match self.text() {
            Some(text) if !self.is_null() => Some(text.trim()),
            _ => {
                let message = format!("{} stands where a figure should", self.what());
                found.error(self.span, message).expected(expected);
                None
            }
        }
    }
}

/// A plain decimal number: digits, at most one point, no sign.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !plain || text.starts_with('.') || text.ends_with('.') {
        return None;
    }
    text.parse().ok()
}

/// A duration such as `100ms`.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (count, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    // Beyond a year nothing is meant seriously, and sums of durations must not overflow.
    let total = number(count)? * seconds;
    (total <= 366.0 * 86_400.0).then(|| Duration::from_secs_f64(total))
}

/// What a mistyped duration was probably meant to be.
fn mended_duration(text: &str) -> Option<String> {
    let squeezed = text.replace(',', ".").replace(' ', "").to_lowercase();
    let unit_at = squeezed.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(squeezed.len());
    let (count, unit) = squeezed.split_at(unit_at);
    let unit = match unit {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => "ms",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hour" | "hours" => "h",
        _ => return None,
    };
    let near = format!("{count}{unit}");
    duration(&near).map(|_| near)
}

fn rate(text: &str) -> Result<RateText, Option<String>> {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or("");
    let rest: Vec<&str> = words.collect();
    let whose = match rest[..] {
        ["per", "person"] => RateWhose::Person,
        ["per", "conversation"] => RateWhose::Conversation,
        ["in", "all"] => RateWhose::All,
        [] if first.contains('/') => {
            return Err(Some(format!(
                "say of whom: `{first} per person`, `{first} per conversation` or `{first} in all`"
            )));
        }
        _ => return Err(None),
    };
    let (count, window) = first
        .split_once('/')
        .ok_or_else(|| Some(format!("say in how long: `{first}/s {}`", rest.join(" "))))?;
    let window = match window {
        "s" => Duration::from_secs(1),
        "min" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        "m" => {
            return Err(Some(format!("did you mean `{count}/min {}`?", rest.join(" "))));
        }
        "sec" => {
            return Err(Some(format!("did you mean `{count}/s {}`?", rest.join(" "))));
        }
        // `10/5s per person`: ten in a window of five seconds.
        other => duration(other).filter(|d| !d.is_zero()).ok_or(None)?,
    };
    let figure = |count: &str| {
        number(count).ok_or_else(|| {
            count.contains(',').then(|| format!("write `{}`", text.replace(',', ".")))
        })
    };
    let (count, rising) = count.split_once("..").unwrap_or((count, count));
    Ok(RateText { count: figure(count)?, rising: figure(rising)?, window, whose })
}

/// A share such as `10%` or `0.1`.
#[must_use]
pub fn share(text: &str) -> Option<f64> {
    match text.strip_suffix('%') {
        // Read as a hundredth and not divided: `99.9%` is 0.999, which 99.9 / 100 is not.
        Some(percent) => format!("{}e-2", number(percent.trim_end())?).parse().ok(),
        None => number(text),
    }
}

/// A duration as [`duration`] reads it: `2s`, `300ms`, `2.4ms`, `50us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasting(pub Duration);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        match nanos {
            whole if whole.is_multiple_of(1_000_000_000) => write!(f, "{}s", whole / 1_000_000_000),
            long if long >= 1_000_000 => write!(f, "{}ms", long as f64 / 1e6),
            short => write!(f, "{}us", short as f64 / 1e3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;

    /// Reads `text` as the value of a key, and gives the value or the one-line complaint with hint.
    fn read<T>(
        text: &str,
        reader: impl Fn(&Node, &mut Diagnostics<'_>) -> Option<T>,
    ) -> Result<T, String> {
        let yaml = format!("x: {text}\n");
        let mut found = Diagnostics::new("f", &yaml);
        let node = parse(&mut found).unwrap();
        let value = reader(&node.entries().unwrap()[0].value, &mut found);
        let list = found.into_sorted();
        value.ok_or_else(|| {
            assert_eq!(list.len(), 1);
            let hint = list[0].hint.clone().unwrap_or_default();
            format!("{}; {hint}", list[0].message)
        })
    }

    #[test]
    fn a_share_is_the_nearest_number_to_what_is_written() {
        let shares = ["99.9%", "99.95%", "7%", "100 %", "0.1"].map(share);
        assert_eq!(shares, [0.999, 0.9995, 0.07, 1.0, 0.1].map(Some));
    }

    #[test]
    fn durations() {
        let read = |text| read(text, Node::read_duration);
        assert_eq!(read("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(read("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(read("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(read("1h"), Ok(Duration::from_secs(3600)));
        for (typo, complaint) in [
            ("5 sec", "`5 sec` is no duration; did you mean `5s`?"),
            ("5", "`5` is no duration; did you mean `5s`?"),
            ("1,5s", "`1,5s` is no duration; did you mean `1.5s`?"),
            ("3 minutes", "`3 minutes` is no duration; did you mean `3m`?"),
            ("soon", "`soon` is no duration; "),
            ("-1s", "`-1s` is no duration; "),
            ("99999999h", "`99999999h` is no duration; "),
        ] {
            assert_eq!(read(typo), Err(complaint.to_owned()), "{typo}");
        }
    }

    #[test]
    fn a_duration_is_said_as_it_is_read() {
        for text in ["0s", "2s", "90s", "300ms", "1500ms", "2.4ms", "0.5us", "50us"] {
            assert_eq!(Lasting(duration(text).unwrap()).to_string(), text);
        }
    }

    #[test]
    fn rates() {
        let read = |text| read(text, Node::read_rate);
        let rate = read("6/min per person").unwrap();
        assert_eq!((rate.count, rate.whose), (6.0, RateWhose::Person));
        assert_eq!(rate.window, Duration::from_secs(60));
        assert_eq!(read("0.5/s per conversation").unwrap().count, 0.5);
        assert_eq!(read("150/s in all").unwrap().whose, RateWhose::All);
        assert!(read("10..150/s in all").unwrap_err().contains("this rate cannot change"));
        let ramp = self::read("10..150/s in all", Node::read_ramp).unwrap();
        assert_eq!((ramp.count, ramp.rising), (10.0, 150.0));
        for (typo, hint) in [
            ("10/s", "say of whom"),
            ("10 per person", "say in how long"),
            ("10/m per person", "did you mean `10/min per person`?"),
            ("0,5/s in all", "write `0.5/s in all`"),
        ] {
            let complaint = read(typo).unwrap_err();
            assert!(complaint.contains(hint), "{complaint}");
        }
    }

    #[test]
    fn shares_counts_ranges_quantities() {
        assert_eq!(read("10%", Node::read_share), Ok(0.1));
        assert_eq!(read("0.25", Node::read_share), Ok(0.25));
        let over = read("50", Node::read_share).unwrap_err();
        assert!(over.contains("did you mean `50%`?"), "{over}");
        assert!(read("some", Node::read_share).is_err());
        assert_eq!(read("300", |n, d| n.read_count(1, d)), Ok(300));
        let grouped = read("10_000", |n, d| n.read_count(1, d)).unwrap_err();
        assert!(grouped.contains("write `10000`"), "{grouped}");
        assert!(read("0", |n, d| n.read_count(1, d)).is_err());
        assert_eq!(read("5..8", |n, d| n.read_range(2, d)), Ok((5, 8)));
        assert_eq!(read("5", |n, d| n.read_range(2, d)), Ok((5, 5)));
        assert!(read("8..5", |n, d| n.read_range(2, d)).is_err());
        let dashed = read("5-8", |n, d| n.read_range(2, d)).unwrap_err();
        assert!(dashed.contains("did you mean `5..8`?"), "{dashed}");
        assert_eq!(read("100 rows", |n, d| n.read_quantity("rows", d)), Ok(100));
        let bare = read("100", |n, d| n.read_quantity("rows", d)).unwrap_err();
        assert!(bare.contains("did you mean `100 rows`?"), "{bare}");
        assert_eq!(read("yes", Node::read_bool), Ok(true));
        assert!(read("maybe", Node::read_bool).is_err());
    }
}
