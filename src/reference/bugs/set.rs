//! Sets of bugs, and the draw that says where a bug strikes.

use super::Bug;
use std::fmt;

/// A set of bugs; empty on the honest server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bugs([u64; 8]);

/// There is no bug of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownBug(pub String);

impl Bugs {
    /// The honest server.
    pub const NONE: Self = Self([0; 8]);

    /// The set of these names.
    ///
    /// # Errors
    /// The first name that no bug has.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownBug> {
        names.into_iter().try_fold(Self::NONE, |set, name| {
            let bug = Bug::parse(name).ok_or_else(|| UnknownBug(name.to_owned()))?;
            Ok(set.with(bug))
        })
    }

    /// This set and one bug more.
    #[must_use]
    pub const fn with(self, bug: Bug) -> Self {
        let mut words = self.0;
        words[bug as usize / 64] |= 1 << (bug as u32 % 64);
        Self(words)
    }

    /// Whether the server has this bug.
    #[must_use]
    pub const fn has(self, bug: Bug) -> bool {
        self.0[bug as usize / 64] >> (bug as u32 % 64) & 1 == 1
    }

    /// Whether the server has this bug and it strikes here: once in `times`, chosen by what the
    /// parts say, so that each attempt of one message meets the same fate.
    #[must_use]
    pub fn strikes(self, bug: Bug, times: u64, parts: &[&str]) -> bool {
        self.has(bug) && draw(parts).is_multiple_of(times)
    }

    /// Whether this is the honest server.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// The bugs of the set.
    pub fn iter(self) -> impl Iterator<Item = Bug> {
        Bug::ALL.iter().copied().filter(move |bug| self.has(*bug))
    }
}

/// A number that depends on nothing but the parts (FNV-1a, its high bits mixed in).
#[must_use]
pub fn draw(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash ^ (hash >> 29)
}

impl fmt::Display for UnknownBug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no bug `{}`\nhint: `assize list bugs` names them all", self.0)
    }
}

impl std::error::Error for UnknownBug {}
