//! What an incoming event may mean: from its name to the sights and answers that are candidates.
//!
//! Compiled once per spec; a lookup allocates nothing and touches only the name (Socket.IO) or one
//! field (JSON frames). The candidates stand in the order of the file; the first that fits is it.

use crate::operation::{Operation, Sight};
use crate::spec::bindings::Bindings;
use crate::spec::model::{Pushed, Reception, Spec, Step, Via};
use crate::spec::scan::Scan;
use crate::spec::shape::Shape;
use rustc_hash::FxHashMap;

/// What an incoming event may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// [`Spec::sees`] at this index.
    Pushed(u16),
    /// An answer to a request that is waiting for one.
    Answer(AnswerId),
}

/// An answer of the spec that comes as an event or frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnswerId {
    /// Of which operation.
    pub operation: Operation,
    /// Index into [`Deed::channels`](crate::spec::Deed).
    pub channel: u8,
    /// Index into [`Channel::steps`](crate::spec::Channel).
    pub step: u8,
    /// What it says.
    pub verdict: Answer,
    /// Index into the step's list of that verdict.
    pub index: u8,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    /// Too fast: [`Step::limited`].
    Limited,
    /// No: [`Step::no`].
    No,
    /// Yes: [`Step::yes`].
    Yes,
}

/// The compiled lookup of one spec.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    /// By the event's name, or by the discriminating field's text.
    named: FxHashMap<Box<str>, Vec<Candidate>>,
    /// Candidates whose name has holes, or that lack the discriminating field.
    others: Vec<Candidate>,
    /// The field that tells frames apart.
    discriminator: Option<Box<str>>,
}

impl Receiver {
    /// Compiles the lookup of a spec.
    #[must_use]
    pub fn new(spec: &Spec) -> Self {
        let all = candidates(spec);
        let discriminator = discriminator(&all);
        let mut receiver = Self { discriminator, ..Self::default() };
        let mut names: Vec<Option<&str>> = Vec::new();
        for (candidate, reception) in &all {
            let name = receiver.name_of(reception);
            names.push(name);
            if name.is_none() {
                receiver.others.push(*candidate);
            }
        }
        // Each list holds the nameless too, so that one lookup gives all in the file's order.
        let mut named: FxHashMap<Box<str>, Vec<Candidate>> = FxHashMap::default();
        for name in names.iter().flatten() {
            let fitting = all.iter().zip(&names);
            let fitting = fitting.filter(|(_, other)| other.is_none_or(|other| other == *name));
            let list = fitting.map(|((candidate, _), _)| *candidate).collect();
            named.insert((*name).into(), list);
        }
        receiver.named = named;
        receiver
    }

    fn name_of<'s>(&self, reception: &'s Reception) -> Option<&'s str> {
        match reception.via {
            Via::Frame => self.constant(&reception.shape),
            _ => reception.shape.event().or_else(|| self.constant(&reception.shape)),
        }
    }

    fn constant<'s>(&self, shape: &'s Shape) -> Option<&'s str> {
        let field = self.discriminator.as_deref()?;
        let mut constants = shape.constants();
        constants.find(|(name, _)| *name == field).map(|(_, text)| text)
    }

    /// What a Socket.IO event of this name may mean.
    #[must_use]
    pub fn event(&self, name: &str) -> &[Candidate] {
        self.named.get(name).unwrap_or(&self.others)
    }

    /// What a JSON frame may mean.
    #[must_use]
    pub fn frame(&self, json: &str) -> &[Candidate] {
        let field = self.discriminator.as_deref();
        let text = field.and_then(|field| field_text(json, field));
        text.map_or(&self.others, |text| self.event(&text))
    }

    /// Whether a frame that differs from this shape here is another kind of frame, and no bad one
    /// of this kind: the field that tells frames apart differs, or, in a shape without it, a field
    /// at the top.
    #[must_use]
    pub fn differs_in_kind(&self, reception: &Reception, pointer: &str) -> bool {
        match (self.constant(&reception.shape), &self.discriminator) {
            (Some(_), Some(field)) => pointer.strip_prefix('/') == Some(field),
            _ => pointer.matches('/').count() < 2,
        }
    }
}

impl AnswerId {
    /// The step it answers.
    #[must_use]
    pub fn step_of<'s>(&self, spec: &'s Spec) -> Option<&'s Step> {
        let deed = spec.deed(self.operation)?;
        let channel = deed.channels.get(usize::from(self.channel))?;
        channel.steps.get(usize::from(self.step))
    }

    /// What it looks like.
    #[must_use]
    pub fn reception<'s>(&self, spec: &'s Spec) -> Option<&'s Reception> {
        let step = self.step_of(spec)?;
        step.answers(self.verdict).get(usize::from(self.index))
    }
}

