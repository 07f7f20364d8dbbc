//! Raw WebSockets: connections in, JSON frames to questions, answers and pushes out.
//!
//! Whom the handshake ([`door`]) names is in their rooms before it is answered; who logs in, before
//! the login is. The welcome goes out first, and what was pushed in between last. So nothing is pushed
//! to who is not let in, and nothing falls into the gap. A client that does not read is dropped when its
//! queue is full.

mod door;
mod stumble;

pub(crate) use door::handle;

use self::door::Guest;
use self::stumble::Stumble;
use crate::reference::app::App;
use crate::reference::bugs::Bug;
use crate::reference::desk::Coming;
use crate::reference::hall::Wire;
use crate::reference::knock::{LATE, Visiting, by_login};
use crate::reference::model::*;
use crate::reference::play::{LetIn, Login, Outgoing, Reply};
use crate::reference::reception;
use crate::reference::stamp;
use crate::reference::visitor::{Back, Question, Visitor};
use crate::spec::Hole;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Frames that may wait for a client that reads slowly, before it is dropped.
const QUEUE: usize = 4096;
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client went, or cannot be reached.
    Gone,
    /// The client was silent for too long.
    Silent,
    /// The server wants it so: a refusal, or a bug.
    HungUp,
    /// The server goes down.
    Closing,
}

/// Who is in their rooms, and the way to them.
struct Entered {
    visiting: Visiting,
    visitor: Visitor,
    caller: Caller,
    wire: Arc<FrameWire>,
    /// What is pushed and answered from now on.
    queued: mpsc::Receiver<String>,
    /// The newest message then.
    newest: i64,
}

/// What came of letting somebody in.
type Entrance = Result<Entered, End>;

impl Guest {
    /// Puts whom the door or the login let in into their rooms.
    async fn enter(&self, app: &Arc<App>, visiting: Visiting, since: Option<i64>) -> Entrance {
        let seat = app.seat().map_err(|_| End::HungUp)?;
        let (out, queued) = mpsc::channel(QUEUE);
        let wire = Arc::new(FrameWire { out, end: Notify::new() });
        let caller = Caller {
            chapter: app.doorman.chapter(&visiting.user),
            device: visiting.token.clone().unwrap_or_else(|| visiting.user.clone()),
            user: visiting.user.clone(),
            connection: Some(app.next_connection()),
            node: app.node,
            arrived: stamp::now(),
        };
        let place = self.known.get(Hole::CONVERSATION).cloned();
        let token = visiting.token.clone();
        let visitor = Visitor::new(Arc::clone(app), caller.clone(), token, place, seat);
        let since = since.filter(|_| !app.bugs.has(Bug::ResumeForgets));
        let coming = Coming { only: self.only, since };
        let way = Arc::clone(&wire) as Arc<dyn Wire>;
        let newest = app.desk.arrive(caller.clone(), way, coming).await.ok_or(End::Closing)?;
        Ok(Entered { visiting, visitor, caller, wire, queued, newest })
    }
}

/// Leads a connection through its life.
async fn attend(app: Arc<App>, socket: Socket, guest: Guest, entered: Option<Entrance>) {
    let (mut sink, mut stream) = socket.split();
    let mut closing = app.closing.clone();
    let end = tokio::select! {
        biased;
        end = live(&app, &mut sink, &mut stream, (guest, entered)) => end,
        _ = closing.wait_for(|closing| *closing) => End::Closing,
    };
    let code = match end {
        End::Gone => return,
        End::Silent => CloseCode::Policy,
        End::HungUp => CloseCode::Library(4001),
        End::Closing => CloseCode::Away,
    };
    let frame = CloseFrame { code, reason: "".into() };
    let _ = timeout(GOODBYE, sink.send(Message::Close(Some(frame)))).await;
    let _ = timeout(GOODBYE, async { while let Some(Ok(_)) = stream.next().await {} }).await;
}

