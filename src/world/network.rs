//! The network of the world: the machine's, or one in memory.
//!
//! A simulated network has addresses and ports, a backlog, refusals and resets as the machine's has;
//! bytes travel late by chance, in order on each connection and overtaking one another between them.
//! How long they take is drawn anew for each connection: from nothing to a bad radio link. It loses
//! nothing by itself; that is what faults are for.

use super::pipe::{Pace, Pipe, Ways};
use super::post::Post;
use super::socket::Socket;
use crate::plan::dice::Dice;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// The first port that is given to who wants any.
const FREE_PORTS: u16 = 49_152;
/// The shortest that bytes travel.
const LEAST: Duration = Duration::from_millis(1);
/// How much longer they may travel in a world, by chance; which of these holds follows from its seed.
const SPREADS_MS: [u64; 6] = [0, 1, 5, 20, 80, 200];

/// Where connections come in.
pub enum Listener {
    /// Of the machine.
    Tcp(TcpListener),
    /// Of a simulated world.
    Port(Port),
}

/// The network of a simulated world.
pub(super) struct Network {
    seed: u64,
    spread: Duration,
    connections: Cell<u64>,
    next_port: Cell<u16>,
    post: Arc<Post>,
    doors: RefCell<BTreeMap<SocketAddr, Weak<Door>>>,
}

/// A connection that is being made: its number, and how long bytes go there and back.
struct Trip {
    number: u64,
    ways: [Duration; 2],
}

/// A port on which somebody listens, until it is dropped.
pub struct Port {
    door: Arc<Door>,
    address: SocketAddr,
}

/// The process behind a port, and so all that came in through it: it can stand still, or die. In the
/// machine's world that is the operating system's doing, and nothing happens here.
#[derive(Clone)]
pub struct House(Option<Arc<Door>>);

/// What a port and its connections share.
#[derive(Default)]
pub(super) struct Door(Mutex<State>);

#[derive(Default)]
struct State {
    /// Somebody listens.
    open: bool,
    /// Who has knocked and is not let in yet.
    backlog: VecDeque<(Pipe, SocketAddr)>,
    /// The process accepts, reads and writes nothing.
    halted: bool,
    waiting: Vec<Waker>,
    /// Every connection that came in and is still there.
    inside: Vec<Weak<Ways>>,
}

/// Connects to this address, where no more is wanted than the bytes.
///
/// # Errors
/// Nobody listens there.
pub async fn connect(address: SocketAddr) -> io::Result<Socket> {
    match connect_simulated(address).await {
        Some(connected) => connected,
        None => TcpStream::connect(address).await.map(Socket::Tcp),
    }
}

/// Connects to this address of a simulated world, if this is one.
pub(crate) async fn connect_simulated(address: SocketAddr) -> Option<io::Result<Socket>> {
    let trip = super::here()?.network.set_out();
    // The handshake takes a way there and a way back.
    sleep(trip.ways.iter().sum()).await;
    Some(super::here()?.network.arrive(address, &trip))
}

/// Listens on this address; port 0 is any free one. Many clients come at once: the backlog is long.
///
/// # Errors
/// The address can't be had.
pub fn listen(address: SocketAddr) -> io::Result<Listener> {
    if let Some(world) = super::here() {
        return world.network.listen(address).map(Listener::Port);
    }
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG).map(Listener::Tcp)
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "network", 0, 0);
        Self {
            seed,
            spread: Duration::from_millis(*dice.pick(&SPREADS_MS)),
            connections: Cell::new(0),
            next_port: Cell::new(FREE_PORTS),
            post: Arc::default(),
            doors: RefCell::default(),
        }
    }

    /// Everything that is sent arrives while this goes on.
    pub(super) fn deliver(&self) -> impl Future<Output = ()> + use<> {
        let post = Arc::clone(&self.post);
        async move { post.deliver().await }
    }

    fn set_out(&self) -> Trip {
        let number = self.connections.replace(self.connections.get() + 1);
        let mut dice = Dice::new(self.seed, "connection", number, 0);
        Trip { number, ways: [(); 2].map(|()| LEAST + self.spread.mul_f64(dice.unit() / 2.0)) }
    }

    fn arrive(&self, address: SocketAddr, trip: &Trip) -> io::Result<Socket> {
        let door = self.doors.borrow().get(&address).and_then(Weak::upgrade);
        let door = door.filter(|door| door.state().open).ok_or(io::ErrorKind::ConnectionRefused)?;
        let dice = |way| Dice::new(self.seed, "way", trip.number, way);
        let [out, back] = [0, 1].map(|way| Pace::new(trip.ways[way], dice(way as u64)));
        let (near, far) = Pipe::pair(trip.number, [out, back], &self.post, &door);
        let from = SocketAddr::new(address.ip(), (trip.number % 40_000) as u16 + 1024);
        door.knock(far, from);
        Ok(Socket::Pipe(Box::new(near)))
    }

    fn listen(&self, mut address: SocketAddr) -> io::Result<Port> {
        if address.port() == 0 {
            address.set_port(self.next_port.replace(self.next_port.get() + 1));
        }
        let mut doors = self.doors.borrow_mut();
        let known = doors.get(&address).and_then(Weak::upgrade);
        if known.is_some_and(|door| door.state().open) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let state = State { open: true, ..State::default() };
        let door = Arc::new(Door(Mutex::new(state)));
        doors.insert(address, Arc::downgrade(&door));
        Ok(Port { door, address })
    }
}

