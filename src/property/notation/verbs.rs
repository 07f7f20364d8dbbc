//! What the verbs of a line mean, by who is at work: the one who asks, the server that answers,
//! the one who sees, and the connection under all of them.

use super::scribe::{Scribe, client, failed};
use crate::history::{
    About, Answer, Carrier, ClientId, ConversationId, Damage, Due, Event, MessageRef, NO_PING,
    Nanos, OpId, STARTED, STOPPED, Seen, TOO_BIG, Token,
};
use crate::operation::{ConnectionState, Operation, Sight};
use crate::property::notation::RUN;
use compact_str::CompactString;
use std::str::FromStr;

/// One line about one client, taken to pieces: the marked words wherever they stand.
pub(super) struct Line<'a> {
    client: ClientId,
    verb: &'a str,
    words: &'a [&'a str],
    text: &'a str,
    op: Option<OpId>,
    place: Option<ConversationId>,
    id: Option<CompactString>,
    order: Option<i64>,
    key: Option<CompactString>,
    token: Option<Token>,
    attempt: Option<u32>,
}

impl<'a> Line<'a> {
    /// `words` are those of `text`, without its time.
    pub(super) fn new(words: &'a [&'a str], text: &'a str) -> Self {
        let mut line = Self {
            client: client(words[0]),
            verb: words[1],
            words: &words[2..],
            text,
            op: None,
            place: None,
            id: None,
            order: words[2..].iter().find_map(|word| word.parse().ok()),
            key: None,
            token: None,
            attempt: None,
        };
        line.op = line.number('o').map(OpId);
        line.place = line.find('#').map(|number| ConversationId(number.parse().unwrap()));
        line.id = line.named('m');
        line.key = line.named('k');
        line.token = line.number('t').map(|number| Token::new(RUN, number));
        line.attempt = line.find('/').map(|number| number.parse().unwrap());
        line
    }

    fn find(&self, mark: char) -> Option<&'a str> {
        self.words.iter().find_map(|word| word.strip_prefix(mark))
    }

    /// What stands behind a mark, if it is a number.
    fn number<N: FromStr>(&self, mark: char) -> Option<N> {
        self.find(mark).and_then(|number| number.parse().ok())
    }

    /// A name with its mark: `u1`, `m3`.
    fn named(&self, mark: char) -> Option<CompactString> {
        self.find(mark).map(|rest| format!("{mark}{rest}").into())
    }

    fn said(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    /// The word behind a word.
    fn behind(&self, word: &str) -> Option<&'a str> {
        let at = self.words.iter().position(|one| *one == word)?;
        self.words.get(at + 1).copied()
    }

    fn via(&self) -> Option<CompactString> {
        self.words.iter().find_map(|word| word.strip_prefix("via=")).map(Into::into)
    }

    #[track_caller]
    fn op(&self) -> OpId {
        self.op.unwrap_or_else(|| panic!("no operation: {}", self.text))
    }

    #[track_caller]
    fn place(&self) -> ConversationId {
        self.place.unwrap_or_else(|| panic!("no conversation: {}", self.text))
    }

    fn about(&self) -> Option<About> {
        self.id.clone().map(About::Message)
    }
}

impl Scribe {
    pub(super) fn event(&mut self, line: &Line<'_>) {
        self.via = line.via();
        let is_known =
            self.asks(line) || self.answers(line) || self.sees(line) || self.connects(line);
        assert!(is_known, "no such verb: {}", line.text);
    }

    fn asks(&mut self, line: &Line<'_>) -> bool {
        let client = line.client;
        match line.verb {
            "owes" => {
                let dues = [("refusal", Due::Refused), ("peace", Due::Harmless)];
                let due = dues.into_iter().find(|(word, _)| line.said(word));
                let due = due.map_or(Due::Accepted, |(_, due)| due);
                let (op, why, odd) = (line.op(), "asks so".into(), line.said("odd"));
                self.push(client, Event::Due { op, due, why, odd });
            }
            "sends" | "plans" => {
                let key = || line.key.clone().unwrap();
                let message = || MessageRef { token: line.token.unwrap(), key: key().into() };
                let message = (!line.said("textless")).then(message);
                self.invoke(client, line.op(), Operation::Send, line.place, message, None);
                if line.verb == "sends" {
                    self.attempt(client, line.op());
                }
            }
            // A read that is queued is tried later.
            "queues" => {
                self.invoke(client, line.op(), Operation::History, line.place, None, None);
            }
            "marks" => {
                let delivered = line.said("delivered");
                let operation = if delivered { Operation::Delivered } else { Operation::Read };
                self.asked(line, operation, line.place, line.about());
                self.is_over(line);
            }
            "types" => {
                let (conversation, planned) = (line.place(), self.now);
                self.push(client, Event::Keystroke { conversation, planned });
            }
            "starts" | "stops" if line.op.is_some() => {
                let starts = line.verb == "starts";
                let operation = if starts { Operation::TypingStart } else { Operation::TypingStop };
                self.asked(line, operation, line.place, None);
                self.is_over(line);
            }
            "searches" => {
                let text = line.token.map_or_else(|| "qz_%".to_owned(), |token| token.to_string());
                self.asked(line, Operation::Search, None, Some(About::Query(text.into())));
            }
            "asks-health" => self.asked(line, Operation::Health, None, None),
            "hides" => self.asked(line, Operation::Hide, line.place, line.about()),
            "announces" => self.asked(line, Operation::Announce, line.place, line.about()),
            "syncs" => self.asked(line, Operation::Sync, line.place, None),
            "reads" => self.asked(line, Operation::History, line.place, None),
            "lists" => self.asked(line, Operation::List, line.place, None),
            "contacts" => self.asked(line, Operation::Contacts, line.place, None),
            "joins" => self.asked(line, Operation::Join, line.place, None),
            "creates" => self.asked(line, Operation::Create, line.place, None),
            "leaves" => self.asked(line, Operation::Leave, line.place, None),
            "asks" => {
                let operation = Operation::parse(line.words[0]).expect("an operation");
                self.asked(line, operation, line.place, line.about());
            }
            "tries" => self.attempt(client, line.op()),
            _ => return false,
        }
        true
    }

