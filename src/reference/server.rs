//! Starting, pausing, restarting and stopping a reference server on the current runtime.

use crate::reference::accounts::Accounts;
use crate::reference::app::App;
use crate::reference::auth::{self, Doorman};
use crate::reference::bent;
use crate::reference::core::{Core, Rules};
use crate::reference::desk::{Counts, Desk};
use crate::reference::frames;
use crate::reference::hall::Hall;
use crate::reference::http;
use crate::reference::limit::Seats;
use crate::reference::mailbox::Mailboxes;
use crate::reference::model::Node;
use crate::reference::options::{Options, StartError};
use crate::reference::play::Play;
use crate::reference::socket::{Entrance, close_all};
use crate::reference::stamp;
use crate::spec::{Bindings, Protocol, Shape, Spec};
use crate::world::network::{House, Listener, listen};
use axum::Router;
use axum::serve::ListenerExt;
use socketioxide::SocketIo;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Packets that may wait for a client that reads slowly, before it is dropped.
const CLIENT_QUEUE: usize = 4096;
/// Bytes of a polled payload, and of a message on a WebSocket.
const MAX_PAYLOAD: u64 = 1 << 20;
/// How long closing may take before what is left is abandoned.
const CLOSING: Duration = Duration::from_secs(1);

/// The reference server: see [`Server::start`].
pub struct Server;

/// A server that runs, or is paused. Dropping it frees its ports; [`Running::stop`] also closes what
/// is open.
///
/// It has a desk, where everything is decided, and one node or several: doors on addresses of their
/// own. They share the desk as servers behind a load balancer share a database and a bus.
pub struct Running {
    spec: Arc<Spec>,
    options: Options,
    /// Where each node listens.
    addresses: Vec<SocketAddr>,
    urls: Vec<String>,
    counts: Arc<Counts>,
    accounts: Arc<Accounts>,
    last_connection: Arc<AtomicU64>,
    /// Shared by all nodes.
    seats: Seats,
    state: Option<State>,
}

enum State {
    Up(Box<Up>),
    Paused(Box<Core>),
}

struct Up {
    desk: Desk,
    play: Arc<Play>,
    working: JoinHandle<Core>,
    /// The nodes; one that is down is none.
    doors: Vec<Option<Open>>,
}

/// A node that is up.
struct Open {
    app: Arc<App>,
    io: Option<SocketIo>,
    quit: watch::Sender<bool>,
    serving: JoinHandle<()>,
    /// The relay in front, for bugs of the wire.
    front: Option<JoinHandle<()>>,
    /// What came in through its ports, the relay's included.
    houses: Vec<House>,
}

/// What a server has done since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages stored.
    pub messages: u64,
    /// Connections open now.
    pub connections: u64,
    /// Questions refused because too many waited.
    pub refused_busy: u64,
}

impl Server {
    /// Starts a server on the current tokio runtime. [`Hosted`](super::Hosted) starts one on
    /// threads of its own.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(spec: Arc<Spec>, options: Options) -> Result<Running, StartError> {
        let mut running = Running::paused(spec, options)?;
        running.resume().await?;
        Ok(running)
    }
}

impl Running {
    /// A server that is not up yet, its database open.
    pub(super) fn paused(spec: Arc<Spec>, options: Options) -> Result<Self, StartError> {
        let accounts = auth::accounts(&spec).map_err(StartError::NotPlayed)?;
        Doorman::new(&spec, &accounts).map_err(StartError::NotPlayed)?;
        greets(&spec).map_err(StartError::NotPlayed)?;
        let core = Core::open(options.file.as_deref(), Rules::of(&spec), options.bugs)
            .map_err(|error| StartError::Store(error.to_string()))?;
        let nodes = options.nodes.max(1);
        let addresses = (0..nodes).map(|node| {
            // Without a port of its own each node takes a free one.
            let port = options.port.saturating_add(if options.port == 0 { 0 } else { node as u16 });
            SocketAddr::from((options.host, port))
        });
        Ok(Self {
            addresses: addresses.collect(),
            urls: vec![String::new(); nodes],
            spec,
            seats: Seats::new(options.limits),
            options,
            counts: Arc::default(),
            accounts,
            last_connection: Arc::default(),
            state: Some(State::Paused(Box::new(core))),
        })
    }

