//! Who was to get each message, and who did: of a conversation's members those who were connected and at
//! rest when the message first left, without the client that sent it.
//!
//! A pair is a group of two: its message has one receiver. Memory: a seat per member and conversation,
//! and a flight per message that has not reached everybody. Nobody leaves a conversation in a run, so
//! leaving is not known here; nor are times but those that are handed on. Start with [`FanOut::send`].

use crate::history::{ClientId, ConversationId, Nanos, PersonId};
use crate::outcome::phase::Reach;
use crate::spec::Echo;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Members of a conversation that are looked through one by one; of larger ones, each has its place noted.
const FEW: usize = 16;

/// The conversations of a shard, and who of their members can be reached.
#[derive(Debug)]
pub(super) struct FanOut {
    /// Whom the server pushes a message to.
    echo: Echo,
    clients: FxHashMap<ClientId, Presence>,
    numbers: FxHashMap<ConversationId, u32>,
    rooms: Vec<Room>,
}

/// A client: it can be reached while it is ready and no fault keeps anything from it.
#[derive(Debug, Default)]
struct Presence {
    person: Option<PersonId>,
    ready: bool,
    faults: u32,
    seats: SmallVec<[Seat; 1]>,
}

#[derive(Clone, Copy, Debug)]
struct Seat {
    room: u32,
    index: usize,
}

#[derive(Debug, Default)]
struct Room {
    members: SmallVec<[ClientId; 4]>,
    /// Where each member stands, in a large room.
    places: FxHashMap<ClientId, usize>,
    /// Members that can be reached.
    present: Bits,
}

/// A message on its way to its receivers.
#[derive(Debug)]
pub(super) struct Flight {
    room: u32,
    /// Receivers that do not have it.
    waiting: Bits,
    /// Whom it reached so far.
    pub(super) reach: Reach,
    /// When the first and the last receiver so far were pushed it.
    pub(super) first: Nanos,
    pub(super) last: Nanos,
}

/// What an arrival was to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Nobody waited for it: a copy, or a receiver who came later.
    Other,
    /// The first push.
    First,
    /// One more receiver has it.
    Further,
}

impl FanOut {
    /// Nobody yet; the server pushes messages to these.
    pub(super) fn new(echo: Echo) -> Self {
        let (clients, numbers) = (FxHashMap::default(), FxHashMap::default());
        Self { echo, clients, numbers, rooms: Vec::new() }
    }

    /// The client is this person's.
    pub(super) fn person(&mut self, client: ClientId, person: PersonId) {
        self.clients.entry(client).or_default().person = Some(person);
    }

    /// The client is a member of the conversation, or one of those it is meant for.
    pub(super) fn member(&mut self, client: ClientId, conversation: ConversationId) {
        let next = self.rooms.len() as u32;
        let number = *self.numbers.entry(conversation).or_insert(next);
        if number == next {
            self.rooms.push(Room::default());
        }
        let room = &mut self.rooms[number as usize];
        if room.place(client).is_some() {
            return;
        }
        let index = room.seat(client);
        let presence = self.clients.entry(client).or_default();
        presence.seats.push(Seat { room: number, index });
        room.present.set(index, presence.is_there());
    }

    /// The client is at rest in its conversations, or no longer.
    pub(super) fn ready(&mut self, client: ClientId, ready: bool) {
        self.turn(client, |presence| presence.ready = ready);
    }

    /// A fault that keeps messages from the client begins or ends.
    pub(super) fn fault(&mut self, client: ClientId, begins: bool) {
        self.turn(client, |presence| {
            let faults = presence.faults;
            presence.faults = if begins { faults + 1 } else { faults.saturating_sub(1) };
        });
    }

    fn turn(&mut self, client: ClientId, change: impl FnOnce(&mut Presence)) {
        let presence = self.clients.entry(client).or_default();
        let before = presence.is_there();
        change(presence);
        let after = presence.is_there();
        if before != after {
            for seat in &presence.seats {
                self.rooms[seat.room as usize].present.set(seat.index, after);
            }
        }
    }

    /// A message leaves; none if nobody is there to get it.
    pub(super) fn send(&self, by: ClientId, conversation: ConversationId) -> Option<Flight> {
        if self.echo == Echo::None {
            return None;
        }
        let number = *self.numbers.get(&conversation)?;
        let room = &self.rooms[number as usize];
        let mut waiting = room.present.clone();
        if let Some(own) = room.place(by) {
            waiting.set(own, false);
        }
        if self.echo == Echo::OtherPeople
            && let Some(person) = self.clients.get(&by).and_then(|presence| presence.person)
        {
            let owner = |member| self.clients.get(member).and_then(|presence| presence.person);
            for (index, member) in room.members.iter().enumerate() {
                if owner(member) == Some(person) {
                    waiting.set(index, false);
                }
            }
        }
        let reach = Reach { expected: waiting.count(), ..Reach::default() };
        let flight = Flight { room: number, waiting, reach, first: 0, last: 0 };
        (!reach.is_empty()).then_some(flight)
    }

