//! What has to come, and what comes instead.

use super::super::channel::Heard;
use super::super::greeting::Greeting;
use super::super::script::{Expected, Wanted};
use super::super::site::Visitor;
use super::super::tape::brief;
use super::super::text::{Holes, Pattern, Template};
use super::super::tongue::{Tongue, Word};
use super::{BYSTANDER, By, Done, Stage, Stop, seconds, wrong};
use std::time::Duration;
use tokio::time::Instant;

/// So little does not matter.
const SLACK: Duration = Duration::from_millis(50);
/// A wait is prolonged to so many times its length at most, by a program that stands still.
const PROLONGED: u32 = 4;

/// What has to come.
pub(super) struct Awaited {
    list: Vec<Expected>,
    all: bool,
    if_at_all: bool,
}

/// What something heard is to somebody who waits.
enum Fit {
    /// This one of the list came.
    This(usize),
    /// It is part of one that needs more.
    Goes,
    /// It says nothing about what is awaited.
    PassedOver,
    /// It is something else.
    Wrong,
    /// It came in another order than it was sent.
    OutOfOrder,
    /// It has not all that it should have.
    TooLittle,
}

/// By what somebody knows the words of the server.
#[derive(Clone, Copy, Default)]
struct Ear<'a> {
    tongue: Option<&'a Tongue>,
    greeting: Option<&'a Greeting>,
}

impl<'a> Ear<'a> {
    fn of(visitor: &'a Visitor) -> Self {
        Self { tongue: visitor.tongue.as_ref(), greeting: visitor.greeting.as_ref() }
    }

    fn hears(self, word: Word, packet: &str) -> bool {
        self.tongue.is_some_and(|tongue| tongue.is(word, packet))
            || self.greeting.is_some_and(|greeting| greeting.is(word, packet))
    }
}

impl Awaited {
    pub(super) fn of(wanted: &Wanted) -> Self {
        Self { list: wanted.list.clone(), all: wanted.all, if_at_all: wanted.if_at_all }
    }

    pub(super) fn status(status: u16) -> Self {
        Self::one(Expected::Status { from: status, to: status, packets: Vec::new() })
    }

    /// A packet like this; the pattern is the program's own.
    pub(super) fn packet(pattern: &str) -> Self {
        Self::one(Pattern::parse(pattern).map_or(Expected::Nothing, Expected::Packet))
    }

    pub(super) fn pong(text: &str) -> Self {
        Self::one(Template::parse(text).map_or(Expected::Nothing, Expected::Pong))
    }

    pub(super) fn word(word: Word) -> Self {
        Self::one(Expected::Word(word))
    }

    fn one(expected: Expected) -> Self {
        Self { list: vec![expected], all: false, if_at_all: false }
    }

    fn may_be_silent(&self) -> bool {
        self.list.contains(&Expected::Nothing)
    }

    /// On a raw WebSocket what nobody waits for is passed over.
    fn fit(&self, heard: &Heard, holes: &mut Holes, ear: Ear<'_>) -> Fit {
        if matches!(heard, Heard::Sent(_) | Heard::Posted(_)) {
            return Fit::PassedOver;
        }
        let unasked = ear.tongue.is_some() && matches!(heard, Heard::Packet(_));
        let passed = unasked || self.passes_over(heard, holes);
        let mut fit = if passed { Fit::PassedOver } else { Fit::Wrong };
        for (index, expected) in self.list.iter().enumerate() {
            match one_fit(expected, heard, holes, ear) {
                Fit::Wrong | Fit::PassedOver => {}
                Fit::This(_) => return Fit::This(index),
                other => fit = other,
            }
        }
        fit
    }

    /// Pings, noops, events and pongs say nothing, unless they are awaited; on the way to an end
    /// anything may still come.
    fn passes_over(&self, heard: &Heard, holes: &Holes) -> bool {
        match heard {
            Heard::Pong(_) => true,
            Heard::Packet(packet) => {
                let ends = |one: &Expected| matches!(one, Expected::Closed);
                if self.list.iter().all(ends) {
                    return true;
                }
                let idle = ["2", "6", "42", "45", "b"].into_iter().find(|start| match *start {
                    "2" | "6" => packet == start,
                    start => packet.starts_with(start),
                });
                let spoken_of = |start: &str| {
                    self.list.iter().any(|one| match one {
                        Expected::Packet(pattern) => pattern.speaks_of(start, holes),
                        _ => false,
                    })
                };
                idle.is_some_and(|start| !spoken_of(start))
            }
            _ => false,
        }
    }

