//! Says a script as it is read: [`Script::parse`] of what is printed gives the same script.
//!
//! What the language leaves out stays out, such as the only room or the devices of somebody all of whose
//! devices do the same. A script that no text can give, say one whose step speaks of a message that nobody
//! has sent before, is printed as well, and cannot be read.

use super::{Count, Deed, Device, Pace, Role, Room, Script, ServerDeed, Sighted, Step, To, Verb};
use crate::fault::Fault;
use crate::history::Due;
use crate::plan::Manner;
use crate::plan::text::Kind;
use crate::source::Lasting;
use std::fmt::{self, Display, Formatter, Write as _};
use std::time::Duration;

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let cast: Vec<String> = self.people.iter().map(Role::to_string).collect();
        writeln!(f, "people: {}", cast.join(", "))?;
        let mut said = usize::from(self.first_room_is_usual());
        if said == 0 && self.would_have_a_room() {
            writeln!(f, "no room")?;
        }
        said = self.rooms_from(said, f)?;
        for step in &self.steps {
            writeln!(f, "{}", self.line(step))?;
            let made = made_by(step).max().map_or(0, |room| room + 1);
            said = self.rooms_from(said.max(made), f)?;
        }
        Ok(())
    }
}

impl Display for Role {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.devices > 1 {
            write!(f, " x{}", self.devices)?;
        }
        if !self.nodes.is_empty() {
            let nodes: Vec<String> = self.nodes.iter().map(u32::to_string).collect();
            write!(f, " on {}", nodes.join("+"))?;
        }
        if self.offline {
            f.write_str(" offline")?;
        }
        if self.stranger {
            f.write_str(" stranger")?;
        }
        if self.skew_ms != 0 {
            let sign = if self.skew_ms < 0 { "-" } else { "" };
            write!(
                f,
                " skewed {sign}{}",
                Lasting(Duration::from_millis(self.skew_ms.unsigned_abs()))
            )?;
        }
        Ok(())
    }
}

/// The rooms that a step makes.
fn made_by(step: &Step) -> impl Iterator<Item = usize> {
    let deeds = match step {
        Step::Do { deeds, .. } => deeds.as_slice(),
        _ => &[],
    };
    deeds.iter().filter_map(|deed| match deed.verb {
        Verb::Create { room, .. } => room,
        Verb::Broadcast { room, .. } => Some(room),
        _ => None,
    })
}

impl Script {
    // ------------------------------------------------------------------------------------------
    // rooms

    /// Positions of all who are in a room of which nothing is said.
    fn insiders(&self) -> Vec<usize> {
        (0..self.people.len()).filter(|person| !self.people[*person].stranger).collect()
    }

    /// Nothing need be said of the first room: it is the one that there is if none is named.
    fn first_room_is_usual(&self) -> bool {
        let Some(first) = self.rooms.first() else { return false };
        let alone = self.rooms.get(1).is_none_or(|next| next.by_step || next.members.is_empty());
        alone
            && first.name == "room"
            && !first.by_step
            && first.members.len() > 1
            && first.members == self.insiders()
    }

    /// There would be a room, although there is none before a step makes one.
    fn would_have_a_room(&self) -> bool {
        let named = |room: &Room| !room.by_step && !room.members.is_empty();
        self.insiders().len() > 1 && !self.rooms.first().is_some_and(named)
    }

    /// Says the rooms from this one on that no step makes, up to one that a step makes.
    fn rooms_from(&self, mut next: usize, f: &mut Formatter<'_>) -> Result<usize, fmt::Error> {
        while let Some(room) = self.rooms.get(next) {
            if room.by_step {
                if self.steps.iter().flat_map(made_by).any(|made| made == next) {
                    break;
                }
            } else if room.members.is_empty() {
                writeln!(f, "room {} guessed", room.name)?;
            } else {
                writeln!(f, "room {}: {}", room.name, self.names(&room.members))?;
            }
            next += 1;
        }
        Ok(next)
    }

    // ------------------------------------------------------------------------------------------
    // steps

