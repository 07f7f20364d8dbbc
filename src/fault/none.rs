//! No fault at all, as a fault: what everything else is compared with.

use super::{Fault, Kind};

pub(super) const NONE: Kind = Kind {
    name: "none",
    about: "nothing goes wrong",
    why: "The baseline: what is seen under a fault means something only beside what is seen without one.",
    of_server: false,
    lasts: true,
    figures: &[],
    example: "none",
    build: |_| Ok(Fault::None),
};
