//! The figures of two runs side by side, and which of them are worse beyond noise and beyond a
//! threshold.
//!
//! All intervals of one comparison hold *together* with 95%: looked at one by one, one of twenty
//! would be wrong by chance. With several runs before, an interval spans those against each of them,
//! so what differs from run to run anyway is no news.

use crate::comparison::blocks::{Blocks, Distance, Measure, paired, unpaired};
use crate::comparison::sample::{Sample, Track};
use crate::comparison::student::{normal, student};
use crate::history::Nanos;
use crate::metric::Series;
use serde::Serialize;

/// The share of comparisons of two equal runs in which any interval is wrong.
const WRONG: f64 = 0.05;
/// The quantiles that are compared.
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];
/// Errors come in bursts: so many count as one.
const BURST: f64 = 2.0;
/// Errors that became more frequent by less than this share of what could go wrong are no news.
const FLOOR_OF_SHARES: f64 = 0.001;
/// A latency of the generator's own counts twice: on the way out and on the way in.
const WAYS: f64 = 2.0;
/// A timer that fires very late holds up all that waits behind it, so that the growth of this quantile
/// of lag can show in every quantile of a latency.
const TAIL: f64 = 0.99;
/// No ratio is shown larger than this.
const MOST: f64 = 1e6;

/// What counts as a change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Smaller changes, as a share of what was before, are no news.
    pub threshold: f64,
    /// Neither are latencies that change by less, nanoseconds.
    pub floor: Nanos,
}

/// What a figure counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Nanoseconds; less is better.
    Nanos,
    /// Per second; more is better.
    PerSecond,
    /// A share of what could go wrong; less is better.
    Share,
}

/// A figure before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// `ack p95`, `deliveries per second`, `acks that failed`.
    pub name: String,
    /// What it counts in.
    pub unit: Unit,
    /// What it was; of several runs the one in the middle.
    pub before: f64,
    /// What it is.
    pub after: f64,
    /// The change as a share of what was before; none if that was 0.
    pub change: Option<f64>,
    /// Between which the change lies; none if there is too little to tell.
    pub interval: Option<(f64, f64)>,
    /// What to make of it.
    pub judgement: Judgement,
}

/// What to make of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// Worse beyond noise and threshold.
    Worse,
    /// Better beyond noise and threshold.
    Better,
    /// No difference that can be told from noise, or none that matters.
    Same,
    /// Worse, but the generator's own lateness grew by so many nanoseconds.
    Doubtful(Nanos),
    /// There is too little to tell.
    TooLittle,
}

/// A figure on its way: its values, and how far apart the runs are in it.
struct Draft {
    name: String,
    unit: Unit,
    before: Vec<f64>,
    after: f64,
    distances: Vec<Apart>,
    /// How much later the generator became.
    later: Option<Nanos>,
}

enum Apart {
    /// Blocks of time tell how much it varies.
    Slices(Distance),
    /// So many of so many went wrong, before and after.
    Errors { before: (f64, f64), after: (f64, f64) },
    /// There is too little.
    Unknown,
}

/// All figures of which there is anything, in the order of reports. `before` has one run at least.
pub(super) fn figures(before: &[Sample], after: &Sample, rule: &Rule) -> Vec<Figure> {
    let pairs: Vec<Pair> = before.iter().map(|before| Pair::new(before, after)).collect();
    let lags = blocks(&pairs, Series::Lag);
    let mut drafts = Vec::new();
    for series in Series::ALL.into_iter().filter(|series| is_compared(*series, before, after)) {
        let both = blocks(&pairs, series);
        let draft = |(word, share)| {
            latency(&pairs, &both, &lags, format!("{series} {word}"), Measure::Quantile(share))
        };
        drafts.extend(QUANTILES.into_iter().filter_map(draft));
    }
    for (series, name) in [(Series::Ack, "acks"), (Series::Delivery, "deliveries")] {
        drafts.extend(rate(&pairs, format!("{name} per second"), series));
    }
    drafts.extend(errors(before, after));
    let known = |draft: &&Draft| draft.distances.iter().all(|one| !matches!(one, Apart::Unknown));
    let family = drafts.iter().filter(known).count().max(1);
    drafts.into_iter().map(|draft| draft.judged(WRONG / family as f64, rule)).collect()
}

