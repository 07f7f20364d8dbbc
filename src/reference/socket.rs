//! Socket.IO: connections in, events to questions, answers and pushes out.
//!
//! Three things that `socketioxide` leaves to its user are done here on purpose. Events are
//! taken in a synchronous handler and handed to the desk at once, so pipelined events keep their
//! order. Handlers and rooms are set up before the CONNECT answer, and what is pushed in between
//! is held back until it is sent, so that nothing falls into the gap. A client that does not
//! read is dropped when its queue is full, for a hole in its stream would be a silent loss.

use crate::reference::app::App;
use crate::reference::bugs::Bug;
use crate::reference::gullible::Door;
use crate::reference::hall::Wire;
use crate::reference::intake::{self, Intake, Mishap};
use crate::reference::misbehave::{self, Manner};
use crate::reference::model::*;
use crate::reference::play::{Arguments, Asked, Outgoing, Reply};
use crate::reference::stamp;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Field, Hole, Shape, Text};
use compact_str::CompactString;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{AckSender, SocketRef};
use socketioxide::handler::{ConnectHandler, FromMessageParts, MessageHandler, Value};
use socketioxide::socket::Socket;
use socketioxide::{SendError, SocketError};
use std::fmt::Display;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Events that are held back between a connection's entrance and its CONNECT answer.
const HELD: usize = 4096;
/// How long a server with the bug `token-late` takes to look at a token.
const LATE: Duration = Duration::from_millis(100);

type Refused = Box<dyn Display + Send>;
type Entering<'a> = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send + 'a>>;

/// Lets sockets in.
#[derive(Clone)]
pub(crate) struct Entrance(pub(crate) Arc<App>);

impl ConnectHandler<LocalAdapter, Entrance> for Entrance {
    fn call(&self, socket: Arc<Socket>, _auth: Option<Value>) {
        if let Some(wire) = socket.extensions.get::<Arc<SocketWire>>() {
            wire.open();
            if wire.late {
                tokio::spawn(async move {
                    tokio::time::sleep(LATE).await;
                    let _ = SocketRef::from(socket).disconnect();
                });
            }
        }
    }

    fn call_middleware<'a>(&'a self, socket: Arc<Socket>, auth: &'a Option<Value>) -> Entering<'a> {
        Box::pin(async move {
            let Visiting { user, token, late } = self.visitor(&socket, auth.as_ref())?;
            let connection = self.0.next_connection();
            let wire = Arc::new(SocketWire {
                socket: Arc::downgrade(&socket),
                held: Mutex::new(Some(Vec::new())),
                late,
            });
            socket.extensions.insert(Arc::clone(&wire));
            let app = Arc::clone(&self.0);
            let caller = Caller {
                chapter: app.doorman.chapter(&user),
                device: token.clone().unwrap_or_else(|| user.clone()),
                user,
                connection: Some(connection),
                arrived: stamp::now(),
            };
            let deaf_until = if app.bugs.is_none() {
                0
            } else {
                app.memory().arrives(app.bugs, &caller.user, caller.arrived)
            };
            let visitor = Visitor { app, caller: caller.clone(), token, deaf_until };
            socket.on_fallback::<_, Visitor>(visitor);
            if self.0.desk.arrive(caller, wire, None).await.is_some() {
                Ok(())
            } else {
                Err(Box::new("the server is stopping") as Refused)
            }
        })
    }
}

impl Entrance {
    /// Who knocks, or why they are not let in.
    fn visitor(&self, socket: &Socket, auth: Option<&Value>) -> Result<Visiting, Refused> {
        let shown = self.shown(socket, auth);
        let token = shown.token.as_ref();
        match self.0.admit(token, shown.user.as_ref(), shown.door) {
            Ok(user) => Ok(Visiting { user, token: token.map(Scalar::id), late: false }),
            Err(refusal) => {
                let late = self.0.claimed(token).filter(|_| self.0.bugs.has(Bug::TokenLate));
                let user = late.ok_or_else(|| Box::new(refusal) as Refused)?;
                Ok(Visiting { user, token: None, late: true })
            }
        }
    }

    /// What is shown at the door: in the first place, or else in the other.
    fn shown(&self, socket: &Socket, auth: Option<&Value>) -> Shown {
        let connect = &self.0.play.spec().connect;
        let first = self.bound(socket, auth, &connect.query, &connect.headers, &connect.auth);
        let door = Door::Socket;
        let mut first = Shown::of(&first, door);
        let cookies = socket.req_parts().headers.get("cookie").and_then(|one| one.to_str().ok());
        if first.token.is_none() {
            first.token = cookies.and_then(|cookies| self.0.play.cookie_token(cookies));
        }
        match &connect.elsewhere {
            Some(other) if first.token.is_none() => {
                let other = self.bound(socket, auth, &other.query, &other.headers, &other.auth);
                Shown::of(&other, Door::Elsewhere)
            }
            _ => first,
        }
    }

