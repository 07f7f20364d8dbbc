//! Small plans: exact steps for a few clients, as text that a person can read and save.
//!
//! A scenario says what many people do at rates; a script says who does what next. The catalogue's
//! probes are scripts, and a found race is saved as one. A script names no server and no wire.
//!
//! ```text
//! people: ann x2, bob, dan offline, eve stranger
//! room side: ann, bob
//! ann.1 send a | ann.2 send a      # at once; both are awaited
//! ann send d | +2.4ms bob send e   # so much later than the first
//! start bob send b                 # not awaited
//! dan connect
//! bob cut rst for 2s               # any fault, by its name
//! ann.1 send c as long => accepted
//! eve history => refused
//! pause 300ms
//! until bob sees c
//! rest
//! server restart
//! ```
//!
//! # The language
//!
//! | line | meaning |
//! |---|---|
//! | `people: NAME [xN] [on N[+N…]] [offline] [stranger] [skewed [-]DURATION], …` | the cast, first of all. `x2`: two devices, `ann.1` and `ann.2`. `on 2`: on the second node of the server, `on 1+2`: the devices in this order; the others are dealt out to the nodes. All but those `offline` are connected and ready before the first step. A `stranger` has an account and is in no room. The clocks of who is `skewed` are fast by so much, or slow |
//! | `room NAME guessed` | a conversation that does not exist; its id looks like that of the first |
//! | `room NAME: NAME, …` | a conversation. Without any there is one, `room`, of all who are no strangers; a step without `in ROOM` means the first |
//! | `no room` | there is no conversation before a step creates one |
//! | `WHO VERB … [=> refused\|accepted\|harmless]` | a step: it is over when its clients are idle, that is when what they asked for was answered or given up. After `=>` stands what the documents demand |
//! | `A … \| B …` | both released at once, and both awaited: requests are prepared before, and leave one right after the other |
//! | `… \| +DURATION B …` | released so much later than those without; microseconds count (`+250us`, `+2.4ms`) |
//! | `start …` | the same, but the next step does not wait for it |
//! | `pause DURATION`, `pause window` | nothing happens for so long; for the window of the spec's rate of sends, and half of it more |
//! | `pause heartbeat` | nothing happens until a server must have noticed a silent client: for ping interval and ping timeout of the newest session, and [`MARGIN`] |
//! | `until DEVICE sees LABEL\|SIGHT`, `until DEVICE is connected\|disconnected\|ready` | waits for it, but not for ever |
//! | `rest` | waits until everybody is idle and no delivery is awaited |
//! | `server restart\|kill [for DURATION]`, `server stop for DURATION` | what happens to the server's process |
//! | `server node N restart\|kill\|stop [for DURATION]`, `server part redis\|store [for DURATION]` | what happens to one of its nodes, counted from 1, or to a part that all stand on; without `for` the script goes on, and it lasts until `server heal` |
//! | `server heal` | what happens to nodes and parts is over: they are up again |
//!
//! `WHO` is a person (with several devices: each of them, at once) or a device. The verbs:
//!
//! | verb | meaning |
//! |---|---|
//! | `token KIND [elsewhere]` | holds another credential from now on: for its next connection, and for each request over HTTP. Kinds: see [`Credential`]; `elsewhere`: in the other documented place. After a refusal of a bad one the client stays away until it is told to `connect` |
//! | `connect [on N]`, `disconnect` | goes online, on this node if one is named, goes offline; what is asked for meanwhile waits, as the contract says |
//! | `send LABEL [as KIND] [in ROOM] [with key of LABEL] [with text of LABEL]` | sends a message; the same label again is the same message with the same key. Kinds: `short`, `long` (at the limit), `unicode`, `markup`, `overlong`, and at the limit `emoji`, `combining`, `multibyte` |
//! | `burst N [every DURATION\|paced] [as KIND] [in ROOM]` | sends so many new messages at once, or one after the other, without waiting for answers. `N` is a number, or follows from the spec's rate of sends: `rate`, `rate-1`, `2rate+5`. `paced`: a little slower than that rate |
//! | `create [ROOM] with NAME, …` | makes a conversation of oneself and these people, or finds it. Once it is there all its members are in ROOM, and steps can happen in it |
//! | `create [ROOM] of NAME, …` | the same, but the list of people that the server is given is exactly this one: in this order, oneself left out or some twice |
//! | `broadcast ROOM to everybody`, `to chapter of NAME`, `to NAME, …` | makes a conversation that oneself writes to all people, to those of a chapter or to these. Everybody belongs to one of two chapters: in the order of the cast, in turn |
//! | `type [in ROOM]` | presses a key; the contract makes starts and stops of it |
//! | any other operation (`join`, `history`, `read LABEL`, `list`, …) `[LABEL] [in ROOM]` | asks for it |
//! | any fault of [`fault::ALL`](crate::fault::ALL) (`cut rst`, `delay 200ms`, `drop message in`, …) `[for DURATION]` | it begins, and ends after so long or with `heal` |
//! | `heal` | all faults of the client end |
//!
//! After a `send` or another operation may stand how it is asked: `via CHANNEL` (one of the spec's;
//! `rest` is the first over HTTP, `socket` the first over the connection; what goes over HTTP is
//! asked also while the device is offline), `by N [every DURATION]` (a read in pages of `N` rows,
//! with a pause before each further page), `as pattern` (a search for what is no word, but in many
//! query languages a pattern for it).
//!
//! Then may stand what is odd about the request, for each server in
//! the terms of its own wire: `with text|key|conversation|message VALUE` (`empty`, `blank`, `null`,
//! `number`, `boolean`, `array`, `object`, `nested`, `huge`, `nul`, `controls`, `surrogate`, `unknown`),
//! `without text|key|conversation|message|arguments|ack`, `with an ack`, `with extra fields`,
//! `with prototype fields`, `with extra arguments`, `with flat data` (a text where an object is
//! documented), `under another name`. Nobody tries an odd request twice.
//!
//! After the last step faults end, everybody comes to rest, everybody who is in a room reads all
//! of it, and leaves. Start with [`Script::parse`]; a script is printed as it is read.

