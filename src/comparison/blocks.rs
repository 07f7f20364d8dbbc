//! One series of one run, cut into blocks of time, and how far a figure of it can be trusted.
//!
//! A figure is a quantile of all durations, or how many there were per second. How much it varies is
//! told by the *jackknife*: the figure is computed anew with each block of time left out. Neighbours
//! in time resemble each other, so single messages would promise too much; whole blocks, a few dozen
//! of them whatever the run's length, hardly do (the method of batch means), and what they still do
//! is measured and allowed for.

use crate::comparison::sample::Track;
use crate::history::Nanos;

/// A figure is trusted if so many blocks of time had a part in it.
pub(super) const LEAST_BLOCKS: usize = 8;
/// And if so many durations lie beyond a quantile.
const LEAST_BEYOND: f64 = 10.0;
/// Neighbours never count as more alike than this.
const MOST_ALIKE: f64 = 0.9;
/// Blocks that have nothing to do with one another look this much alike, in standard deviations, once in
/// twenty times.
const LIKENESS: f64 = 1.645;
/// A level that is so many times as far out as most are is a pause, and no sway.
const FAR: f64 = 4.0;

/// One series of one run.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    /// All durations that came, sorted.
    grid: Vec<Nanos>,
    /// How many there are up to each of them.
    upto: Vec<u64>,
    /// The same of each block: place in the grid, and how many of the block up to there.
    parts: Vec<Vec<(usize, u64)>>,
    /// The length of a block in seconds.
    seconds: f64,
}

/// A figure of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Measure {
    /// The duration that this share does not exceed.
    Quantile(f64),
    /// So many per second.
    Rate,
}

/// How far apart two runs are in a figure: the logarithm of `after` over `before`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Distance {
    pub(super) logarithm: f64,
    /// The variance of that.
    pub(super) variance: f64,
    /// How well the variance is known.
    pub(super) freedom: f64,
}

impl Blocks {
    /// A track whose slices have this length; blocks up to `span`.
    pub(super) fn new(track: &Track, slice: Nanos, span: u32) -> Self {
        let within = || track.slices.iter().filter(|slice| slice.number < span);
        let values = within().flat_map(|slice| &slice.values);
        let mut grid: Vec<Nanos> = values.map(|(value, _)| *value).collect();
        grid.sort_unstable();
        grid.dedup();
        let mut upto = vec![0; grid.len()];
        let mut parts = vec![Vec::new(); span as usize];
        for slice in within() {
            let mut sum = 0;
            let part: &mut Vec<_> = &mut parts[slice.number as usize];
            for (value, count) in &slice.values {
                let place = grid.partition_point(|known| known < value);
                sum += count;
                part.push((place, sum));
                upto[place] += count;
            }
        }
        let mut sum = 0;
        for count in &mut upto {
            sum += *count;
            *count = sum;
        }
        Self { grid, upto, parts, seconds: slice as f64 / 1e9 }
    }

    /// How many durations there are.
    pub(super) fn count(&self) -> u64 {
        self.upto.last().copied().unwrap_or(0)
    }

    /// The figure; `None` if nothing came.
    pub(super) fn figure(&self, measure: Measure) -> Option<f64> {
        self.without(measure, &[])
    }

    /// Whether there is enough to say how much the figure varies.
    pub(super) fn is_enough(&self, measure: Measure) -> bool {
        let filled = self.parts.iter().filter(|part| !part.is_empty()).count();
        let beyond = match measure {
            Measure::Quantile(share) => self.count() as f64 * (1.0 - share),
            Measure::Rate => self.count() as f64,
        };
        filled >= LEAST_BLOCKS && beyond >= LEAST_BEYOND
    }

