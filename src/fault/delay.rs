//! Late: all bytes of a connection, or only some messages.

use super::figure::WAY;
use super::messages::{CHANCE, WHAT, messages};
use super::{Deed, Fault, Figure, Form, Kind, Shape};

const BY: Figure =
    Figure { name: "by", about: "how much later", form: Form::Duration, required: true };

const UP_TO: Figure = Figure {
    name: "up-to",
    about: "how much later, at most",
    form: Form::Duration,
    required: true,
};

pub(super) const DELAY: Kind = Kind {
    name: "delay",
    about: "everything arrives later by the same time; or, with `what`, only some messages do",
    why: "Satellites and other continents: acks cross retries on the way, and an order that was \
          a matter of luck shows.",
    of_server: false,
    lasts: true,
    figures: &[
        Figure {
            about: "only these messages; all bytes of the connection if it is left out",
            required: false,
            ..WHAT
        },
        BY,
        WAY,
        CHANCE,
    ],
    example: "delay 200ms",
    build: |figures| {
        let by = figures.duration("by")?;
        match figures.what("what") {
            Some(_) => messages(Deed::Delay(by), figures),
            None if figures.share("chance").is_some() => {
                Err("all bytes are late, or none: `chance` needs `what`".into())
            }
            None => Ok(Fault::Bytes(Shape::Delay(by), figures.way())),
        }
    },
};

pub(super) const JITTER: Kind = Kind {
    name: "jitter",
    about: "everything arrives later by a time that changes by chance, in order nevertheless",
    why: "Mobile networks: a heartbeat or an ack may be late once without anything being wrong.",
    of_server: false,
    lasts: true,
    figures: &[UP_TO, WAY],
    example: "jitter 50ms",
    build: |figures| Ok(Fault::Bytes(Shape::Jitter(figures.duration("up-to")?), figures.way())),
};