    fn line(&self, step: &Step) -> String {
        match step {
            Step::Do { deeds, awaited } => {
                let start = if *awaited { "" } else { "start " };
                format!("{start}{}", self.together(deeds).join(" | "))
            }
            Step::Pause(lasts) => format!("pause {}", Lasting(*lasts)),
            Step::PauseWindow => "pause window".into(),
            Step::PauseHeartbeat => "pause heartbeat".into(),
            Step::UntilSees(device, sighted) => {
                let what = match sighted {
                    Sighted::Message(label) => &self.labels[*label],
                    Sighted::Sight(sight) => sight.name(),
                };
                format!("until {} sees {what}", self.device(*device))
            }
            Step::UntilIs(device, state) => {
                let state = state.map_or("ready", |state| state.name());
                format!("until {} is {state}", self.device(*device))
            }
            Step::Rest => "rest".into(),
            Step::Server(ServerDeed { what, lasts }) => {
                let lasts = lasts.filter(|lasts| !lasts.is_zero() || needs_time(*what));
                format!("server {}{}", Fault::Server(*what), lasting(lasts))
            }
            Step::ServerHeals => "server heal".into(),
        }
    }

    /// The deeds of a step; of a person all of whose devices do the same, one.
    fn together(&self, deeds: &[Deed]) -> Vec<String> {
        let mut said = Vec::new();
        let mut rest = deeds;
        while let [first, ..] = rest {
            let devices = self.people[first.by.person].devices;
            let alike = |(index, deed): (usize, &Deed)| {
                *deed == Deed { by: Device { device: index, ..first.by }, ..first.clone() }
            };
            let all = rest.len() >= devices && rest[..devices].iter().enumerate().all(alike);
            let who = match all {
                true => self.people[first.by.person].name.clone(),
                false => self.device(first.by),
            };
            said.push(self.deed(&who, first));
            rest = &rest[if all { devices } else { 1 }..];
        }
        said
    }

    fn deed(&self, who: &str, deed: &Deed) -> String {
        let after = match deed.after {
            Duration::ZERO => String::new(),
            after => format!("+{} ", Lasting(after)),
        };
        let mut said = format!("{after}{who} {}", self.verb(deed));
        said += &manner(&deed.manner);
        if let Some(odd) = deed.odd {
            let _ = write!(said, " {}", odd.words());
        }
        match deed.due {
            Some(Due::Accepted) => said += " => accepted",
            Some(Due::Refused) => said += " => refused",
            Some(Due::Harmless) => said += " => harmless",
            None => {}
        }
        said
    }

    fn verb(&self, deed: &Deed) -> String {
        match &deed.verb {
            Verb::Hold { credential, elsewhere } => {
                format!("token {}{}", credential.name(), if *elsewhere { " elsewhere" } else { "" })
            }
            Verb::Connect(None) => "connect".into(),
            Verb::Connect(Some(node)) => format!("connect on {node}"),
            Verb::Disconnect => "disconnect".into(),
            Verb::Send { label, room, kind, key_of, text_of } => {
                let of = |what: &str, other: &Option<usize>| {
                    other.map_or_else(String::new, |other| {
                        format!(" with {what} of {}", self.labels[other])
                    })
                };
                let (key, text) = (of("key", key_of), of("text", text_of));
                let label = &self.labels[*label];
                format!("send {label}{}{}{key}{text}", alike(*kind), self.place(*room))
            }
            Verb::Burst { count, pace, room, kind } => {
                format!("burst {count}{pace}{}{}", alike(*kind), self.place(*room))
            }
            Verb::Type { room } => format!("type{}", self.place(*room)),
            Verb::Create { room, people } => {
                let name =
                    room.map_or_else(String::new, |room| format!(" {}", self.rooms[room].name));
                match people.split_first() {
                    Some((first, others)) if *first == deed.by.person && !others.is_empty() => {
                        format!("create{name} with {}", self.names(others))
                    }
                    _ => format!("create{name} of {}", self.names(people)),
                }
            }
            Verb::Broadcast { room, to } => {
                let to = match to {
                    To::Everybody => "everybody".into(),
                    To::ChapterOf(person) => format!("chapter of {}", self.people[*person].name),
                    To::People(people) => self.names(people),
                };
                format!("broadcast {} to {to}", self.rooms[*room].name)
            }
            Verb::Ask { operation, label, room } => {
                let label =
                    label.map_or_else(String::new, |label| format!(" {}", self.labels[label]));
                format!("{operation}{label}{}", self.place(*room))
            }
            Verb::Suffer { fault, lasts } => format!("{fault}{}", lasting(*lasts)),
            Verb::Heal => "heal".into(),
        }
    }

    // ------------------------------------------------------------------------------------------
    // words

    fn names(&self, people: &[usize]) -> String {
        let names: Vec<&str> = people.iter().map(|person| &*self.people[*person].name).collect();
        names.join(", ")
    }

    fn device(&self, device: Device) -> String {
        let role = &self.people[device.person];
        match role.devices {
            1 => role.name.clone(),
            _ => format!("{}.{}", role.name, device.device + 1),
        }
    }

