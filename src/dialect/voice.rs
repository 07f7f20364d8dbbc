//! One client's part of a conversation with the server: which answer belongs to which attempt.
//!
//! What is waited for is kept in [`awaited`], an answer is read in [`answer`].

mod answer;
mod awaited;

use crate::client::{AttemptId, Reply};
use crate::dialect::{Dialect, Pages, Route, Told, excerpt};
use crate::history::{Carrier, Event, Seen};
use crate::operation::Operation;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Pushed, Request, Step, Unbound, Via};
use crate::wire::socket_io::{Kind, Packet};
use answer::{Understood, read};
use awaited::{Awaited, Waiting};
use compact_str::CompactString;
use serde::de::IgnoredAny;
use std::time::Duration;

/// One client's part.
#[derive(Debug, Default)]
pub struct Voice {
    next_ack: u64,
    /// The number of the last request on a raw WebSocket.
    next_request: i64,
    awaited: Waiting,
    /// Acks that were asked for where none is documented; whatever comes of it is no answer.
    stray: Vec<u64>,
    /// How far the last event says that the client has come.
    cursor: Option<Scalar>,
}

/// A read on its way from page to page.
#[derive(Clone, Debug)]
pub struct Walk {
    /// What came so far.
    pub pages: Pages,
    /// How long it rests before it asks for the next page.
    pub pause: Duration,
}

/// What is asked next for an attempt that was answered: the next page of a read, or the next
/// request of a sequence.
#[derive(Debug)]
pub struct Onward {
    /// The attempt.
    pub attempt: AttemptId,
    /// What is asked.
    pub route: Route,
    /// What it needs.
    pub bindings: Box<Bindings>,
    /// The pages so far, of a read.
    pub walk: Option<Box<Walk>>,
}

/// What a request became.
#[derive(Debug)]
pub enum Said {
    /// A Socket.IO event: its JSON array was appended. With a number, it asks for an ack.
    Event(Option<u64>),
    /// A frame of a raw WebSocket was appended.
    Frame,
    /// It goes over HTTP, by a way of its own.
    Http,
    /// The spec has no such request.
    Nothing,
}

/// What arrived.
#[derive(Debug)]
pub enum Heard {
    /// An answer to an attempt, and the rows it holds if it answers a read.
    Answer(AttemptId, Vec<Event>, Reply),
    /// A yes after which more is to be asked.
    Onward(Onward),
    /// Something seen without having asked.
    Sight(Event),
    /// A pushed message that answers the attempt which sent it.
    Echo(AttemptId, Reply, Seen),
    /// Something the spec does not mention.
    Unknown,
    /// Not what the spec says; why.
    Garbage(CompactString),
}

impl Voice {
    /// Puts an attempt into words. `bindings` holds what the request needs; a read brings the pages
    /// that it has so far.
    ///
    /// # Errors
    /// A required hole is unbound.
    pub fn say(
        &mut self,
        dialect: &Dialect,
        attempt: AttemptId,
        route: Route,
        bindings: &Bindings,
        walk: Option<Box<Walk>>,
        out: &mut String,
    ) -> Result<Said, Unbound> {
        let Some(step) = dialect.at(route) else { return Ok(Said::Nothing) };
        match &step.request {
            // What it needs beside, such as the size of a page, is known where it is sent.
            Request::Http(_) => Ok(Said::Http),
            Request::Emit { shape, .. } => {
                let acked = step.yes.iter().chain(&step.no).any(|r| r.via == Via::Ack);
                let ack = acked.then(|| {
                    self.next_ack += 1;
                    self.next_ack
                });
                shape.fill(bindings, out)?;
                if !step.is_unanswered() {
                    let kept = !acked || walk.is_some() || dialect.after(route).is_some();
                    let bound = kept.then(|| Box::new(bindings.clone()));
                    let answered = false;
                    self.awaited.add(Awaited { attempt, route, answered, ack, bound, walk });
                }
                Ok(Said::Event(ack))
            }
            Request::Frame { shape } => {
                self.next_request += 1;
                let bindings = bindings.clone().with(Hole::REQUEST, self.next_request);
                shape.fill(&bindings, out)?;
                if !step.is_unanswered() {
                    let bound = Some(Box::new(bindings));
                    let (answered, ack) = (false, None);
                    self.awaited.add(Awaited { attempt, route, answered, ack, bound, walk });
                }
                Ok(Said::Frame)
            }
        }
    }

