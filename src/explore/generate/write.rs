//! What a sketch means: its numbers become people, rooms and messages, and its acts lines of a script.
//!
//! Whoever acts in a room is a member of it, a message that something is done with was sent before, and
//! nobody sends more than the documented rate allows. What has no meaning, such as reading before
//! anything was sent, becomes a send.

use super::palette::{Palette, Repeats};
use super::sketch::{Act, Knot, Move, Sketch, Strike, What};
use crate::explore::offsets::Offsets;
use crate::operation::Operation;
use crate::plan::dice::Dice;
use proptest::sample::Index;
use std::fmt::Write as _;

const PEOPLE: [&str; 6] = ["ann", "bob", "cid", "dan", "eve", "fay"];
const ROOMS: [&str; 4] = ["x", "y", "z", "w"];
/// What can go wrong for a client, as scripts say it.
const TROUBLES: &[&str] = &[
    "cut rst",
    "cut fin",
    "cut-after-send rst for 300ms",
    "delay 20ms for 600ms",
    "delay 80ms out for 600ms",
    "jitter 30ms for 600ms",
    "split 3 for 500ms",
    "merge 20ms for 500ms",
    "withhold-acks for 300ms",
    "reorder acks for 500ms",
];

/// Messages of the largest burst.
const MOST_AT_ONCE: usize = 7;

/// The lines of a sketch.
pub(super) fn text(
    sketch: &Sketch,
    palette: &Palette,
    offsets: &Offsets,
    dice: &mut Dice,
) -> String {
    let mut writer = Writer::of(sketch, palette, offsets, dice);
    sketch.acts.iter().for_each(|act| writer.act(act));
    writer.text
}

struct Writer<'a> {
    palette: &'a Palette,
    offsets: &'a Offsets,
    dice: &'a mut Dice,
    devices: &'a [usize],
    rooms: Vec<Room>,
    messages: Vec<Message>,
    /// How many sends of each person there are.
    sent: Vec<usize>,
    away: Vec<(usize, usize)>,
    text: String,
}

struct Room {
    members: Vec<usize>,
    made: bool,
    /// It is a broadcast: the first member alone writes in it.
    broadcast: bool,
}

impl Room {
    fn writers(&self) -> &[usize] {
        if self.broadcast { &self.members[..1] } else { &self.members }
    }

    fn readers(&self) -> &[usize] {
        if self.broadcast { &self.members[1..] } else { &self.members }
    }
}

struct Message {
    by: usize,
    device: usize,
    room: usize,
    channel: String,
    sent: bool,
    /// An earlier act has sent it.
    known: bool,
}

