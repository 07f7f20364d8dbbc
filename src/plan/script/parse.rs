//! Reads the lines of a script.

mod phrase;
mod words;

use super::{Deed, Device, Role, Room, Script, Sighted, Step, To, Verb};
use crate::operation::{ConnectionState, Operation, Sight};
use crate::plan::credential::Credential;
use phrase::{after, count, due, duration, fault, kind, manner, node, oddity, pace, server, skew};
use std::fmt;
use words::Words;

/// A line that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Mistake {}

type Parsed<T> = Result<T, String>;

pub(super) fn script(text: &str) -> Result<Script, Mistake> {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.split_once('#').map_or(line, |(before, _)| before).trim();
        if !line.is_empty() {
            reader.line(line).map_err(|what| Mistake { line: index + 1, what })?;
        }
    }
    if reader.script.people.is_empty() {
        return Err(Mistake { line: 1, what: "a script begins with `people: …`".into() });
    }
    reader.default_room();
    Ok(reader.script)
}

struct Reader {
    script: Script,
    /// The script said `no room`.
    no_room: bool,
}

impl Default for Reader {
    fn default() -> Self {
        let (people, rooms) = (Vec::new(), Vec::new());
        let script = Script { people, rooms, labels: Vec::new(), steps: Vec::new() };
        Self { script, no_room: false }
    }
}

impl Reader {
    fn line(&mut self, line: &str) -> Parsed<()> {
        if let Some(cast) = line.strip_prefix("people:") {
            return self.cast(cast);
        }
        if self.script.people.is_empty() {
            return Err("a script begins with `people: …`".into());
        }
        if let Some((name, members)) = line.strip_prefix("room ").and_then(|l| l.split_once(':')) {
            return self.room(name.trim(), members);
        }
        let guessed = line.strip_prefix("room ").and_then(|l| l.strip_suffix(" guessed"));
        if let Some(name) = guessed.filter(|name| !name.contains(':')) {
            self.default_room();
            let name = name.trim().to_owned();
            self.script.rooms.push(Room {
                name,
                members: Vec::new(),
                by_step: false,
                audience: None,
            });
            return Ok(());
        }
        if line == "no room" {
            self.no_room = true;
            return Ok(());
        }
        self.default_room();
        let step = self.step(line)?;
        self.script.steps.push(step);
        Ok(())
    }

    fn cast(&mut self, cast: &str) -> Parsed<()> {
        for part in cast.split(',') {
            let mut words = part.split_whitespace();
            let name = words.next().ok_or("a person has a name")?.to_owned();
            if self.script.people.iter().any(|role| role.name == name) {
                return Err(format!("`{name}` is there twice"));
            }
            let (stranger, offline, nodes) = (false, false, Vec::new());
            let mut role = Role { name, devices: 1, stranger, offline, skew_ms: 0, nodes };
            while let Some(word) = words.next() {
                match word.strip_prefix('x').and_then(|count| count.parse().ok()) {
                    Some(devices) if devices > 0 => role.devices = devices,
                    _ if word == "stranger" => role.stranger = true,
                    _ if word == "offline" => role.offline = true,
                    _ if word == "on" => {
                        let named = words.next().unwrap_or_default().split('+');
                        role.nodes = named.map(node).collect::<Parsed<Vec<u32>>>()?;
                    }
                    _ if word == "skewed" => {
                        role.skew_ms = skew(words.next().unwrap_or_default())?;
                    }
                    _ => {
                        let known = "`x2`, `on 2`, `offline`, `stranger` or `skewed 5s`";
                        return Err(format!("`{word}` is not {known}"));
                    }
                }
            }
            self.script.people.push(role);
        }
        Ok(())
    }

