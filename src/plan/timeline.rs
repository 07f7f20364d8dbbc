//! Everything a shard's clients are going to do, in the order of time.

use crate::history::{ClientId, ConversationId, MessageRef, Nanos};
use crate::plan::Plan;
use crate::plan::dice::Dice;
use crate::plan::population::Cell;
use crate::plan::stream::{Source, Stream};
use crate::scenario::{FaultPlan, Pace};
use compact_str::CompactString;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

/// Something that is going to happen at a time, whatever the server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When, from the start of the first phase.
    pub at: Nanos,
    /// Who.
    pub client: ClientId,
    /// What.
    pub act: Act,
}

/// What a client is going to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Connect for the first time.
    Connect,
    /// Send a message.
    Send {
        /// Where.
        conversation: ConversationId,
        /// Which.
        message: MessageRef,
        /// Let it leave a second time at once, as a double tap or a second tab would.
        repeat: bool,
        /// Over which channel; `None`: the first.
        via: Option<CompactString>,
    },
    /// Press a key.
    Keystroke {
        /// Where.
        conversation: ConversationId,
    },
    /// Read the whole history.
    History {
        /// Of what.
        conversation: ConversationId,
    },
    /// Start to send, wait for the answer, think, send, … until the phase ends.
    Converse {
        /// When the next send is due.
        pace: Pace,
        /// The phase's number.
        phase: usize,
        /// The end of the phase.
        until: Nanos,
        /// The person's number, from which its own choices follow.
        seed: u64,
    },
    /// Go offline for a while, if the client is online at all.
    GoAway,
    /// Come back from there.
    ComeBack,
    /// A fault of the scenario begins or ends for this client.
    Fault {
        /// Position in the scenario's list.
        index: usize,
        /// It begins, or it ends.
        begins: bool,
    },
}

impl Planned {
    /// A send that does not leave a second time from here.
    pub(super) fn only_once(&mut self) {
        if let Act::Send { repeat, .. } = &mut self.act {
            *repeat = false;
        }
    }
}

/// All planned acts of some cells, sorted by time and made only when they are due.
#[derive(Debug)]
pub struct Timeline {
    heap: BinaryHeap<Reverse<Due>>,
    streams: Vec<Stream>,
    count: u64,
}

#[derive(Debug)]
struct Due {
    at: Nanos,
    count: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    /// The stream at this position makes its next acts.
    Stream(usize),
    Act(Planned),
}

impl Timeline {
    /// The timeline of these cells.
    #[must_use]
    pub fn new(plan: &Plan, cells: &[Cell]) -> Self {
        let mut timeline = Self { heap: BinaryHeap::new(), streams: Vec::new(), count: 0 };
        for cell in cells {
            for planned in arrivals(plan, cell).chain(faults(plan, cell)) {
                timeline.push(planned.at, What::Act(planned));
            }
            for stream in Stream::all(plan, cell) {
                timeline.add(stream);
            }
        }
        timeline
    }

    fn add(&mut self, stream: Stream) {
        self.streams.push(stream);
        self.schedule(self.streams.len() - 1);
    }

    fn schedule(&mut self, index: usize) {
        if let Some(at) = self.streams[index].next_at() {
            self.push(at, What::Stream(index));
        }
    }

    fn push(&mut self, at: Nanos, what: What) {
        self.count += 1;
        self.heap.push(Reverse(Due { at, count: self.count, what }));
    }

    /// When the next act is due, at the earliest.
    #[must_use]
    pub fn next_at(&self) -> Option<Nanos> {
        self.heap.peek().map(|due| due.0.at)
    }
}

impl Iterator for Timeline {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        loop {
            match self.heap.pop()?.0.what {
                What::Act(planned) => return Some(planned),
                What::Stream(index) => {
                    let acts = self.streams[index].make();
                    self.schedule(index);
                    for planned in acts {
                        self.push(planned.at, What::Act(planned));
                    }
                }
            }
        }
    }
}

/// When each client connects for the first time: evenly over the phases that connect a share.
fn arrivals<'a>(plan: &'a Plan, cell: &'a Cell) -> impl Iterator<Item = Planned> + 'a {
    let mut dice = Dice::new(plan.seed, "arrivals", u64::from(cell.number), 0);
    let mut clients: Vec<ClientId> = cell.clients().collect();
    dice.shuffle(&mut clients);
    let count = clients.len() as f64;
    clients.into_iter().enumerate().filter_map(move |(index, client)| {
        let place = (index as f64 + dice.unit()) / count;
        let at = arrival(plan, place)?;
        Some(Planned { at, client, act: Act::Connect })
    })
}

fn arrival(plan: &Plan, place: f64) -> Option<Nanos> {
    let mut start = Duration::ZERO;
    let mut connected = 0.0;
    for phase in &plan.scenario.phases {
        if phase.connect > 0.0 && place < connected + phase.connect {
            let within = (place - connected) / phase.connect;
            let within = phase
                .steps
                .map_or(within, |steps| (within * f64::from(steps)).floor() / f64::from(steps));
            return Some((start + phase.lasts.mul_f64(within.clamp(0.0, 1.0))).as_nanos() as Nanos);
        }
        connected += phase.connect;
        start += phase.lasts;
    }
    None
}

/// Begin and end of each fault for the clients it hits: exactly its share of each cell.
fn faults<'a>(plan: &'a Plan, cell: &'a Cell) -> impl Iterator<Item = Planned> + 'a {
    let of_clients = |fault: &&FaultPlan| fault.fault.of_server().is_none();
    plan.scenario.faults.iter().enumerate().filter(move |(_, fault)| of_clients(fault)).flat_map(
        move |(index, fault)| {
            let mut dice = Dice::new(plan.seed, "fault", u64::from(cell.number), index as u64);
            let mut clients: Vec<ClientId> = cell.clients().collect();
            dice.shuffle(&mut clients);
            // The remainder is drawn, so that the shares of small cells add up in the whole.
            let hit = (clients.len() as f64 * fault.share + dice.unit()) as usize;
            clients.truncate(hit);
            clients.into_iter().flat_map(move |client| {
                [(fault.at, true), (fault.at + fault.lasts, false)].map(|(at, begins)| Planned {
                    at: at.as_nanos() as Nanos,
                    client,
                    act: Act::Fault { index, begins },
                })
            })
        },
    )
}

/// Streams of one source and phase, as [`Stream::all`] makes them.
impl Stream {
    /// The streams of a cell over all phases.
    fn all(plan: &Plan, cell: &Cell) -> Vec<Self> {
        let mut start: Nanos = 0;
        let mut streams = Vec::new();
        for (number, phase) in plan.scenario.phases.iter().enumerate() {
            let end = start + phase.lasts.as_nanos() as Nanos;
            for source in Source::of(&phase.behaviour) {
                streams.extend(Self::new(plan, cell, number, source, start..end));
            }
            start = end;
        }
        streams
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.count) == (other.at, other.count)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.count).cmp(&(other.at, other.count))
    }
}
