//! Threads that perform jobs side by side: each has a runtime of its own and many jobs under way, and
//! all take from one queue.
//!
//! It does not know what a job is. Start with [`Crew::assemble`], then [`Crew::give`].

use crate::engine::Failure;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::LocalSet;

/// Jobs that a thread has under way at once, where the server bears as many.
const AT_ONCE: usize = 64;
/// More threads than these would only wait for each other.
const THREADS: usize = 8;

/// Threads that perform jobs `J`, of each of which comes an `R`.
pub(crate) struct Crew<J, R> {
    threads: Vec<JoinHandle<()>>,
    jobs: Option<mpsc::UnboundedSender<(usize, J)>>,
    news: mpsc::UnboundedReceiver<News<R>>,
    stop: watch::Sender<bool>,
}

/// What a crew tells of the jobs, by the numbers under which they were given.
pub(crate) enum News<R> {
    /// It is under way.
    Began(usize),
    /// This came of it, or it panicked: says how.
    Ended(usize, Box<Result<R, String>>),
}

impl<J: Send + 'static, R: Send + 'static> Crew<J, R> {
    /// Threads that perform each job so, at most this many at once.
    ///
    /// # Errors
    /// A thread could not be had.
    pub(crate) fn assemble<F: Future<Output = R> + 'static>(
        at_once: Option<u32>,
        perform: impl Fn(J) -> F + Clone + Send + 'static,
    ) -> Result<Self, Failure> {
        Self::of_hands(at_once, &perform, Hand::run)
    }

    /// Threads that perform one job after the other and do nothing else meanwhile, at most this many.
    ///
    /// # Errors
    /// A thread could not be had.
    pub(crate) fn one_by_one(
        at_once: Option<u32>,
        perform: impl Fn(J) -> R + Clone + Send + 'static,
    ) -> Result<Self, Failure> {
        Self::of_hands(at_once, &perform, Hand::toil)
    }

    fn of_hands<P: Clone + Send + 'static>(
        at_once: Option<u32>,
        perform: &P,
        work: fn(Hand<J, R, P>),
    ) -> Result<Self, Failure> {
        let (jobs, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(Mutex::new(queue));
        let (tell, news) = mpsc::unbounded_channel();
        let stop = watch::Sender::new(false);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let most = at_once.map_or(usize::MAX, |count| count as usize);
        let count = cores.min(THREADS).min(most);
        let mut threads = Vec::new();
        for number in 0..count {
            // What does not divide goes to the first ones.
            let at_once = AT_ONCE.min(most / count + usize::from(number < most % count));
            let queue = Arc::clone(&queue);
            let (perform, tell, stop) = (perform.clone(), tell.clone(), stop.subscribe());
            let hand = Hand { queue, perform, at_once, tell, stop };
            let thread = Builder::new().name(format!("crew-{number}")).spawn(move || work(hand));
            threads.push(thread.map_err(|error| Failure::Internal(error.to_string()))?);
        }
        Ok(Self { threads, jobs: Some(jobs), news, stop })
    }

    /// Puts a job at the end of the queue; what is told of it bears this number.
    pub(crate) fn give(&self, number: usize, job: J) {
        if let Some(jobs) = &self.jobs {
            // Nobody takes it any more if all threads have ended; the news ends then, too.
            let _ = jobs.send((number, job));
        }
    }

    /// There will be no further job: the threads end after the last one.
    pub(crate) fn close(&mut self) {
        self.jobs = None;
    }

    /// What happens next; `None` if all threads have ended. Safe to cancel.
    pub(crate) async fn news(&mut self) -> Option<News<R>> {
        self.news.recv().await
    }

    /// All threads have ended, and everything was told.
    pub(crate) fn is_silent(&self) -> bool {
        self.news.is_closed() && self.news.is_empty()
    }

    /// Ends the threads, whatever is under way.
    pub(crate) fn dismiss(&mut self) {
        self.stop.send_replace(true);
        self.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// One thread.
struct Hand<J, R, P> {
    queue: Arc<Mutex<mpsc::UnboundedReceiver<(usize, J)>>>,
    perform: P,
    at_once: usize,
    tell: mpsc::UnboundedSender<News<R>>,
    stop: watch::Receiver<bool>,
}

impl<J, R, P: Fn(J) -> R> Hand<J, R, P> {
    fn toil(self) {
        loop {
            let next = self.queue.blocking_lock().blocking_recv();
            let Some((number, job)) = next.filter(|_| !*self.stop.borrow()) else { return };
            let _ = self.tell.send(News::Began(number));
            let ended = catch_unwind(AssertUnwindSafe(|| (self.perform)(job)));
            let ended = ended.map_err(|_| "the job panicked".to_owned());
            let _ = self.tell.send(News::Ended(number, Box::new(ended)));
        }
    }
}

impl<J, R: 'static, F: Future<Output = R> + 'static, P: Fn(J) -> F> Hand<J, R, P> {
    fn run(self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Without a runtime the jobs are left to other threads, and the news end when all have.
        if let Ok(runtime) = runtime {
            LocalSet::new().block_on(&runtime, self.live());
            runtime.shutdown_background();
        }
    }

    async fn live(mut self) {
        let mut under_way = FuturesUnordered::new();
        let mut closed = false;
        while !(closed && under_way.is_empty()) {
            tokio::select! {
                _ = self.stop.wait_for(|stop| *stop) => return,
                Some((number, ended)) = under_way.next() => {
                    let _ = self.tell.send(News::Ended(number, Box::new(ended)));
                }
                job = next(&self.queue), if !closed && under_way.len() < self.at_once => match job {
                    None => closed = true,
                    Some((number, job)) => {
                        let _ = self.tell.send(News::Began(number));
                        let task = tokio::task::spawn_local((self.perform)(job));
                        under_way.push(async move {
                            (number, task.await.map_err(|panicked| panicked.to_string()))
                        });
                    }
                },
            }
        }
    }
}

async fn next<J>(queue: &Mutex<mpsc::UnboundedReceiver<J>>) -> Option<J> {
    queue.lock().await.recv().await
}

#[cfg(test)]
mod tests {
    use super::*;

    type Ends = Vec<(usize, Result<u32, String>)>;

    fn doubled(job: u32) -> u32 {
        assert_ne!(job, 13, "bad luck");
        job * 2
    }

    /// The same of a crew with many jobs under way, and of one that performs one by one.
    fn performed(jobs: &[u32], at_once: u32) -> Ends {
        let many = Crew::assemble(Some(at_once), |job: u32| async move {
            tokio::task::yield_now().await;
            doubled(job)
        });
        let many = ends_of(many, jobs);
        let single = ends_of(Crew::one_by_one(Some(at_once), doubled), jobs);
        let fine = |ends: &Ends| ends.iter().map(|(_, end)| end.clone().ok()).collect::<Vec<_>>();
        assert_eq!(fine(&many), fine(&single));
        many
    }

    fn ends_of(crew: Result<Crew<u32, u32>, Failure>, jobs: &[u32]) -> Ends {
        let mut crew = crew.unwrap_or_else(|_| panic!("there are threads"));
        for (number, job) in jobs.iter().enumerate() {
            crew.give(number, *job);
        }
        crew.close();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut ends = runtime.block_on(async {
            let mut ends = Vec::new();
            while let Some(news) = crew.news().await {
                if let News::Ended(number, end) = news {
                    ends.push((number, *end));
                }
            }
            ends
        });
        assert!(crew.is_silent());
        crew.dismiss();
        ends.sort_by_key(|(number, _)| *number);
        ends
    }

    #[test]
    fn each_job_is_performed_once_and_told_under_its_number() {
        let jobs: Vec<u32> = (20..220).collect();
        for at_once in [1, 3, 100] {
            let expected: Vec<_> = jobs.iter().map(|job| Ok(job * 2)).enumerate().collect();
            assert_eq!(performed(&jobs, at_once), expected);
        }
    }

    #[test]
    fn a_job_that_panics_harms_no_other() {
        let ends = performed(&[1, 13, 2], 2);
        assert_eq!((&ends[0].1, &ends[2].1), (&Ok(2), &Ok(4)));
        assert!(ends[1].1.as_ref().is_err_and(|how| how.contains("panicked")));
    }
}
