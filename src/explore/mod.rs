//! Exploration: races are searched for with small scripts that nobody wrote, found ones are played
//! again, and saved as files that people read.
//!
//! What is right is the judges' business, how a script is played the stage's. Start with
//! [`Arena::trial`], which everything here stands on.

mod arena;
pub mod contest;
mod generate;
pub mod odds;
mod offsets;
mod regressions;
mod replay;
mod scene;
mod search;
pub mod shrink;
mod spread;
mod trial;
pub mod witness;

pub use arena::{Arena, Over, Settings};
pub use generate::{Generator, Palette};
pub use offsets::Offsets;
pub use regressions::{ENDED, regressions};
pub use replay::{Answer, Replayed, enough, replay};
pub use search::{Find, Progress, Settings as Search, search};
pub use shrink::extent;
pub use trial::{Broken, End, Run, Sought, Trial, least};