    /// The figure of all blocks but these.
    fn without(&self, measure: Measure, blocks: &[usize]) -> Option<f64> {
        let left_out = || blocks.iter().filter_map(|block| self.parts.get(*block));
        let last = |part: &Vec<(usize, u64)>| part.last().map_or(0, |(_, count)| *count);
        let count = self.count() - left_out().map(last).sum::<u64>();
        if count == 0 {
            return None;
        }
        match measure {
            Measure::Rate => {
                let blocks = self.parts.len().saturating_sub(blocks.len()).max(1);
                Some(count as f64 / (blocks as f64 * self.seconds))
            }
            Measure::Quantile(share) => {
                let rank = ((share * count as f64).ceil() as u64).max(1);
                let upto = |part: &Vec<(usize, u64)>, place: usize| {
                    let known = part.partition_point(|(known, _)| *known <= place);
                    known.checked_sub(1).map_or(0, |last| part[last].1)
                };
                let left_out_upto =
                    |place: usize| left_out().map(|part| upto(part, place)).sum::<u64>();
                let (mut low, mut high) = (0, self.grid.len() - 1);
                while low < high {
                    let middle = usize::midpoint(low, high);
                    match self.upto[middle] - left_out_upto(middle) >= rank {
                        true => high = middle,
                        false => low = middle + 1,
                    }
                }
                Some(self.grid[low] as f64)
            }
        }
    }

    /// The median of one block; none if nothing came.
    fn median_of(&self, block: usize) -> Option<f64> {
        let part = self.parts.get(block)?;
        let rank = part.last()?.1.div_ceil(2);
        let place = part.partition_point(|(_, upto)| *upto < rank);
        Some(self.grid[part[place].0] as f64)
    }

    fn is_empty_at(&self, block: usize) -> bool {
        self.parts.get(block).is_none_or(Vec::is_empty)
    }
}

/// How far two runs of one plan are apart: what both have in common at the same time (a ramp, a
/// fault) is not taken for chance. `None` if there is too little to tell.
pub(super) fn paired(before: &Blocks, after: &Blocks, measure: Measure) -> Option<Distance> {
    if !before.is_enough(measure) || !after.is_enough(measure) {
        return None;
    }
    let used: Vec<usize> = (0..before.parts.len().max(after.parts.len()))
        .filter(|block| {
            measure == Measure::Rate || !before.is_empty_at(*block) || !after.is_empty_at(*block)
        })
        .collect();
    let (variance, freedom) = spread(&used, |left_out| {
        Some((after.without(measure, left_out)? / before.without(measure, left_out)?).ln())
    })?;
    let levels: Vec<f64> = used
        .iter()
        .filter_map(|block| Some((after.median_of(*block)? / before.median_of(*block)?).ln()))
        .collect();
    let (variance, freedom) = swaying(measure, (variance, freedom), &levels);
    let logarithm = (after.figure(measure)? / before.figure(measure)?).ln();
    Some(Distance { logarithm, variance, freedom })
}

/// How far two runs of different plans are apart. `None` if there is too little to tell.
pub(super) fn unpaired(before: &Blocks, after: &Blocks, measure: Measure) -> Option<Distance> {
    let spread_of = |blocks: &Blocks| {
        let used: Vec<usize> = (0..blocks.parts.len())
            .filter(|block| measure == Measure::Rate || !blocks.is_empty_at(*block))
            .collect();
        let enough = blocks.is_enough(measure);
        let levels: Vec<f64> =
            used.iter().filter_map(|block| Some(blocks.median_of(*block)?.ln())).collect();
        let found = enough
            .then(|| spread(&used, |left_out| Some(blocks.without(measure, left_out)?.ln())))?;
        Some(swaying(measure, found?, &levels))
    };
    let ((one, one_freedom), (other, other_freedom)) = (spread_of(before)?, spread_of(after)?);
    let variance = one + other;
    // Welch and Satterthwaite.
    let parts = one * one / one_freedom + other * other / other_freedom;
    let freedom = if parts > 0.0 { variance * variance / parts } else { one_freedom };
    let logarithm = (after.figure(measure)? / before.figure(measure)?).ln();
    Some(Distance { logarithm, variance, freedom })
}