impl Door {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn knock(&self, pipe: Pipe, from: SocketAddr) {
        let mut state = self.state();
        state.inside.retain(|ways| ways.strong_count() > 0);
        state.inside.push(Arc::downgrade(pipe.ways()));
        state.backlog.push_back((pipe, from));
        state.wake();
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<(Pipe, SocketAddr)> {
        let mut state = self.state();
        if !state.halted
            && let Some(came) = state.backlog.pop_front()
        {
            return Poll::Ready(came);
        }
        state.wait(cx);
        Poll::Pending
    }

    /// Ready unless the process stands still.
    pub(super) fn poll_alive(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if !state.halted {
            return Poll::Ready(());
        }
        state.wait(cx);
        Poll::Pending
    }
}

impl State {
    fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }

    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let mut state = self.door.state();
        state.open = false;
        let refused = std::mem::take(&mut state.backlog);
        drop(state);
        drop(refused);
    }
}

impl House {
    /// The process dies: nobody listens, and every connection ends.
    pub fn die(&self) {
        let Some(door) = &self.0 else { return };
        let mut state = door.state();
        (state.open, state.halted) = (false, false);
        let (inside, refused) =
            (std::mem::take(&mut state.inside), std::mem::take(&mut state.backlog));
        state.wake();
        drop(state);
        drop(refused);
        inside.iter().filter_map(Weak::upgrade).for_each(|ways| ways.die(Pipe::INSIDE));
    }

    /// The process stands still, or goes on.
    pub fn halt(&self, halted: bool) {
        if let Some(door) = &self.0 {
            let mut state = door.state();
            state.halted = halted;
            state.wake();
        }
    }
}

