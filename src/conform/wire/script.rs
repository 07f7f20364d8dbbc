//! The steps of a case: raw requests, frames and packets, sent and expected, as text.
//!
//! ```text
//! h -> GET ?EIO=4&transport=polling
//! h <- 200 0{"sid":"$sid"}
//! w -> WS ?EIO=4&transport=websocket&sid=$sid
//! w <- 101
//! w -> 2probe
//! w <- 3probe
//! a open
//! a join
//! a -> 4abc
//! a <- closed
//! ```
//!
//! # The language
//!
//! Each line begins with a name. A name is a request, a WebSocket or a session, by its first line.
//!
//! | line | meaning |
//! |---|---|
//! | `NAME -> GET\|POST\|… ?QUERY [BODY]` | an HTTP request on a connection of its own; the spec's path, headers and own query are added. It is not awaited |
//! | `NAME -> WS ?QUERY` | asks for a WebSocket; nothing is read or answered by itself |
//! | `NAME open [polling\|websocket]` | opens a session and binds `$NAME` to its sid, `$interval`, `$timeout` and `$max` to its figures. It polls and answers pings by itself |
//! | `NAME mute` | from now on it answers no ping |
//! | `NAME join` | CONNECT to the spec's namespace with the person's credential, granted; then the login, where the spec has a `first` |
//! | `NAME -> PACKET[␞PACKET…]` | Engine.IO packets: text frames, or one payload of a POST. A packet `bBASE64` is a binary message |
//! | `NAME -> frame WORD… TEXT` | one WebSocket frame by hand: `text`, `binary`, `more` (not the last), `rest` (a continuation), `ping`, `pong`, `close`, `unmasked`, `reserved` (a reserved bit), `opcode3`, `opcode11`, `half` (the rest is not sent), `huge` (it announces 256 MiB, which never come) |
//! | `NAME <- WHAT [or WHAT…]`, `NAME <- WHAT and WHAT…` | what has to come: one of these, or all of these in any order |
//! | … `within LIMIT` | no later than that |
//! | … `if at all` | if nothing comes, the case has seen too little to judge |
//! | `NAME quiet LIMIT` | the session stays open, and nothing comes but pings and events |
//! | `NAME leaves [close CODE\|fin\|rst]` | ends the connection |
//! | `pause LIMIT` | nothing happens for so long |
//! | `check $A differs from $B`, `check $A is N..M`, `check $A has N` | looks at holes; `has`: so many characters at least |
//!
//! | what is expected | means |
//! |---|---|
//! | `200`, `4xx` | this status; a `101` accepts a WebSocket |
//! | `200 PATTERN[␞PATTERN…]` | … and a payload with these packets, in this order |
//! | `refused` | a status from 400, no answer at all, or a WebSocket that is closed again without a packet |
//! | `closed` | the session or WebSocket ends |
//! | `pong TEXT` | a WebSocket pong |
//! | `nothing` | nothing comes until the limit; that is fine |
//! | `answer` | a frame that answers `$ask`, yes or no |
//! | anything else | a packet; `*` at its end is any rest, JSON in it may have more fields, `"$x"` in it binds |
//!
//! While a packet is awaited, pings, noops and events that nobody asked for are passed over.
//!
//! `LIMIT` is `300ms`, `2s`, or a share of what the server announced: `interval`, `timeout`, `dead`
//! (both together), `0.5 timeout`. Holes are `$ns` (`/chat,` or nothing), `$auth` (the CONNECT
//! payload), `$event` (an event of the spec that is acknowledged) and what the script binds.
//!
//! On a raw WebSocket `open` waits for the spec's welcome, `join` logs in, frames that nobody asked
//! for are passed over, and the heartbeat is the application's: `mute` ends it. Holes are `$ask` (a
//! frame of the spec that is answered), `$head` and `$tail` (its halves), and `$odd` (the same under
//! a name that no server knows). The limits are those of `connect: ping`.
//!
//! Start with [`Script::parse`].

mod parse;

pub use parse::Mistake;

use super::text::{Pattern, Template};
use super::tongue::Word;
use crate::wire::handshake::Carrier;
use std::time::Duration;

/// The steps of a case, compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    pub(super) steps: Vec<Step>,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// The line as it is written.
    pub(super) text: String,
    pub(super) act: Act,
}

/// What one line does; names are positions in the order of their first lines.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    Open { name: String, over: Option<Carrier> },
    Mute { name: String },
    Join { name: String },
    Request { name: String, method: String, query: Template, body: Option<Template> },
    Socket { name: String, query: Template },
    Send { name: String, payload: Template },
    Frame { name: String, frame: FrameWords, payload: Template },
    Leave { name: String, how: Departure },
    Expect { name: String, wanted: Wanted },
    Quiet { name: String, limit: Limit },
    Pause(Limit),
    Check { hole: String, what: Check },
}

/// What has to come.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) list: Vec<Expected>,
    /// All of the list, in any order; else one of it.
    pub(super) all: bool,
    pub(super) within: Option<Limit>,
    pub(super) if_at_all: bool,
}

/// One thing that may come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    Status {
        from: u16,
        to: u16,
        packets: Vec<Pattern>,
    },
    Refused,
    Closed,
    Nothing,
    Pong(Template),
    Packet(Pattern),
    /// A word of the spec, on a raw WebSocket.
    Word(Word),
}

/// How a connection is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Departure {
    /// A close frame of this code.
    Close(u16),
    /// The end of the stream, without a word.
    Fin,
    /// A reset.
    Reset,
}

/// How a frame is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameWords {
    pub(super) opcode: u8,
    pub(super) last: bool,
    pub(super) masked: bool,
    pub(super) reserved: bool,
    pub(super) half: bool,
    /// It announces so much more than comes that no server may wait for it.
    pub(super) huge: bool,
}

/// A time, fixed or as a share of what the server announced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Limit {
    Fixed(Duration),
    Share(f64, Figure),
}

/// What the server announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Interval,
    Timeout,
    /// Both together: after so long a dead client is noticed.
    Dead,
}

/// What is asked of a hole.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Check {
    DiffersFrom(String),
    IsWithin(u64, u64),
    HasAtLeast(usize),
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The first line that cannot be understood, and why.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        parse::script(text)
    }

    /// It sends what this hole stands for, such as an event of the spec that is acknowledged.
    #[must_use]
    pub(super) fn needs(&self, hole: &str) -> bool {
        self.steps.iter().any(|step| match &step.act {
            Act::Send { payload, .. } | Act::Frame { payload, .. } => {
                payload.holes().any(|name| name == hole)
            }
            Act::Request { body: Some(body), .. } => body.holes().any(|name| name == hole),
            _ => false,
        })
    }

    /// It waits for a share of what the server announced.
    #[must_use]
    pub(super) fn needs_figures(&self) -> bool {
        self.steps.iter().any(|step| match &step.act {
            Act::Expect { wanted, .. } => matches!(wanted.within, Some(Limit::Share(..))),
            Act::Quiet { limit, .. } | Act::Pause(limit) => matches!(limit, Limit::Share(..)),
            _ => false,
        })
    }
}