    fn words(&self) -> String {
        let list: Vec<String> = self.list.iter().map(words_of).collect();
        list.join(if self.all { " and " } else { " or " })
    }
}

/// A wait for something that has a certain time to come.
struct Wait {
    begun: Instant,
    time: Duration,
    /// When it is looked at again.
    until: Instant,
}

impl Wait {
    fn new(begun: Instant, time: Duration) -> Self {
        Self { begun, time, until: begun + time }
    }

    /// Its time is over, and so much of it this program stood still: `None`, it goes on. Else what it
    /// proves that nothing came.
    fn is_over(&mut self, lost: Duration) -> Option<By> {
        let (fair, last) = (self.begun + self.time + lost, self.begun + self.time * PROLONGED);
        if fair <= self.until + SLACK {
            return Some(By::Silence);
        }
        if self.until >= last {
            return Some(By::Other);
        }
        self.until = fair.min(last);
        None
    }
}

impl Stage<'_> {
    /// Waits for what has to come. While this program stands still, the server may well do so, too: that
    /// time is not counted.
    pub(super) async fn expect(&mut self, name: &str, mut wanted: Awaited, time: Duration) -> Done {
        let mut wait = Wait::new(Instant::now(), time);
        let stood = self.channels.stood_still();
        loop {
            let next = self.channels.next(name, wait.until, &mut self.tape).await;
            let Some((_, heard)) = next else {
                let lost = self.channels.stood_still().saturating_sub(stood);
                match wait.is_over(lost) {
                    None if !wanted.may_be_silent() => continue,
                    by => return self.silence(name, &wanted, time, by.unwrap_or(By::Silence)),
                }
            };
            if let Heard::Closed(why) = &heard {
                self.channels.close(name, why.clone());
            }
            if let Heard::Trouble(why) = &heard {
                return Err(Stop::Doubt(format!("{name} cannot connect: {why}")));
            }
            if let (Heard::Unreachable(why), true) = (&heard, name == BYSTANDER) {
                return Err(Stop::Doubt(format!("the server cannot be reached: {why}")));
            }
            let mut holes = std::mem::take(&mut self.holes);
            let fit = wanted.fit(&heard, &mut holes, Ear::of(self.visitor(name)));
            self.holes = holes;
            match fit {
                Fit::PassedOver | Fit::Goes => {}
                Fit::This(index) => {
                    if !wanted.all || wanted.list.len() == 1 {
                        return Ok(());
                    }
                    wanted.list.remove(index);
                }
                Fit::OutOfOrder => {
                    return Err(wrong(
                        "packets out of order",
                        format!("`{name}` got its packets in another order: {}", said(&heard)),
                    ));
                }
                Fit::TooLittle if wanted.if_at_all => return Err(Stop::Unexercised),
                Fit::Wrong | Fit::TooLittle => return Err(self.unmet(name, &wanted, &heard)),
            }
        }
    }

    /// The session stays open, and nothing comes.
    pub(super) async fn quiet(&mut self, name: &str, time: Duration) -> Done {
        let wanted = Awaited::one(Expected::Nothing);
        self.expect(name, wanted, time).await
    }

    fn silence(&self, name: &str, wanted: &Awaited, time: Duration, by: By) -> Done {
        if wanted.may_be_silent() {
            return Ok(());
        }
        if wanted.if_at_all {
            return Err(Stop::Unexercised);
        }
        let summary = match wanted.list.as_slice() {
            [Expected::Closed] => "a connection that must end stays open",
            _ => "no answer",
        };
        let words = wanted.words();
        let waited = seconds(time);
        let therefore = format!("`{name}` waited {waited} for {words}, and it did not come");
        Err(Stop::Wrong { summary: summary.into(), therefore, by })
    }

    /// Something else came.
    fn unmet(&self, name: &str, wanted: &Awaited, heard: &Heard) -> Stop {
        let refused = matches!(heard, Heard::Answer { status: 400.., .. } | Heard::Cut(_));
        if let (true, Some(why)) = (refused, self.unpromised(name)) {
            return Stop::NotSupported(why);
        }
        let summary = match heard {
            Heard::Closed(_) | Heard::Cut(_) | Heard::Unreachable(_) => {
                "a connection that must stand is closed"
            }
            Heard::Answer { .. } => "another HTTP answer than the protocol's",
            _ => "another packet than the protocol's",
        };
        let expected = match wanted.words() {
            words if words == "nothing" => "where nothing is due".to_owned(),
            words => format!("where {words} is due"),
        };
        wrong(summary, format!("`{name}` got {} {expected}", said(heard)))
    }
}