    /// Asks for an ack where none is documented.
    pub fn stray_ack(&mut self) -> u64 {
        self.next_ack += 1;
        self.stray.push(self.next_ack);
        self.next_ack
    }

    /// The server wants no socket for this conversation: which attempts it answers by that.
    pub fn barred(&mut self, place: &Scalar) -> Vec<AttemptId> {
        self.awaited.barred(place)
    }

    /// How far the client has come by an event that says so, once.
    pub fn come_to(&mut self) -> Option<Scalar> {
        self.cursor.take()
    }

    /// Forgets what it waits for: the connection is gone, and no answer can come over another.
    pub fn hang_up(&mut self) {
        self.awaited.clear();
        self.stray.clear();
    }

    /// Reads a Socket.IO packet.
    #[must_use]
    pub fn hear(&mut self, dialect: &Dialect, packet: &Packet<'_>) -> Heard {
        match packet.kind {
            Kind::Ack | Kind::BinaryAck => self.hear_ack(dialect, packet),
            Kind::Event | Kind::BinaryEvent => match packet.event_name() {
                Some(event) => self.hear_told(dialect, Told::Event(&event), packet.data, None),
                None => Heard::Garbage(excerpt(packet.data)),
            },
            _ => Heard::Unknown,
        }
    }

    /// Reads a frame of a raw WebSocket; `place` is the conversation whose socket it came over.
    #[must_use]
    pub fn hear_frame(&mut self, dialect: &Dialect, json: &str, place: Option<Scalar>) -> Heard {
        match self.hear_told(dialect, Told::Frame, json, place) {
            Heard::Unknown if serde_json::from_str::<IgnoredAny>(json).is_err() => {
                Heard::Garbage(excerpt(&format!("a frame that is no JSON: {json}")))
            }
            heard => heard,
        }
    }

    /// Answers stay awaited, so that a second answer to the same attempt is noticed.
    fn hear_ack(&mut self, dialect: &Dialect, packet: &Packet<'_>) -> Heard {
        if packet.ack.is_some_and(|number| self.stray.contains(&number)) {
            return Heard::Unknown;
        }
        let Some(awaited) = self.awaited.acked(packet.ack) else {
            let number = packet.ack.map_or_else(|| "none".into(), |number| number.to_string());
            return Heard::Garbage(excerpt(&format!(
                "an ack that answers nothing: number {number}"
            )));
        };
        let Some(step) = awaited.step(dialect) else { return Heard::Unknown };
        let nothing = Bindings::new();
        let bound = awaited.bound.as_deref().unwrap_or(&nothing);
        match read(dialect, step, awaited, &Via::Ack, packet.data, bound) {
            Ok(understood) => {
                awaited.answered = true;
                understood.heard(awaited.attempt)
            }
            Err(reason) => Heard::Garbage(reason),
        }
    }

    fn hear_told(
        &mut self,
        dialect: &Dialect,
        told: Told<'_>,
        json: &str,
        place: Option<Scalar>,
    ) -> Heard {
        let mut bindings = dialect.spare.take();
        bindings.clear();
        place.into_iter().for_each(|place| bindings.set(Hole::CONVERSATION, place));
        let heard = self.hear_bound(dialect, told, json, &mut bindings);
        dialect.spare.replace(bindings);
        heard
    }

