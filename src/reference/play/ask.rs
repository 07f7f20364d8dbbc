//! What clients send, matched: an event or a request becomes a command.

use super::{Play, Route};
use crate::operation::Operation;
use crate::reference::model::*;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Field, Hole, HttpRequest, Receipts, Request};
use std::borrow::Cow;

/// A question of a client: which step of the spec it is, and what its holes are bound to.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) route: Route,
    pub(crate) bindings: Bindings,
    /// Why it can't be done, although it is this question.
    pub(crate) wrong: Option<Refusal>,
}

/// An HTTP request as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpAsk<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// Names in lower case.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a str,
}

impl Play {
    /// The question that a Socket.IO event is; `json` is the whole array. `None`: the spec knows
    /// no event of this name.
    pub(crate) fn event(&self, json: &str, user: Option<&str>) -> Option<Asked> {
        let named = self.events.get(event_name(json)?);
        let routes = named.into_iter().flatten().chain(&self.open_events);
        let start = self.known_of(user);
        let mut nearly = None;
        for route in routes {
            let Request::Emit { shape, .. } = &self.step(*route).request else {
                continue;
            };
            let mut bindings = start.clone();
            match shape.matches(json, &mut bindings) {
                Ok(()) => return Some(asked(*route, bindings, None)),
                Err(mismatch) if nearly.is_none() && named.is_some() => {
                    let refusal = Refusal::malformed(mismatch.to_string());
                    // The answer must find its question, whatever is wrong with it.
                    shape.glean(json, &mut bindings);
                    nearly = Some(asked(*route, bindings, Some(refusal)));
                }
                Err(_) => {}
            }
        }
        nearly
    }

    /// What is bound before anything is said; nobody is no user yet.
    pub(super) fn known_of(&self, user: Option<&str>) -> Bindings {
        let mut known = self.spec.constants.clone();
        if let Some(user) = user {
            known.set(Hole::USER, self.user(user));
        }
        known
    }

    /// The question that a request is, by method and path. The token, if the request has one, is
    /// bound and not yet believed.
    pub(crate) fn request(&self, http: HttpAsk<'_>) -> Option<Asked> {
        let mut nearly = None;
        for route in &self.requests {
            let Request::Http(request) = &self.step(*route).request else {
                continue;
            };
            let mut bindings = self.spec.constants.clone();
            if request.method != http.method
                || !request.path.matches(http.path, true, &mut bindings)
            {
                continue;
            }
            match self.fits(request, http, &mut bindings) {
                Ok(()) => return Some(asked(*route, bindings, None)),
                Err(refusal) => {
                    nearly.get_or_insert_with(|| asked(*route, bindings, Some(refusal)));
                }
            }
        }
        nearly
    }

    pub(super) fn fits(
        &self,
        request: &HttpRequest,
        http: HttpAsk<'_>,
        bindings: &mut Bindings,
    ) -> Result<(), Refusal> {
        for field in self.spec.http.headers.iter().chain(&request.headers) {
            let mut headers = http.headers.iter();
            let header = headers.find(|(name, _)| name.eq_ignore_ascii_case(&field.name));
            take(field, header.map(|(_, value)| *value), bindings)?;
        }
        take_pairs(&request.query, http.query, bindings)?;
        match &request.body {
            Some(shape) => shape
                .matches(http.body, bindings)
                .map_err(|mismatch| Refusal::malformed(format!("body: {mismatch}"))),
            None => take_pairs(&request.form, http.body, bindings),
        }
    }

    /// What the bound holes ask the server to do.
    pub(crate) fn command(&self, asked: &Asked) -> Command {
        self.understood(asked).unwrap_or_else(Command::Refuse)
    }