mod parse;
mod print;

pub use parse::Mistake;

use crate::fault::{Fault, Part, Server};
use crate::history::Due;
use crate::operation::{ConnectionState, Operation, Sight};
use crate::plan::credential::Credential;
use crate::plan::{Manner, Oddity, text};
use crate::spec::{AUDIENCES, Limits};
use std::time::Duration;

/// What `pause heartbeat` adds to the figures of the session.
pub const MARGIN: Duration = Duration::from_millis(1_500);

/// A small plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// The cast.
    pub people: Vec<Role>,
    /// The conversations; the first is meant where a step names none.
    pub rooms: Vec<Room>,
    /// The names of messages, in the order in which they first occur.
    pub labels: Vec<String>,
    /// What happens, in this order.
    pub steps: Vec<Step>,
}

/// One person of the cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The name.
    pub name: String,
    /// How many devices the person has.
    pub devices: usize,
    /// The person is in no room.
    pub stranger: bool,
    /// The person's devices do not connect before a step says so.
    pub offline: bool,
    /// How fast the clocks of the person's devices are, in milliseconds; below 0 they are slow.
    pub skew_ms: i64,
    /// On which node, counted from 1, each of the first devices connects; the others are dealt out.
    pub nodes: Vec<u32>,
}

/// One conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The name.
    pub name: String,
    /// Positions in the cast; the first one creates it. Without any there is no such conversation,
    /// and its id is guessed.
    pub members: Vec<usize>,
    /// A step of the script makes it; without it, it is there before the first step.
    pub by_step: bool,
    /// Of a broadcast: whom it is meant for, positions in the cast.
    pub audience: Option<Vec<usize>>,
}

/// Whom a broadcast is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Everybody on the server.
    Everybody,
    /// The chapter of this person.
    ChapterOf(usize),
    /// These people.
    People(Vec<usize>),
}

/// One device of one person, both counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Device {
    /// Position in the cast.
    pub person: usize,
    /// Which of the person's devices.
    pub device: usize,
}

/// One line of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Clients do something, all at once.
    Do {
        /// What.
        deeds: Vec<Deed>,
        /// The next step waits until these clients are idle.
        awaited: bool,
    },
    /// Nothing happens for so long.
    Pause(Duration),
    /// Nothing happens for the window of the spec's rate of sends, and half of it more.
    PauseWindow,
    /// Nothing happens until a server must have noticed a silent client.
    PauseHeartbeat,
    /// A device sees something.
    UntilSees(Device, Sighted),
    /// A device's connection has this state; `None`: it is ready.
    UntilIs(Device, Option<ConnectionState>),
    /// Everybody is idle and no delivery is awaited.
    Rest,
    /// Something happens to the server's process, or to a node or part of it.
    Server(ServerDeed),
    /// What happens to nodes and parts is over.
    ServerHeals,
}

