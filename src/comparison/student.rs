//! Quantiles of the normal distribution and of Student's, for intervals.

/// How far out the two tails of the normal distribution begin that hold `share` together.
#[must_use]
pub(super) fn normal(share: f64) -> f64 {
    -lower(share / 2.0)
}

/// The same of Student's distribution with so many degrees of freedom, 1 at least. Hill's algorithm
/// (CACM 396), good to several digits.
#[must_use]
pub(super) fn student(share: f64, freedom: f64) -> f64 {
    let n = freedom.max(1.0);
    if (n - 1.0).abs() < 1e-9 {
        return (std::f64::consts::FRAC_PI_2 * (1.0 - share)).tan();
    }
    if (n - 2.0).abs() < 1e-9 {
        return (2.0 / (share * (2.0 - share)) - 2.0).sqrt();
    }
    let a = 1.0 / (n - 0.5);
    let b = 48.0 / (a * a);
    let mut c = ((20_700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
    let d = ((94.5 / (b + c) - 3.0) / b + 1.0) * (a * std::f64::consts::FRAC_PI_2).sqrt() * n;
    let mut y = (d * share).powf(2.0 / n);
    if y > 0.05 + a {
        let x = lower(share / 2.0);
        y = x * x;
        if n < 5.0 {
            c += 0.3 * (n - 4.5) * (x + 0.6);
        }
        c += (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b;
        y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
        y = (a * y * y).exp_m1();
    } else {
        let tail = 1.0 / (((n + 6.0) / (n * y) - 0.089 * d - 0.822) * (n + 2.0) * 3.0);
        y = ((tail + 0.5 / (n + 4.0)) * y - 1.0) * (n + 1.0) / (n + 2.0) + 1.0 / y;
    }
    (n * y).sqrt()
}

/// The value below which a share of the normal distribution lies. Acklam's approximation, good to
/// nine digits.
fn lower(share: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    const TAIL: f64 = 0.024_25;
    let horner = |factors: &[f64], x: f64| factors.iter().fold(0.0, |sum, factor| sum * x + factor);
    let share = share.clamp(1e-300, 1.0 - 1e-16);
    if share < TAIL {
        let q = (-2.0 * share.ln()).sqrt();
        horner(&C, q) / horner(&D, q)
    } else if share > 1.0 - TAIL {
        -lower(1.0 - share)
    } else {
        let q = share - 0.5;
        let r = q * q;
        horner(&A, r) * q / horner(&B, r)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (share, expected) in [(0.05, 1.959_964), (0.01, 2.575_829), (0.000_1, 3.890_592)] {
            assert!((normal(share) - expected).abs() < 1e-5, "{share}: {}", normal(share));
        }
        let table = [
            (0.05, 1.0, 12.706),
            (0.05, 2.0, 4.303),
            (0.05, 3.0, 3.182),
            (0.05, 10.0, 2.228),
            (0.05, 29.0, 2.045),
            (0.01, 5.0, 4.032),
            (0.002, 19.0, 3.579),
            (0.001, 4.0, 8.610),
        ];
        for (share, freedom, expected) in table {
            let found = student(share, freedom);
            assert!((found - expected).abs() < 0.004 * expected, "{share} {freedom}: {found}");
        }
    }

    #[test]
    fn more_freedom_and_less_certainty_are_narrower() {
        for step in 4..40 {
            let freedom = f64::from(step) / 2.0;
            assert!(student(0.01, freedom) > student(0.01, freedom + 0.5), "{freedom}");
            assert!(student(0.01, freedom) > student(0.05, freedom), "{freedom}");
        }
        assert!((student(0.05, 1e6) - normal(0.05)).abs() < 1e-4);
    }
}