fn one_fit(expected: &Expected, heard: &Heard, holes: &mut Holes, ear: Ear<'_>) -> Fit {
    match (expected, heard) {
        (Expected::Status { from: 101, .. }, Heard::Opened) => Fit::This(0),
        (Expected::Status { from, to, packets }, Heard::Answer { status, body }) => {
            if !(from..=to).contains(&status) {
                return Fit::Wrong;
            }
            payload_fit(packets, &String::from_utf8_lossy(body), holes)
        }
        (Expected::Refused, Heard::Answer { status: 400.., .. } | Heard::Cut(_))
        | (Expected::Refused | Expected::Closed, Heard::Closed(_)) => Fit::This(0),
        (Expected::Refused, Heard::Opened) => Fit::Goes,
        (Expected::Pong(text), Heard::Pong(payload)) => match text.fill(holes) {
            Ok(wanted) if wanted == *payload => Fit::This(0),
            _ => Fit::Wrong,
        },
        (Expected::Packet(pattern), Heard::Packet(packet)) if pattern.matches(packet, holes) => {
            Fit::This(0)
        }
        (Expected::Word(word), Heard::Packet(frame)) => {
            if ear.hears(*word, frame) {
                Fit::This(0)
            } else {
                Fit::Wrong
            }
        }
        _ => Fit::Wrong,
    }
}

/// Whether a payload has these packets in this order; others may stand between them.
fn payload_fit(patterns: &[Pattern], payload: &str, holes: &mut Holes) -> Fit {
    let packets: Vec<&str> = payload.split('\u{1e}').collect();
    let mut from = 0;
    let mut ordered = true;
    for pattern in patterns {
        let place = |packets: &[&str], holes: &mut Holes| {
            packets.iter().position(|packet| pattern.matches(packet, holes))
        };
        match place(packets.get(from..).unwrap_or_default(), holes) {
            Some(at) => from += at + 1,
            None if place(&packets, holes).is_some() => ordered = false,
            None => return Fit::TooLittle,
        }
    }
    if ordered { Fit::This(0) } else { Fit::OutOfOrder }
}

/// What is expected, for a sentence.
fn words_of(expected: &Expected) -> String {
    match expected {
        Expected::Status { from, to, packets } => {
            let status = if from == to { from.to_string() } else { format!("{}xx", from / 100) };
            let packets: Vec<String> = packets.iter().map(Pattern::to_string).collect();
            match packets.is_empty() {
                true => format!("status {status}"),
                false => format!("`{status} {}`", packets.join("␞")),
            }
        }
        Expected::Refused => "a refusal".to_owned(),
        Expected::Closed => "the end of the connection".to_owned(),
        Expected::Nothing => "nothing".to_owned(),
        Expected::Pong(_) => "a pong with the ping's data".to_owned(),
        Expected::Packet(pattern) => format!("`{pattern}`"),
        Expected::Word(Word::Welcome) => "the server's welcome".to_owned(),
        Expected::Word(Word::LetIn) => "the answer to its login".to_owned(),
        Expected::Word(Word::Answer) => "the answer to its request".to_owned(),
    }
}