/// What is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighted {
    /// The message with this label, by its position.
    Message(usize),
    /// Something else.
    Sight(Sight),
}

/// What happens to the server's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerDeed {
    /// What.
    pub what: Server,
    /// How long it lasts: how long it is down, or halted. Of a node or a part, without: until it heals.
    pub lasts: Option<Duration>,
}

/// What one device does.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// Who.
    pub by: Device,
    /// What.
    pub verb: Verb,
    /// What the documents demand of it.
    pub due: Option<Due>,
    /// What is odd about the request.
    pub odd: Option<Oddity>,
    /// Over which channel, and in which pages.
    pub manner: Manner,
    /// How much later it is released than those of its step that are first.
    pub after: Duration,
}

/// What a device can do. Rooms, labels and people are positions in the script's lists.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Holds another credential.
    Hold {
        /// Which.
        credential: Credential,
        /// In the other documented place.
        elsewhere: bool,
    },
    /// Goes online, perhaps on this node, counted from 1.
    Connect(Option<u32>),
    /// Goes offline.
    Disconnect,
    /// Sends a message.
    Send {
        /// Which.
        label: usize,
        /// Where.
        room: usize,
        /// What its text is like.
        kind: text::Kind,
        /// Under the key of another message.
        key_of: Option<usize>,
        /// With the text of another message.
        text_of: Option<usize>,
    },
    /// Sends several messages at once.
    Burst {
        /// How many.
        count: Count,
        /// The time from one to the next.
        pace: Pace,
        /// Where.
        room: usize,
        /// What their texts are like.
        kind: text::Kind,
    },
    /// Presses a key.
    Type {
        /// Where.
        room: usize,
    },
    /// Makes a conversation, or finds it.
    Create {
        /// Under which name later steps speak of it.
        room: Option<usize>,
        /// Who the creator says is in it, in this order.
        people: Vec<usize>,
    },
    /// Makes a conversation to an audience.
    Broadcast {
        /// Under which name later steps speak of it.
        room: usize,
        /// Whom it is meant for.
        to: To,
    },
    /// Asks for an operation.
    Ask {
        /// Which.
        operation: Operation,
        /// About which message.
        label: Option<usize>,
        /// Where.
        room: usize,
    },
    /// A fault begins.
    Suffer {
        /// Which.
        fault: Fault,
        /// How long it lasts; until `heal` if nothing is said.
        lasts: Option<Duration>,
    },
    /// All faults of the device end.
    Heal,
}

/// How many messages: a number, or what follows from the spec's rate of sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// So many times what the rate allows in its window.
    pub rates: u32,
    /// So many more, or fewer.
    pub plus: i32,
}

/// The time from one message of a burst to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// None.
    AtOnce,
    /// So long.
    Every(Duration),
    /// A quarter more than the spec's rate of sends asks for.
    Paced,
}

impl To {
    /// Which of [`AUDIENCES`] it is.
    const fn kind(&self) -> usize {
        match self {
            Self::Everybody => 0,
            Self::ChapterOf(_) => 1,
            Self::People(_) => 2,
        }
    }
}

impl Count {
    /// The number, on a server with these limits.
    #[must_use]
    pub fn of(self, limits: &Limits) -> u32 {
        let rate = limits.send_rate.map_or(0, |(most, _)| most);
        rate.saturating_mul(self.rates).saturating_add_signed(self.plus)
    }
}