    /// `http://127.0.0.1:port`, of the first node.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.urls[0]
    }

    /// Where each node listens.
    #[must_use]
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// What it has done so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Figures {
            messages: read(&self.counts.messages),
            connections: read(&self.counts.connections),
            refused_busy: read(&self.counts.refused_busy),
        }
    }

    /// Goes down and comes up again on the same port. What is not stored is forgotten.
    ///
    /// # Errors
    /// The port is gone, or the database.
    pub async fn restart(&mut self) -> Result<(), StartError> {
        self.pause().await;
        self.resume().await
    }

    /// Goes down: closes the ports and every connection. Nothing happens if it is down.
    pub async fn pause(&mut self) {
        if let Some(up) = self.take_up() {
            let core = up.down().await;
            self.rest(core);
        }
    }

    /// Comes up again, on the same ports and store. Nothing happens to what is up.
    ///
    /// # Errors
    /// A port is gone, or the database.
    pub async fn resume(&mut self) -> Result<(), StartError> {
        self.open_desk()?;
        (0..self.urls.len()).try_for_each(|node| self.open_node(node))
    }

    /// Stops for good.
    pub async fn stop(mut self) {
        self.pause().await;
    }

    /// The desk opens, on the current runtime. Nothing happens if it is open.
    pub(super) fn open_desk(&mut self) -> Result<(), StartError> {
        if matches!(self.state, Some(State::Up(_))) {
            return Ok(());
        }
        let Some(State::Paused(core)) = self.state.take() else {
            return Err(StartError::Store("it went down with the server that used it".into()));
        };
        let play = Arc::new(Play::new(&self.spec));
        let hall = Hall::new(Arc::clone(&play), self.options.bugs).delayed(self.options.delay);
        let (desk, work) =
            Desk::new(*core, hall, Arc::clone(&self.counts), self.options.limits.pause());
        let working = tokio::spawn(work);
        let doors = self.urls.iter().map(|_| None).collect();
        self.state = Some(State::Up(Box::new(Up { desk, play, working, doors })));
        Ok(())
    }

    /// A node comes up, on the current runtime. Nothing happens if it is up.
    pub(crate) fn open_node(&mut self, node: Node) -> Result<(), StartError> {
        let Some(State::Up(up)) = &self.state else { return Ok(()) };
        if up.doors[node].is_some() {
            return Ok(());
        }
        let address = self.addresses[node];
        let unbound = |error| StartError::Bind(address, error);
        let listener = listen(address).map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        let open = self.open(node, up, listener)?;
        if let Some(State::Up(up)) = &mut self.state {
            up.doors[node] = Some(open);
        }
        self.addresses[node] = address;
        self.urls[node] = format!("http://{address}");
        Ok(())
    }

    /// Stops deciding, as a process that is killed: connections are left to die with the runtimes, or
    /// with their world's network.
    pub(crate) async fn freeze(&mut self) {
        if let Some(mut up) = self.take_up() {
            // The ports must be free before anybody can come up again.
            let (mut serving, mut houses) = (Vec::new(), Vec::new());
            for mut open in up.doors.drain(..).flatten() {
                open.take_front().await;
                open.serving.abort();
                serving.push(open.serving);
                houses.extend(open.houses);
            }
            up.desk.close().await;
            let core = up.working.await.ok();
            for serving in serving {
                let _ = serving.await;
            }
            houses.iter().for_each(House::die);
            self.rest(core);
        }
    }

    /// The same for one node; the others notice it.
    pub(crate) async fn freeze_node(&mut self, node: Node) {
        let Some(State::Up(up)) = &mut self.state else { return };
        if let Some(mut open) = up.doors[node].take() {
            open.take_front().await;
            open.serving.abort();
            let _ = open.serving.await;
            up.desk.lose(node).await;
            open.houses.iter().for_each(House::die);
        }
    }

    /// It stands still, or one node of it does, as a process that is stopped; or goes on. Only in a
    /// simulated world: in the machine's, what it runs on must stand still.
    pub(crate) fn halt(&self, node: Option<Node>, halted: bool) {
        let Some(State::Up(up)) = &self.state else { return };
        let doors = up.doors.iter().enumerate().filter(|(one, _)| node.is_none_or(|n| n == *one));
        let houses = doors.filter_map(|(_, open)| open.as_ref()).flat_map(|open| &open.houses);
        houses.for_each(|house| house.halt(halted));
    }

    /// A node ends politely: what is under way is answered, and its connections are told.
    pub(crate) async fn close_node(&mut self, node: Node) {
        let Some(State::Up(up)) = &mut self.state else { return };
        if let Some(open) = up.doors[node].take() {
            open.close().await;
        }
    }

    /// What the nodes tell one another is held up from now on, or no more.
    pub(crate) async fn hold_up(&self, held_up: bool) {
        if let Some(State::Up(up)) = &self.state {
            up.desk.hold_up(held_up).await;
        }
    }

    /// The store is out of reach from now on, or no more.
    pub(crate) async fn cut_off(&self, cut_off: bool) {
        if let Some(State::Up(up)) = &self.state {
            up.desk.cut_off(cut_off).await;
        }
    }

    fn take_up(&mut self) -> Option<Up> {
        match self.state.take() {
            Some(State::Up(up)) => Some(*up),
            state => {
                self.state = state;
                None
            }
        }
    }

    /// Keeps what a process that ended leaves behind.
    fn rest(&mut self, core: Option<Core>) {
        self.counts.connections.store(0, Ordering::Relaxed);
        self.state = core.and_then(|mut core| {
            let reread = core.restart(stamp::now());
            reread.is_ok().then(|| State::Paused(Box::new(core)))
        });
    }

    fn open(&self, node: Node, up: &Up, listener: Listener) -> Result<Open, StartError> {
        let (quit, closing) = watch::channel(false);
        let app = Arc::new(App {
            doorman: Doorman::new(&self.spec, &self.accounts).map_err(StartError::NotPlayed)?,
            accounts: Arc::clone(&self.accounts),
            play: Arc::clone(&up.play),
            desk: up.desk.clone(),
            bugs: self.options.bugs,
            node,
            last_connection: Arc::clone(&self.last_connection),
            seats: self.seats.clone(),
            mailboxes: Mailboxes::default(),
            closing: closing.clone(),
            memory: Mutex::default(),
        });
        let mut router = match self.spec.connect.protocol {
            Protocol::WebSocket { .. } => Router::new().fallback(frames::handle),
            _ => Router::new().fallback(http::handle),
        }
        .with_state(Arc::clone(&app));
        let mut io = None;
        if let Protocol::SocketIo { namespace, .. } = &self.spec.connect.protocol {
            let (layer, sockets) = self.socket_io();
            sockets.ns(namespace.clone(), Entrance(Arc::clone(&app)));
            router = router.layer(layer);
            io = Some(sockets);
        }
        let mut houses = vec![listener.house()];
        let (listener, front) = self.bent(listener)?;
        houses.extend(front.is_some().then(|| listener.house()));
        let serving = tokio::spawn(serve(listener, router, closing));
        Ok(Open { app, io, quit, serving, front, houses })
    }

    /// Puts a bent wire in front, if there is a bug of the wire; the server then listens elsewhere.
    fn bent(&self, outer: Listener) -> Result<(Listener, Option<JoinHandle<()>>), StartError> {
        let bugs = self.options.bugs;
        let path = match self.spec.connect.protocol {
            Protocol::SocketIo { .. } => Some(self.path()),
            Protocol::WebSocket { .. } => None,
            Protocol::Http => return Ok((outer, None)),
        };
        if !bent::is_bent(bugs, path.is_none()) {
            return Ok((outer, None));
        }
        let inside = SocketAddr::from(([127, 0, 0, 1], 0));
        let unbound = |error| StartError::Bind(inside, error);
        let inner = listen(inside).map_err(unbound)?;
        let address = inner.local_addr().map_err(unbound)?;
        let front = bent::serve(outer, address, path, bugs, self.figures_told());
        Ok((inner, Some(tokio::spawn(front))))
    }

    /// What the handshake tells.
    const fn figures_told(&self) -> bent::Figures {
        bent::Figures {
            ping_interval: self.options.ping_interval,
            ping_timeout: self.options.ping_timeout,
            max_payload: MAX_PAYLOAD,
        }
    }

    /// The path of Socket.IO.
    fn path(&self) -> String {
        let mut path = String::new();
        // The path of a Socket.IO server has no holes; if it had, the default is as good.
        let filled = self.spec.connect.path.fill(&Bindings::new(), true, &mut path);
        match path.trim_end_matches('/') {
            path if filled == Ok(true) && !path.is_empty() => path.to_owned(),
            _ => "/socket.io".to_owned(),
        }
    }

    fn socket_io(&self) -> (socketioxide::layer::SocketIoLayer, SocketIo) {
        let figures = self.figures_told().behind(self.options.bugs);
        SocketIo::builder()
            .req_path(self.path())
            .ping_interval(figures.ping_interval)
            .ping_timeout(figures.ping_timeout)
            .connect_timeout(self.spec.connect.timeout)
            .max_payload(figures.max_payload)
            .ws_max_message_size(figures.max_payload as usize)
            .ws_max_frame_size(figures.max_payload as usize)
            .max_buffer_size(CLIENT_QUEUE)
            .build_layer()
    }
}

