//! The same bytes in other pieces: split into small segments, or gathered into large ones.

use super::figure::WAY;
use super::{Effect, Fault, Figure, Form, Kind, Shape};

/// Pieces are a little late, but not so late that a connection could end.
pub(super) const EFFECT: Effect = Effect { answers: true, deliveries: true, connection: false };

const BYTES: Figure = Figure {
    name: "bytes",
    about: "bytes in one segment, at most",
    form: Form::Bytes,
    required: true,
};

const WITHIN: Figure = Figure {
    name: "within",
    about: "how long bytes are gathered",
    form: Form::Duration,
    required: true,
};

pub(super) const SPLIT: Kind = Kind {
    name: "split",
    about: "bytes travel in TCP segments of so many bytes, a millisecond apart",
    why: "A frame is not a segment: who parses what one read brings breaks on the first large \
          message over a poor network.",
    of_server: false,
    lasts: true,
    figures: &[BYTES, WAY],
    example: "split 3",
    build: |figures| Ok(Fault::Bytes(Shape::Split(figures.number("bytes")?), figures.way())),
};

pub(super) const MERGE: Kind = Kind {
    name: "merge",
    about: "bytes are gathered for a while and travel in one piece",
    why: "Several frames in one segment: who takes one frame from each read loses the others.",
    of_server: false,
    lasts: true,
    figures: &[WITHIN, WAY],
    example: "merge 50ms",
    build: |figures| Ok(Fault::Bytes(Shape::Merge(figures.duration("within")?), figures.way())),
};
