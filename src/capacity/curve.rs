//! The universal scalability law, fitted to the steps of a search.
//!
//! `X(N) = λN / (1 + σ(N − 1) + κN(N − 1))` (Gunther): X is the throughput at load N. Divided by N and
//! turned over it is linear in its terms, `N/X = (1 + σ(N − 1) + κN(N − 1)) / λ`, so that the fit is a
//! least-squares problem with a closed solution: no start values, and the same answer each time. The
//! residuals are weighted to be relative. None of the three figures can be negative; a term that
//! would be is left out.

use crate::outcome::capacity::Curve;

/// Different loads that a fit needs: one more than it has figures.
const LEAST_LOADS: usize = 4;
/// A curve may be read up to so many times the largest load that it rests on.
const REACH: u64 = 2;
/// Beyond this deviation of a step the curve may not be read outside its loads at all.
const MOST_ERROR: f64 = 0.1;

/// The curve through steps, each a load and its throughput; none if there are too few.
#[must_use]
pub fn fit(steps: &[(u64, f64)]) -> Option<Curve> {
    let mut steps: Vec<(u64, f64)> =
        steps.iter().copied().filter(|(n, x)| *n > 0 && *x > 0.0).collect();
    steps.sort_by_key(|(load, _)| *load);
    let mut loads: Vec<u64> = steps.iter().map(|(load, _)| *load).collect();
    loads.dedup();
    let (&first, &last) = (loads.first()?, loads.last()?);
    if loads.len() < LEAST_LOADS {
        return None;
    }
    let scale = last as f64;
    let terms = [[true, true], [true, false], [false, true], [false, false]];
    let candidates = terms.into_iter().filter_map(|terms| solve(&steps, scale, terms));
    let best = candidates.min_by(|a, b| a.1.total_cmp(&b.1))?.0;
    let [base, contention, coherence] = best;
    let mut curve = Curve {
        per_unit: 1.0 / base,
        contention: contention / base,
        coherence: coherence / base,
        between: (first, last),
        loads: loads.len() as u32,
        ..Curve::default()
    };
    let off = |(load, x): &(u64, f64)| (curve.at(*load as f64) / x - 1.0).abs();
    curve.error = steps.iter().map(off).fold(0.0, f64::max);
    curve.reach = if curve.error <= MOST_ERROR { last * REACH } else { last };
    curve.peak = peak(&curve);
    curve.ceiling = (curve.contention > 0.0).then(|| curve.per_unit / curve.contention);
    Some(curve)
}

/// The load of the highest throughput, and that throughput.
fn peak(curve: &Curve) -> Option<(f64, f64)> {
    let falls = curve.coherence > 0.0 && curve.contention < 1.0;
    let load = falls.then(|| ((1.0 - curve.contention) / curve.coherence).sqrt())?;
    Some((load, curve.at(load)))
}

/// The figures (1/λ, σ/λ, κ/λ) of the least relative error with these terms, and that error; none if
/// one would be negative.
fn solve(
    steps: &[(u64, f64)],
    scale: f64,
    [contention, coherence]: [bool; 2],
) -> Option<([f64; 3], f64)> {
    // Columns of the same size keep the sums exact: loads are measured in the largest one.
    let columns: Vec<usize> =
        [Some(0), contention.then_some(1), coherence.then_some(2)].into_iter().flatten().collect();
    let row = |load: u64, x: f64| {
        let (n, others) = (load as f64, load as f64 - 1.0);
        let weight = x / n;
        [weight, others / scale * weight, n / scale * others / scale * weight]
    };
    let rows: Vec<[f64; 3]> = steps.iter().map(|(load, x)| row(*load, *x)).collect();
    let mut matrix = vec![vec![0.0; columns.len() + 1]; columns.len()];
    for row in &rows {
        for (i, &a) in columns.iter().enumerate() {
            for (j, &b) in columns.iter().enumerate() {
                matrix[i][j] += row[a] * row[b];
            }
            // The weighted right side, N/X · X/N, is 1.
            matrix[i][columns.len()] += row[a];
        }
    }
    let solution = eliminate(matrix)?;
    let mut figures = [0.0; 3];
    for (&column, &value) in columns.iter().zip(&solution) {
        figures[column] = value;
    }
    if figures[0] <= 0.0 || figures[1] < 0.0 || figures[2] < 0.0 {
        return None;
    }
    let error = |row: &[f64; 3]| {
        let sum: f64 = row.iter().zip(&figures).map(|(a, b)| a * b).sum();
        (sum - 1.0).powi(2)
    };
    let error = rows.iter().map(error).sum();
    Some(([figures[0], figures[1] / scale, figures[2] / (scale * scale)], error))
}