    /// Asked for, and tried at once.
    fn asked(
        &mut self,
        line: &Line<'_>,
        operation: Operation,
        place: Option<ConversationId>,
        about: Option<About>,
    ) {
        self.invoke(line.client, line.op(), operation, place, None, about);
        self.attempt(line.client, line.op());
    }

    fn is_over(&mut self, line: &Line<'_>) {
        self.over(line.client, line.op(), |op, rows| Event::Ok { op, rows });
    }

    fn is_answered(&mut self, line: &Line<'_>, answer: Answer, excused: bool) {
        self.answered(line.client, line.op(), line.attempt, answer, excused);
    }

    fn answers(&mut self, line: &Line<'_>) -> bool {
        match line.verb {
            "made" => {
                let (id, order) = (line.named('c'), line.order);
                self.is_answered(line, Answer::Ack { id, order }, false);
                self.is_over(line);
            }
            "acked" | "answered" => {
                let (id, order) = (line.id.clone(), line.order);
                self.is_answered(line, Answer::Ack { id, order }, false);
                if line.verb == "acked" {
                    self.is_over(line);
                }
            }
            "refused" | "nacked" => {
                let text = line.behind("saying").unwrap_or("not so");
                self.is_answered(line, Answer::Nack(text.into()), false);
                if line.verb == "refused" {
                    self.over(line.client, line.op(), |op, _| failed(op, true));
                }
            }
            "done" => {
                self.is_answered(line, Answer::Ack { id: None, order: None }, false);
                self.is_over(line);
            }
            "timeout" => self.is_answered(line, Answer::TimedOut, line.said("excused")),
            "lost" => self.is_answered(line, Answer::Lost, false),
            "fails" => self.over(line.client, line.op(), |op, _| failed(op, false)),
            "over" => self.is_over(line),
            _ => return self.shows(line),
        }
        true
    }

    /// What an answer holds beside its yes or no.
    fn shows(&mut self, line: &Line<'_>) -> bool {
        let (client, id) = (line.client, line.id.clone());
        match line.verb {
            "page" => {
                let number = |word| line.behind(word).unwrap().parse().unwrap();
                let again = line.words.iter().skip_while(|word| **word != "again").skip(1);
                let again = again.map(|id| (*id).into()).collect();
                let (of, rows) = (number("of"), number("rows"));
                let (op, number) = (line.op(), line.order.unwrap() as u32);
                self.push(client, Event::Page { op, number, of, rows, again });
            }
            "found" => {
                let (op, conversation, token) = (line.op(), line.place, line.token);
                self.row(op);
                self.push(client, Event::Found { op, conversation, token, id });
            }
            "listed" => {
                let (op, id, user) = (line.op(), line.named('c'), line.named('u'));
                self.row(op);
                self.push(client, Event::Listed { op, id, user });
            }
            "counts" => {
                let (op, conversation) = (line.op(), line.place);
                let count = line.order.unwrap();
                self.push(client, Event::Counted { op, count, conversation });
            }
            _ => return false,
        }
        true
    }

