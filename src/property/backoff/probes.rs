//! What provokes `backoff`.

use crate::property::Probe;

pub(super) const PROBES: &[Probe] = &[];
