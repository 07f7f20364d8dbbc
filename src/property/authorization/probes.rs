//! The cases of `authorization`: a stranger at each door of a conversation.

use crate::property::{Need, Probe, Severity};

pub(super) const PROBES: &[Probe] = &[];