    fn bound(
        &self,
        socket: &Socket,
        auth: Option<&Value>,
        query: &[Field],
        headers: &[Field],
        payload: &Option<Shape>,
    ) -> Bindings {
        let mut bindings = self.0.play.spec().constants.clone();
        let auth = match auth {
            Some(Value::Str(json, _)) => json.as_str(),
            _ => "{}",
        };
        if let Some(shape) = payload {
            // Whether it fits or not: what counts is whether a token comes out.
            let _ = shape.matches(auth, &mut bindings);
        }
        let parts = socket.req_parts();
        let sent = parts.uri.query().unwrap_or_default();
        let take =
            |value: &Text, text: &str, bindings: &mut _| value.matches(text, false, bindings);
        for field in query {
            if let Some(value) = crate::reference::play::parameter(sent, &field.name) {
                let _ = take(&field.value, &value, &mut bindings);
            }
        }
        for field in headers {
            let header = parts.headers.get(&field.name);
            if let Some(value) = header.and_then(|value| value.to_str().ok()) {
                let _ = take(&field.value, value, &mut bindings);
            }
        }
        bindings
    }
}

/// Who is let in.
struct Visiting {
    user: User,
    token: Option<CompactString>,
    /// By a bug: to be thrown out again.
    late: bool,
}

/// What is shown at the door.
struct Shown {
    token: Option<Scalar>,
    user: Option<Scalar>,
    door: Door,
}

impl Shown {
    fn of(bindings: &Bindings, door: Door) -> Self {
        let token = bindings.get(Hole::TOKEN).filter(|token| !matches!(token, Scalar::Null));
        Self { token: token.cloned(), user: bindings.get(Hole::USER).cloned(), door }
    }
}

/// One connection's events. When its socket is dropped, the connection departs.
struct Visitor {
    app: Arc<App>,
    caller: Caller,
    /// Ignores what is asked before, by a bug.
    deaf_until: i64,
    /// What let the connection in; looked at again where the spec says so.
    token: Option<CompactString>,
}

impl MessageHandler<LocalAdapter, Visitor> for Visitor {
    fn call(&self, socket: Arc<Socket>, mut value: Value, ack_id: Option<i64>) {
        let Some((asked, command)) = self.understand(&socket, &value, ack_id) else { return };
        let acks = [(); 2].map(|()| {
            let Ok(ack) = AckSender::from_message_parts(&socket, &mut value, &ack_id);
            ack
        });
        let caller = Caller { arrived: stamp::now(), ..self.caller.clone() };
        if caller.arrived < self.deaf_until {
            return;
        }
        let attempt = match &command {
            Command::Send(send) if !self.app.bugs.is_none() => {
                self.app.memory().takes(self.app.bugs, send.key.as_ref())
            }
            _ => 0,
        };
        let asking = Asking {
            app: Arc::clone(&self.app),
            attempt,
            socket: Arc::downgrade(&socket),
            asked,
            user: caller.user.clone(),
            send: match &command {
                Command::Send(send) if !self.app.bugs.is_none() => Some(send.clone()),
                _ => None,
            },
        };
        let desk = self.app.desk.clone();
        if let Some(detour) = misbehave::detour(self.app.bugs, &command) {
            tokio::spawn(async move {
                let stays = || asking.socket.upgrade().is_some_and(|socket| socket.connected());
                let outcome = misbehave::wander(&desk, caller, command, detour, stays).await;
                asking.answer(&outcome, acks);
            });
        } else {
            desk.ask(caller, command, move |outcome| asking.answer(&outcome, acks));
        }
    }
}

impl Visitor {
    /// What is asked, unless it is nothing, or a bug makes something else of it.
    fn understand(
        &self,
        socket: &Arc<Socket>,
        value: &Value,
        ack_id: Option<i64>,
    ) -> Option<(Asked, Command)> {
        let Value::Str(json, _) = value else { return None };
        let (play, bugs) = (&self.app.play, self.app.bugs);
        let coerced = intake::coerced(bugs, json);
        let json = coerced.as_deref().unwrap_or(json);
        let asked = play.event(json, &self.caller.user);
        let mut command =
            asked.as_ref().map(|asked| match self.app.recheck(self.token.as_deref()) {
                Ok(()) => play.command(asked),
                Err(refusal) => Command::Refuse(refusal),
            });
        let awaited = ack_id.is_some();
        let intake = Intake { json, asked: asked.as_ref(), command: command.as_ref(), awaited };
        if let Some(mishap) = intake.mishap(bugs, play) {
            self.suffer(mishap, socket);
            return None;
        }
        if let (Some(asked), Some(Command::Send(_))) = (&asked, &command)
            && let Some(refusal) = intake::surplus(bugs, json, &play.documented(asked))
        {
            command = Some(Command::Refuse(refusal));
        }
        asked.zip(command)
    }