impl Candidate {
    /// What it looks like.
    #[must_use]
    pub fn reception<'s>(&self, spec: &'s Spec) -> Option<&'s Reception> {
        match self {
            Self::Pushed(index) => {
                let pushed = spec.sees.get(usize::from(*index));
                pushed.map(|pushed: &Pushed| &pushed.reception)
            }
            Self::Answer(answer) => answer.reception(spec),
        }
    }
}

impl Step {
    /// The answers that say this.
    #[must_use]
    pub fn answers(&self, verdict: Answer) -> &[Reception] {
        match verdict {
            Answer::Limited => &self.limited,
            Answer::No => &self.no,
            Answer::Yes => &self.yes,
        }
    }

    /// What an answer that came back on the request itself says (a callback's arguments, or the
    /// body with its status), and its shape: the first that fits, in the order limited, no, yes.
    /// Binds its holes; leaves `bindings` as it was if none fits.
    pub fn judge(
        &self,
        came: &Came,
        json: &str,
        bindings: &mut Bindings,
    ) -> Option<(Answer, &Shape)> {
        [Answer::Limited, Answer::No, Answer::Yes]
            .into_iter()
            .flat_map(|verdict| self.answers(verdict).iter().map(move |one| (verdict, one)))
            .find(|(_, one)| {
                came.by(&one.via) && (one.shape.is_anything() || one.shape.fits(json, bindings))
            })
            .map(|(verdict, one)| (verdict, &one.shape))
    }
}

/// How an answer came back on the request itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// As the acknowledgement.
    Ack,
    /// With this HTTP status.
    Status(u16),
}

impl Came {
    fn by(self, via: &Via) -> bool {
        match (self, via) {
            (Self::Ack, Via::Ack) => true,
            (Self::Status(status), Via::Status(from, to)) => (*from..=*to).contains(&status),
            _ => false,
        }
    }
}

/// Everything that may come in as an event or frame. Answers stand first: a request that waits for
/// one has the better claim.
fn candidates(spec: &Spec) -> Vec<(Candidate, &Reception)> {
    let mut all = Vec::new();
    for deed in &spec.does {
        for (channel, one) in deed.channels.iter().enumerate() {
            for (step, asked) in one.steps.iter().enumerate() {
                for verdict in [Answer::Limited, Answer::No, Answer::Yes] {
                    for (index, reception) in asked.answers(verdict).iter().enumerate() {
                        if matches!(reception.via, Via::Event(_) | Via::Frame | Via::Echo) {
                            let answer = AnswerId {
                                operation: deed.operation,
                                channel: channel as u8,
                                step: step as u8,
                                verdict,
                                index: index as u8,
                            };
                            all.push((Candidate::Answer(answer), reception));
                        }
                    }
                }
            }
        }
    }
    let sees = spec.sees.iter().enumerate();
    all.extend(sees.map(|(i, one)| (Candidate::Pushed(i as u16), &one.reception)));
    all
}

/// The field whose constant text tells most frames apart.
fn discriminator(all: &[(Candidate, &Reception)]) -> Option<Box<str>> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for (_, reception) in all {
        for (field, _) in reception.shape.constants() {
            match counts.iter_mut().find(|(known, _)| *known == field) {
                Some((_, count)) => *count += 1,
                None => counts.push((field, 1)),
            }
        }
    }
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    best.map(|(field, _)| (*field).into())
}

/// The text of a field of a JSON object, if it has that field and it is a text.
fn field_text<'j>(json: &'j str, field: &str) -> Option<std::borrow::Cow<'j, str>> {
    let mut scan = Scan::new(json);
    if scan.peek() != Some(b'{') {
        return None;
    }
    scan.open().ok()?;
    let mut first = true;
    while scan.more(b'}', first).ok()? {
        first = false;
        let key = scan.key().ok()?;
        if key.is(field) {
            let text = scan.peek() == Some(b'"');
            return text.then(|| scan.string().ok())?.map(|text| text.plain());
        }
        scan.skip().ok()?;
    }
    None
}