async fn live(
    app: &Arc<App>,
    sink: &mut SplitSink<Socket, Message>,
    stream: &mut SplitStream<Socket>,
    (guest, entered): (Guest, Option<Entrance>),
) -> End {
    if let Some(welcome) = app.play.greeting()
        && sink.send(Message::text(welcome)).await.is_err()
    {
        return End::Gone;
    }
    let (entrance, login) = match entered {
        Some(entrance) => (entrance, None),
        None => match log_in(app, sink, stream, &guest).await {
            Ok((visiting, login)) => {
                let since = login.since();
                (guest.enter(app, visiting, since).await, Some(login))
            }
            Err(end) => return end,
        },
    };
    let Entered { visiting, visitor, caller, wire, queued, newest } = match entrance {
        Ok(entered) => entered,
        Err(end) => return end,
    };
    let token = visiting.token.clone().map(Into::into);
    let let_in = LetIn { user: visiting.user.clone(), token, newest };
    let said = login.and_then(|login| login.answer(&app.play, Ok(&let_in)));
    if let Some(Reply::Frame(said)) = said
        && sink.send(Message::text(said)).await.is_err()
    {
        return End::Gone;
    }
    let thrown_out = async {
        match visiting.late {
            true => tokio::time::sleep(LATE).await,
            false => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        end = hear(app, stream, (&visitor, &caller), &wire) => end,
        end = say(sink, queued) => end,
        () = ping(app, &wire) => End::Gone,
        () = thrown_out => End::HungUp,
        () = wire.end.notified() => End::HungUp,
    }
}

/// Waits for the first frame, and says no to whom is not let in. Who has no account yet may register,
/// and log in to a token, before.
async fn log_in<'a>(
    app: &'a App,
    sink: &mut SplitSink<Socket, Message>,
    stream: &mut SplitStream<Socket>,
    guest: &Guest,
) -> Result<(Visiting, Login<'a>), End> {
    let deadline = Instant::now() + app.play.spec().connect.timeout;
    let login = loop {
        let text = timeout_at(deadline, next_text(stream)).await.map_err(|_| End::Silent)?;
        let text = text.ok_or(End::Gone)?;
        let asked = app.play.frame(&text, None, None);
        let attended = asked.and_then(|asked| {
            let attended = reception::serve(app, &asked, None)?;
            Some(match attended {
                Ok((reply, _)) => reply,
                Err(refusal) => app.play.answer(&asked, &Err(refusal)),
            })
        });
        match attended {
            Some(reply) => {
                if let Some(Reply::Frame(said)) = reply {
                    sink.send(Message::text(said)).await.map_err(|_| End::Gone)?;
                }
            }
            None => break app.play.login(&text, &guest.known).ok_or(End::HungUp)?,
        }
    };
    let visiting = match by_login(app, &login) {
        Ok(visiting) => match guest.may_enter(app, &visiting.user).await {
            Ok(()) => Ok(visiting),
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => Err(refusal),
    };
    match visiting {
        Ok(visiting) => Ok((visiting, login)),
        Err(refusal) => {
            if let Some(Reply::Frame(said)) = login.answer(&app.play, Err(&refusal)) {
                let _ = sink.send(Message::text(said)).await;
            }
            Err(End::HungUp)
        }
    }
}

async fn next_text(stream: &mut SplitStream<Socket>) -> Option<String> {
    loop {
        match stream.next().await? {
            Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Takes what the client sends, for as long as it sends anything.
async fn hear(
    app: &App,
    stream: &mut SplitStream<Socket>,
    (visitor, caller): (&Visitor, &Caller),
    wire: &Arc<FrameWire>,
) -> End {
    let patience = patience(app);
    let mut deaf = false;
    loop {
        let silent = async {
            match patience {
                Some(patience) => sleep_until(Instant::now() + patience).await,
                None => std::future::pending().await,
            }
        };
        let came = tokio::select! {
            biased;
            came = stream.next() => came,
            () = silent => return End::Silent,
        };
        if let (false, Some(Ok(message))) = (app.bugs.is_none(), &came) {
            match stumble::over(app, message, &caller.user) {
                Some(Stumble::Deaf) => deaf = true,
                Some(Stumble::Crash) => app.desk.ask(caller.clone(), Command::Crash, drop),
                None => {}
            }
        }
        let text = match came {
            Some(Ok(Message::Text(_))) if deaf => continue,
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_))) | None => return End::Gone,
            Some(Err(Error::Capacity(_))) => return End::HungUp,
            Some(Err(_)) => return End::Gone,
            Some(Ok(_)) => continue,
        };
        match app.play.pong(&text) {
            Some(pong) => {
                if let Some(pong) = pong.filter(|_| !app.bugs.has(Bug::NoPings)) {
                    wire.send(pong);
                }
            }
            None => visitor.hear(&Question::Frame(&text), Arc::clone(wire)),
        }
    }
}

/// Pings for as long as anybody reads, where it is the server that pings.
async fn ping(app: &App, wire: &FrameWire) {
    let pings = !app.bugs.has(Bug::NoPings);
    while let Some((ping, every)) = app.play.ping().filter(|_| pings) {
        tokio::time::sleep(every).await;
        if !wire.send(ping) {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// How long a client may be silent.
fn patience(app: &App) -> Option<Duration> {
    let ping = app.play.spec().connect.ping.as_ref()?;
    if app.bugs.has(Bug::IdleClosed) {
        return Some(ping.every * 3 / 4);
    }
    ping.dead_after.filter(|_| !app.bugs.has(Bug::DeadKept))
}

/// Sends what is queued.
async fn say(sink: &mut SplitSink<Socket, Message>, mut queued: mpsc::Receiver<String>) -> End {
    while let Some(frame) = queued.recv().await {
        if sink.send(Message::text(frame)).await.is_err() {
            return End::Gone;
        }
    }
    End::Gone
}

/// The way to a client behind a raw WebSocket.
struct FrameWire {
    out: mpsc::Sender<String>,
    /// Ends the connection.
    end: Notify,
}

impl FrameWire {
    fn send(&self, frame: String) -> bool {
        let queued = self.out.try_send(frame).is_ok();
        if !queued {
            self.end.notify_one();
        }
        queued
    }
}

impl Wire for FrameWire {
    fn push(&self, event: &Outgoing) -> bool {
        match event {
            Outgoing::Frame(frame) => self.send(frame.clone()),
            Outgoing::Event { .. } | Outgoing::Item(_) => true,
        }
    }

    fn hang_up(&self) {
        self.end.notify_one();
    }
}

impl Back for Arc<FrameWire> {
    fn say(&mut self, reply: &Reply) {
        if let Reply::Frame(frame) = reply {
            self.send(frame.clone());
        }
    }

    fn stays(&self) -> bool {
        !self.out.is_closed()
    }

    fn hang_up(&self) {
        Wire::hang_up(&**self);
    }
}