    /// The message came to a client: pushed, or as a row of a sync.
    pub(super) fn arrive(
        &self,
        flight: &mut Flight,
        client: ClientId,
        at: Nanos,
        live: bool,
    ) -> Arrival {
        let place = self.rooms[flight.room as usize].place(client);
        if !place.is_some_and(|place| flight.waiting.take(place)) {
            return Arrival::Other;
        }
        if !live {
            flight.reach.synced += 1;
            return Arrival::Further;
        }
        flight.reach.live += 1;
        flight.last = at;
        if flight.reach.live > 1 {
            return Arrival::Further;
        }
        flight.first = at;
        Arrival::First
    }
}

impl Presence {
    const fn is_there(&self) -> bool {
        self.ready && self.faults == 0
    }
}

impl Room {
    fn place(&self, client: ClientId) -> Option<usize> {
        match self.members.len() {
            0..=FEW => self.members.iter().position(|member| *member == client),
            _ => self.places.get(&client).copied(),
        }
    }

    /// Gives the client the next seat.
    fn seat(&mut self, client: ClientId) -> usize {
        let index = self.members.len();
        self.members.push(client);
        match index {
            0..FEW => {}
            FEW => self.places = self.members.iter().copied().zip(0..).collect(),
            _ => {
                self.places.insert(client, index);
            }
        }
        index
    }
}

impl Flight {
    /// Everybody has it.
    pub(super) const fn is_settled(&self) -> bool {
        self.reach.live + self.reach.synced == self.reach.expected
    }

    /// Nobody has it.
    pub(super) const fn is_unseen(&self) -> bool {
        self.reach.live + self.reach.synced == 0
    }
}

/// A set of small numbers.
#[derive(Clone, Debug, Default)]
struct Bits(SmallVec<[u64; 1]>);

impl Bits {
    fn set(&mut self, index: usize, is_in: bool) {
        let (word, bit) = (index >> 6, 1 << (index & 63));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if is_in {
            self.0[word] |= bit;
        } else {
            self.0[word] &= !bit;
        }
    }

    /// Removes the number; `false` if it was not there.
    fn take(&mut self, index: usize) -> bool {
        let Some(word) = self.0.get_mut(index >> 6) else { return false };
        let bit = 1 << (index & 63);
        let was = *word & bit != 0;
        *word &= !bit;
        was
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: ConversationId = ConversationId(3);

    /// Clients 0 to `count`, two for each person, all in one conversation and there.
    fn company(echo: Echo, count: u32) -> FanOut {
        let mut fan_out = FanOut::new(echo);
        for client in (0..count).map(ClientId) {
            fan_out.person(client, PersonId(client.0 / 2));
            fan_out.ready(client, true);
            fan_out.member(client, PLACE);
        }
        fan_out
    }

    #[test]
    fn all_who_are_there_are_waited_for_but_the_sender() {
        let expected = |echo, count| {
            let flight = company(echo, count).send(ClientId(1), PLACE);
            flight.map(|flight| flight.reach.expected)
        };
        assert_eq!(expected(Echo::All, 200), Some(199));
        assert_eq!(expected(Echo::Others, 4), Some(3));
        assert_eq!(expected(Echo::OtherPeople, 4), Some(2), "the other device hears nothing");
        assert_eq!(expected(Echo::OtherPeople, 2), None);
        assert_eq!(expected(Echo::None, 4), None);
    }

    #[test]
    fn who_is_away_or_held_back_is_not_waited_for() {
        let mut fan_out = company(Echo::All, 70);
        let expected = |fan_out: &FanOut| fan_out.send(ClientId(0), PLACE).unwrap().reach.expected;
        fan_out.ready(ClientId(69), false);
        fan_out.fault(ClientId(3), true);
        fan_out.fault(ClientId(3), true);
        assert_eq!(expected(&fan_out), 67);
        fan_out.fault(ClientId(3), false);
        assert_eq!(expected(&fan_out), 67);
        fan_out.fault(ClientId(3), false);
        fan_out.ready(ClientId(69), true);
        assert_eq!(expected(&fan_out), 69);
        assert!(fan_out.send(ClientId(0), ConversationId(9)).is_none());
    }

    #[test]
    fn each_receiver_counts_once_and_those_who_came_later_do_not() {
        let mut fan_out = company(Echo::All, 4);
        fan_out.ready(ClientId(3), false);
        let mut flight = fan_out.send(ClientId(0), PLACE).unwrap();
        let mut arrive = |client, at, live| fan_out.arrive(&mut flight, ClientId(client), at, live);
        assert_eq!(arrive(0, 5, true), Arrival::Other, "its own copy");
        assert_eq!(arrive(3, 6, true), Arrival::Other);
        assert_eq!(arrive(1, 7, true), Arrival::First);
        assert_eq!(arrive(1, 8, true), Arrival::Other);
        assert_eq!(arrive(2, 9, false), Arrival::Further);
        assert!(flight.is_settled());
        assert_eq!(flight.reach, Reach { expected: 2, live: 1, synced: 1 });
        assert_eq!((flight.first, flight.last), (7, 7));
    }
}