/// The generator's own lag is not; of fan-out only the last receiver is, and only if a message was for two
/// or more: else it would be the delivery once more. For each figure more, all must differ more.
fn is_compared(series: Series, before: &[Sample], after: &Sample) -> bool {
    let fans_out = |sample: &Sample| {
        let skew = sample.track(Series::FanOutSkew.name());
        skew.is_some_and(|track| !track.slices.is_empty())
    };
    match series {
        Series::Lag | Series::FanOutFirst | Series::FanOutSkew => false,
        Series::FanOutLast => before.iter().chain([after]).all(fans_out),
        _ => true,
    }
}

/// Two runs in slices of one length, if that can be.
struct Pair {
    before: Sample,
    after: Sample,
    paired: bool,
}

impl Pair {
    fn new(before: &Sample, after: &Sample) -> Self {
        let before = before.condensed();
        let together = after.in_slices_of(before.slice);
        let same_plan = match (&before.scenario, &after.scenario) {
            (Some(one), Some(other)) => one == other,
            _ => before.run.scenario == after.run.scenario,
        };
        if same_plan && together.slice == before.slice {
            Self { before, after: together, paired: true }
        } else {
            Self { before, after: after.condensed(), paired: false }
        }
    }

    /// A series of both runs, in blocks up to the end of each.
    fn blocks(&self, series: Series) -> (Blocks, Blocks) {
        let of = |sample: &Sample| Blocks::new(&track(sample, series), sample.slice, sample.span());
        (of(&self.before), of(&self.after))
    }

    /// The same from where anything of the series came, to where something last did: of both runs the
    /// same time if they are paired, since their rates are compared.
    fn blocks_in_use(&self, series: Series) -> (Blocks, Blocks) {
        let (mut before, mut after) = (track(&self.before, series), track(&self.after, series));
        let ends =
            |track: &Track| Some((track.slices.first()?.number, track.slices.last()?.number + 1));
        let of = |ends: Option<(u32, u32)>| ends.unwrap_or((0, 0));
        let both = match (ends(&before), ends(&after)) {
            (Some((from, to)), Some((start, end))) if self.paired => {
                [(from.min(start), to.max(end)); 2]
            }
            (one, other) => [of(one), of(other)],
        };
        let cut = |track: &mut Track, sample: &Sample, (from, to): (u32, u32)| {
            track.slices.iter_mut().for_each(|slice| slice.number -= from);
            Blocks::new(track, sample.slice, to - from)
        };
        (cut(&mut before, &self.before, both[0]), cut(&mut after, &self.after, both[1]))
    }

    fn apart(&self, before: &Blocks, after: &Blocks, measure: Measure) -> Apart {
        let distance = if self.paired { paired } else { unpaired };
        distance(before, after, measure).map_or(Apart::Unknown, Apart::Slices)
    }
}

fn track(sample: &Sample, series: Series) -> Track {
    sample.track(series.name()).cloned().unwrap_or_default()
}

/// A series of each pair of runs.
fn blocks(pairs: &[Pair], series: Series) -> Vec<(Blocks, Blocks)> {
    pairs.iter().map(|pair| pair.blocks(series)).collect()
}

fn latency(
    pairs: &[Pair],
    blocks: &[(Blocks, Blocks)],
    lags: &[(Blocks, Blocks)],
    name: String,
    measure: Measure,
) -> Option<Draft> {
    let mut draft = Draft::new(name, Unit::Nanos);
    for ((pair, (before, after)), (lag_before, lag_after)) in pairs.iter().zip(blocks).zip(lags) {
        draft.before.push(before.figure(measure)?);
        draft.after = after.figure(measure)?;
        draft.distances.push(pair.apart(before, after, measure));
        let grown = |measure| {
            let lag = |blocks: &Blocks| blocks.figure(measure).unwrap_or(0.0);
            (lag(lag_after) - lag(lag_before)).max(0.0)
        };
        // What a run bore before, it need not explain now: the least growth counts.
        let later = (WAYS * grown(measure)).max(grown(Measure::Quantile(TAIL))) as Nanos;
        draft.later = Some(draft.later.map_or(later, |known| known.min(later)));
    }
    Some(draft)
}

fn rate(pairs: &[Pair], name: String, series: Series) -> Option<Draft> {
    let mut draft = Draft::new(name, Unit::PerSecond);
    for pair in pairs {
        let (before, after) = pair.blocks_in_use(series);
        draft.before.push(before.figure(Measure::Rate)?);
        draft.after = after.figure(Measure::Rate).unwrap_or(0.0);
        draft.distances.push(pair.apart(&before, &after, Measure::Rate));
    }
    Some(draft)
}

