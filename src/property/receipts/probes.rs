//! What provokes `receipts`.

use crate::property::Probe;

pub(super) const PROBES: &[Probe] = &[];
