//! The one place where everything gets its order: a task that takes questions one by one.
//!
//! What waits is taken as one transaction. Only when it is committed are the answers given and
//! the others told, in the order in which the questions were taken: so an ack means stored, and
//! what is pushed comes in the order in which it is stored.

use crate::reference::core::Core;
use crate::reference::hall::{Hall, Wire};
use crate::reference::model::*;
use crate::reference::stamp;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Questions that may wait; one more is refused as `busy`.
const QUEUE: usize = 16_384;
/// Sends that may wait in line at the till; one more is refused as `busy`.
const LINE: usize = 4_096;
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
    /// The line of sends, where a planted limit makes them wait.
    line: Option<mpsc::Sender<(Instant, Job)>>,
    counts: Arc<Counts>,
}

impl Desk {
    /// A desk, and the future that does its work and gives the chat back when it is closed. With a
    /// `pause`, sends go through a till that takes so long for each.
    pub(crate) fn new(
        core: Core,
        hall: Hall,
        counts: Arc<Counts>,
        pause: Option<Duration>,
    ) -> (Self, impl Future<Output = Core>) {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let (line, till) = match pause.map(|pause| (pause, mpsc::channel(LINE))) {
            Some((pause, (line, waiting))) => {
                (Some(line), Some(till(pause, waiting, jobs.clone())))
            }
            None => (None, None),
        };
        let work = work(core, hall, waiting, Arc::clone(&counts));
        let work = async {
            let Some(till) = till else { return work.await };
            let mut work = std::pin::pin!(work);
            tokio::select! {
                biased;
                core = &mut work => core,
                () = till => work.await,
            }
        };
        (Self { jobs, line, counts }, work)
    }

    /// Asks, without waiting: questions of one task are taken in the order they were asked.
    pub(crate) fn ask(
        &self,
        caller: Caller,
        command: Command,
        done: impl FnOnce(Outcome) + Send + 'static,
    ) {
        let job = Job::Ask { caller, command, done: Box::new(done) };
        let refused = match self.line_of(&job) {
            None => refused(self.jobs.try_send(job)),
            Some(line) => refused(line.try_send((Instant::now(), job))).map(|(_, job)| job),
        };
        let Some(refused) = refused else { return };
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
        let sent = match self.line_of(&job) {
            None => self.jobs.send(job).await.is_ok(),
            Some(line) => line.send((Instant::now(), job)).await.is_ok(),
        };
        if !sent {
            return Err(stopping());
        }
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// The line in which a job waits, if not at the desk itself.
    fn line_of(&self, job: &Job) -> Option<&mpsc::Sender<(Instant, Job)>> {
        let sends = matches!(job, Job::Ask { command: Command::Send(_), .. });
        self.line.as_ref().filter(|_| sends)
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

/// What found no place.
fn refused<T>(sent: Result<(), mpsc::error::TrySendError<T>>) -> Option<T> {
    match sent {
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => None,
        Err(mpsc::error::TrySendError::Full(refused)) => Some(refused),
    }
}

/// Takes what waits in line, one after the other. It is free again `pause` after it began, whenever
/// its timer fires: so the rate is exact.
async fn till(pause: Duration, mut line: mpsc::Receiver<(Instant, Job)>, desk: mpsc::Sender<Job>) {
    let mut free = Instant::now();
    while let Some((came, job)) = line.recv().await {
        free = free.max(came) + pause;
        tokio::time::sleep_until(free).await;
        if desk.send(job).await.is_err() {
            return;
        }
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
    // What is decided and waits to be told, where a delay is planted.
    let mut held: VecDeque<(Instant, Decided)> = VecDeque::new();
    let mut open = true;
    while open {
        let came = tokio::select! {
            // What is due is done first: there may always be somebody who waits.
            biased;
            () = sleep_until(hall.due()) => {
                hall.tick(Instant::now());
                continue;
            }
            () = sleep_until(held.front().map(|(due, _)| *due)) => {
                if let Some((_, job)) = held.pop_front() {
                    conclude(&mut hall, job, None, &counts);
                }
                continue;
            }
            came = waiting.recv_many(&mut jobs, BATCH) => came,
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
            if hall.delay().is_zero() || failed.is_some() {
                conclude(&mut hall, job, failed, &counts);
            } else {
                held.push_back((Instant::now() + hall.delay(), job));
            }
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
            counts.connections.store(hall.connections() as u64, Ordering::Relaxed);
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
        desk_with(None)
    }

    fn desk_with(pause: Option<Duration>) -> (Desk, impl Future<Output = Core>) {
        let spec = spec();
        let rules = Rules { send_rate: None, ..Rules::of(&spec) };
        let core = Core::open(None, rules, Bugs::NONE).unwrap();
        let hall = Hall::new(Arc::new(Play::new(&spec)), Bugs::NONE);
        Desk::new(core, hall, Arc::default(), pause)
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

    #[tokio::test(start_paused = true)]
    async fn a_planted_delay_puts_every_answer_off_and_keeps_the_order() {
        let spec = spec();
        let rules = Rules { send_rate: None, ..Rules::of(&spec) };
        let core = Core::open(None, rules, Bugs::NONE).unwrap();
        let delay = std::time::Duration::from_millis(200);
        let hall = Hall::new(Arc::new(Play::new(&spec)), Bugs::NONE).delayed(delay);
        let (desk, work) = Desk::new(core, hall, Arc::default(), None);
        let began = Instant::now();
        let play = async {
            let (told, mut answers) = mpsc::unbounded_channel();
            for number in 0..5 {
                let told = told.clone();
                desk.ask(ann(), send(&number.to_string()), move |_| {
                    let _ = told.send((number, began.elapsed()));
                });
            }
            for number in 0..5 {
                let (told, after) = answers.recv().await.unwrap();
                assert_eq!(told, number);
                assert!(after >= delay && after < delay * 2, "{after:?}");
            }
            desk.close().await;
        };
        tokio::join!(work, play);
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

    #[tokio::test(start_paused = true)]
    async fn a_till_takes_its_time_for_each_send_and_for_nothing_else() {
        let (desk, work) = desk_with(Some(Duration::from_millis(10)));
        let began = Instant::now();
        let play = async {
            let sends = (0..20).map(|key| {
                let (done, sent) = oneshot::channel();
                desk.ask(ann(), send(&key.to_string()), move |_| {
                    assert!(done.send(Instant::now()).is_ok());
                });
                sent
            });
            let sends: Vec<_> = sends.collect();
            let asked = desk.answer(ann(), Command::Contacts).await;
            assert!(asked.is_ok() && began.elapsed() < Duration::from_millis(10));
            for (number, sent) in (1..).zip(sends) {
                let took = sent.await.unwrap() - began;
                let due = Duration::from_millis(10) * number;
                assert!(took >= due && took < due + Duration::from_millis(5), "{took:?}");
            }
            desk.close().await;
        };
        tokio::join!(work, play);
    }
}