/// What was heard, for a sentence.
fn said(heard: &Heard) -> String {
    match heard {
        Heard::Answer { status, body } if body.is_empty() => format!("status {status}"),
        Heard::Answer { status, body } => {
            format!("`{status} {}`", brief(&String::from_utf8_lossy(body)))
        }
        Heard::Cut(why) => format!("no answer ({why})"),
        Heard::Unreachable(why) => format!("nobody at the address ({why})"),
        Heard::Opened => "an accepted WebSocket".to_owned(),
        Heard::Packet(packet) | Heard::Sent(packet) => format!("`{}`", brief(packet)),
        Heard::Pong(_) => "a pong with other data".to_owned(),
        Heard::Posted(_) => "an answer to a POST".to_owned(),
        Heard::Closed(why) => format!("the end of the connection ({why})"),
        Heard::Trouble(why) => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(list: &[Expected], heard: &Heard) -> &'static str {
        let awaited = Awaited { list: list.to_vec(), all: false, if_at_all: false };
        match awaited.fit(heard, &mut Holes::new(), Ear::default()) {
            Fit::This(_) => "fits",
            Fit::Goes => "goes on",
            Fit::PassedOver => "passed over",
            Fit::Wrong => "wrong",
            Fit::OutOfOrder => "out of order",
            Fit::TooLittle => "too little",
        }
    }

    fn packet(text: &str) -> Expected {
        Expected::Packet(Pattern::parse(text).unwrap())
    }

    #[test]
    fn what_says_nothing_is_passed_over() {
        let heard = |text: &str| Heard::Packet(text.to_owned());
        for (awaited, text, expected) in [
            (packet("40*"), "40{}", "fits"),
            (packet("40*"), "2", "passed over"),
            (packet("40*"), "6", "passed over"),
            (packet("40*"), "42[\"news\"]", "passed over"),
            (packet("40*"), "44{}", "wrong"),
            (packet("2"), "2", "fits"),
            (packet("42[\"a\"]"), "42[\"b\"]", "wrong"),
            (Expected::Nothing, "2", "passed over"),
            (Expected::Nothing, "437[]", "wrong"),
            (Expected::Closed, "437[]", "passed over"),
        ] {
            assert_eq!(fit(&[awaited], &heard(text)), expected, "{text}");
        }
        assert_eq!(fit(&[packet("40*")], &Heard::Closed("x".into())), "wrong");
        assert_eq!(fit(&[packet("40*")], &Heard::Posted(Ok(200))), "passed over");
    }

    #[test]
    fn a_refusal_has_many_forms() {
        let refused = [Expected::Refused];
        let answer = |status| Heard::Answer { status, body: Vec::new() };
        for (heard, expected) in [
            (answer(400), "fits"),
            (answer(200), "wrong"),
            (Heard::Cut("x".into()), "fits"),
            (Heard::Opened, "goes on"),
            (Heard::Closed("x".into()), "fits"),
            (Heard::Packet("0{}".into()), "wrong"),
        ] {
            assert_eq!(fit(&refused, &heard), expected, "{heard:?}");
        }
    }

    #[test]
    fn while_this_program_stands_still_no_time_is_counted() {
        let second = Duration::from_secs(1);
        let begun = Instant::now();
        let mut wait = Wait::new(begun, 5 * second);
        assert_eq!(wait.is_over(second / 50), Some(By::Silence), "so little does not matter");
        assert_eq!(wait.is_over(2 * second), None);
        assert_eq!(wait.until, begun + 7 * second);
        assert_eq!(wait.is_over(3 * second), None, "and it stood still again");
        assert_eq!(wait.is_over(3 * second), Some(By::Silence));
        assert_eq!(wait.is_over(60 * second), None);
        assert_eq!(wait.until, begun + 20 * second);
        assert_eq!(wait.is_over(70 * second), Some(By::Other), "it says nothing any more");
    }

    #[test]
    fn payloads_have_an_order() {
        let packets = ["4a", "4b"].map(|text| Pattern::parse(text).unwrap()).to_vec();
        let awaited = [Expected::Status { from: 200, to: 200, packets }];
        for (body, expected) in [
            ("4a\x1e4b", "fits"),
            ("2\x1e4a\x1e2\x1e4b", "fits"),
            ("4b\x1e4a", "out of order"),
            ("4a", "too little"),
            ("", "too little"),
        ] {
            let heard = Heard::Answer { status: 200, body: body.into() };
            assert_eq!(fit(&awaited, &heard), expected, "{body}");
        }
    }
}