    fn suffer(&self, mishap: Mishap, socket: &Arc<Socket>) {
        match mishap {
            Mishap::Silence => {}
            Mishap::HangUp => hang_up(socket),
            Mishap::Crash => self.app.desk.ask(self.caller.clone(), Command::Crash, drop),
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        if let Some(connection) = self.caller.connection {
            self.app.desk.depart(connection);
        }
        if !self.app.bugs.is_none() {
            self.app.memory().departs(&self.caller.user);
        }
    }
}

/// A question that waits for its answer.
struct Asking {
    app: Arc<App>,
    socket: Weak<Socket>,
    asked: Asked,
    user: User,
    /// What is sent; kept only for the bugs that answer badly.
    send: Option<Sending>,
    /// Its number among the attempts under its key; counted only for `ack-by-key`.
    attempt: u64,
}

impl Asking {
    fn answer(self, outcome: &Result<Answer, Refusal>, acks: [AckSender; 2]) {
        let too_many = outcome.as_ref().is_err_and(|no| no.kind == RefusalKind::TooMany);
        if too_many
            && self.app.bugs.has(Bug::RateDisconnects)
            && let Some(socket) = self.socket.upgrade()
        {
            return hang_up(&socket);
        }
        let Some(reply) = self.app.play.answer(&self.asked, outcome) else {
            return;
        };
        let patience = self.app.play.spec().contract.ack_timeout;
        let manner =
            misbehave::manner(self.app.bugs, patience, &self.user, self.send.as_ref(), outcome);
        let [first, second] = acks;
        match manner {
            Manner::Once => self.say(&reply, first),
            Manner::Twice => {
                self.say(&reply, first);
                self.say(&reply, second);
            }
            Manner::Never => {}
            Manner::After(pause) => {
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    self.say(&reply, first);
                });
            }
            Manner::IfLast(pause) => {
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    let key = self.send.as_ref().and_then(|send| send.key.as_ref());
                    let memory = |key| self.app.memory().is_last(key, self.attempt);
                    if key.is_none_or(memory) {
                        self.say(&reply, first);
                    }
                });
            }
        }
    }

    fn say(&self, reply: &Reply, ack: AckSender) {
        // A client that is gone, or drowns, learns no answer; it will ask again.
        match reply {
            Reply::Ack(json) => drop(ack.send(&Arguments::parse(json))),
            Reply::Event(json) => {
                if let (Some(event), Some(socket)) = (Outgoing::parse(json), self.socket.upgrade())
                {
                    let _ = socket.emit(&event.name, &event.arguments);
                }
            }
            Reply::Http(..) => {}
        }
    }
}

/// The way to a client behind a Socket.IO socket.
struct SocketWire {
    socket: Weak<Socket>,
    /// To be thrown out: the token was looked at too late, by a bug.
    late: bool,
    /// What came before the CONNECT answer; `None` after it.
    held: Mutex<Option<Vec<Outgoing>>>,
}

impl SocketWire {
    /// The CONNECT answer is sent: lets out what was held back.
    fn open(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for event in held.take().unwrap_or_default() {
            self.emit(&event);
        }
    }

    fn emit(&self, event: &Outgoing) -> bool {
        let Some(socket) = self.socket.upgrade() else {
            return false;
        };
        match socket.emit(&event.name, &event.arguments) {
            Err(SendError::Socket(SocketError::InternalChannelFull)) => {
                tokio::spawn(drop_when_possible(socket.into()));
                false
            }
            result => result.is_ok(),
        }
    }
}

impl Wire for SocketWire {
    fn push(&self, event: &Outgoing) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_mut() {
            Some(list) if list.len() < HELD => {
                list.push(event.clone());
                self.socket.strong_count() > 0
            }
            Some(_) => false,
            None => self.emit(event),
        }
    }

    fn hang_up(&self) {
        if let Some(socket) = self.socket.upgrade() {
            hang_up(&socket);
        }
    }
}

fn hang_up(socket: &Arc<Socket>) {
    tokio::spawn(drop_when_possible(Arc::clone(socket).into()));
}

/// A full queue has no room for the goodbye either: it is tried until there is.
async fn drop_when_possible(socket: SocketRef) {
    while let Err(SocketError::InternalChannelFull) = socket.clone().disconnect() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
