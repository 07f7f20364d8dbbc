//! The one place where everything gets its order: a task that takes questions one by one.
//!
//! What waits is taken as one transaction. Only when it is committed are the answers given and
//! the others told, in the order in which the questions were taken: so an ack means stored, and
//! what is pushed comes in the order in which it is stored.

use crate::reference::core::Core;
use crate::reference::hall::{Hall, Wire};
use crate::reference::model::*;
use crate::reference::stamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Questions that may wait; one more is refused as `busy`.
const QUEUE: usize = 16_384;
/// Questions that share a transaction.
const BATCH: usize = 512;

type Outcome = Result<Answer, Refusal>;
type Done = Box<dyn FnOnce(Outcome) + Send>;

/// How a connection comes in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Coming {
    /// Into this room, and not into all of its person's.
    pub(crate) only: Option<Conversation>,
    /// It is told the messages after this one.
    pub(crate) since: Option<i64>,
}

/// What the desk is handed.
pub(crate) enum Job {
    Ask {
        caller: Caller,
        command: Command,
        done: Done,
    },
    Arrive {
        caller: Caller,
        wire: Arc<dyn Wire>,
        coming: Coming,
        done: oneshot::Sender<i64>,
    },
    Depart(Connection),
    /// A node died, and with it all its connections.
    Lose(Node, oneshot::Sender<()>),
    /// The nodes hear nothing of one another, or again.
    HoldUp(bool, oneshot::Sender<()>),
    /// The store is out of reach, or back.
    CutOff(bool, oneshot::Sender<()>),
    Close,
}

/// Counts that a load report can show.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) messages: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) refused_busy: AtomicU64,
}

/// The way to the desk.
#[derive(Clone)]
pub(crate) struct Desk {
    jobs: mpsc::Sender<Job>,
    counts: Arc<Counts>,
}

impl Desk {
    /// A desk, and the future that does its work and gives the chat back when it is closed.
    pub(crate) fn new(
        core: Core,
        hall: Hall,
        counts: Arc<Counts>,
    ) -> (Self, impl Future<Output = Core>) {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let work = work(core, hall, waiting, Arc::clone(&counts));
        (Self { jobs, counts }, work)
    }

    /// Asks, without waiting: questions of one task are taken in the order they were asked.
    pub(crate) fn ask(
        &self,
        caller: Caller,
        command: Command,
        done: impl FnOnce(Outcome) + Send + 'static,
    ) {
        let job = Job::Ask { caller, command, done: Box::new(done) };
        let refused = match self.jobs.try_send(job) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => return,
            Err(mpsc::error::TrySendError::Full(refused)) => refused,
        };
        self.counts.refused_busy.fetch_add(1, Ordering::Relaxed);
        if let Job::Ask { done, .. } = refused {
            done(Err(Refusal::new(RefusalKind::Busy, "the server is too busy")));
        }
    }

    /// Asks and waits for the answer; also for a place in the queue.
    pub(crate) async fn answer(&self, caller: Caller, command: Command) -> Outcome {
        let (done, answered) = oneshot::channel();
        let job =
            Job::Ask { caller, command, done: Box::new(move |outcome| drop(done.send(outcome))) };
        let stopping = || Refusal::new(RefusalKind::Busy, "the server is stopping");
        self.jobs.send(job).await.map_err(|_| stopping())?;
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Lets a connection in. When this returns it is in its rooms. The id of the newest message
    /// then; `None`: the server stops.
    pub(crate) async fn arrive(
        &self,
        caller: Caller,
        wire: Arc<dyn Wire>,
        coming: Coming,
    ) -> Option<i64> {
        let (done, arrived) = oneshot::channel();
        self.jobs.send(Job::Arrive { caller, wire, coming, done }).await.ok()?;
        arrived.await.ok()
    }

    /// Takes a connection out. If the queue is full it goes out when it is next pushed to.
    pub(crate) fn depart(&self, connection: Connection) {
        let _ = self.jobs.try_send(Job::Depart(connection));
    }

    /// A node died. When this returns the others know it.
    pub(crate) async fn lose(&self, node: Node) {
        let (done, known) = oneshot::channel();
        let _ = self.jobs.send(Job::Lose(node, done)).await;
        let _ = known.await;
    }

    /// What one node tells another is held up from now on, or let through.
    pub(crate) async fn hold_up(&self, held_up: bool) {
        let (done, known) = oneshot::channel();
        let _ = self.jobs.send(Job::HoldUp(held_up, done)).await;
        let _ = known.await;
    }

    /// The store is out of reach from now on, or back.
    pub(crate) async fn cut_off(&self, cut_off: bool) {
        let (done, known) = oneshot::channel();
        let _ = self.jobs.send(Job::CutOff(cut_off, done)).await;
        let _ = known.await;
    }

    pub(crate) async fn close(&self) {
        let _ = self.jobs.send(Job::Close).await;
    }
}