    fn sees(&mut self, line: &Line<'_>) -> bool {
        match line.verb {
            "sees" | "row" => self.message(line),
            "hears" => {
                let user = line.named('u');
                let states = ["sending", "sent", "delivered", "read"];
                let state = states.into_iter().find(|word| line.said(word)).map(Into::into);
                let sight = if user.is_some() { Sight::Receipt } else { Sight::Status };
                self.saw(line, sight, user, state, None, line.op);
            }
            "sees-of" => {
                let sight = Sight::parse(line.words[0]).expect("a sight");
                self.saw(line, sight, line.named('u'), None, None, None);
            }
            "saw" => {
                let users = line.words.iter().filter_map(|word| word.strip_prefix('u'));
                let users: Vec<CompactString> =
                    users.map(|user| format!("u{user}").into()).collect();
                let sight = Sight::parse(line.words[0]).expect("a sight");
                let all = line.said("all");
                let user = users.first().filter(|_| !all).cloned();
                let state = line.find('=').map(Into::into);
                self.saw(line, sight, user, state, all.then_some(users), None);
            }
            "addressed" => {
                self.person(line.client);
                let conversation = line.place();
                let id = format!("c{}", conversation.0).into();
                self.push(line.client, Event::Addressed { conversation, id });
            }
            _ => return false,
        }
        true
    }

    fn message(&mut self, line: &Line<'_>) {
        let damages = [
            ("changed", Damage::Changed("cut sho".into())),
            ("alive", Damage::Alive),
            ("notshown", Damage::NotShown),
        ];
        let damage = damages.into_iter().find(|(word, _)| line.said(word));
        let text = damage.map_or(Damage::Intact, |(_, damage)| damage);
        let (by, conversation) = match line.verb {
            "sees" => (Carrier::Live, line.place),
            _ => self.row(line.op()),
        };
        let elsewhere = |token: Token| Token::new(RUN + 1, token.number());
        let token = if line.said("elsewhere") { line.token.map(elsewhere) } else { line.token };
        let (key, id, order) = (line.key.clone(), line.id.clone(), line.order);
        let sender = line.named('u');
        let seen = Seen { by, conversation, token, key, id, order, sender, text };
        self.push(line.client, Event::Message(seen));
    }

    fn saw(
        &mut self,
        line: &Line<'_>,
        sight: Sight,
        user: Option<CompactString>,
        state: Option<CompactString>,
        users: Option<Vec<CompactString>>,
        row: Option<OpId>,
    ) {
        let (conversation, id) = (line.place, line.id.clone());
        self.push(line.client, Event::Saw { sight, conversation, user, id, state, users, row });
    }

    fn connects(&mut self, line: &Line<'_>) -> bool {
        use ConnectionState::{Connected, Connecting, Disconnected, Error};
        let client = line.client;
        match line.verb {
            "is" => drop(self.person(client)),
            "dials" => {
                self.dialling.push(client);
                self.connection(client, Connecting, false);
            }
            "opens" => {
                self.dialling.retain(|other| *other != client);
                self.connection(client, Connected, false);
            }
            "back" => {
                let before = self.dialling.len();
                self.dialling.retain(|other| *other != client);
                if self.dialling.len() == before {
                    self.connection(client, Connecting, false);
                }
                self.connection(client, Connected, false);
            }
            "cut" => self.connection(client, Disconnected, true),
            "drops" => self.connection(client, Disconnected, false),
            "out" => self.connection(client, Error, false),
            "knocks" => self.connection(client, Connecting, false),
            "starts" => self.ends(client, Connecting, STARTED, false),
            "stops" => self.ends(client, Disconnected, STOPPED, true),
            "closed" => self.ends(client, Disconnected, "close frame 1000", false),
            "chokes" => self.ends(client, Disconnected, TOO_BIG, false),
            "deserts" => self.ends(client, Disconnected, NO_PING, false),
            "turns" => {
                let state = ConnectionState::parse(line.words[0]).unwrap();
                self.connection(client, state, false);
            }
            _ => return self.surrounds(line),
        }
        true
    }

    /// What a connection begins with, and what befalls it.
    fn surrounds(&mut self, line: &Line<'_>) -> bool {
        let first = line.words.first().copied().unwrap_or_default();
        let event = match line.verb {
            "holds" => {
                let until = line.order.map(|millis| self.now + millis as Nanos * 1_000_000);
                let what = format!("a {first} token").into();
                Event::Credential { what, valid: first != "bad", until }
            }
            "denied" => {
                let before = line.order.unwrap_or_default() as u32;
                Event::Refused { said: "no".into(), documented: !line.said("oddly"), before }
            }
            "session" => {
                let figures = line.words.iter().filter_map(|word| word.parse::<u64>().ok());
                let mut figures = figures.map(|millis| millis * 1_000_000);
                let ping_interval = figures.next().unwrap();
                let ping_timeout = figures.next().unwrap_or(0);
                Event::Session { ping_interval, ping_timeout, polling: line.said("polling") }
            }
            "node" => Event::Node { node: first.parse().unwrap() },
            "ready" => Event::Ready,
            "fault" => Event::Fault { what: line.words[1].into(), begins: first == "begins" },
            "lag" => Event::Lag { nanos: first.parse::<u64>().unwrap() * 1_000_000 },
            "garbage" => Event::Garbage { what: "?".into() },
            _ => return false,
        };
        self.push(line.client, event);
        true
    }
}