    fn understood(&self, asked: &Asked) -> Result<Command, Refusal> {
        if let Some(refusal) = &asked.wrong {
            return Err(refusal.clone());
        }
        let bound = Bound { play: self, bindings: &asked.bindings };
        // The first step of a sequence does it; the others have only to be allowed.
        if asked.route.step > 0 {
            let conversation = bound.conversation()?;
            return Ok(Command::Join { conversation });
        }
        let operation = self.operation(asked.route);
        Ok(match operation {
            Operation::Create => {
                Command::Create { members: bound.members()?, guard: Guard::Atomic }
            }
            Operation::Broadcast => {
                Command::Broadcast { to: bound.audience(self.audience(asked.route))? }
            }
            Operation::Hide => Command::Hide { message: bound.number(Hole::MESSAGE)? },
            Operation::Join => Command::Join { conversation: bound.conversation()? },
            Operation::Leave => Command::Leave { conversation: bound.conversation()? },
            Operation::Send => Command::Send(bound.send()?),
            Operation::Sync | Operation::History => {
                Command::Read { conversation: bound.conversation()?, window: bound.window()? }
            }
            Operation::List => Command::List { window: bound.window()? },
            Operation::Announce => Command::Announce {
                message: bound.number(Hole::MESSAGE)?,
                conversation: bound.conversation().ok(),
            },
            Operation::Search => Command::Search {
                query: bound.need(Hole::QUERY)?.text().into_owned(),
                window: bound.window()?,
            },
            Operation::Unread => Command::Unread {
                conversation: match asked.bindings.get(Hole::CONVERSATION) {
                    Some(_) => Some(bound.conversation()?),
                    None => None,
                },
            },
            Operation::Contacts => Command::Contacts,
            Operation::TypingStart | Operation::TypingStop => Command::Typing {
                conversation: bound.conversation()?,
                on: operation == Operation::TypingStart,
            },
            Operation::Read | Operation::Delivered => Command::Receipt {
                about: bound.marked()?,
                kind: match operation {
                    Operation::Read => ReceiptKind::Read,
                    _ => ReceiptKind::Delivered,
                },
                looked: None,
            },
            Operation::Health => Command::Health,
            Operation::Connect | Operation::Register | Operation::Login | Operation::Logout => {
                let text = format!("the reference server does not play `{operation}`");
                return Err(Refusal::new(RefusalKind::NotPlayed, text));
            }
        })
    }
}

pub(super) fn asked(route: Route, bindings: Bindings, wrong: Option<Refusal>) -> Asked {
    Asked { route, bindings, wrong }
}

/// Bindings, read in the chat's own terms.
struct Bound<'a> {
    play: &'a Play,
    bindings: &'a Bindings,
}

