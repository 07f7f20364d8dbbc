//! A reference server on threads of its own, commanded from anywhere, async or not.
//!
//! Its pause is as abrupt as a crash: the whole runtime goes, and every socket with it.

use crate::reference::server::{Figures, Options, Running, StartError};
use crate::spec::Spec;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::JoinHandle;
use tokio::runtime::{Builder, Runtime};

/// A server on its own threads. Dropping it stops it.
pub struct Hosted {
    url: String,
    orders: Sender<(Order, Sender<Report>)>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Pause,
    Close,
    Resume,
    Halt,
    GoOn,
    Figures,
}

type Report = Result<(String, Figures), StartError>;

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
        let mut hosted = Self { url: String::new(), orders, thread: Some(thread) };
        hosted.resume()?;
        Ok(hosted)
    }

    /// `http://127.0.0.1:port`
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
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

    /// Crashes: port and connections are gone at once.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn pause(&mut self) -> Result<(), StartError> {
        self.order(Order::Pause).map(|_| ())
    }

    /// Ends politely: what is under way is answered, and connections are told.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn close(&mut self) -> Result<(), StartError> {
        self.order(Order::Close).map(|_| ())
    }

    /// Stands still, as a process that is stopped: connections stay, nothing is answered, no timer
    /// fires, until it goes on or comes to an end.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn halt(&mut self) -> Result<(), StartError> {
        self.order(Order::Halt).map(|_| ())
    }

    /// Goes on after a halt. Nothing happens if it was not halted.
    ///
    /// # Errors
    /// The server's thread is gone.
    pub fn go_on(&mut self) -> Result<(), StartError> {
        self.order(Order::GoOn).map(|_| ())
    }

    /// Comes up again on the same port. Nothing happens if it is up.
    ///
    /// # Errors
    /// The port is gone, or the database.
    pub fn resume(&mut self) -> Result<(), StartError> {
        self.url = self.order(Order::Resume)?.0;
        Ok(())
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

fn host(mut running: Running, workers: usize, orders: &Receiver<(Order, Sender<Report>)>) {
    let mut runtime = None;
    let mut halted: Option<Sender<()>> = None;
    while let Ok((order, report)) = orders.recv() {
        if !matches!(order, Order::Figures | Order::Halt) {
            halted = None;
        }
        let done = match order {
            Order::Pause => {
                crash(&mut running, runtime.take());
                Ok(())
            }
            Order::Close => {
                close(&mut running, runtime.take());
                Ok(())
            }
            Order::Resume if runtime.is_some() => Ok(()),
            Order::Resume => wake(&mut running, workers).map(|awake| runtime = Some(awake)),
            Order::Halt if halted.is_some() => Ok(()),
            Order::Halt => {
                halted = runtime.as_ref().map(|runtime| halt(runtime, workers));
                Ok(())
            }
            Order::GoOn | Order::Figures => Ok(()),
        };
        let _ = report.send(done.map(|()| (running.url().to_owned(), running.figures())));
    }
    drop(halted);
    crash(&mut running, runtime);
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

fn close(running: &mut Running, runtime: Option<Runtime>) {
    if let Some(runtime) = runtime {
        runtime.block_on(running.pause());
        drop(runtime);
    }
}

fn wake(running: &mut Running, workers: usize) -> Result<Runtime, StartError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("reference")
        .enable_all()
        .build()
        .map_err(StartError::Threads)?;
    runtime.block_on(running.resume())?;
    Ok(runtime)
}

fn crash(running: &mut Running, runtime: Option<Runtime>) {
    if let Some(runtime) = runtime {
        runtime.block_on(running.freeze());
        // Dropping it here closes every socket before this returns.
        drop(runtime);
    }
}
