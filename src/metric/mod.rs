//! How long things took and how often they happened, in memory that does not grow with the run.
//!
//! Each shard has a [`Recorder`] and [`Counters`] of its own; at the end they are merged, never
//! averaged. Nothing here knows a clock, a socket or a file: times come as arguments, on the run's
//! clock. Start with [`Recorder`].

pub mod counters;
pub mod course;
pub mod distribution;
pub mod expectation;
mod fan_out;
pub mod generator;
pub mod interval_log;
pub mod meter;
mod phases;
pub mod progress;
pub mod quantity;
pub mod recorder;
pub mod series;
pub mod slices;
pub mod spans;
pub mod timeline;
pub mod window;

pub use counters::{Counter, Counters};
pub use course::Courses;
pub use distribution::Distribution;
pub use generator::{ProcessUse, ShardUse};
pub use meter::Meter;
pub use progress::Progress;
pub use recorder::{Recorder, Timing};
pub use series::Series;
pub use slices::Slices;
pub use spans::Spans;
pub use timeline::Timeline;
pub use window::Window;