impl Listener {
    /// Where it listens.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr(),
            Self::Port(port) => Ok(port.address),
        }
    }

    /// What is behind it.
    #[must_use]
    pub fn house(&self) -> House {
        match self {
            Self::Tcp(_) => House(None),
            Self::Port(port) => House(Some(Arc::clone(&port.door))),
        }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        match self {
            Self::Tcp(listener) => {
                let (stream, from) = axum::serve::Listener::accept(listener).await;
                (Socket::Tcp(stream), from)
            }
            Self::Port(port) => {
                let (pipe, from) = poll_fn(|cx| port.door.poll_accept(cx)).await;
                (Socket::Pipe(Box::new(pipe)), from)
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::simulate;
    use std::io::ErrorKind;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::{Instant, timeout};

    const ANY: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

    /// A listener, and both ends of a connection through it.
    async fn connected() -> (Listener, Socket, Socket) {
        let mut listener = listen(ANY.into()).unwrap();
        let near = connect(listener.local_addr().unwrap()).await.unwrap();
        let (far, _) = axum::serve::Listener::accept(&mut listener).await;
        (listener, near, far)
    }

    async fn read(socket: &mut Socket) -> Result<Vec<u8>, ErrorKind> {
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await.map(|_| all).map_err(|error| error.kind())
    }

    fn in_worlds(life: impl AsyncFn()) {
        (0..20).for_each(|seed| simulate(seed, &life).unwrap());
    }

    #[test]
    fn bytes_arrive_late_in_order_and_before_the_end() {
        in_worlds(async || {
            let (_listener, mut near, mut far) = connected().await;
            let began = Instant::now();
            for part in ["in ", "order", "!"] {
                near.write_all(part.as_bytes()).await.unwrap();
            }
            near.shutdown().await.unwrap();
            assert_eq!(read(&mut far).await.unwrap(), b"in order!");
            assert!(began.elapsed() >= LEAST);
            far.write_all(b"still open").await.unwrap();
            drop(far);
            assert_eq!(read(&mut near).await.unwrap(), b"still open");
            assert_eq!(near.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        });
    }

    #[test]
    fn connections_overtake_one_another() {
        let first = |seed| {
            simulate(seed, async || {
                let (_one, mut near, mut far) = connected().await;
                let (_other, mut later, mut there) = connected().await;
                near.write_all(b"1").await.unwrap();
                later.write_all(b"2").await.unwrap();
                tokio::select! {
                    biased;
                    byte = far.read_u8() => byte.unwrap(),
                    byte = there.read_u8() => byte.unwrap(),
                }
            })
            .unwrap()
        };
        let firsts: Vec<u8> = (0..20).map(first).collect();
        assert!(firsts.contains(&b'1') && firsts.contains(&b'2'));
        assert_eq!(firsts, (0..20).map(first).collect::<Vec<u8>>());
    }

    #[test]
    fn who_drops_what_was_not_read_or_wants_it_so_resets() {
        in_worlds(async || {
            let (_listener, mut near, far) = connected().await;
            near.write_all(b"never read").await.unwrap();
            drop(far);
            assert_eq!(read(&mut near).await, Err(ErrorKind::ConnectionReset));
            let (_listener, near, mut far) = connected().await;
            near.reset_on_drop().unwrap();
            drop(near);
            assert_eq!(read(&mut far).await, Err(ErrorKind::ConnectionReset));
        });
    }

    #[test]
    fn a_full_buffer_makes_the_writer_wait() {
        in_worlds(async || {
            let (_listener, mut near, mut far) = connected().await;
            far.narrow(1000).unwrap();
            let writes = async {
                near.write_all(&[7; 5000]).await.unwrap();
                drop(near);
            };
            let ((), all) = tokio::join!(writes, read(&mut far));
            assert_eq!(all, Ok(vec![7; 5000]));
        });
    }

    #[test]
    fn ports_are_refused_when_nobody_listens_and_free_when_nobody_does_any_more() {
        in_worlds(async || {
            let listener = listen(ANY.into()).unwrap();
            let address = listener.local_addr().unwrap();
            let taken = listen(address).map(drop).unwrap_err().kind();
            assert_eq!(taken, ErrorKind::AddrInUse);
            let mut waits = connect(address).await.unwrap();
            drop(listener);
            assert_eq!(read(&mut waits).await, Ok(Vec::new()), "nobody will accept it");
            let refused = connect(address).await.map(drop).unwrap_err().kind();
            assert_eq!(refused, ErrorKind::ConnectionRefused);
            assert!(listen(address).is_ok());
        });
    }

    #[test]
    fn what_stands_still_takes_everything_in_and_answers_when_it_goes_on() {
        in_worlds(async || {
            let (mut listener, mut near, mut far) = connected().await;
            listener.house().halt(true);
            near.write_all(b"?").await.unwrap();
            let hour = Duration::from_secs(3600);
            assert!(timeout(hour, far.read_u8()).await.is_err(), "it stands still");
            let address = listener.local_addr().unwrap();
            let _knocks = connect(address).await.unwrap();
            let accepts = axum::serve::Listener::accept(&mut listener);
            assert!(timeout(hour, accepts).await.is_err(), "it stands still");
            listener.house().halt(false);
            assert_eq!(far.read_u8().await.unwrap(), b'?');
            let _ = axum::serve::Listener::accept(&mut listener).await;
        });
    }

    #[test]
    fn what_dies_takes_its_connections_with_it() {
        in_worlds(async || {
            let (listener, mut near, mut far) = connected().await;
            far.write_all(b"last words").await.unwrap();
            listener.house().die();
            assert_eq!(far.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
            assert_eq!(read(&mut far).await, Err(ErrorKind::ConnectionReset));
            assert_eq!(read(&mut near).await.unwrap(), b"last words");
            assert!(connect(listener.local_addr().unwrap()).await.is_err());
        });
    }
}