/// What went wrong, as a share of what could.
const ERRORS: &[(&str, &str, &str)] = &[
    ("sends refused", "messages refused", "messages sent"),
    ("sends given up", "messages failed", "messages sent"),
    ("ack timeouts", "ack timeouts", "messages sent"),
    (MISSED, "", "receivers expected"),
    ("failed connects", "connect failures", "connects"),
    ("lost connections", "disconnects", "connects"),
    ("garbage", "garbage", "deliveries"),
];
/// The rest of the reach: those who were not pushed what they were to get.
const MISSED: &str = "receivers missed";

fn errors(before: &[Sample], after: &Sample) -> Vec<Draft> {
    let counted = |sample: &Sample, name: &str| {
        let found = sample.counts.iter().find(|(known, _)| known == name);
        found.map_or(0.0, |(_, count)| *count as f64)
    };
    let count = |sample: &Sample, name: &str| match name {
        "" => counted(sample, "receivers expected") - counted(sample, "receivers reached"),
        name => counted(sample, name),
    };
    let draft = |(name, wrong, all): &(&str, &str, &str)| {
        let of = |sample: &Sample| {
            let wrong = count(sample, wrong);
            (wrong, count(sample, all).max(wrong).max(1.0))
        };
        let mut draft = Draft::new((*name).to_owned(), Unit::Share);
        let (wrong, all) = of(after);
        draft.after = wrong / all;
        for sample in before {
            draft.before.push(of(sample).0 / of(sample).1);
            draft.distances.push(Apart::Errors { before: of(sample), after: (wrong, all) });
        }
        let happened = draft.after > 0.0 || draft.before.iter().any(|share| *share > 0.0);
        happened.then_some(draft)
    };
    ERRORS.iter().filter_map(draft).collect()
}

impl Draft {
    const fn new(name: String, unit: Unit) -> Self {
        Self { name, unit, before: Vec::new(), after: 0.0, distances: Vec::new(), later: None }
    }

    fn judged(mut self, wrong: f64, rule: &Rule) -> Figure {
        self.before.sort_by(f64::total_cmp);
        let before = self.before[self.before.len() / 2];
        let change = (before > 0.0).then(|| (self.after / before - 1.0).min(MOST));
        let intervals = self.distances.iter().map(|apart| apart.interval(wrong));
        let interval = intervals.reduce(|one, other| {
            let ((low, high), (other_low, other_high)) = (one?, other?);
            Some((low.min(other_low), high.max(other_high)))
        });
        let interval = interval.flatten();
        let judgement = self.judgement(before, interval, rule);
        let Self { name, unit, after, .. } = self;
        Figure { name, unit, before, after, change, interval, judgement }
    }

    fn judgement(&self, before: f64, interval: Option<(f64, f64)>, rule: &Rule) -> Judgement {
        let Some((low, high)) = interval else { return Judgement::TooLittle };
        let floor = match self.unit {
            Unit::Nanos => rule.floor as f64,
            Unit::PerSecond => 0.0,
            Unit::Share => FLOOR_OF_SHARES,
        };
        let grown = |after: f64| after - before > floor && after > before * (1.0 + rule.threshold);
        let shrunk = before - self.after > floor && self.after < before * (1.0 - rule.threshold);
        let (up, down) = (grown(self.after) && low > 0.0, shrunk && high < 0.0);
        let (worse, better) = match self.unit {
            Unit::PerSecond => (down, up),
            Unit::Nanos | Unit::Share => (up, down),
        };
        let later = self.later.unwrap_or(0);
        match (worse, better) {
            (true, _) if self.unit == Unit::Nanos && !grown(self.after - later as f64) => {
                Judgement::Doubtful(later)
            }
            (true, _) => Judgement::Worse,
            (_, true) => Judgement::Better,
            _ => Judgement::Same,
        }
    }
}

impl Apart {
    /// Between which the change lies, wrong in this share of cases.
    fn interval(&self, wrong: f64) -> Option<(f64, f64)> {
        let (low, high) = match self {
            Self::Unknown => return None,
            Self::Slices(Distance { logarithm, variance, freedom }) => {
                let reach = student(wrong, *freedom) * variance.sqrt();
                ((logarithm - reach).exp(), (logarithm + reach).exp())
            }
            Self::Errors { before, after } => ratio(*before, *after, normal(wrong)),
        };
        Some(((low - 1.0).min(MOST), (high - 1.0).min(MOST)))
    }
}