    fn place(&self, room: usize) -> String {
        match room {
            0 => String::new(),
            _ => format!(" in {}", self.rooms[room].name),
        }
    }
}

/// A halt has no end of its own.
const fn needs_time(what: crate::fault::Server) -> bool {
    matches!(what, crate::fault::Server::Stop)
}

fn lasting(lasts: Option<Duration>) -> String {
    lasts.map_or_else(String::new, |lasts| format!(" for {}", Lasting(lasts)))
}

fn alike(kind: Kind) -> String {
    match kind {
        Kind::Short => String::new(),
        _ => format!(" as {}", kind.name()),
    }
}

fn manner(manner: &Manner) -> String {
    let mut said = String::new();
    if let Some(via) = &manner.via {
        let _ = write!(said, " via {via}");
    }
    if manner.pattern {
        said += " as pattern";
    }
    if let Some(rows) = manner.rows {
        let _ = write!(said, " by {rows}");
        if !manner.pause.is_zero() {
            let _ = write!(said, " every {}", Lasting(manner.pause));
        }
    }
    said
}

impl Display for Count {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.rates, self.plus) {
            (0, plus) => write!(f, "{plus}"),
            (1, 0) => f.write_str("rate"),
            (1, plus) => write!(f, "rate{plus:+}"),
            (rates, 0) => write!(f, "{rates}rate"),
            (rates, plus) => write!(f, "{rates}rate{plus:+}"),
        }
    }
}