/// Whether it can say the welcome that the spec has.
fn greets(spec: &Spec) -> Result<(), String> {
    let on_socket_io = matches!(spec.connect.protocol, Protocol::SocketIo { .. });
    let of_connect = |welcome: &&Shape| on_socket_io && welcome.event().is_none();
    let fits = |welcome: &Shape| welcome.fits(r#"{"sid":"x"}"#, &mut spec.constants.clone());
    match spec.connect.welcome.as_ref().filter(of_connect) {
        Some(welcome) if !fits(welcome) => {
            Err("its answer to CONNECT has a `sid` and nothing else of a welcome".into())
        }
        _ => Ok(()),
    }
}

impl Up {
    /// Closes everything and gives the chat back.
    async fn down(mut self) -> Option<Core> {
        for open in self.doors.iter_mut().flatten() {
            open.take_front().await;
            open.app.mailboxes.close();
        }
        self.desk.close().await;
        let core = self.working.await.ok();
        for open in self.doors.into_iter().flatten() {
            open.close().await;
        }
        core
    }
}

impl Open {
    async fn close(mut self) {
        self.app.mailboxes.close();
        self.take_front().await;
        let _ = self.quit.send(true);
        if let (Some(io), Protocol::SocketIo { namespace, .. }) =
            (&self.io, &self.app.play.spec().connect.protocol)
        {
            close_all(io, namespace, CLOSING).await;
        }
        let mut serving = self.serving;
        if tokio::time::timeout(CLOSING, &mut serving).await.is_err() {
            serving.abort();
            let _ = serving.await;
        }
    }

    /// Ends the relay in front and frees its port.
    async fn take_front(&mut self) {
        if let Some(front) = self.front.take() {
            front.abort();
            let _ = front.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(State::Up(up)) = self.state.take() {
            up.working.abort();
            for open in up.doors.iter().flatten() {
                open.serving.abort();
                if let Some(front) = &open.front {
                    front.abort();
                }
            }
        }
    }
}

async fn serve(listener: Listener, router: Router, mut closing: watch::Receiver<bool>) {
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay()));
    let closed = async move { drop(closing.wait_for(|closing| *closing).await) };
    let _ = axum::serve(listener, router).with_graceful_shutdown(closed).await;
}
