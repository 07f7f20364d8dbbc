//! A reference server on threads of its own, commanded from anywhere, async or not.
//!
//! Its pause is as abrupt as a crash: the whole runtime goes, and every socket with it.

use crate::reference::model::Node;
use crate::reference::options::{Options, StartError};
use crate::reference::server::{Figures, Running};
use crate::spec::Spec;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::JoinHandle;
use tokio::runtime::{Builder, Runtime};

/// A server on its own threads. Dropping it stops it.
pub struct Hosted {
    urls: Vec<String>,
    orders: Sender<(Order, Sender<Report>)>,
    thread: Option<JoinHandle<()>>,
}

/// What is to be done: to all of the server, or to one of its nodes.
#[derive(Clone, Copy)]
enum Order {
    Pause(Option<Node>),
    Close(Option<Node>),
    Resume(Option<Node>),
    Halt(Option<Node>),
    GoOn,
    HoldUp(bool),
    CutOff(bool),
    Figures,
}

type Report = Result<(Vec<String>, Figures), StartError>;

impl Hosted {
    /// Starts a server with this many worker threads, and returns when it listens.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(spec: Arc<Spec>, options: Options, workers: usize) -> Result<Self, StartError> {
        let (orders, given) = channel();
        let running = Running::paused(spec, options)?;
        let thread = std::thread::Builder::new()
            .name("reference".into())
            .spawn(move || host(running, workers.max(1), &given))
            .map_err(StartError::Threads)?;
        let mut hosted = Self { urls: Vec::new(), orders, thread: Some(thread) };
        hosted.resume()?;
        Ok(hosted)
    }

    /// `http://127.0.0.1:port`, of the first node.
    #[must_use]
    pub fn url(&self) -> &str {
        self.urls.first().map_or("", String::as_str)
    }

    /// Where each node listens.
    #[must_use]
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// What it has done so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.order(Order::Figures).map(|(_, figures)| figures).unwrap_or_default()
    }

    /// Crashes and comes up again on the same port, with what it stored.
    ///
    /// # Errors
    /// The port is gone, or the database.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.pause()?;
        self.resume()
    }

    /// Crashes: ports and connections are gone at once.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn pause(&mut self) -> Result<(), StartError> {
        self.order(Order::Pause(None)).map(|_| ())
    }

    /// Ends politely: what is under way is answered, and connections are told.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn close(&mut self) -> Result<(), StartError> {
        self.order(Order::Close(None)).map(|_| ())
    }

    /// Stands still, as a process that is stopped: connections stay, nothing is answered, no timer
    /// fires, until it goes on or comes to an end.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn halt(&mut self) -> Result<(), StartError> {
        self.order(Order::Halt(None)).map(|_| ())
    }

    /// Goes on after a halt, of all or of one node. Nothing happens if nothing was halted.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn go_on(&mut self) -> Result<(), StartError> {
        self.order(Order::GoOn).map(|_| ())
    }

    /// Comes up again on the same ports. Nothing happens to what is up.
    ///
    /// # Errors
    /// A port is gone, or the database.
    pub fn resume(&mut self) -> Result<(), StartError> {
        self.urls = self.order(Order::Resume(None))?.0;
        Ok(())
    }

    /// A node, counted from 0, crashes.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn pause_node(&mut self, node: usize) -> Result<(), StartError> {
        self.order(Order::Pause(Some(node))).map(|_| ())
    }

    /// A node ends politely.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn close_node(&mut self, node: usize) -> Result<(), StartError> {
        self.order(Order::Close(Some(node))).map(|_| ())
    }

    /// A node stands still.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn halt_node(&mut self, node: usize) -> Result<(), StartError> {
        self.order(Order::Halt(Some(node))).map(|_| ())
    }

    /// A node comes up again on the same port. Nothing happens if it is up.
    ///
    /// # Errors
    /// The port is gone.
    pub fn resume_node(&mut self, node: usize) -> Result<(), StartError> {
        self.order(Order::Resume(Some(node))).map(|_| ())
    }

    /// Holds up what the nodes tell one another, or lets it through: the bus between them is down.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn hold_up(&mut self, held_up: bool) -> Result<(), StartError> {
        self.order(Order::HoldUp(held_up)).map(|_| ())
    }

    /// Cuts the server off from its store, or lets it reach it again.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn cut_off(&mut self, cut_off: bool) -> Result<(), StartError> {
        self.order(Order::CutOff(cut_off)).map(|_| ())
    }

    /// Stops for good.
    pub fn stop(self) {
        drop(self);
    }

    fn order(&self, order: Order) -> Report {
        let gone = || StartError::Threads(io::Error::other("the server's thread has ended"));
        let (report, reported) = channel();
        self.orders.send((order, report)).map_err(|_| gone())?;
        reported.recv().map_err(|_| gone())?
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        // Without anybody to give orders the thread ends.
        self.orders = channel().0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn host(running: Running, workers: usize, orders: &Receiver<(Order, Sender<Report>)>) {
    let mut threads =
        Threads { running, workers, desk: None, nodes: Vec::new(), halted: Vec::new() };
    while let Ok((order, report)) = orders.recv() {
        let done = threads.obey(order);
        let running = &threads.running;
        let _ = report.send(done.map(|()| (running.urls().to_vec(), running.figures())));
    }
    threads.halted.clear();
    threads.crash();
}

/// A server and the threads that it runs on.
struct Threads {
    running: Running,
    workers: usize,
    /// Where the desk works, and the only node where there is one.
    desk: Option<Runtime>,
    /// Where each of several nodes works: it can die, or stand still, by itself.
    nodes: Vec<Option<Runtime>>,
    /// Dropped when what was halted shall go on.
    halted: Vec<Sender<()>>,
}

impl Threads {
    fn obey(&mut self, order: Order) -> Result<(), StartError> {
        let strikes_a_part = matches!(order, Order::HoldUp(_) | Order::CutOff(_));
        if !strikes_a_part && !matches!(order, Order::Figures | Order::Halt(_)) {
            self.halted.clear();
        }
        match order {
            Order::Pause(None) => self.crash(),
            Order::Close(None) => self.close(),
            Order::Resume(None) => return self.wake(),
            Order::Halt(None) => self.halt(),
            Order::Pause(Some(node)) => self.end_node(node, false),
            Order::Close(Some(node)) => self.end_node(node, true),
            Order::Resume(Some(node)) => return self.wake_node(node),
            Order::Halt(Some(node)) => {
                let runtime = self.nodes.get(node).and_then(Option::as_ref);
                self.halted.extend(runtime.map(|runtime| halt(runtime, self.workers)));
            }
            Order::HoldUp(held_up) => {
                if let Some(desk) = &self.desk {
                    desk.block_on(self.running.hold_up(held_up));
                }
            }
            Order::CutOff(cut_off) => {
                if let Some(desk) = &self.desk {
                    desk.block_on(self.running.cut_off(cut_off));
                }
            }
            Order::GoOn | Order::Figures => {}
        }
        Ok(())
    }

    fn wake(&mut self) -> Result<(), StartError> {
        let count = self.running.urls().len();
        if self.desk.is_none() {
            let desk = runtime(self.workers)?;
            desk.block_on(async { self.running.open_desk() })?;
            self.desk = Some(desk);
            self.nodes = (0..count).map(|_| None).collect();
        }
        (0..count).try_for_each(|node| self.wake_node(node))
    }

    fn wake_node(&mut self, node: Node) -> Result<(), StartError> {
        let (Some(desk), Some(known)) = (&self.desk, self.nodes.get(node)) else { return Ok(()) };
        if self.nodes.len() == 1 {
            return desk.block_on(async { self.running.open_node(node) });
        }
        if known.is_none() {
            let own = runtime(self.workers)?;
            own.block_on(async { self.running.open_node(node) })?;
            self.nodes[node] = Some(own);
        }
        Ok(())
    }

    /// Ends a node of several; dropping its runtime closes every socket before this returns.
    fn end_node(&mut self, node: Node, politely: bool) {
        let Some(own) = self.nodes.get_mut(node).and_then(Option::take) else { return };
        if politely {
            own.block_on(self.running.close_node(node));
        } else {
            own.block_on(self.running.freeze_node(node));
        }
    }

    /// Occupies every worker until it shall go on.
    fn halt(&mut self) {
        if self.halted.is_empty() {
            let all = self.desk.iter().chain(self.nodes.iter().flatten());
            self.halted = all.map(|runtime| halt(runtime, self.workers)).collect();
        }
    }

    fn close(&mut self) {
        if let Some(desk) = self.desk.take() {
            desk.block_on(self.running.pause());
            self.nodes.clear();
        }
    }

    fn crash(&mut self) {
        if let Some(desk) = self.desk.take() {
            desk.block_on(self.running.freeze());
            // Dropping them closes every socket before this returns.
            self.nodes.clear();
        }
    }
}

fn runtime(workers: usize) -> Result<Runtime, StartError> {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("reference")
        .enable_all()
        .build()
        .map_err(StartError::Threads)
}

/// Occupies every worker until the sender is dropped; returns when all are.
fn halt(runtime: &Runtime, workers: usize) -> Sender<()> {
    let (go_on, halted) = channel::<()>();
    let halted = Arc::new(Mutex::new(halted));
    let standing = Arc::new(Barrier::new(workers + 1));
    for _ in 0..workers {
        let (halted, standing) = (Arc::clone(&halted), Arc::clone(&standing));
        runtime.spawn(async move {
            standing.wait();
            // Nothing is ever sent: this waits until there is nobody to send.
            drop(halted.lock().map(|halted| halted.recv()));
        });
    }
    standing.wait();
    go_on
}