    fn room(&mut self, name: &str, members: &str) -> Parsed<()> {
        let members = members.split(',').map(|name| self.person(name.trim()));
        let members = members.collect::<Parsed<Vec<usize>>>()?;
        if members.len() < 2 {
            return Err("a room has two members at least".into());
        }
        self.script.rooms.push(Room {
            name: name.to_owned(),
            members,
            by_step: false,
            audience: None,
        });
        Ok(())
    }

    /// Without a word about rooms everybody who is no stranger is in one.
    fn default_room(&mut self) {
        let script = &mut self.script;
        let cast = script.people.iter().enumerate();
        let members: Vec<usize> =
            cast.filter(|(_, role)| !role.stranger).map(|(index, _)| index).collect();
        if script.rooms.is_empty() && members.len() > 1 && !self.no_room {
            script.rooms.push(Room {
                name: "room".into(),
                members,
                by_step: false,
                audience: None,
            });
        }
    }

    fn step(&mut self, line: &str) -> Parsed<Step> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["rest"] => Ok(Step::Rest),
            ["pause", "window"] => Ok(Step::PauseWindow),
            ["pause", "heartbeat"] => Ok(Step::PauseHeartbeat),
            ["pause", duration] => Ok(Step::Pause(self::duration(duration)?)),
            ["until", who, "sees", what] => {
                let device = self.device(who)?;
                let sighted = match Sight::parse(what) {
                    Some(sight) => Sighted::Sight(sight),
                    None => Sighted::Message(self.known_label(what)?),
                };
                Ok(Step::UntilSees(device, sighted))
            }
            ["until", who, "is", "ready"] => Ok(Step::UntilIs(self.device(who)?, None)),
            ["until", who, "is", state] => {
                let state = ConnectionState::parse(state)
                    .ok_or_else(|| format!("`{state}` is no state of a connection"))?;
                Ok(Step::UntilIs(self.device(who)?, Some(state)))
            }
            ["server", "heal"] => Ok(Step::ServerHeals),
            ["server", deed @ ..] => server(deed).map(Step::Server),
            _ => self.deeds(line),
        }
    }

    fn deeds(&mut self, line: &str) -> Parsed<Step> {
        let (line, awaited) = match line.strip_prefix("start ") {
            Some(rest) => (rest, false),
            None => (line, true),
        };
        let mut deeds = Vec::new();
        for part in line.split('|') {
            let (part, due) = match part.split_once("=>") {
                Some((part, due)) => (part, Some(self::due(due.trim())?)),
                None => (part, None),
            };
            let mut words = Words::new(part);
            let after = after(&mut words)?;
            let who = words.next().ok_or("somebody does something")?;
            let who = self.who(who)?;
            let verb = if words.take(&["create"]) {
                self.create(who[0].person, &mut words)?
            } else if words.take(&["broadcast"]) {
                self.broadcast(who[0].person, &mut words)?
            } else {
                self.verb(&mut words)?
            };
            let manner = manner(&mut words, &verb)?;
            let odd = oddity(&mut words, &verb)?;
            words.end()?;
            deeds.extend(who.into_iter().map(|by| {
                let (verb, manner) = (verb.clone(), manner.clone());
                Deed { by, verb, due, odd, manner, after }
            }));
        }
        Ok(Step::Do { deeds, awaited })
    }

    fn verb(&mut self, words: &mut Words<'_>) -> Parsed<Verb> {
        let verb = words.next().ok_or("what is done?")?;
        match verb {
            "token" => {
                let name = words.next().unwrap_or_default();
                let credential = Credential::parse(name)
                    .ok_or_else(|| format!("`{name}` is no kind of token"))?;
                Ok(Verb::Hold { credential, elsewhere: words.take(&["elsewhere"]) })
            }
            "connect" => match words.take(&["on"]) {
                true => Ok(Verb::Connect(Some(node(words.next().unwrap_or_default())?))),
                false => Ok(Verb::Connect(None)),
            },
            "disconnect" => Ok(Verb::Disconnect),
            "heal" => Ok(Verb::Heal),
            "send" => {
                let label = words.next().ok_or("`send` needs a label, as in `send a`")?;
                let label = self.label(label);
                let kind = kind(words)?;
                let room = self.place(words)?;
                let key_of = self.other(words, &["with", "key", "of"])?;
                let text_of = self.other(words, &["with", "text", "of"])?;
                Ok(Verb::Send { label, room, kind, key_of, text_of })
            }
            "burst" => {
                let count = words.next().and_then(count);
                let count =
                    count.ok_or("`burst` needs a number, as in `burst 5`, `burst rate+1`")?;
                let pace = pace(words)?;
                let kind = kind(words)?;
                Ok(Verb::Burst { count, pace, room: self.place(words)?, kind })
            }
            "type" => Ok(Verb::Type { room: self.place(words)? }),
            _ => match Operation::parse(verb) {
                Some(operation) => self.ask(operation, words),
                None => fault(verb, words),
            },
        }
    }

    /// `create [ROOM] with|of NAME, …`, where the creator is this person.
    fn create(&mut self, creator: usize, words: &mut Words<'_>) -> Parsed<Verb> {
        let mut word = words.next();
        let room = word.filter(|word| !matches!(*word, "with" | "of"));
        if room.is_some() {
            word = words.next();
        }
        let mut people = match word {
            Some("with") => vec![creator],
            Some("of") => Vec::new(),
            _ => return Err("create with whom? `create x with bob, cid`".into()),
        };
        while let Some(name) = words.next() {
            people.push(self.person(name.trim_end_matches(','))?);
        }
        if people.is_empty() {
            return Err("create of whom?".into());
        }
        let mut members = vec![creator];
        members.extend(people.iter().filter(|person| **person != creator));
        let room = room.map(|name| self.room_by_step(name, members)).transpose()?;
        Ok(Verb::Create { room, people })
    }

    /// `broadcast ROOM to …`, where the one who makes it is this person.
    fn broadcast(&mut self, maker: usize, words: &mut Words<'_>) -> Parsed<Verb> {
        let name = words.next().ok_or("`broadcast` needs a name, as in `broadcast news to bob`")?;
        if self.script.rooms.iter().any(|room| room.name == name) {
            return Err(format!("there is a room `{name}` already"));
        }
        if !words.take(&["to"]) {
            return Err(
                "broadcast to whom? `to everybody`, `to chapter of bob`, `to bob, cid`".into()
            );
        }
        let to = if words.take(&["everybody"]) {
            To::Everybody
        } else if words.take(&["chapter", "of"]) {
            To::ChapterOf(self.person(words.next().unwrap_or_default())?)
        } else {
            let mut people = Vec::new();
            while let Some(name) = words.next() {
                people.push(self.person(name.trim_end_matches(','))?);
            }
            To::People(people)
        };
        let audience = match &to {
            To::Everybody => (0..self.script.people.len()).collect(),
            To::ChapterOf(one) => {
                (0..self.script.people.len()).filter(|other| other % 2 == one % 2).collect()
            }
            To::People(people) => people.clone(),
        };
        let room = self.script.rooms.len();
        self.script.rooms.push(Room {
            name: name.to_owned(),
            members: vec![maker],
            by_step: true,
            audience: Some(audience),
        });
        Ok(Verb::Broadcast { room, to })
    }

    /// The room that a step makes, or that another step makes of the same people.
    fn room_by_step(&mut self, name: &str, mut members: Vec<usize>) -> Parsed<usize> {
        let sorted = |members: &[usize]| {
            let mut sorted = members.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            sorted
        };
        members[1..].sort_unstable();
        members.dedup();
        let rooms = &mut self.script.rooms;
        let Some(index) = rooms.iter().position(|room| room.name == name) else {
            rooms.push(Room { name: name.to_owned(), members, by_step: true, audience: None });
            return Ok(rooms.len() - 1);
        };
        if sorted(&rooms[index].members) != sorted(&members) {
            return Err(format!("`{name}` is a room of other people"));
        }
        Ok(index)
    }

    fn ask(&mut self, operation: Operation, words: &mut Words<'_>) -> Parsed<Verb> {
        let label = match words.peek() {
            Some(word) if !["in", "via", "by", "with", "without", "under"].contains(&word) => {
                Some(self.known_label(word)?)
            }
            _ => None,
        };
        if label.is_some() {
            words.next();
        }
        Ok(Verb::Ask { operation, label, room: self.place(words)? })
    }

    /// `in ROOM`; without it, the first one.
    fn place(&self, words: &mut Words<'_>) -> Parsed<usize> {
        if !words.take(&["in"]) {
            return Ok(0);
        }
        let name = words.next().ok_or("in which room?")?;
        let position = self.script.rooms.iter().position(|room| room.name == name);
        position.ok_or_else(|| format!("there is no room `{name}`"))
    }

    fn other(&self, words: &mut Words<'_>, marker: &[&str]) -> Parsed<Option<usize>> {
        if !words.take(marker) {
            return Ok(None);
        }
        let label = words.next().ok_or("of which message?")?;
        self.known_label(label).map(Some)
    }

    fn label(&mut self, label: &str) -> usize {
        let labels = &mut self.script.labels;
        labels.iter().position(|known| known == label).unwrap_or_else(|| {
            labels.push(label.to_owned());
            labels.len() - 1
        })
    }

    fn known_label(&self, label: &str) -> Parsed<usize> {
        let position = self.script.labels.iter().position(|known| known == label);
        position.ok_or_else(|| format!("no message is called `{label}` so far"))
    }

    fn person(&self, name: &str) -> Parsed<usize> {
        let position = self.script.people.iter().position(|role| role.name == name);
        position.ok_or_else(|| format!("nobody is called `{name}`"))
    }

    fn who(&self, word: &str) -> Parsed<Vec<Device>> {
        match word.split_once('.') {
            Some(_) => Ok(vec![self.device(word)?]),
            None => Ok(self.script.devices_of(self.person(word)?).collect()),
        }
    }

    fn device(&self, word: &str) -> Parsed<Device> {
        let (name, number) = word.split_once('.').unwrap_or((word, "1"));
        let person = self.person(name)?;
        let number: usize = number.parse().map_err(|_| format!("`{number}` is no number"))?;
        if number == 0 || number > self.script.people[person].devices {
            return Err(format!("`{name}` has no device {number}"));
        }
        Ok(Device { person, device: number - 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::history::Due;
    use crate::plan::Manner;
    use crate::plan::text::Kind;
    use std::time::Duration;

    const EXAMPLE: &str = "
        people: ann x2, bob, dan offline, eve stranger
        room side: ann, bob
        ann.1 send a | ann.2 send a      # at once
        start bob send b as long in side with key of a
        bob cut rst for 2s
        eve history => refused
        pause 300ms
        until bob sees a
        server restart
        rest
    ";

    fn complaint(text: &str) -> (usize, String) {
        let mistake = Script::parse(text).unwrap_err();
        (mistake.line, mistake.what)
    }

    #[test]
    fn every_line_of_the_example_has_its_meaning() {
        let script = Script::parse(EXAMPLE).unwrap();
        assert_eq!(script.devices().count(), 5);
        let side =
            Room { name: "side".into(), members: vec![0, 1], by_step: false, audience: None };
        assert_eq!(script.rooms[0], side);
        let Step::Do { deeds, awaited: true } = &script.steps[0] else { panic!() };
        assert_eq!(deeds.len(), 2);
        assert_eq!(deeds[1].by, Device { person: 0, device: 1 });
        assert_eq!(deeds[0].verb, deeds[1].verb);
        let Step::Do { deeds, awaited: false } = &script.steps[1] else { panic!() };
        let expected =
            Verb::Send { label: 1, room: 0, kind: Kind::Long, key_of: Some(0), text_of: None };
        assert_eq!(deeds[0].verb, expected);
        let Step::Do { deeds, .. } = &script.steps[3] else { panic!() };
        assert_eq!(deeds[0].due, Some(Due::Refused));
        assert_eq!(script.steps.len(), 8);
        let operations = [Operation::Create, Operation::Send, Operation::History];
        assert_eq!(script.operations(), operations);
        assert!(script.handles_the_server());
    }

    #[test]
    fn oddities_and_paces_are_read() {
        let script = Script::parse(
            "people: ann, bob
             ann send x with text null => refused
             bob join with conversation array
             ann burst 2rate+5 every 50ms as unicode
             ann burst 3 paced
             pause window",
        );
        let script = script.unwrap();
        let deeds: Vec<&Deed> = script.deeds().collect();
        assert_eq!(deeds[0].odd.unwrap().to_string(), "with null as the text");
        assert_eq!(deeds[1].odd.unwrap().to_string(), "with a list as the conversation's id");
        let limits = crate::spec::Limits {
            send_rate: Some((10, Duration::from_secs(1))),
            ..Default::default()
        };
        let paced = |deed: &Deed| match deed.verb {
            Verb::Burst { count, pace, .. } => (count.of(&limits), pace.of(&limits).as_millis()),
            _ => panic!("{deed:?}"),
        };
        assert_eq!((paced(deeds[2]), paced(deeds[3])), ((25, 50), (3, 125)));
        assert!(script.waits_for_the_rate());
    }

    #[test]
    fn a_deed_may_be_released_a_little_later() {
        let text = "people: ann x2, bob\n+1ms ann send a | bob send b | +2.4ms bob send c";
        let script = Script::parse(text).unwrap();
        let after: Vec<u128> = script.deeds().map(|deed| deed.after.as_micros()).collect();
        assert_eq!(after, [1_000, 1_000, 0, 2_400]);
    }

    #[test]
    fn strangers_are_in_no_room() {
        let script = Script::parse("people: ann, eve stranger, bob\nrest").unwrap();
        let room =
            Room { name: "room".into(), members: vec![0, 2], by_step: false, audience: None };
        assert_eq!(script.rooms, [room]);
    }

    #[test]
    fn rooms_are_made_by_steps_as_well() {
        let script = Script::parse(
            "people: ann, bob, cid
             no room
             bob create x with ann | ann create x of bob, ann, bob
             cid create of bob, ann
             ann send a in x",
        );
        let script = script.unwrap();
        let x = Room { name: "x".into(), members: vec![1, 0], by_step: true, audience: None };
        assert_eq!(script.rooms, [x]);
        let verbs: Vec<Verb> = script.deeds().map(|deed| deed.verb.clone()).collect();
        assert_eq!(verbs[0], Verb::Create { room: Some(0), people: vec![1, 0] });
        assert_eq!(verbs[1], Verb::Create { room: Some(0), people: vec![1, 0, 1] });
        assert_eq!(verbs[2], Verb::Create { room: None, people: vec![1, 0] });
        assert_eq!(script.operations(), [Operation::Create, Operation::Send]);
        let other = "people: ann, bob, cid\nno room\nann create x with bob\ncid create x with bob";
        assert_eq!(complaint(other).0, 4);
    }

    #[test]
    fn a_guessed_room_stands_beside_those_there_are() {
        let script = "people: ann, bob, eve stranger\nroom ghost guessed\neve join in ghost";
        let script = Script::parse(script).unwrap();
        let members: Vec<&[usize]> = script.rooms.iter().map(|room| &*room.members).collect();
        assert_eq!(members, [&[0, 1][..], &[]]);
        let Step::Do { deeds, .. } = &script.steps[0] else { panic!() };
        let Verb::Ask { room: 1, .. } = deeds[0].verb else { panic!("{deeds:?}") };
    }

    #[test]
    fn a_credential_is_named_and_may_go_elsewhere() {
        let script = Script::parse("people: eve\neve token expired elsewhere").unwrap();
        let held = Verb::Hold { credential: Credential::Expired, elsewhere: true };
        assert_eq!(script.deeds().next().map(|deed| deed.verb.clone()), Some(held));
    }

    #[test]
    fn a_step_says_over_which_channel_and_in_which_pages() {
        let script = Script::parse(
            "people: ann, bob
             ann send a in room with key of a via rest with text null
             bob history in room by 5 every 40ms",
        );
        let script = script.unwrap();
        let deeds: Vec<&Deed> = script.deeds().collect();
        assert_eq!(deeds[0].manner, Manner { via: Some("rest".into()), ..Manner::USUAL });
        assert!(deeds[0].odd.is_some());
        let pause = Duration::from_millis(40);
        assert_eq!(deeds[1].manner, Manner { rows: Some(5), pause, ..Manner::USUAL });
        assert_eq!(script.channels(), [(Operation::Send, "rest")]);
        assert_eq!(script.paged().collect::<Vec<_>>(), [Operation::History]);
        let search =
            Script::parse("people: ann\nann send a\nann search a as pattern by 2").unwrap();
        let manner = &search.deeds().last().unwrap().manner;
        assert_eq!(manner.query("qzaaaabbbbcccc"), "qzaaaabb_%");
        assert_eq!(Manner::USUAL.query("qzaaaabbbbcccc"), "qzaaaabbbbcccc");
    }

    #[test]
    fn people_and_connections_may_be_on_a_node() {
        let script = Script::parse(
            "people: ann x2 on 1+3, bob
             bob connect on 2
             server node 1 kill
             server part redis for 1s
             server heal",
        );
        let script = script.unwrap();
        assert_eq!((script.people[0].nodes.as_slice(), script.nodes()), (&[1, 3][..], 3));
        assert_eq!(script.deeds().next().map(|deed| &deed.verb), Some(&Verb::Connect(Some(2))));
        let strikes: Vec<String> =
            script.strikes().map(|what| Fault::Server(what).to_string()).collect();
        assert_eq!(strikes, ["node 1 kill", "part redis"]);
        let lasts = script.steps[1..].iter().map(|step| match step {
            Step::Server(deed) => deed.lasts,
            _ => None,
        });
        assert_eq!(lasts.collect::<Vec<_>>(), [None, Some(Duration::from_secs(1)), None]);
        assert_eq!(Script::parse("people: ann, bob\nann send a").unwrap().nodes(), 1);
    }

    #[test]
    fn mistakes_name_their_line() {
        assert_eq!(complaint("rest").0, 1);
        let (line, what) = complaint("people: ann, bob\n\nann sends a");
        assert_eq!((line, what.contains("`sends`")), (3, true), "{what}");
        for bad in [
            "carl send a",
            "ann.2 send a",
            "ann send",
            "ann send a in nowhere",
            "ann send a b",
            "ann read a",
            "pause soon",
            "ann cut softly",
            "ann restart",
            "ann delay",
            "server stop",
            "server delay",
            "server node kill",
            "server node 0 kill",
            "server part database",
            "ann connect on 0",
            "ann node 1 kill",
            "ann history => perhaps",
            "until ann sees a",
            "ann send a with text of",
            "ann send a with nothing",
            "ann type with text null",
            "ann history by none",
            "ann history by 0",
            "ann read by 5",
            "ann send a by 5",
            "ann send a via",
            "ann connect via rest",
            "ann burst rat",
            "burst 3",
            "ann token golden",
            "ann create",
            "ann create x",
            "ann create x with carl",
            "ann send a | +soon bob send b",
            "ann send a | + bob send b",
            "ann send a | bob +1ms send b",
        ] {
            assert_eq!(complaint(&format!("people: ann, bob\n{bad}")).0, 2, "{bad}");
        }
    }
}