    /// The same; the place is bound already.
    fn hear_bound(
        &mut self,
        dialect: &Dialect,
        told: Told<'_>,
        json: &str,
        bindings: &mut Bindings,
    ) -> Heard {
        if dialect.may_answer(told, json)
            && let Some(heard) = self.hear_reply(dialect, told, json, bindings)
        {
            return heard;
        }
        let pushed = match dialect.pushed(told, json, bindings) {
            Ok(pushed) => pushed,
            Err(reason) if reason.is_empty() => return Heard::Unknown,
            Err(reason) => return Heard::Garbage(reason.into()),
        };
        if let Some(cursor) = bindings.get(Hole::CURSOR) {
            self.cursor = Some(cursor.clone());
        }
        if Dialect::is_message(pushed) {
            let seen = dialect.seen(Carrier::Live, bindings, None);
            let witness = seen.token.filter(|_| dialect.echoes);
            return match witness.and_then(|token| self.awaited.echoed(dialect, token)) {
                Some(Awaited { attempt, .. }) => {
                    Heard::Echo(attempt, dialect.yes(Operation::Send, bindings), seen)
                }
                None => Heard::Sight(Event::Message(seen)),
            };
        }
        let users = listed(pushed, json);
        Heard::Sight(Event::Saw {
            sight: pushed.sight,
            conversation: dialect.place(bindings),
            user: somebody(bindings).filter(|_| users.is_none()),
            id: bindings.get(Hole::MESSAGE).map(Scalar::id),
            state: bindings.get(Hole::STATUS).map(Scalar::id),
            row: None,
            users,
        })
    }

    /// An event that answers an attempt: by what it carries back, or first in, first out.
    fn hear_reply(
        &mut self,
        dialect: &Dialect,
        told: Told<'_>,
        json: &str,
        known: &Bindings,
    ) -> Option<Heard> {
        let via = match told {
            Told::Event(name) => Via::Event(name.to_owned()),
            Told::Frame => Via::Frame,
        };
        let mut found = None;
        for (index, awaited) in self.awaited.enumerate() {
            let Some(bound) = &awaited.bound else { continue };
            // Over another conversation's socket comes no answer.
            let asked_in = bound.get(Hole::CONVERSATION);
            if known.get(Hole::CONVERSATION).is_some_and(|place| asked_in != Some(place)) {
                continue;
            }
            let Some(step) = awaited.step(dialect) else { continue };
            if let Ok(answer) = read(dialect, step, awaited, &via, json, bound) {
                found = Some((index, is_numbered(step), answer));
                break;
            }
        }
        let (index, numbered, understood) = found?;
        // What carries the request's number is no other's answer: it stays awaited, so that a
        // second answer is noticed.
        if numbered {
            return Some(understood.heard(self.awaited.answered(index)));
        }
        let awaited = self.awaited.remove(index);
        // The message itself, pushed back to its sender, may be the answer.
        let mut bindings = known.clone();
        if awaited.route.operation == Operation::Send
            && let Understood::Over(_, reply @ Reply::Yes { .. }) = &understood
            && dialect.pushed(told, json, &mut bindings).is_ok_and(Dialect::is_message)
        {
            let seen = dialect.seen(Carrier::Live, &bindings, None);
            return Some(Heard::Echo(awaited.attempt, reply.clone(), seen));
        }
        Some(understood.heard(awaited.attempt))
    }
}

/// Each answer to this request carries its number back.
fn is_numbered(step: &Step) -> bool {
    let mut all = step.yes.iter().chain(&step.no).chain(&step.limited);
    all.all(|one| one.shape.holes().iter().any(|(hole, _)| *hole == Hole::REQUEST))
}

/// The user that an event speaks of.
pub(super) fn somebody(bindings: &Bindings) -> Option<CompactString> {
    [Hole::SENDER, Hole::READER].into_iter().find_map(|hole| bindings.get(hole)).map(Scalar::id)
}

