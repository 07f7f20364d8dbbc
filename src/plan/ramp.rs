//! When the events of a rate are due that may grow or shrink while it lasts.
//!
//! Arrivals are drawn as numbers of events, one on average from each to the next; this says when so many
//! are due. So constant, independent and bunched arrivals all follow the same changing rate.

/// A rate over a stretch of time, as the number of events that are due by a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    start: f64,
    span: f64,
    /// Events over the whole span, on average.
    events: f64,
    tilt: f64,
}

impl Ramp {
    /// From `start` on, for `span` nanoseconds, so many events per second on average; the rate begins at
    /// `1 - tilt` times that and ends at `1 + tilt` times.
    #[must_use]
    pub fn new(start: f64, span: f64, per_second: f64, tilt: f64) -> Self {
        Self { start, span, events: per_second * span / 1e9, tilt }
    }

    /// When so many events are due, in nanoseconds; infinity if they never are.
    #[must_use]
    pub fn at(&self, events: f64) -> f64 {
        let share = events / self.events;
        let place = if self.tilt == 0.0 {
            share
        } else {
            // By the place x of the span, (1 - tilt) x + tilt x² of the events are due.
            let (rest, tilt) = (1.0 - self.tilt, self.tilt);
            let root = rest * rest + 4.0 * tilt * share;
            if root < 0.0 { f64::INFINITY } else { (root.sqrt() - rest) / (2.0 * tilt) }
        };
        self.start + place * self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_rate_spreads_its_events_evenly() {
        let ramp = Ramp::new(5e9, 10e9, 2.0, 0.0);
        assert_eq!([ramp.at(0.0), ramp.at(10.0), ramp.at(20.0)], [5e9, 10e9, 15e9]);
    }

    #[test]
    fn a_growing_rate_has_a_quarter_of_its_events_in_the_first_half_if_it_begins_at_nothing() {
        let ramp = Ramp::new(0.0, 10e9, 10.0, 1.0);
        assert!((ramp.at(25.0) - 5e9).abs() < 1.0, "{}", ramp.at(25.0));
        assert!((ramp.at(100.0) - 10e9).abs() < 1.0);
    }

    #[test]
    fn a_shrinking_rate_is_the_same_backwards_and_ends() {
        let (up, down) = (Ramp::new(0.0, 8e9, 5.0, 0.6), Ramp::new(0.0, 8e9, 5.0, -0.6));
        for events in [1.0, 7.0, 20.0, 39.0] {
            assert!((up.at(events) + down.at(40.0 - events) - 8e9).abs() < 1.0);
        }
        assert_eq!(Ramp::new(0.0, 8e9, 5.0, -1.0).at(41.0), f64::INFINITY);
    }
}
