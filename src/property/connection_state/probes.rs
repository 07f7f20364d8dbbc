//! What provokes `connection-state`.

use crate::property::Probe;

pub(super) const PROBES: &[Probe] = &[];
