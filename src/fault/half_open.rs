//! A connection that stands and carries nothing.

use super::{Fault, Kind};

pub(super) const HALF_OPEN: Kind = Kind {
    name: "half-open",
    about: "bytes neither come nor go and nobody is told: the server sees silence; new connections and requests hang, too",
    why: "A cable is pulled, a NAT forgets: both sides believe in a connection that is none. \
          Heartbeats must find out, and nothing may be lost when it wakes up.",
    of_server: false,
    lasts: true,
    figures: &[],
    example: "half-open",
    build: |_| Ok(Fault::HalfOpen),
};

pub(super) const SILENCE: Kind = Kind {
    name: "silence",
    about: "the client neither reads nor answers, heartbeats included, but its connection stays",
    why: "A laptop lid is closed, an app is frozen in the background: the server must not keep \
          what waits for it for ever, nor let others wait.",
    of_server: false,
    lasts: true,
    figures: &[],
    example: "silence",
    build: |_| Ok(Fault::Silence),
};
