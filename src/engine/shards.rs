//! All shards of a run, as the conductor sees them: threads that follow a stage and tell news.
//!
//! Whatever happens in a shard, a panic included, there is news of it, so nobody waits in vain.

use crate::engine::pulse::Pulse;
use crate::engine::shard::{Stage, Told};
use crate::engine::slot::Suffering;
use crate::history::Nanos;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Interval, sleep, timeout};

/// How often there is news even if nothing happened.
const TICK: Duration = Duration::from_millis(100);
/// How long all shards may take to hear what happens to the server, and how often it is looked.
const HEARING: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(1);

/// The shards while they live.
pub(super) struct Shards {
    threads: Vec<JoinHandle<()>>,
    pulses: Vec<Arc<Pulse>>,
    stage: watch::Sender<Stage>,
    /// What happened to the server so far.
    server: watch::Sender<Vec<Suffering>>,
    told: mpsc::UnboundedReceiver<Told>,
    ticks: Interval,
    panicked: bool,
}

/// What there is to know.
pub(super) enum News {
    /// A shard told something. If it panicked, the others were told to stop.
    Told(Told),
    /// The user wants to stop.
    Interrupted,
    /// Some time went by.
    Tick,
    /// All shards have ended.
    Over,
}

impl Shards {
    /// No shards yet, and what those to come tell their news with. It is to be dropped when the
    /// last one has its own.
    pub(super) fn none() -> (Self, mpsc::UnboundedSender<Told>) {
        let (tell, told) = mpsc::unbounded_channel();
        let shards = Self {
            threads: Vec::new(),
            pulses: Vec::new(),
            stage: watch::Sender::new(Stage::Setup),
            server: watch::Sender::default(),
            told,
            ticks: tokio::time::interval(TICK),
            panicked: false,
        };
        (shards, tell)
    }

    /// Starts a shard's thread.
    pub(super) fn spawn(
        &mut self,
        number: u32,
        pulse: Arc<Pulse>,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        self.pulses.push(pulse);
        self.threads.push(Builder::new().name(format!("shard-{number}")).spawn(work)?);
        Ok(())
    }

    /// The stage, for a shard to follow.
    pub(super) fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    /// What happens to the server, for a shard to pass on.
    pub(super) fn server(&self) -> watch::Receiver<Vec<Suffering>> {
        self.server.subscribe()
    }

    /// Tells everybody what happens to the server; returns when all shards have passed it on, or
    /// after a while.
    pub(super) async fn announce(&self, suffering: Suffering) {
        self.server.send_modify(|all| all.push(suffering));
        let count = self.server.borrow().len();
        let heard = async {
            while self.pulses.iter().any(|pulse| pulse.heard.load(Relaxed) < count) {
                sleep(POLL).await;
            }
        };
        let _ = timeout(HEARING, heard).await;
    }

    /// How the shards stand.
    pub(super) fn pulses(&self) -> &[Arc<Pulse>] {
        &self.pulses
    }

    /// The first phase begins then.
    pub(super) fn go(&self, start: Nanos) {
        self.stage.send_replace(Stage::Go(start));
    }

    /// The run ends now, in whatever stage it is.
    pub(super) fn stop(&self) {
        self.stage.send_replace(Stage::Interrupted);
    }

    /// Waits for what comes next.
    pub(super) async fn news(&mut self, interrupt: &Notify) -> News {
        tokio::select! {
            told = self.told.recv() => match told {
                None => News::Over,
                Some(told) => {
                    if matches!(told, Told::Panicked) {
                        self.panicked = true;
                        self.stop();
                    }
                    News::Told(told)
                }
            },
            () = interrupt.notified() => News::Interrupted,
            _ = self.ticks.tick() => News::Tick,
        }
    }

    /// Waits for the threads; says whether anything in them panicked.
    pub(super) fn end(self) -> bool {
        self.threads
            .into_iter()
            .fold(self.panicked, |panicked, thread| thread.join().is_err() || panicked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::http_users::Places;
    use crate::engine::shard::Alarm;

    /// A shard that is set up, and then ends when the run does.
    async fn steady(mut stage: watch::Receiver<Stage>, tell: mpsc::UnboundedSender<Told>) {
        let _alarm = Alarm(tell.clone());
        let _ = tell.send(Told::SetUp(Ok(Places::default())));
        let _ = stage.wait_for(|stage| *stage == Stage::Interrupted).await;
    }

    #[tokio::test]
    async fn a_panic_of_one_ends_all() {
        let (mut shards, tell) = Shards::none();
        for number in 0..3 {
            let (stage, tell) = (shards.stage(), tell.clone());
            let work = move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    let _alarm = Alarm(tell.clone());
                    assert!(number != 1, "on purpose");
                    steady(stage, tell).await;
                });
            };
            shards.spawn(number, Arc::default(), work).unwrap();
        }
        drop(tell);
        let mut panics = 0;
        loop {
            match shards.news(&Notify::new()).await {
                News::Over => break,
                News::Told(Told::Panicked) => panics += 1,
                _ => {}
            }
        }
        assert_eq!(panics, 1);
        assert!(shards.end());
    }

    #[tokio::test]
    async fn an_interruption_and_the_end_are_news() {
        let (mut shards, tell) = Shards::none();
        let stage = shards.stage();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let work = move || runtime.block_on(steady(stage, tell));
        shards.spawn(0, Arc::default(), work).unwrap();
        let interrupt = Notify::new();
        interrupt.notify_one();
        loop {
            match shards.news(&interrupt).await {
                News::Interrupted => shards.stop(),
                News::Over => break,
                News::Told(_) | News::Tick => {}
            }
        }
        assert!(!shards.end());
    }
}