impl Bound<'_> {
    fn need(&self, hole: Hole) -> Result<&Scalar, Refusal> {
        let missing = || {
            let name = self.play.spec.holes.name(hole);
            Refusal::malformed(format!("`{name}` is missing"))
        };
        self.bindings.get(hole).ok_or_else(missing)
    }

    fn number(&self, hole: Hole) -> Result<i64, Refusal> {
        let scalar = self.need(hole)?;
        self.play.ids.parse(scalar).ok_or_else(|| {
            let name = self.play.spec.holes.name(hole);
            Refusal::malformed(format!("`{name}` is no id"))
        })
    }

    fn conversation(&self) -> Result<Conversation, Refusal> {
        self.number(Hole::CONVERSATION)
    }

    fn marked(&self) -> Result<Marked, Refusal> {
        Ok(match self.play.spec.traits.receipts {
            Receipts::Message => Marked::Message(self.number(Hole::MESSAGE)?),
            Receipts::UpTo => Marked::UpTo(self.number(Hole::MESSAGE)?),
            Receipts::Conversation => Marked::All(self.conversation()?),
        })
    }

    fn send(&self) -> Result<Sending, Refusal> {
        let Scalar::Text(text) = self.need(Hole::TEXT)? else {
            return Err(Refusal::malformed("the text must be a string"));
        };
        let place = match self.bindings.get(Hole::PEER) {
            Some(peer) if self.bindings.get(Hole::CONVERSATION).is_none() => {
                Place::Peer(self.person(peer)?)
            }
            _ => Place::Conversation(self.conversation()?),
        };
        Ok(Sending {
            place,
            text: text.to_string(),
            key: match self.bindings.get(Hole::KEY) {
                None | Some(Scalar::Null) => None,
                Some(key) => Some(key.id()),
            },
            guard: Guard::Atomic,
        })
    }

    fn members(&self) -> Result<Vec<User>, Refusal> {
        let lists = [Hole::MEMBERS, Hole::OTHERS];
        match lists.into_iter().find_map(|hole| self.bindings.get(hole)) {
            Some(Scalar::Json(json)) => {
                let people: Vec<serde_json::Value> = serde_json::from_str(json)
                    .map_err(|_| Refusal::malformed("the members must be a list"))?;
                people.iter().map(|person| self.person(&plain(person))).collect()
            }
            Some(_) => Err(Refusal::malformed("the members must be a list")),
            None => Ok(vec![self.person(self.need(Hole::PEER)?)?]),
        }
    }

    /// The audience of a broadcast that came through the channel of this name.
    fn audience(&self, channel: &str) -> Result<Audience, Refusal> {
        Ok(match channel {
            "chapter" => Audience::Chapter(self.need(Hole::CHAPTER)?.id()),
            "people" => Audience::People(self.members()?),
            _ => Audience::Everybody,
        })
    }

    fn person(&self, scalar: &Scalar) -> Result<User, Refusal> {
        match scalar {
            Scalar::Int(_) | Scalar::Text(_) if !scalar.text().is_empty() => Ok(scalar.id()),
            _ => Err(Refusal::malformed("a person must be a user id")),
        }
    }

    fn window(&self) -> Result<Window, Refusal> {
        let count = |hole| match self.bindings.get(hole) {
            None | Some(Scalar::Null) => Ok(None),
            Some(scalar) => scalar.text().parse().map(Some).map_err(|_| {
                let name = self.play.spec.holes.name(hole);
                Refusal::malformed(format!("`{name}` must be a positive number"))
            }),
        };
        let since = [Hole::CURSOR, Hole::SINCE]
            .into_iter()
            .find_map(|hole| self.bindings.get(hole))
            .filter(|scalar| !matches!(scalar, Scalar::Null));
        let since = match since {
            None => None,
            Some(scalar) => Some(self.play.parse_position(scalar).ok_or_else(|| {
                Refusal::malformed(format!("`{scalar}` is no position to read from"))
            })?),
        };
        Ok(Window { since, page: count(Hole::PAGE)?, limit: count(Hole::LIMIT)? })
    }
}

/// A member as it stands in a list; what can't be an id is null.
fn plain(value: &serde_json::Value) -> Scalar {
    match value {
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Number(number) => number.to_string().as_str().into(),
        _ => Scalar::Null,
    }
}

/// The name in `["name", …]`.
pub(super) fn event_name(json: &str) -> Option<&str> {
    let rest = json.trim_start().strip_prefix('[')?.trim_start();
    let (name, _) = rest.strip_prefix('"')?.split_once('"')?;
    (!name.contains('\\')).then_some(name)
}

fn take_pairs(fields: &[Field], encoded: &str, bindings: &mut Bindings) -> Result<(), Refusal> {
    for field in fields {
        take(field, parameter(encoded, &field.name).as_deref(), bindings)?;
    }
    Ok(())
}

/// The first value of this name among form-encoded pairs.
pub(crate) fn parameter<'a>(encoded: &'a str, wanted: &str) -> Option<Cow<'a, str>> {
    encoded.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name)? == wanted).then(|| decoded(value))?
    })
}

fn take(field: &Field, value: Option<&str>, bindings: &mut Bindings) -> Result<(), Refusal> {
    let optional = || {
        let holes = field.value.holes();
        // A missing token is found out where it is checked, and named there.
        holes.iter().any(|(hole, optional)| *optional || *hole == Hole::TOKEN)
    };
    let taken = match value {
        Some(value) => field.value.matches(value, false, bindings) || optional(),
        None => optional(),
    };
    if taken {
        Ok(())
    } else {
        let text = format!("`{}` is missing, or not as documented", field.name);
        Err(Refusal::malformed(text))
    }
}

/// Undoes form encoding.
fn decoded(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains(['%', '+']) {
        return Some(Cow::Borrowed(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}