/// A spread, given how the level of the blocks sways. Where it moves slowly, it may be elsewhere in the
/// next run, and every quantile with it: none is known better than the level's own mean.
fn swaying(measure: Measure, (variance, freedom): (f64, f64), levels: &[f64]) -> (f64, f64) {
    let count = levels.len() as f64;
    if measure == Measure::Rate || count < LEAST_BLOCKS as f64 {
        return (variance, freedom);
    }
    let middle = median(levels);
    let usual = median(&levels.iter().map(|level| (level - middle).abs()).collect::<Vec<_>>());
    let apart = |level: &f64| (level - middle).clamp(-FAR * usual, FAR * usual);
    let apart: Vec<f64> = levels.iter().map(apart).collect();
    let mean = sum(&apart, |one| one) / count;
    let apart: Vec<f64> = apart.into_iter().map(|one| one - mean).collect();
    let squares = sum(&apart, |one| one * one);
    let neighbours: f64 = apart.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let seen = neighbours / squares.max(f64::MIN_POSITIVE);
    if seen * count.sqrt() < LIKENESS {
        return (variance, freedom);
    }
    // A short series looks less alike than it is (Marriott and Pope).
    let alike = ((seen * count + 1.0) / (count - 2.0)).clamp(0.0, MOST_ALIKE);
    let of_mean = squares / (count - 1.0) / count * (1.0 + alike) / (1.0 - alike);
    let more = (of_mean - variance).max(0.0);
    // Blocks that are alike are worth fewer that are not.
    let worth = (2.0 * count * (1.0 - alike) / (1.0 + alike) - 1.0).max(1.0);
    let all = variance + more;
    let freedom = all * all / (variance * variance / freedom + more * more / worth);
    (all, freedom.clamp(2.0, count - 1.0))
}

/// The jackknife's variance of a figure, and its degrees of freedom: fewer where a few blocks decide
/// everything. `figure` is the figure with some blocks left out.
///
/// Single blocks are left out, and rows of neighbours; the larger variance counts. A single block
/// moves a quantile too little to show that there is a gap close by, with pauses on its other side.
fn spread(used: &[usize], figure: impl Fn(&[usize]) -> Option<f64>) -> Option<(f64, f64)> {
    let count = used.len() as f64;
    let singles: Vec<f64> = deviations(used, 1, &figure)?;
    let squares = sum(&singles, |one| one * one);
    if squares <= 0.0 {
        return Some((0.0, count - 1.0));
    }
    let fourths = sum(&singles, |one| one.powi(4));
    let neighbours: f64 = singles.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let alike = (neighbours / squares).clamp(0.0, MOST_ALIKE);
    let by_one = squares * (count - 1.0) / count * (1.0 + alike) / (1.0 - alike);
    let freedom = (3.0 * squares * squares / fourths - 1.0).clamp(2.0, count - 1.0);

    // Rows of neighbours show what single blocks hide: a level that moves slowly. How much more they
    // vary is known less well the fewer of them there are.
    let mut variance = by_one;
    let mut parts = by_one * by_one / freedom;
    for row in [count.sqrt().round(), (count / 4.0).floor()] {
        let rows = deviations(used, row as usize, &figure)?;
        let by_row = sum(&rows, |one| one * one) / rows.len() as f64 * (count - row) / row;
        let more = (by_row - variance).max(0.0);
        let worth = (1.5 * (count / row - 1.0)).max(1.0);
        variance += more;
        parts += more * more / worth;
    }
    let freedom = (variance * variance / parts).clamp(2.0, count - 1.0);
    Some((variance, freedom))
}