/// Between which the ratio of two frequencies lies: of all that went wrong, the share that did so
/// after (Wilson's interval), set against the share that was to be expected.
fn ratio(before: (f64, f64), after: (f64, f64), reach: f64) -> (f64, f64) {
    let count = (before.0 + after.0) / BURST;
    let share = after.0 / (before.0 + after.0);
    let square = reach * reach;
    let middle = (share * count + square / 2.0) / (count + square);
    let half = reach / (count + square) * (share * (1.0 - share) * count + square / 4.0).sqrt();
    let ratio = |share: f64| {
        let share = share.clamp(0.0, 1.0);
        if share >= 1.0 { f64::INFINITY } else { share / (1.0 - share) * before.1 / after.1 }
    };
    (ratio(middle - half), ratio(middle + half))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drafted(unit: Unit, before: f64, after: f64, later: Nanos) -> Draft {
        let distance = Distance { logarithm: (after / before).ln(), variance: 1e-6, freedom: 20.0 };
        Draft {
            before: vec![before],
            after,
            distances: vec![Apart::Slices(distance)],
            later: Some(later),
            ..Draft::new("x".into(), unit)
        }
    }

    const RULE: Rule = Rule { threshold: 0.1, floor: 500_000 };

    #[test]
    fn noise_threshold_and_floor_must_all_be_passed() {
        let judged = |unit, before, after| drafted(unit, before, after, 0).judged(0.01, &RULE);
        assert_eq!(judged(Unit::Nanos, 10e6, 12e6).judgement, Judgement::Worse);
        assert_eq!(judged(Unit::Nanos, 12e6, 10e6).judgement, Judgement::Better);
        assert_eq!(judged(Unit::Nanos, 10e6, 10.9e6).judgement, Judgement::Same);
        assert_eq!(judged(Unit::Nanos, 1e6, 1.4e6).judgement, Judgement::Same);
        assert_eq!(judged(Unit::PerSecond, 100.0, 80.0).judgement, Judgement::Worse);
        assert_eq!(judged(Unit::PerSecond, 80.0, 100.0).judgement, Judgement::Better);
        let mut noisy = drafted(Unit::Nanos, 10e6, 12e6, 0);
        noisy.distances =
            vec![Apart::Slices(Distance { logarithm: 0.18, variance: 0.01, freedom: 20.0 })];
        assert_eq!(noisy.judged(0.01, &RULE).judgement, Judgement::Same);
    }

    #[test]
    fn what_the_generator_explains_is_a_doubt() {
        let explained = drafted(Unit::Nanos, 10e6, 13e6, 2_500_000).judged(0.01, &RULE);
        assert_eq!(explained.judgement, Judgement::Doubtful(2_500_000));
        let partly = drafted(Unit::Nanos, 10e6, 13e6, 1_000_000).judged(0.01, &RULE);
        assert_eq!(partly.judgement, Judgement::Worse);
    }

    #[test]
    fn several_runs_before_widen_the_interval() {
        let mut draft = drafted(Unit::Nanos, 10e6, 12e6, 0);
        draft.before.extend([12.1e6, 9e6]);
        for before in [12.1e6_f64, 9e6] {
            let logarithm = (12e6 / before).ln();
            draft.distances.push(Apart::Slices(Distance {
                logarithm,
                variance: 1e-6,
                freedom: 20.0,
            }));
        }
        let figure = draft.judged(0.01, &RULE);
        assert!((figure.before - 10e6).abs() < 1.0);
        assert_eq!(figure.judgement, Judgement::Same);
        let (low, high) = figure.interval.unwrap();
        assert!(low < 0.0 && high > 0.33, "{low} {high}");
    }

    #[test]
    fn errors_are_told_apart_by_their_number() {
        let low = |before, after| ratio((before, 1_000.0), (after, 1_000.0), 3.0).0;
        assert!(low(0.0, 10.0) < 1.0, "a few may be chance");
        assert!(low(0.0, 40.0) > 1.0, "many are not");
        assert!(low(100.0, 120.0) < 1.0);
        assert!(low(1_000.0, 2_000.0) > 1.0);
        let (low, high) = ratio((50.0, 1_000.0), (50.0, 1_000.0), 3.0);
        assert!(low < 1.0 && 1.0 < high && (low * high - 1.0).abs() < 1e-9);
    }
}
