//! Randomness that is the same on every machine and in every version: a ChaCha8 stream per purpose.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers for one purpose.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream for `purpose` and its two coordinates under `seed`. Streams of different
    /// coordinates are independent, so adding one never shifts another.
    #[must_use]
    pub fn new(seed: u64, purpose: &str, a: u64, b: u64) -> Self {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&word(purpose).to_le_bytes());
        key[16..24].copy_from_slice(&a.to_le_bytes());
        key[24..].copy_from_slice(&b.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to below `bound`; 0 if the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.bits()) * bound as u128) >> 64) as usize
    }

    /// A number from 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// A waiting time of a Poisson process with this mean, in the mean's unit.
    pub fn wait(&mut self, mean: f64) -> f64 {
        -(1.0 - self.unit()).ln() * mean
    }

    /// One of a slice that is not empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Fisher and Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}

/// A well-mixed number of three numbers, for choices that need no stream of their own.
#[must_use]
pub fn mix(a: u64, b: u64, c: u64) -> u64 {
    let mut bits = a.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ b.wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(23)
        ^ c.wrapping_mul(0x94d0_49bb_1331_11eb).rotate_left(47);
    for _ in 0..2 {
        bits ^= bits >> 30;
        bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits ^= bits >> 27;
        bits = bits.wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
    }
    bits
}

/// FNV-1a: a name as a number.
#[must_use]
pub fn word(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_every_coordinate() {
        let first = |seed, purpose, a, b| Dice::new(seed, purpose, a, b).bits();
        let base = first(1, "x", 0, 0);
        assert_eq!(base, first(1, "x", 0, 0));
        for other in
            [first(2, "x", 0, 0), first(1, "y", 0, 0), first(1, "x", 1, 0), first(1, "x", 0, 1)]
        {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn waits_have_the_mean_they_were_asked_for() {
        let mut dice = Dice::new(3, "wait", 0, 0);
        let sum: f64 = (0..20_000).map(|_| dice.wait(5.0)).sum();
        assert!((4.8..5.2).contains(&(sum / 20_000.0)), "mean {}", sum / 20_000.0);
    }
}
