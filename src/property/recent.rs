//! Memory that forgets: what nothing has happened to for a while.

use crate::history::{Nanos, Token};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// A map whose values are forgotten once they have not been touched for `keep` (at the latest
/// after twice that). Two generations, so forgetting costs nothing per value.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: FxHashMap<K, V>,
    old: FxHashMap<K, V>,
    turned: Nanos,
    keep: Nanos,
}

impl<K: Eq + Hash + Copy, V> Recent<K, V> {
    pub(super) fn new(keep: Nanos) -> Self {
        Self { young: FxHashMap::default(), old: FxHashMap::default(), turned: 0, keep }
    }

    /// Time goes on.
    pub(super) fn tick(&mut self, now: Nanos) {
        if now.saturating_sub(self.turned) >= self.keep {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.turned = now;
        }
    }

    /// The value, which is remembered longer for having been asked for.
    pub(super) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        // Mostly it is young, and the old map is large and cold.
        if !self.old.is_empty() && !self.young.contains_key(&key) {
            self.rejuvenate(key);
        }
        self.young.get_mut(&key)
    }

    /// The value, whether or not it is soon forgotten.
    pub(super) fn get(&self, key: K) -> Option<&V> {
        self.young.get(&key).or_else(|| self.old.get(&key))
    }

    /// The value, made if need be.
    pub(super) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if !self.old.is_empty() {
            self.rejuvenate(key);
        }
        self.young.entry(key).or_insert_with(make)
    }

    fn rejuvenate(&mut self, key: K) {
        if let Some(value) = self.old.remove(&key) {
            self.young.insert(key, value);
        }
    }

    /// Remembers the value; gives back the one it replaces.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let old = if self.old.is_empty() { None } else { self.old.remove(&key) };
        self.young.insert(key, value).or(old)
    }

    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// A set of tokens for a whole run: about a bit each, since a run's tokens are numbered in rows.
#[derive(Debug, Default)]
pub(super) struct TokenSet(FxHashMap<u64, u64>);

impl TokenSet {
    /// Adds the token; `false` if it was there.
    pub(super) fn insert(&mut self, token: Token) -> bool {
        let (chunk, bit) = Self::place(token);
        let bits = self.0.entry(chunk).or_default();
        let new = *bits & bit == 0;
        *bits |= bit;
        new
    }

    pub(super) fn contains(&self, token: Token) -> bool {
        let (chunk, bit) = Self::place(token);
        self.0.get(&chunk).is_some_and(|bits| bits & bit != 0)
    }

    fn place(token: Token) -> (u64, u64) {
        let number = u64::from(token.run()) << 40 | token.number();
        (number >> 6, 1 << (number & 63))
    }
}

/// A name for anything, in 64 bits. The same in each run of the same program.
pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_stays_and_the_rest_is_forgotten() {
        let mut recent = Recent::new(10);
        recent.insert("touched", 1);
        recent.insert("left", 2);
        for now in (0..100).step_by(5) {
            recent.tick(now);
            *recent.get_mut("touched").unwrap() += 1;
        }
        assert_eq!((recent.get("touched"), recent.get("left")), (Some(&21), None));
        assert_eq!(recent.len(), 1);
    }

    #[test]
    fn a_value_is_kept_for_at_least_the_promised_time() {
        let mut recent = Recent::new(10);
        recent.tick(9);
        recent.insert(1, ());
        recent.tick(10);
        recent.tick(19);
        assert!(recent.get(1).is_some());
    }

    #[test]
    fn a_token_set_tells_neighbours_and_runs_apart() {
        let mut set = TokenSet::default();
        assert!(set.insert(Token::new(1, 64)));
        assert!(!set.insert(Token::new(1, 64)));
        assert!(set.contains(Token::new(1, 64)));
        assert!(!set.contains(Token::new(1, 65)) && !set.contains(Token::new(2, 64)));
        assert!((0..1_000).all(|n| set.insert(Token::new(3, n))));
        assert!(set.0.len() < 20);
    }
}
