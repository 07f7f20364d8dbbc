//! Slow: so many bytes a second, on the way or at the reader.

use super::figure::WAY;
use super::{Fault, Figure, Form, Kind, Shape};

const RATE: Figure =
    Figure { name: "rate", about: "bytes per second", form: Form::Rate, required: true };

pub(super) const THROTTLE: Kind = Kind {
    name: "throttle",
    about: "the connection carries so many bytes a second",
    why: "One bar of reception: a burst of messages must neither time out the heartbeat nor be \
          thrown away.",
    of_server: false,
    lasts: true,
    figures: &[RATE, WAY],
    example: "throttle 2000/s",
    build: |figures| Ok(Fault::Bytes(Shape::Throttle(figures.number("rate")?), figures.way())),
};

pub(super) const SLOW_READER: Kind = Kind {
    name: "slow-reader",
    about: "the client reads so many bytes a second from a small buffer, so that the server's buffers fill",
    why: "One slow phone in a group: a server that waits for it makes everybody wait, and one \
          that queues without a limit falls over.",
    of_server: false,
    lasts: true,
    figures: &[RATE],
    example: "slow-reader 1000/s",
    build: |figures| Ok(Fault::Bytes(Shape::SlowReader(figures.number("rate")?), None)),
};
