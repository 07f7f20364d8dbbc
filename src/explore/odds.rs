//! How often something happens, as far as a number of tries can tell.

use std::fmt::{self, Display, Formatter};

/// The normal distribution leaves this much on either side of 95 %.
const Z: f64 = 1.959_964;

/// Where a true rate lies, with a confidence of 95 %: Wilson's interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end, as a share.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The interval of what happened so many times in so many tries.
    #[must_use]
    pub fn of(happened: u32, tries: u32) -> Self {
        if tries == 0 {
            return Self { low: 0.0, high: 1.0 };
        }
        let (n, share) = (f64::from(tries), f64::from(happened) / f64::from(tries));
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Self { low: ((middle - half) / scale).max(0.0), high: ((middle + half) / scale).min(1.0) }
    }

    /// How many tries in a row without it exclude, with 95 %, that it still happens at the lower end of
    /// the interval or more often.
    #[must_use]
    pub fn passes_to_exclude(self) -> u32 {
        if self.low >= 1.0 {
            return 1;
        }
        let needed = 0.05_f64.ln() / (1.0 - self.low.max(1e-6)).ln();
        needed.ceil().clamp(1.0, 1e7) as u32
    }
}

impl Display for Interval {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} to {:.0} %", self.low * 100.0, self.high * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        assert_eq!(Interval::of(37, 50).to_string(), "60 to 84 %");
        assert_eq!(Interval::of(0, 10).to_string(), "0 to 28 %");
        assert_eq!(Interval::of(10, 10).to_string(), "72 to 100 %");
        assert_eq!(Interval::of(0, 0).to_string(), "0 to 100 %");
    }

    #[test]
    fn the_rarer_it_was_the_more_passes_exclude_it() {
        assert_eq!(Interval { low: 0.5, high: 1.0 }.passes_to_exclude(), 5);
        assert_eq!(Interval { low: 0.1, high: 1.0 }.passes_to_exclude(), 29);
        assert_eq!(Interval::of(20, 20).passes_to_exclude(), 2);
        assert!(Interval::of(0, 50).passes_to_exclude() > 1_000_000);
    }
}