impl Spec {
    /// The events that tell of `sight`, the canonical ones.
    pub fn seen(&self, sight: Sight) -> impl Iterator<Item = &Pushed> {
        self.sees.iter().filter(move |pushed| pushed.sight == sight && !pushed.alias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::load;

    fn spec(connect: &str, rest: &str) -> Spec {
        let yaml = format!("assize: 1\nname: t\nabout: t\nconnect: {connect}\n{rest}\n");
        let loaded = load("t.yaml", &yaml, &[]);
        loaded.unwrap_or_else(|list| panic!("{}", crate::source::render(&list))).spec
    }

    /// The first candidate that fits, in words.
    fn meaning(spec: &Spec, candidates: &[Candidate], json: &str) -> String {
        let fits = candidates.iter().find(|candidate| {
            let reception = candidate.reception(spec).unwrap();
            reception.shape.fits(json, &mut Bindings::new())
        });
        match fits {
            None => "nothing".to_owned(),
            Some(Candidate::Pushed(index)) => spec.sees[usize::from(*index)].sight.to_string(),
            Some(Candidate::Answer(answer)) => {
                format!("{} {:?}", answer.operation, answer.verdict)
            }
        }
    }

    #[test]
    fn events_are_found_by_name() {
        let spec = spec(
            "{ socket.io: {} }",
            r#"
let: { conversation: room }
do:
  send:
    emit: [send, { text: $text, id: $key }]
    reply: [sent, { ok: true, id: $key }]
    error: [sent, { ok: false, id: $key }]
    echo: true
see:
  message: [message, { text: $text, id: $key }]
  notice: ["room:$conversation", $text]
"#,
        );
        let receiver = Receiver::new(&spec);
        let read = |name: &str, json: &str| meaning(&spec, receiver.event(name), json);
        assert_eq!(read("sent", r#"["sent",{"ok":true,"id":1}]"#), "send Yes");
        assert_eq!(read("sent", r#"["sent",{"ok":false,"id":1}]"#), "send No");
        assert_eq!(read("message", r#"["message",{"text":"x","id":1}]"#), "send Yes");
        assert_eq!(read("room:7", r#"["room:7","x"]"#), "notice");
        assert_eq!(read("else", r#"["else"]"#), "nothing");
        let send = &spec.deed(Operation::Send).unwrap().channels[0].steps[0];
        assert!(send.yes.iter().chain(&send.no).all(|one| one.correlated));
    }

    #[test]
    fn frames_are_found_by_their_discriminator() {
        let spec = spec(
            "{ websocket: {} }",
            r#"
let: { conversation: room }
do:
  send:
    frame: { op: send, id: $request, text: $text }
    reply: { op: ok, id: $request }
see:
  message: { op: message, text: $text }
  typing-start: { op: typing, who: $sender }
  notice: { notification: { text: $_ } }
"#,
        );
        let receiver = Receiver::new(&spec);
        let read = |json: &str| meaning(&spec, receiver.frame(json), json);
        assert_eq!(read(r#"{"id":4,"op":"ok"}"#), "send Yes");
        assert_eq!(read(r#"{"op":"message","text":"x"}"#), "message");
        assert_eq!(read(r#"{"notification":{"text":1}}"#), "notice");
        assert_eq!(read(r#"{"op":"else"}"#), "nothing");
        assert_eq!(read("[1"), "nothing");
        assert_eq!(receiver.frame(r#"{"op":"typing"}"#).len(), 2);
        let another = |sight, pointer| {
            receiver.differs_in_kind(&spec.seen(sight).next().unwrap().reception, pointer)
        };
        assert!(another(Sight::Message, "/op") && !another(Sight::Message, "/text"));
        assert!(another(Sight::Notice, "/notification"));
        assert!(!another(Sight::Notice, "/notification/text"));
    }

    #[test]
    fn callbacks_and_bodies_are_judged() {
        let spec = spec(
            "{ socket.io: {} }",
            r#"
let: { conversation: room }
do:
  send: { emit: [send, $text], ack: [], nack: [$error], limited: [too fast] }
  history:
    get: /messages
    ok: { 200: [{ id: $message, text: $text }, ...] }
    fail: { 4xx: { error: $error } }
  read: { post: /read, ok: { 200-204: }, fail: { 403: { error: $error } } }
"#,
        );
        let step = |operation| &spec.deed(operation).unwrap().channels[0].steps[0];
        let judge = |operation, came, json| {
            let judged = step(operation).judge(&came, json, &mut Bindings::new());
            judged.map(|(answer, _)| answer)
        };
        let ack = |json| judge(Operation::Send, Came::Ack, json);
        assert_eq!(ack("[]"), Some(Answer::Yes));
        assert_eq!(ack("[null]"), Some(Answer::Yes));
        assert_eq!(ack(r#"["no"]"#), Some(Answer::No));
        assert_eq!(ack(r#"["too fast"]"#), Some(Answer::Limited));
        let body = |status, json| judge(Operation::History, Came::Status(status), json);
        assert_eq!(body(200, "[]"), Some(Answer::Yes));
        assert_eq!(body(404, r#"{"error":"x"}"#), Some(Answer::No));
        assert_eq!(body(500, "{}"), None);
        let read = |status, json| judge(Operation::Read, Came::Status(status), json);
        assert_eq!(read(204, ""), Some(Answer::Yes), "a status without a shape, no body");
        assert_eq!(read(200, "<p>OK</p>"), Some(Answer::Yes));
        assert_eq!(read(403, ""), None);
    }
}