impl Display for Pace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtOnce => Ok(()),
            Self::Every(pause) => write!(f, " every {}", Lasting(*pause)),
            Self::Paced => f.write_str(" paced"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn printed_and_read(script: &Script) {
        let printed = script.to_string();
        let read = Script::parse(&printed);
        assert_eq!(read.as_ref(), Ok(script), "printed as\n{printed}");
    }

    #[test]
    fn every_script_of_the_catalogue_is_printed_as_it_is_read() {
        for property in property::ALL {
            for probe in property.probes() {
                printed_and_read(&Script::parse(probe.script).unwrap());
            }
        }
    }

    #[test]
    fn what_the_language_leaves_out_stays_out() {
        for text in [
            "people: ann x2, bob\nann send a | bob send b\nann.1 read a | bob type\nrest\n",
            "people: ann, bob, cid\nno room\nann create x with bob\ncid create of bob, ann\n",
            "people: ann, bob, eve stranger skewed -5s\nroom side: bob, ann\neve join => refused\n",
            "people: ann, bob\nann send a | +2.4ms bob send a | +50us bob send b => refused\n",
            "people: ann\nann burst 2rate+5 paced as long\nserver stop for 2s\nserver restart\n",
            "people: ann, bob\nroom room: ann, bob\nroom side: ann, bob\nann send a in side\n",
            "people: ann, bob\nno room\nann create x with bob\nroom side: ann, bob\nann send a\n",
        ] {
            assert_eq!(Script::parse(text).unwrap().to_string(), text);
        }
    }

    fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
        select(words).prop_map(str::to_owned)
    }

    /// Nothing, or these words.
    fn perhaps(words: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        option::of(words)
            .prop_map(|words| words.map_or_else(String::new, |words| format!(" {words}")))
    }

    fn time() -> impl Strategy<Value = String> {
        (0_u64..5_000_000).prop_map(|micros| Lasting(Duration::from_micros(micros)).to_string())
    }

    fn all<T: Copy + 'static>(
        of: &'static [T],
        name: impl Fn(T) -> &'static str + 'static,
    ) -> impl Strategy<Value = String> {
        (0..of.len()).prop_map(move |index| name(of[index]).to_owned())
    }

    /// Faults of clients, or of the server.
    fn fault(of_server: bool) -> impl Strategy<Value = String> {
        let kinds = crate::fault::ALL.iter().filter(move |kind| kind.of_server == of_server);
        select(kinds.map(|kind| kind.example.to_owned()).collect::<Vec<_>>())
    }

    fn odd() -> impl Strategy<Value = String> {
        word(&[
            "with text null",
            "with key unknown",
            "without message",
            "without ack",
            "with an ack",
            "with prototype fields",
            "under another name",
        ])
    }

    fn deed() -> impl Strategy<Value = String> {
        let place = || perhaps(word(&["in room", "in side", "in ghost", "in made"]));
        let kind = || perhaps(all(Kind::ALL, Kind::name).prop_map(|kind| format!("as {kind}")));
        let lasts = || perhaps(time().prop_map(|time| format!("for {time}")));
        let label = || word(&["a", "b", "c"]);
        let of = |what: &'static str| {
            perhaps(label().prop_map(move |label| format!("with {what} of {label}")))
        };
        let via = || perhaps(word(&["via rest", "via socket"]));
        let credential = all(crate::plan::Credential::ALL, crate::plan::Credential::name);
        let asks = word(&["join", "leave", "read", "delivered", "list", "typing-start", "hide"]);
        prop_oneof![
            (label(), kind(), place(), of("key"), of("text"), via(), perhaps(odd()))
                .prop_map(|(l, k, p, key, text, v, o)| format!("send {l}{k}{p}{key}{text}{v}{o}")),
            (asks, perhaps(label()), place(), via(), perhaps(odd()))
                .prop_map(|(ask, l, p, v, o)| format!("{ask}{l}{p}{v}{o}")),
            (place(), via(), 1_u32..40, perhaps(time().prop_map(|time| format!("every {time}"))))
                .prop_map(|(p, v, rows, pause)| format!("history{p}{v} by {rows}{pause}")),
            label().prop_map(|label| format!("search {label} as pattern")),
            (word(&["7", "rate", "rate-1", "2rate", "3rate+5"]), perhaps(word(&["paced"])), kind())
                .prop_map(|(count, pace, kind)| format!("burst {count}{pace}{kind}")),
            (1_u32..9, time(), place()).prop_map(|(n, t, p)| format!("burst {n} every {t}{p}")),
            (credential, perhaps(word(&["elsewhere"]))).prop_map(|(c, e)| format!("token {c}{e}")),
            (fault(false), lasts()).prop_map(|(fault, lasts)| format!("{fault}{lasts}")),
            word(&["connect", "connect on 2", "disconnect", "heal", "type", "type in side"]),
            word(&["create of bob, ann", "create with cid, dan"]),
        ]
    }

    fn step() -> impl Strategy<Value = String> {
        let who = || word(&["ann", "ann.1", "ann.2", "bob", "cid", "cid.3", "dan"]);
        let due = perhaps(word(&["=> refused", "=> accepted", "=> harmless"]));
        let after = option::of(time().prop_map(|time| format!("+{time} ")));
        let deed = (after, who(), deed(), due).prop_map(|(after, who, deed, due)| {
            format!("{}{who} {deed}{due}", after.unwrap_or_default())
        });
        let sights = word(&["a", "b", "typing-start", "message"]);
        prop_oneof![
            6 => (option::of(Just("start ")), vec(deed, 1..4)).prop_map(|(start, deeds)| {
                format!("{}{}", start.unwrap_or_default(), deeds.join(" | "))
            }),
            1 => prop_oneof![
                word(&["rest", "pause window", "pause heartbeat", "server heal"]),
                time().prop_map(|time| format!("pause {time}")),
                (who(), sights).prop_map(|(who, what)| format!("until {who} sees {what}")),
                (who(), word(&["ready", "connected"])).prop_map(|(who, is)| format!("until {who} is {is}")),
                (fault(true), time()).prop_map(|(fault, time)| format!("server {fault} for {time}")),
                word(&["server restart", "server kill", "server node 2 stop", "server part redis"]),
            ],
        ]
    }

    fn script() -> impl Strategy<Value = String> {
        let rooms = word(&[
            "room side: ann, dan",
            "room room: bob, ann\nroom side: cid, ann",
            "room room: ann, bob, cid, dan\nroom side: ann, bob",
        ]);
        let cast =
            "people: ann x2, bob on 2 skewed -2.5s, cid x3 on 1+2, dan offline, eve stranger";
        let made = word(&[
            "bob create made with ann\nann create made of bob, ann",
            "ann broadcast made to everybody",
            "dan broadcast made to chapter of bob",
            "cid broadcast made to bob, ann",
        ]);
        (rooms, made, vec(step(), 0..12)).prop_map(move |(rooms, made, steps)| {
            let sends = "ann.1 send a | bob send b\ncid.1 send c";
            // `room` must be there under its name, also where `side` alone is declared.
            let rooms = match rooms.contains("room room") {
                true => rooms,
                false => format!("room room: ann, bob, cid, dan\n{rooms}"),
            };
            let steps = steps.join("\n");
            format!("{cast}\n{rooms}\nroom ghost guessed\n{sends}\n{made}\n{steps}")
        })
    }

    proptest! {
        #[test]
        fn any_script_is_printed_as_it_is_read(text in script()) {
            let script = Script::parse(&text);
            prop_assert!(script.is_ok(), "{:?} in\n{text}", script);
            printed_and_read(&script.unwrap());
        }
    }
}