/// A job that is decided and waits for the commit.
enum Decided {
    Asked {
        caller: Caller,
        outcome: Outcome,
        events: Vec<Event>,
        done: Done,
    },
    Arrived {
        caller: Caller,
        wire: Arc<dyn Wire>,
        only: Option<Conversation>,
        conversations: Vec<(Conversation, usize)>,
        missed: Vec<Message>,
        newest: i64,
        done: oneshot::Sender<i64>,
    },
    Departed(Connection),
    Lost(Node, oneshot::Sender<()>),
    HeldUp(bool, oneshot::Sender<()>),
}

async fn work(
    mut core: Core,
    mut hall: Hall,
    mut waiting: mpsc::Receiver<Job>,
    counts: Arc<Counts>,
) -> Core {
    let mut jobs = Vec::with_capacity(BATCH);
    let mut decided = Vec::with_capacity(BATCH);
    let mut open = true;
    while open {
        let came = tokio::select! {
            came = waiting.recv_many(&mut jobs, BATCH) => came,
            () = sleep_until(hall.due()) => {
                hall.tick(Instant::now());
                continue;
            }
        };
        if came == 0 {
            break;
        }
        let now = stamp::now();
        let mut stored = core.store().begin();
        for job in jobs.drain(..) {
            open &= !matches!(job, Job::Close);
            decided.extend(decide(&mut core, job, now));
        }
        stored = stored.and_then(|()| core.store().commit());
        if let Err(error) = &stored {
            // What memory knows of this batch is wrong: it is read again from what is stored.
            let _ = core.store().roll_back().and_then(|()| core.reload());
            eprintln!("reference: the store failed: {error}");
        }
        for job in decided.drain(..) {
            let failed = stored
                .as_ref()
                .err()
                .map(|error| Refusal::new(RefusalKind::Internal, error.to_string()));
            conclude(&mut hall, job, failed, &counts);
        }
        counts.connections.store(hall.connections() as u64, Ordering::Relaxed);
    }
    core
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn decide(core: &mut Core, job: Job, now: i64) -> Option<Decided> {
    Some(match job {
        Job::Ask { caller, command, done } => {
            let mut events = Vec::new();
            let outcome = core.apply(&caller, command, now, &mut events);
            Decided::Asked { caller, outcome, events, done }
        }
        Job::Arrive { caller, wire, coming: Coming { only, since }, done } => {
            core.meet(&caller);
            let missed = since.map_or_else(Vec::new, |id| core.missed(&caller.user, id));
            let (conversations, newest) = (core.arrive(&caller.user, now), core.newest());
            Decided::Arrived { caller, wire, only, conversations, missed, newest, done }
        }
        Job::Depart(connection) => Decided::Departed(connection),
        Job::Lose(node, done) => {
            core.lose(node, now);
            Decided::Lost(node, done)
        }
        Job::HoldUp(held_up, done) => Decided::HeldUp(held_up, done),
        Job::CutOff(cut_off, done) => {
            core.cut_off(cut_off);
            let _ = done.send(());
            return None;
        }
        Job::Close => return None,
    })
}

fn conclude(hall: &mut Hall, job: Decided, failed: Option<Refusal>, counts: &Counts) {
    match job {
        Decided::Asked { done, .. } if failed.is_some() => {
            done(failed.map_or(Ok(Answer::Done), Err));
        }
        Decided::Asked { caller, outcome, events, done } => {
            for event in events {
                if matches!(event, Event::Message(_)) {
                    counts.messages.fetch_add(1, Ordering::Relaxed);
                }
                hall.tell(&caller, event);
            }
            done(outcome);
        }
        Decided::Arrived { caller, wire, only, conversations, missed, newest, done } => {
            if let Some(connection) = caller.connection {
                hall.arrive(connection, (&caller, only), wire, &conversations);
                hall.tell_missed(connection, &missed);
            }
            let _ = done.send(newest);
        }
        Decided::Departed(connection) => hall.depart(connection),
        Decided::Lost(node, done) => {
            hall.lose(node);
            let _ = done.send(());
        }
        Decided::HeldUp(held_up, done) => {
            hall.hold_up(held_up);
            let _ = done.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::bugs::Bugs;
    use crate::reference::core::Rules;
    use crate::reference::play::Play;
    use crate::reference::tests::spec;

    fn desk() -> (Desk, impl Future<Output = Core>) {
        let spec = spec();
        let rules = Rules { send_rate: None, ..Rules::of(&spec) };
        let core = Core::open(None, rules, Bugs::NONE).unwrap();
        let hall = Hall::new(Arc::new(Play::new(&spec)), Bugs::NONE);
        Desk::new(core, hall, Arc::default())
    }

    fn ann() -> Caller {
        let (user, device) = (User::from("1"), User::from("1"));
        Caller { user, chapter: None, connection: None, node: 0, device, arrived: 0 }
    }

    fn send(key: &str) -> Command {
        Command::Send(Sending {
            place: Place::Peer("2".into()),
            text: "hi".into(),
            key: Some(key.into()),
            guard: Guard::Atomic,
        })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_attempts_at_once_one_is_stored_and_all_name_it() {
        let (desk, work) = desk();
        let work = tokio::spawn(work);
        let attempts = (0..400).map(|number| {
            let desk = desk.clone();
            let key = (number % 20).to_string();
            tokio::spawn(async move { (key.clone(), desk.answer(ann(), send(&key)).await) })
        });
        let mut ids = std::collections::HashMap::new();
        for attempt in attempts.collect::<Vec<_>>() {
            let Ok((key, Ok(Answer::Message { message, .. }))) = attempt.await else {
                panic!("an attempt failed");
            };
            assert_eq!(*ids.entry(key).or_insert(message.id), message.id);
        }
        assert_eq!(ids.len(), 20);
        assert_eq!(desk.counts.messages.load(Ordering::Relaxed), 20);
        desk.close().await;
        assert_eq!(work.await.unwrap().store().outlines().unwrap().1, 20);
    }

    #[tokio::test]
    async fn what_does_not_fit_the_queue_is_refused_and_counted() {
        let (desk, work) = desk();
        let (done, mut refused) = mpsc::unbounded_channel();
        for number in 0..QUEUE + 1 {
            let done = done.clone();
            desk.ask(ann(), Command::Health, move |outcome| done.send((number, outcome)).unwrap());
        }
        let (number, outcome) = refused.recv().await.unwrap();
        assert_eq!((number, outcome.unwrap_err().kind), (QUEUE, RefusalKind::Busy));
        assert_eq!(desk.counts.refused_busy.load(Ordering::Relaxed), 1);
        let close = desk.close();
        let (_, ()) = tokio::join!(work, close);
        for number in 0..QUEUE {
            assert_eq!(refused.recv().await.unwrap().0, number, "answers keep the order");
        }
    }
}