/// The figure with each row of so many blocks left out, less their mean.
fn deviations(
    used: &[usize],
    row: usize,
    figure: impl Fn(&[usize]) -> Option<f64>,
) -> Option<Vec<f64>> {
    let figures: Vec<f64> = used.windows(row).map(figure).collect::<Option<_>>()?;
    let mean = figures.iter().sum::<f64>() / figures.len() as f64;
    Some(figures.into_iter().map(|figure| figure - mean).collect())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

fn sum(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    values.iter().map(|value| of(*value)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::sample::Slice;

    const SECOND: Nanos = 1_000_000_000;

    fn blocks(slices: &[&[(Nanos, u64)]]) -> Blocks {
        let slices = (0..).zip(slices).filter(|(_, values)| !values.is_empty());
        let slices: Vec<_> =
            slices.map(|(number, values)| Slice { number, values: values.to_vec() }).collect();
        let span = slices.last().map_or(0, |slice| slice.number + 1);
        Blocks::new(&Track { slices, ..Track::default() }, SECOND, span)
    }

    #[test]
    fn figures_are_those_of_all_durations() {
        let three = blocks(&[&[(10, 50)], &[(20, 40)], &[(10, 5), (30, 5)]]);
        let at = |share| three.figure(Measure::Quantile(share));
        assert_eq!([0.5, 0.9, 0.951, 1.0].map(at), [10.0, 20.0, 30.0, 30.0].map(Some));
        assert_eq!(three.without(Measure::Quantile(0.5), &[0]), Some(20.0));
        assert!((three.figure(Measure::Rate).unwrap() - 100.0 / 3.0).abs() < 1e-9);
        assert_eq!(three.without(Measure::Rate, &[0]), Some(25.0));
        assert_eq!(blocks(&[]).figure(Measure::Rate), None);
    }

    #[test]
    fn too_little_is_not_compared() {
        let few = blocks(&[[(10, 1_000)].as_slice(); 7]);
        assert_eq!(paired(&few, &few, Measure::Rate), None);
        let thin = blocks(&[[(10, 5)].as_slice(); 20]);
        assert_eq!(paired(&thin, &thin, Measure::Quantile(0.95)), None);
        assert!(unpaired(&thin, &thin, Measure::Quantile(0.5)).is_some());
    }

    #[test]
    fn what_two_runs_have_in_common_is_no_noise() {
        let ramp = |scale: Nanos| {
            let slices: Vec<Vec<(Nanos, u64)>> =
                (1..=20).map(|second| vec![(second * scale, 100)]).collect();
            blocks(&slices.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        let (before, after) = (ramp(1_000), ramp(1_200));
        let measure = Measure::Quantile(0.5);
        let together = paired(&before, &after, measure).unwrap();
        assert!((together.logarithm - 1.2_f64.ln()).abs() < 1e-9);
        assert!(together.variance < 1e-9, "{together:?}");
        assert!(unpaired(&before, &after, measure).unwrap().variance > 1e-3);
    }

    /// The spread of a mean of these values, one per block.
    fn of_mean(values: &[f64]) -> (f64, f64) {
        let used: Vec<usize> = (0..values.len()).collect();
        let mean = |left_out: &[usize]| {
            let kept = (0..values.len()).filter(|block| !left_out.contains(block));
            let kept: Vec<f64> = kept.map(|block| values[block]).collect();
            Some(kept.iter().sum::<f64>() / kept.len() as f64)
        };
        spread(&used, mean).unwrap()
    }

    #[test]
    fn the_variance_of_a_mean_is_the_textbook_s() {
        let values: Vec<f64> = (0..30).map(|n| f64::from(n * 7 % 30)).collect();
        // 899 / 12 is that of the numbers 0 to 29.
        let expected = 899.0 / 12.0 / 29.0;
        let (variance, freedom) = of_mean(&values);
        assert!((0.999 * expected..1.5 * expected).contains(&variance), "{variance} {expected}");
        assert!(freedom > 20.0, "{freedom}");
    }

    #[test]
    fn one_block_that_decides_everything_leaves_little_freedom() {
        let mut values = vec![0.0; 20];
        values[7] = 1.0;
        assert!(of_mean(&values).1 < 4.0);
        let even: Vec<f64> = (0..20).map(|n| f64::from(n % 2)).collect();
        assert!(of_mean(&even).1 > 18.0);
    }

    #[test]
    fn neighbours_that_are_alike_count_for_less() {
        let restless: Vec<f64> = (0..20).map(|n| f64::from(n % 2)).collect();
        let slow: Vec<f64> = (0..20).map(|n| f64::from(n / 10)).collect();
        assert!(of_mean(&slow).0 > 3.0 * of_mean(&restless).0);
    }

    #[test]
    fn a_gap_close_to_a_quantile_is_seen() {
        // One block in fifteen is a pause: p95 is just below the gap, and might as well be above.
        let calm: &[(Nanos, u64)] = &[(20_000_000, 60)];
        let pause: &[(Nanos, u64)] = &[(100_000_000, 60)];
        let run = |pauses: &[usize]| {
            let of = |block| if pauses.contains(&block) { pause } else { calm };
            blocks(&(0..30).map(of).collect::<Vec<_>>())
        };
        let (before, after) = (run(&[9]), run(&[4, 20]));
        let distance = paired(&before, &after, Measure::Quantile(0.95)).unwrap();
        assert!(distance.variance.sqrt() > 0.5, "{distance:?}");
    }
}
