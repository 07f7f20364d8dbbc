//! Socket.IO: connections in, events to questions, answers and pushes out.
//!
//! Three things that `socketioxide` leaves to its user are done here on purpose. Events are
//! taken in a synchronous handler and handed to the desk at once, so pipelined events keep their
//! order. Handlers and rooms are set up before the CONNECT answer, and what is pushed in between
//! is held back until it is sent, so that nothing falls into the gap. A client that does not
//! read is dropped when its queue is full, for a hole in its stream would be a silent loss. Where the
//! first message says who somebody is, they wait in the [`lobby`] until they are let in.

mod lobby;

use self::lobby::Lobby;
use crate::reference::app::App;
use crate::reference::desk::Coming;
use crate::reference::hall::Wire;
use crate::reference::knock::{LATE, Shown, Visiting};
use crate::reference::model::*;
use crate::reference::play::{Arguments, Outgoing, Reply};
use crate::reference::stamp;
use crate::reference::visitor::{Back, Question, Visitor};
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{AckSender, SocketRef};
use socketioxide::handler::{ConnectHandler, FromMessageParts, MessageHandler, Value};
use socketioxide::operators::BroadcastOperators;
use socketioxide::socket::Socket;
use socketioxide::{SendError, SocketError, SocketIo};
use std::fmt::Display;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Events that are held back between a connection's entrance and its CONNECT answer.
const HELD: usize = 4096;

type Refused = Box<dyn Display + Send>;
type Entering<'a> = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send + 'a>>;

/// Lets sockets in.
#[derive(Clone)]
pub(crate) struct Entrance(pub(crate) Arc<App>);

impl ConnectHandler<LocalAdapter, Entrance> for Entrance {
    fn call(&self, socket: Arc<Socket>, _auth: Option<Value>) {
        let greeting = self.0.play.greeting();
        if let Some(Outgoing::Event { name, arguments }) =
            greeting.as_deref().and_then(Outgoing::parse)
        {
            let _ = socket.emit(&name, &arguments);
        }
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
            if self.0.play.spec().connect.first.is_some() {
                socket.on_fallback::<_, Lobby>(Lobby::receive(&self.0, &socket));
                return Ok(());
            }
            let auth = match auth {
                Some(Value::Str(json, _)) => Some(json.as_str()),
                _ => None,
            };
            let shown = Shown::at_door(&self.0.play, socket.req_parts(), auth);
            let let_in = shown.visitor(&self.0).map_err(|refusal| Box::new(refusal) as Refused)?;
            let Visiting { user, token, late } = let_in;
            let seat = self.0.seat().map_err(|refusal| Box::new(refusal) as Refused)?;
            let connection = self.0.next_connection();
            let wire = Arc::new(SocketWire::holding(&socket, late));
            socket.extensions.insert(Arc::clone(&wire));
            let app = Arc::clone(&self.0);
            let caller = Caller {
                chapter: app.doorman.chapter(&user),
                device: token.clone().unwrap_or_else(|| user.clone()),
                user,
                connection: Some(connection),
                node: app.node,
                arrived: stamp::now(),
            };
            let visitor = Visitor::new(app, caller.clone(), token, None, seat);
            socket.on_fallback::<_, Events>(Events(visitor));
            if self.0.desk.arrive(caller, wire, Coming::default()).await.is_some() {
                Ok(())
            } else {
                Err(Box::new("the server is stopping") as Refused)
            }
        })
    }
}

/// Closes every connection within this time, or leaves them to their end. The library gives up the namespace
/// before it closes the sockets in it, and then finds none to take out of it: socket and namespace would
/// keep each other for ever, and with them the server.
pub(crate) async fn close_all(io: &SocketIo, namespace: &str, within: Duration) {
    let sockets = io.of(namespace).map(BroadcastOperators::sockets).unwrap_or_default();
    let _ = tokio::time::timeout(within, io.close()).await;
    for socket in sockets {
        // Nothing is said any more: it is only taken out.
        let _ = socket.disconnect();
    }
}

/// One connection's events.
struct Events(Visitor);

impl MessageHandler<LocalAdapter, Events> for Events {
    fn call(&self, socket: Arc<Socket>, mut value: Value, ack_id: Option<i64>) {
        let back = SocketBack::to(&socket, &mut value, ack_id);
        let Value::Str(json, _) = value else { return };
        self.0.hear(&Question::Event(&json, ack_id.is_some()), back);
    }
}

/// The way back to who sent one event: an acknowledgement, given twice by a bug, or an event.
struct SocketBack {
    socket: Weak<Socket>,
    acks: [Option<AckSender>; 2],
}

impl SocketBack {
    fn to(socket: &Arc<Socket>, value: &mut Value, ack_id: Option<i64>) -> Self {
        let acks = [(); 2].map(|()| {
            let Ok(ack) = AckSender::from_message_parts(socket, value, &ack_id);
            Some(ack)
        });
        Self { socket: Arc::downgrade(socket), acks }
    }
}

impl Back for SocketBack {
    fn say(&mut self, reply: &Reply) {
        // A client that is gone, or drowns, learns no answer; it will ask again.
        match reply {
            Reply::Ack(json) => {
                if let Some(ack) = self.acks.iter_mut().find_map(Option::take) {
                    drop(ack.send(&Arguments::parse(json)));
                }
            }
            Reply::Event(json) => {
                if let (Some(Outgoing::Event { name, arguments }), Some(socket)) =
                    (Outgoing::parse(json), self.socket.upgrade())
                {
                    let _ = socket.emit(&name, &arguments);
                }
            }
            Reply::Frame(_) | Reply::Http(..) => {}
        }
    }

    fn stays(&self) -> bool {
        self.socket.upgrade().is_some_and(|socket| socket.connected())
    }

    fn hang_up(&self) {
        if let Some(socket) = self.socket.upgrade() {
            hang_up(&socket);
        }
    }
}

/// The way to a client behind a Socket.IO socket.
struct SocketWire {
    socket: Weak<Socket>,
    /// To be thrown out: the token was looked at too late, by a bug.
    late: bool,
    /// What came before the answer that lets in; `None` after it.
    held: Mutex<Option<Vec<Outgoing>>>,
}

impl SocketWire {
    /// A way that is not open yet.
    fn holding(socket: &Arc<Socket>, late: bool) -> Self {
        let held = Mutex::new(Some(Vec::new()));
        Self { socket: Arc::downgrade(socket), held, late }
    }

    /// The answer that lets in is sent: lets out what was held back.
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
        let Outgoing::Event { name, arguments } = event else {
            return true;
        };
        match socket.emit(name, arguments) {
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