/// Gauss, with the largest pivot; none if the rows say too little.
fn eliminate(mut matrix: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let size = matrix.len();
    for column in 0..size {
        let largest =
            |a: &usize, b: &usize| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs());
        let pivot = (column..size).max_by(largest)?;
        matrix.swap(column, pivot);
        if matrix[column][column].abs() < 1e-12 {
            return None;
        }
        let above = matrix[column].clone();
        for (_, row) in matrix.iter_mut().enumerate().filter(|(number, _)| *number != column) {
            let factor = row[column] / above[column];
            row.iter_mut().zip(&above).for_each(|(cell, pivot)| *cell -= factor * pivot);
        }
    }
    Some((0..size).map(|row| matrix[row][size] / matrix[row][row]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::dice::Dice;

    const LOADS: [u64; 9] = [50, 100, 200, 400, 800, 1_200, 1_600, 2_000, 2_400];

    fn law(per_unit: f64, contention: f64, coherence: f64) -> Curve {
        Curve { per_unit, contention, coherence, ..Curve::default() }
    }

    fn steps(law: &Curve, mut noise: impl FnMut() -> f64) -> Vec<(u64, f64)> {
        LOADS.iter().map(|&load| (load, law.at(load as f64) * noise())).collect()
    }

    fn assert_close(found: f64, true_one: f64, share: f64) {
        assert!((found - true_one).abs() <= share * true_one, "{found} for {true_one}");
    }

    #[test]
    fn the_law_that_made_the_steps_is_found() {
        for (contention, coherence) in [(0.001, 2e-7), (0.0, 4e-7), (0.002, 0.0), (0.0, 0.0)] {
            let law = law(0.8, contention, coherence);
            let found = fit(&steps(&law, || 1.0)).unwrap();
            assert_close(found.per_unit, 0.8, 1e-6);
            assert!((found.contention - contention).abs() < 1e-8, "{found:?}");
            assert!((found.coherence - coherence).abs() < 1e-11, "{found:?}");
            assert!(found.error < 1e-6);
        }
    }

    #[test]
    fn noise_of_two_percent_moves_the_peak_by_little() {
        let law = law(1.0, 0.0004, 3e-7);
        let (load, height) = peak(&law).unwrap();
        for seed in 0..50 {
            let mut dice = Dice::new(seed, "curve", 0, 0);
            let found = fit(&steps(&law, || 0.98 + 0.04 * dice.unit())).unwrap();
            let (at, top) = found.peak.unwrap();
            assert_close(at, load, 0.15);
            assert_close(top, height, 0.05);
            assert!(found.error < 0.05);
        }
    }

    #[test]
    fn what_grows_in_step_has_no_top_and_no_ceiling() {
        let found = fit(&steps(&law(2.0, 0.0, 0.0), || 1.0)).unwrap();
        assert_eq!((found.peak, found.ceiling), (None, None));
        assert_eq!((found.between, found.loads, found.reach), ((50, 2_400), 9, 4_800));
    }

    #[test]
    fn contention_alone_has_a_ceiling() {
        let found = fit(&steps(&law(1.0, 0.001, 0.0), || 1.0)).unwrap();
        assert_close(found.ceiling.unwrap(), 1_000.0, 0.01);
    }

    #[test]
    fn a_bad_fit_says_so_and_reaches_nowhere() {
        let saw = LOADS.map(|load| (load, if load % 800 == 0 { 10.0 } else { 1_000.0 }));
        let found = fit(&saw).unwrap();
        assert!(found.error > 0.5 && found.reach == 2_400, "{found:?}");
    }

    #[test]
    fn too_few_loads_make_no_curve() {
        let three: Vec<_> = LOADS[..3].iter().map(|&load| (load, load as f64)).collect();
        assert_eq!(fit(&[&three[..], &three[..]].concat()), None);
        assert_eq!(fit(&[(5, 0.0); 9]), None);
        assert_eq!(fit(&[]), None);
    }
}
