//! What provokes `conversation-identity`.

use crate::property::Probe;

pub(super) const PROBES: &[Probe] = &[];
