//! No way in: attempts to connect fail.

use super::{Effect, Fault, Kind};

/// Requests over HTTP need connections, too.
pub(super) const EFFECT: Effect = Effect { answers: true, deliveries: false, connection: true };

pub(super) const REFUSE: Kind = Kind {
    name: "refuse",
    about: "the client's attempts to connect fail as refused; what is open stays open",
    why: "A restarting server, a full backlog, a firewall: clients must pause between attempts, \
          and come back complete.",
    of_server: false,
    lasts: true,
    figures: &[],
    example: "refuse",
    build: |_| Ok(Fault::Refuse),
};