/// The users of an event that lists them: those who type, or are online.
pub(super) fn listed(pushed: &Pushed, json: &str) -> Option<Vec<CompactString>> {
    let shape = &pushed.reception.shape;
    let mut users = Vec::new();
    let read = shape
        .is_repeated()
        .then(|| shape.rows(json, &Bindings::new(), &mut |row| users.extend(somebody(row))))?;
    read.is_ok().then_some(users)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{OpId, Token};
    use std::sync::Arc;

    fn dialect() -> Dialect {
        let yaml = include_str!("../../specs/callback-ack.yaml");
        let loaded = crate::spec::load("callback-ack.yaml", yaml, &crate::property::ids());
        Dialect::new(Arc::new(loaded.unwrap().spec), 1_000, 1)
    }

    fn attempt(number: u32) -> AttemptId {
        AttemptId { op: OpId(number), number: 0 }
    }

    fn send(voice: &mut Voice, dialect: &Dialect, number: u32) -> u64 {
        let mut bindings = Bindings::new();
        for hole in [Hole::CONVERSATION, Hole::TEXT, Hole::KEY] {
            bindings.set(hole, Scalar::Text("x".into()));
        }
        let route = dialect.route(Operation::Send, 0, None).unwrap();
        let mut out = String::new();
        let said = voice.say(dialect, attempt(number), route, &bindings, None, &mut out);
        let Ok(Said::Event(Some(ack))) = said else { panic!("{said:?}") };
        ack
    }

    fn hear(voice: &mut Voice, dialect: &Dialect, ack: u64) -> Heard {
        let text = format!("3{ack}[{{\"success\":true,\"messageId\":7}}]");
        voice.hear(dialect, &Packet::decode(&text).unwrap())
    }

    #[test]
    fn a_thousand_answers_under_way_are_all_heard() {
        let (dialect, mut voice) = (dialect(), Voice::default());
        let acks: Vec<u64> = (0..1_000).map(|number| send(&mut voice, &dialect, number)).collect();
        for (number, ack) in acks.into_iter().enumerate() {
            let heard = hear(&mut voice, &dialect, ack);
            let wanted = attempt(number as u32);
            assert!(matches!(heard, Heard::Answer(id, ..) if id == wanted), "{heard:?}");
        }
    }

    #[test]
    fn where_the_echo_is_the_answer_ones_own_message_answers() {
        let acks = "    ack: [{ success: true, messageId: $message }]\n    \
                    nack: [{ success: false, error: $error }]\n";
        let yaml = include_str!("../../specs/callback-ack.yaml");
        assert!(yaml.contains(acks));
        let yaml = yaml.replace(acks, "    echo: true\n");
        let loaded = crate::spec::load("echo.yaml", &yaml, &crate::property::ids());
        let dialect = Dialect::new(Arc::new(loaded.unwrap().spec), 1_000, 1);
        let mut voice = Voice::default();
        let (mine, another) = (Token::new(1, 7), Token::new(1, 8));
        let mut bindings = Bindings::new().with(Hole::CONVERSATION, 3).with(Hole::KEY, "k");
        bindings.set(Hole::TEXT, Scalar::Text(mine.to_string().into()));
        let route = dialect.route(Operation::Send, 0, None).unwrap();
        let mut out = String::new();
        voice.say(&dialect, attempt(1), route, &bindings, None, &mut out).unwrap();
        let mut hear = |token: Token| {
            let text = format!(
                "2[\"message:new\",{{\"id\":5,\"conversationId\":3,\"senderId\":1,\
                 \"text\":\"{token}\",\"createdAt\":\"2026-01-01T00:00:00.000Z\"}}]"
            );
            voice.hear(&dialect, &Packet::decode(&text).unwrap())
        };
        assert!(matches!(hear(another), Heard::Sight(Event::Message(_))));
        let heard = hear(mine);
        let Heard::Echo(id, Reply::Yes { id: Some(message), .. }, _) = &heard else {
            panic!("{heard:?}")
        };
        assert_eq!((*id, message.as_str()), (attempt(1), "5"));
        assert!(matches!(hear(mine), Heard::Sight(_)), "once is enough");
    }

    fn framed(spec: &str) -> (Dialect, Voice) {
        let path = format!("{}/specs/{spec}.yaml", env!("CARGO_MANIFEST_DIR"));
        let yaml = std::fs::read_to_string(path).unwrap();
        let loaded = crate::spec::load("spec.yaml", &yaml, &crate::property::ids());
        (Dialect::new(Arc::new(loaded.unwrap().spec), 1_000, 1), Voice::default())
    }

    /// Asks to send in conversation 3; says what leaves.
    fn say(voice: &mut Voice, dialect: &Dialect, number: u32) -> String {
        let mut bindings = Bindings::new().with(Hole::CONVERSATION, 3).with(Hole::TEXT, "x");
        bindings.set(Hole::KEY, format!("k{number}").as_str());
        let route = dialect.route(Operation::Send, 0, None).unwrap();
        let mut out = String::new();
        voice.say(dialect, attempt(number), route, &bindings, None, &mut out).unwrap();
        out
    }

    #[test]
    fn a_numbered_answer_finds_its_request_and_a_second_one_is_noticed() {
        let (dialect, mut voice) = framed("frames");
        assert!(say(&mut voice, &dialect, 1).contains(r#""id":1,"#));
        assert!(say(&mut voice, &dialect, 2).contains(r#""id":2,"#));
        let said = r#"{"type":"said","id":2,"message":"m","seq":1}"#;
        for _ in 0..2 {
            let heard = voice.hear_frame(&dialect, said, None);
            assert!(matches!(heard, Heard::Answer(id, ..) if id == attempt(2)), "{heard:?}");
        }
        let refused = r#"{"type":"error","id":1,"reason":"no"}"#;
        let heard = voice.hear_frame(&dialect, refused, None);
        let Heard::Answer(id, _, Reply::No(error)) = &heard else { panic!("{heard:?}") };
        assert_eq!((*id, error.as_str()), (attempt(1), "no"));
    }

    #[test]
    fn without_numbers_the_first_question_has_the_first_answer_of_its_socket() {
        let (dialect, mut voice) = framed("rooms");
        (1..=2).for_each(|number| drop(say(&mut voice, &dialect, number)));
        let said = r#"{"said":{"id":7}}"#;
        let mut hear = |place: i64| voice.hear_frame(&dialect, said, Some(Scalar::Int(place)));
        assert!(matches!(hear(4), Heard::Unknown), "another conversation's socket");
        for number in 1..=2 {
            let heard = hear(3);
            assert!(matches!(heard, Heard::Answer(id, ..) if id == attempt(number)), "{heard:?}");
        }
        assert!(matches!(hear(3), Heard::Unknown));
        say(&mut voice, &dialect, 3);
        assert_eq!(voice.barred(&Scalar::Int(4)), []);
        assert_eq!(voice.barred(&Scalar::Int(3)), [attempt(3)]);
    }

    #[test]
    fn what_is_no_frame_of_the_spec_is_told_from_a_bad_one() {
        let (dialect, mut voice) = framed("frames");
        let mut hear = |json: &str| voice.hear_frame(&dialect, json, None);
        assert!(matches!(hear(r#"{"type":"weather"}"#), Heard::Unknown));
        assert!(matches!(hear(r#"{"type":"message","text":"x"}"#), Heard::Garbage(_)));
        assert!(matches!(hear("{"), Heard::Garbage(_)));
        let online = hear(r#"{"type":"presence","from":"ann","online":true}"#);
        assert!(matches!(online, Heard::Sight(Event::Saw { .. })), "{online:?}");
    }

    #[test]
    fn what_was_answered_is_remembered_for_a_while_and_then_forgotten() {
        let (dialect, mut voice) = (dialect(), Voice::default());
        let first = send(&mut voice, &dialect, 0);
        for _ in 0..2 {
            assert!(matches!(hear(&mut voice, &dialect, first), Heard::Answer(..)));
        }
        for number in 1..10_000 {
            let ack = send(&mut voice, &dialect, number);
            assert!(matches!(hear(&mut voice, &dialect, ack), Heard::Answer(..)));
        }
        assert_eq!(voice.awaited.len(), awaited::REMEMBERED);
        let Heard::Garbage(what) = hear(&mut voice, &dialect, first) else { panic!("known") };
        assert_eq!(what, format!("an ack that answers nothing: number {first}"));
    }
}
