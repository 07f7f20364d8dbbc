//! Exploration: races are searched for with small scripts that nobody wrote, found ones are played
//! again, and saved as files that people read.
//!
//! What is right is the judges' business, how a script is played the stage's. Start with
//! [`Arena::trial`], which everything here stands on.

pub mod contest;
mod generate;
pub mod odds;
mod offsets;
mod replay;
mod scene;
mod search;
pub mod shrink;
mod spread;
mod trial;
pub mod witness;

pub use generate::{Generator, Palette};
pub use offsets::Offsets;
pub use replay::{Answer, Replayed, enough, replay, still_failing};
pub use search::{Find, Progress, Settings as Search, search};
pub use trial::{Arena, Broken, End, Over, Run, Settings, Sought, Trial, least};