impl<'a> Writer<'a> {
    fn of(
        sketch: &'a Sketch,
        palette: &'a Palette,
        offsets: &'a Offsets,
        dice: &'a mut Dice,
    ) -> Self {
        let devices = &sketch.devices;
        let cast = devices.iter().zip(PEOPLE).map(|(devices, name)| match devices {
            1 => name.to_owned(),
            _ => format!("{name} x{devices}"),
        });
        let mut text = format!("people: {}\n", cast.collect::<Vec<_>>().join(", "));
        let mut rooms: Vec<Room> = Vec::new();
        for room in &sketch.rooms {
            let members = members(room.members, room.size.min(devices.len()), devices.len());
            // Two rooms of the same people are one conversation.
            if rooms.iter().all(|other| other.members != members) {
                let broadcast = room.broadcast;
                let made = !broadcast && (room.made || members.len() > 2);
                rooms.push(Room { members, made, broadcast });
            }
        }
        if rooms.iter().all(|room| !room.made) {
            text.push_str("no room\n");
        }
        for (room, name) in rooms.iter().zip(ROOMS).filter(|(room, _)| room.made) {
            let names: Vec<&str> = room.members.iter().map(|person| PEOPLE[*person]).collect();
            let _ = writeln!(text, "room {name}: {}", names.join(", "));
        }
        for (room, name) in rooms.iter_mut().zip(ROOMS).filter(|(room, _)| room.broadcast) {
            let names: Vec<&str> = room.readers().iter().map(|person| PEOPLE[*person]).collect();
            let maker = PEOPLE[room.members[0]];
            let maker =
                if devices[room.members[0]] > 1 { format!("{maker}.1") } else { maker.into() };
            let _ = writeln!(text, "{maker} broadcast {name} to {}", names.join(", "));
            room.made = true;
        }
        let sent = vec![0; devices.len()];
        let (messages, away) = (Vec::new(), Vec::new());
        Self { palette, offsets, dice, devices, rooms, messages, sent, away, text }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Race(knot, awaited) => {
                let deeds = self.knot(knot);
                self.release(&deeds, *awaited);
            }
            Act::Alone(one) => {
                let room = self.made_room(one.which);
                let deed = self.deed(one, room);
                self.release(&[deed], true);
            }
            Act::Trouble { who, which } => {
                let device = self.anybody(*who);
                self.line(&format!("{} {}", self.name(device), which.get(TROUBLES)));
            }
            Act::Leave(who) => {
                let device = self.anybody(*who);
                self.away.push(device);
                self.line(&format!("{} disconnect", self.name(device)));
            }
            Act::Return(who) => match self.away.is_empty() {
                true => self.line("rest"),
                false => {
                    let device = self.away.remove(who.index(self.away.len()));
                    self.line(&format!("{} connect", self.name(device)));
                }
            },
            Act::Pause(millis) => self.line(&format!("pause {millis}ms")),
            Act::Rest => self.line("rest"),
            Act::Restart => {
                self.line("rest");
                self.line("server restart");
            }
            Act::Strike(strike) => self.strike(strike),
        }
        self.messages.iter_mut().for_each(|message| message.known = message.sent);
    }

    /// Somebody speaks without a pause, something happens to the server, others go on, and it heals.
    fn strike(&mut self, strike: &Strike) {
        let Strike { which, who, count, pace, after, meanwhile, lasts } = strike;
        let room = self.made_room(*who);
        let (person, device) = self.member(*who, self.rooms[room].writers());
        let left = self.palette.stream.saturating_sub(self.sent[person]).max(1);
        let count = left - count.index(left.div_ceil(2));
        self.sent[person] += count;
        let every = if *pace == 0 { String::new() } else { format!(" every {pace}ms") };
        let name = self.name((person, device));
        self.line(&format!("start {name} burst {count}{every} in {}", ROOMS[room]));
        if *after > 0 {
            self.line(&format!("pause {after}ms"));
        }
        self.line(&format!("server {}", which.get(&self.palette.strikes)));
        for (one, awaited) in meanwhile {
            // Most of it happens where somebody speaks.
            let place = if one.which.index(4) == 0 { self.made_room(one.which) } else { room };
            let deed = self.deed(one, place);
            self.release(&[deed], *awaited);
        }
        if *lasts > 0 {
            self.line(&format!("pause {lasts}ms"));
        }
        self.line("server heal");
        self.line("rest");
    }

    /// The deeds that race.
    fn knot(&mut self, knot: &Knot) -> Vec<String> {
        match knot {
            Knot::Message { message, again, by } => self.one_message(*message, *again, by),
            Knot::Pair { room, by } => self.one_pair(*room, by),
            Knot::About { message, what, by } => {
                let Some(message) = self.known_message(*message) else {
                    return self.talk(*what, by);
                };
                let what = *what.get(&self.palette.about);
                by.iter().map(|who| self.about(*who, what, message)).collect()
            }
            Knot::Talk { room, by } => self.talk(*room, by),
            Knot::Anything { room, moves } => {
                let room = self.made_room(*room);
                moves.iter().map(|one| self.deed(one, room)).collect()
            }
        }
    }

    fn one_message(&mut self, message: Index, again: bool, by: &[Index]) -> Vec<String> {
        let known = if again { self.known_message(message) } else { None };
        let message = known.unwrap_or_else(|| {
            let room = self.made_room(message);
            let sender = *by[0].get(self.rooms[room].writers());
            self.new_message(sender, by[0].index(self.devices[sender]), room)
        });
        by.iter().map(|who| self.send(*who, message)).collect()
    }

    fn one_pair(&mut self, room: Index, by: &[Index]) -> Vec<String> {
        let is_pair = |room: &Room| room.members.len() == 2 && !room.broadcast;
        let pairs = (0..self.rooms.len()).filter(|room| is_pair(&self.rooms[*room]));
        let pairs: Vec<usize> = pairs.collect();
        if pairs.is_empty() {
            return self.talk(room, by);
        }
        let unmade: Vec<usize> =
            pairs.iter().copied().filter(|room| !self.rooms[*room].made).collect();
        let room = *room.get(if unmade.is_empty() { &pairs } else { &unmade });
        self.rooms[room].made = true;
        let deeds = by.iter().map(|who| self.create(*who, room));
        deeds.collect()
    }

    fn create(&self, who: Index, room: usize) -> String {
        let members = &self.rooms[room].members;
        let (person, device) = self.member(who, members);
        let others = members.iter().filter(|member| **member != person);
        let others: Vec<&str> = others.map(|other| PEOPLE[*other]).collect();
        let name = self.name((person, device));
        format!("{name} create {} with {}", ROOMS[room], others.join(", "))
    }

    fn talk(&mut self, room: Index, by: &[Index]) -> Vec<String> {
        let room = self.made_room(room);
        by.iter().map(|who| self.say(*who, room)).collect()
    }

    /// What somebody in the room does.
    fn deed(&mut self, one: &Move, room: usize) -> String {
        let able = match one.what {
            What::Burst => self.rooms[room].writers(),
            _ => self.rooms[room].readers(),
        };
        let (person, device) = self.member(one.who, able);
        let name = self.name((person, device));
        match one.what {
            What::Send => self.say(one.who, room),
            What::Repeat => match self.known_message(one.which) {
                Some(message) => self.send(one.who, message),
                None => self.say(one.who, room),
            },
            What::Burst => match self.palette.sends.saturating_sub(self.sent[person]) {
                0 | 1 => format!("{name} {} in {}", Operation::History, ROOMS[room]),
                left => {
                    let count = (2 + one.which.index(MOST_AT_ONCE - 1)).min(left);
                    self.sent[person] += count;
                    format!("{name} burst {count} in {}", ROOMS[room])
                }
            },
            What::Ask => match *one.which.get(&self.palette.asks) {
                plain @ (Operation::List | Operation::Contacts) => format!("{name} {plain}"),
                within => format!("{name} {within} in {}", ROOMS[room]),
            },
            What::About => match self.known_message(one.which) {
                Some(message) => {
                    let what = *one.which.get(&self.palette.about);
                    self.about(one.who, what, message)
                }
                None => self.say(one.who, room),
            },
            // Nobody says who is shown that somebody types a broadcast.
            What::Type if self.rooms[room].broadcast => self.say(one.who, room),
            What::Type => format!("{name} type in {}", ROOMS[room]),
            What::Cut => format!("{name} cut rst"),
            What::Disconnect => {
                self.away.push((person, device));
                format!("{name} disconnect")
            }
            What::Connect => {
                self.away.retain(|away| *away != (person, device));
                format!("{name} connect")
            }
        }
    }

    /// Somebody in the room sends a new message, or reads, if they have sent all they may.
    fn say(&mut self, who: Index, room: usize) -> String {
        let (person, device) = self.member(who, self.rooms[room].writers());
        let message = self.new_message(person, device, room);
        self.send(who, message)
    }

    fn new_message(&mut self, by: usize, device: usize, room: usize) -> usize {
        let channel = match self.palette.channels.as_slice() {
            [] => String::new(),
            _ if self.dice.chance(0.5) => String::new(),
            channels => format!(" via {}", self.dice.pick(channels)),
        };
        self.messages.push(Message { by, device, room, channel, sent: false, known: false });
        self.messages.len() - 1
    }

    /// An attempt to send a message, from any device from where a repetition is known.
    fn send(&mut self, who: Index, message: usize) -> String {
        let Message { by, device, room, ref channel, .. } = self.messages[message];
        let device = match self.palette.repeats {
            Some(Repeats::Person) => who.index(self.devices[by]),
            Some(Repeats::Device) | None => device,
        };
        let (name, room, channel) = (self.name((by, device)), ROOMS[room], channel.clone());
        if self.sent[by] >= self.palette.sends {
            return format!("{name} {} in {room}", Operation::History);
        }
        self.sent[by] += 1;
        self.messages[message].sent = true;
        format!("{name} send {} in {room}{channel}", label(message))
    }

    fn about(&mut self, who: Index, what: Operation, message: usize) -> String {
        let room = self.messages[message].room;
        let device = self.member(who, self.rooms[room].readers());
        let name = self.name(device);
        match what {
            Operation::Search => format!("{name} search {}", label(message)),
            what => format!("{name} {what} {} in {}", label(message), ROOMS[room]),
        }
    }

    /// Steps that are released together, a little apart: one of them at once, the others later.
    fn release(&mut self, deeds: &[String], awaited: bool) {
        let start = if awaited { "" } else { "start " };
        let first = self.dice.below(deeds.len());
        let apart = deeds.iter().enumerate().map(|(index, deed)| {
            let nanos = if index == first { 0 } else { self.offsets.draw(self.dice) };
            match nanos / 1_000 {
                0 => deed.clone(),
                micros => format!("+{micros}us {deed}"),
            }
        });
        let line = apart.collect::<Vec<String>>().join(" | ");
        self.line(&format!("{start}{line}"));
    }

    fn line(&mut self, line: &str) {
        self.text.extend([line, "\n"]);
    }

    // ------------------------------------------------------------------------------------------
    // who and what a number means

    /// A room that is there; the first one is made, if there is none.
    fn made_room(&mut self, which: Index) -> usize {
        let made = (0..self.rooms.len()).filter(|room| self.rooms[*room].made);
        let made: Vec<usize> = made.collect();
        if made.is_empty() {
            let line = self.create(which, 0);
            self.line(&line);
            self.rooms[0].made = true;
            return 0;
        }
        *which.get(&made)
    }

    /// A message that an earlier act has sent.
    fn known_message(&self, which: Index) -> Option<usize> {
        let known = (0..self.messages.len()).filter(|message| self.messages[*message].known);
        let known: Vec<usize> = known.collect();
        (!known.is_empty()).then(|| *which.get(&known))
    }

    fn anybody(&self, who: Index) -> (usize, usize) {
        let everybody: Vec<usize> = (0..self.devices.len()).collect();
        self.member(who, &everybody)
    }

    /// One of the devices of these people.
    fn member(&self, who: Index, people: &[usize]) -> (usize, usize) {
        let devices = people
            .iter()
            .flat_map(|person| (0..self.devices[*person]).map(move |device| (*person, device)));
        *who.get(&devices.collect::<Vec<(usize, usize)>>())
    }

    fn name(&self, (person, device): (usize, usize)) -> String {
        match self.devices[person] {
            1 => PEOPLE[person].to_owned(),
            _ => format!("{}.{}", PEOPLE[person], device + 1),
        }
    }
}

/// So many of the people, in their order.
fn members(which: Index, size: usize, people: usize) -> Vec<usize> {
    let first = which.index(people);
    let mut members: Vec<usize> = (first..first + size).map(|member| member % people).collect();
    // With the first one, half of the rooms share somebody.
    members.sort_unstable();
    members
}

fn label(message: usize) -> String {
    let letter = char::from(b'a' + (message % 26) as u8);
    match message / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}
