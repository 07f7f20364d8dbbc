//! The conformance catalogue: which cases there are, which of them fit a server, and how they are
//! run side by side into one [`Conformance`](crate::outcome::Conformance).
//!
//! What a case does stands beside the property that judges it; what a failure means is decided by
//! the outcome. Start with [`catalogue`], then [`run`].

mod again;
pub mod catalogue;
mod naming;
mod perform;
mod score;
mod selection;
mod tally;
mod troupe;
pub mod wire;

pub(crate) use again::is_timed;
pub use catalogue::{Catalogued, catalogue};
pub(crate) use naming::Names;
pub use perform::{Settings, run};
pub use score::Progress;
pub use selection::{Choice, UnknownCase, check_known};
pub(crate) use selection::{script_lacks, wants_own_server};
