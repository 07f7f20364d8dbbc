//! Memory that forgets: what nothing has happened to for a while.
//!
//! [`Rows`] is for what is numbered in rows, and needs no more than a place per number; [`Recent`] is
//! for all else.

use crate::history::{Nanos, OpId, Token};
use rustc_hash::{FxHashMap, FxHasher};
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

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
        match self.young.entry(key) {
            Entry::Occupied(young) => Some(young.into_mut()),
            Entry::Vacant(place) => self.old.remove(&key).map(|value| place.insert(value)),
        }
    }

    /// The value, whether or not it is soon forgotten.
    pub(super) fn get(&self, key: K) -> Option<&V> {
        self.young.get(&key).or_else(|| self.old.get(&key))
    }

    /// The value, made if need be.
    pub(super) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        match self.young.entry(key) {
            Entry::Occupied(young) => young.into_mut(),
            Entry::Vacant(place) => place.insert(self.old.remove(&key).unwrap_or_else(make)),
        }
    }

    /// Remembers the value; gives back the one it replaces.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let old = self.old.remove(&key);
        self.young.insert(key, value).or(old)
    }

    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// What is numbered in rows: a number close to another one is soon asked for as well.
pub(super) trait Numbered: Copy {
    fn number(self) -> u64;
}

impl Numbered for OpId {
    fn number(self) -> u64 {
        self.0.into()
    }
}

impl Numbered for Token {
    fn number(self) -> u64 {
        u64::from(self.run()) << 40 | Self::number(self)
    }
}

/// Neighbours that stand on one page.
const PAGE: u64 = 8;

/// A map from numbers that come in rows, in pages of neighbours: finding one costs a look into a small
/// map of pages, mostly the page of a moment ago. It forgets as [`Recent`] does, and at the same
/// moments.
#[derive(Debug)]
pub(super) struct Rows<K, V> {
    pages: FxHashMap<u64, Box<Page<V>>>,
    count: usize,
    /// How often it has forgotten.
    age: u32,
    turned: Nanos,
    keep: Nanos,
    key: PhantomData<K>,
}

#[derive(Debug)]
struct Page<V> {
    values: [Option<V>; PAGE as usize],
    /// At which age each value was touched last.
    touched: [u32; PAGE as usize],
    count: u32,
}

impl<K: Numbered, V> Default for Rows<K, V> {
    /// Forgets nothing by itself.
    fn default() -> Self {
        Self::new(Nanos::MAX)
    }
}

impl<K: Numbered, V> Rows<K, V> {
    pub(super) fn new(keep: Nanos) -> Self {
        let (pages, key) = (FxHashMap::default(), PhantomData);
        Self { pages, count: 0, age: 0, turned: 0, keep, key }
    }

    /// Time goes on.
    pub(super) fn tick(&mut self, now: Nanos) {
        if now.saturating_sub(self.turned) >= self.keep {
            self.turned = now;
            self.turn();
        }
    }

    #[cold]
    fn turn(&mut self) {
        let oldest = self.age;
        self.age += 1;
        self.pages.retain(|_, page| page.forget_before(oldest));
        self.count = self.pages.values().map(|page| page.count as usize).sum();
    }

    /// The value, whether or not it is soon forgotten.
    pub(super) fn get(&self, key: K) -> Option<&V> {
        let (page, place) = place(key);
        self.pages.get(&page)?.values[place].as_ref()
    }

    /// The value, which is remembered longer for having been asked for.
    pub(super) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let (page, place) = place(key);
        let page = self.pages.get_mut(&page)?;
        page.touched[place] = self.age;
        page.values[place].as_mut()
    }

    /// The value, made if need be.
    pub(super) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let (page, place) = place(key);
        let page = self.pages.entry(page).or_insert_with(Page::blank);
        page.touched[place] = self.age;
        let value = &mut page.values[place];
        if value.is_none() {
            page.count += 1;
            self.count += 1;
        }
        value.get_or_insert_with(make)
    }

    /// Remembers the value; gives back the one it replaces.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let (page, place) = place(key);
        let page = self.pages.entry(page).or_insert_with(Page::blank);
        page.touched[place] = self.age;
        let old = page.values[place].replace(value);
        if old.is_none() {
            page.count += 1;
            self.count += 1;
        }
        old
    }

    pub(super) fn remove(&mut self, key: K) -> Option<V> {
        let (number, place) = place(key);
        let page = self.pages.get_mut(&number)?;
        let value = page.values[place].take()?;
        page.count -= 1;
        self.count -= 1;
        if page.count == 0 {
            self.pages.remove(&number);
        }
        Some(value)
    }

    /// The values, in no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.pages.values().flat_map(|page| page.values.iter().flatten())
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }
}

impl<V> Page<V> {
    fn blank() -> Box<Self> {
        let values = [const { None }; PAGE as usize];
        Box::new(Self { values, touched: [0; PAGE as usize], count: 0 })
    }

    /// Forgets what was last touched at an earlier age; `false` if nothing is left.
    fn forget_before(&mut self, oldest: u32) -> bool {
        for (value, touched) in self.values.iter_mut().zip(&self.touched) {
            if *touched < oldest {
                *value = None;
            }
        }
        self.count = self.values.iter().flatten().count() as u32;
        self.count > 0
    }
}

fn place(key: impl Numbered) -> (u64, usize) {
    let number = key.number();
    (number / PAGE, (number % PAGE) as usize)
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
        let number = Numbered::number(token);
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
    fn rows_are_a_map() {
        let mut rows: Rows<OpId, u32> = Rows::default();
        let mut map = FxHashMap::default();
        for n in 0..2_000_u32 {
            let number = n.wrapping_mul(0x9e37_79b9) >> 24 << (n % 20);
            let key = OpId(number);
            match n % 5 {
                0 => assert_eq!(rows.remove(key), map.remove(&number)),
                1 => assert_eq!(*rows.entry(key, || n), *map.entry(number).or_insert(n)),
                2 => assert_eq!(rows.get_mut(key), map.get_mut(&number)),
                _ => assert_eq!(rows.insert(key, n), map.insert(number, n)),
            }
            assert_eq!((rows.get(key), rows.len()), (map.get(&number), map.len()));
            rows.tick(u64::from(n) << 40);
        }
        let sum =
            |values: &mut dyn Iterator<Item = &u32>| values.map(|n| u64::from(*n)).sum::<u64>();
        assert_eq!(sum(&mut rows.values()), sum(&mut map.values()));
        for number in map.keys() {
            assert!(rows.remove(OpId(*number)).is_some());
        }
        assert!(rows.pages.is_empty(), "an empty page takes no memory");
    }

    #[test]
    fn rows_forget_what_is_recent_no_more() {
        let (mut rows, mut recent) = (Rows::new(10), Recent::new(10));
        let mut forgotten = 0;
        for now in 0..2_000_u64 {
            rows.tick(now);
            recent.tick(now);
            let key = OpId((now / 3 + now * 7 % 5) as u32);
            match now % 4 {
                0 => assert_eq!(rows.get_mut(key), recent.get_mut(key)),
                1 => assert_eq!(rows.entry(key, || now), recent.entry(key, || now)),
                2 => assert_eq!(rows.insert(key, now), recent.insert(key, now)),
                _ => {}
            }
            for back in 0..40 {
                let key = OpId((now / 3).saturating_sub(back) as u32);
                assert_eq!(rows.get(key), recent.get(key), "at {now}, {back} back");
                forgotten += usize::from(rows.get(key).is_none());
            }
            assert_eq!(rows.len(), recent.len());
        }
        assert!(forgotten > 1_000);
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
