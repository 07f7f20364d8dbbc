//! A YAML file as it stands on the screen: every value knows its line and column.
//!
//! Specs and scenarios are read from this tree, so that each mistake is shown where it is made, and
//! all mistakes are shown at once. It knows YAML, figures with units and how to complain; it doesn't
//! know what a spec or a scenario is. Start with [`parse`] and [`Node`].

mod diagnostic;
mod fields;
mod figures;
pub mod schema;
mod suggest;
mod tree;

pub use diagnostic::{Diagnostic, Diagnostics, Severity, render};
pub use fields::Fields;
pub use figures::{Lasting, RateText, RateWhose, duration, share};
pub use suggest::suggestion;
pub use tree::{Entry, Kind, Node, Position, Span, parse};