impl Pace {
    /// The time, on a server with these limits.
    #[must_use]
    pub fn of(self, limits: &Limits) -> Duration {
        match (self, limits.send_rate) {
            (Self::Every(pause), _) => pause,
            (Self::Paced, Some((most, window))) => window * 5 / (most * 4),
            (Self::AtOnce | Self::Paced, _) => Duration::ZERO,
        }
    }
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The first line that cannot be understood, and why.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        parse::script(text)
    }

    /// All devices of a person.
    pub fn devices_of(&self, person: usize) -> impl Iterator<Item = Device> + use<> {
        (0..self.people[person].devices).map(move |device| Device { person, device })
    }

    /// All devices.
    pub fn devices(&self) -> impl Iterator<Item = Device> + '_ {
        (0..self.people.len()).flat_map(|person| self.devices_of(person))
    }

    /// All deeds, in the order of the script.
    pub fn deeds(&self) -> impl Iterator<Item = &Deed> {
        self.steps.iter().flat_map(|step| match step {
            Step::Do { deeds, .. } => deeds.as_slice(),
            _ => &[],
        })
    }

    /// The operations that the server must have for this script.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        let mut all: Vec<Operation> = Vec::new();
        for deed in self.deeds() {
            let wanted: &[Operation] = match &deed.verb {
                Verb::Send { .. } | Verb::Burst { .. } => &[Operation::Send],
                Verb::Type { .. } => &[Operation::TypingStart],
                Verb::Create { .. } => &[Operation::Create],
                Verb::Broadcast { .. } => &[Operation::Broadcast],
                Verb::Ask { operation, .. } => std::slice::from_ref(operation),
                Verb::Hold { .. }
                | Verb::Connect(_)
                | Verb::Disconnect
                | Verb::Suffer { .. }
                | Verb::Heal => &[],
            };
            all.extend(wanted);
        }
        if self.rooms.iter().any(|room| room.audience.is_none()) {
            all.push(Operation::Create);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The channels that the server must have for this script, with the operation.
    #[must_use]
    pub fn channels(&self) -> Vec<(Operation, &str)> {
        let chosen = self.deeds().filter_map(|deed| {
            let via = deed.manner.via.as_deref()?;
            match &deed.verb {
                Verb::Ask { operation, .. } => Some((*operation, via)),
                _ => Some((Operation::Send, via)),
            }
        });
        chosen.collect()
    }

    /// The reads whose pages have a size of their own.
    pub fn paged(&self) -> impl Iterator<Item = Operation> {
        self.deeds().filter(|deed| deed.manner.rows.is_some()).filter_map(|deed| match deed.verb {
            Verb::Ask { operation, .. } => Some(operation),
            _ => None,
        })
    }

    /// The sights that the server must have for this script.
    #[must_use]
    pub fn sights(&self) -> Vec<Sight> {
        let wanted = self.steps.iter().filter_map(|step| match step {
            Step::UntilSees(_, Sighted::Sight(sight)) => Some(*sight),
            _ => None,
        });
        let mut all: Vec<Sight> = wanted.collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The script waits for the window of the spec's rate of sends, or keeps its pace.
    #[must_use]
    pub fn waits_for_the_rate(&self) -> bool {
        let paced = |deed: &Deed| matches!(deed.verb, Verb::Burst { pace: Pace::Paced, .. });
        self.steps.contains(&Step::PauseWindow) || self.deeds().any(paced)
    }

    /// How many nodes the server must have: the highest that is named, 2 where the bus between them is struck.
    #[must_use]
    pub fn nodes(&self) -> u32 {
        let people = self.people.iter().flat_map(|role| role.nodes.iter().copied());
        let steps = self.steps.iter().map(|step| match step {
            Step::Server(ServerDeed { what: Server::Node(node), .. }) => node.number.max(2),
            Step::Server(ServerDeed { what: Server::Part(Part::Redis), .. }) => 2,
            _ => 1,
        });
        let deeds = self.deeds().map(|deed| match deed.verb {
            Verb::Connect(node) => node.unwrap_or(1),
            _ => 1,
        });
        people.chain(steps).chain(deeds).max().unwrap_or(1)
    }

    /// What happens to the server.
    pub fn strikes(&self) -> impl Iterator<Item = Server> + '_ {
        self.steps.iter().filter_map(|step| match step {
            Step::Server(deed) => Some(deed.what),
            _ => None,
        })
    }

    /// The kinds of audience of the script's broadcasts, by the names of their channels.
    #[must_use]
    pub fn audiences(&self) -> Vec<&'static str> {
        let kinds = self.deeds().filter_map(|deed| match &deed.verb {
            Verb::Broadcast { to, .. } => Some(AUDIENCES[to.kind()]),
            _ => None,
        });
        kinds.collect()
    }

    /// A broadcast is for everybody on the server, whoever that is.
    #[must_use]
    pub fn speaks_to_everybody(&self) -> bool {
        self.deeds().any(|deed| matches!(deed.verb, Verb::Broadcast { to: To::Everybody, .. }))
    }

    /// The server's process is stopped, killed or restarted.
    #[must_use]
    pub fn handles_the_server(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Server(_)))
    }
}
