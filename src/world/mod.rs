//! The world a program lives in: the machine's, or one that is made up from a seed.
//!
//! In a simulated world time is virtual (it jumps to the next thing that is due), the network is in
//! memory with delays that follow from the seed, the wall clock starts on a fixed day, and what looks
//! random is not. Everything in it runs on the one thread that entered it, so the same seed makes the
//! same history, whatever else the machine does.
//!
//! It is as ambient as tokio's runtime is for tasks: whoever asks for a socket, the wall clock or an id
//! gets those of the world it runs in, and need not know which one that is. It deliberately does not
//! know servers, clients, or what is sent. Start with [`simulate`]; [`network`] makes the connections.

pub mod network;
mod pipe;
mod post;
pub mod socket;

use crate::plan::dice::Dice;
use network::Network;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// When simulated worlds begin: the first of January 2026, in seconds since 1970.
const BEGINNING: Duration = Duration::from_secs(1_767_225_600);
/// How long what was spawned goes on after life is over: what a library never ends, it may never free.
const TWILIGHT: Duration = Duration::from_secs(5);

thread_local! {
    static HERE: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// A simulated world.
struct World {
    began: Instant,
    network: Network,
    ids: RefCell<Dice>,
}

/// Leaves the world when it is dropped.
struct Stay;

impl Drop for Stay {
    fn drop(&mut self) {
        HERE.set(None);
    }
}

/// Lives in a world of this seed, on this thread, until `life` is over. What it has spawned may come to its
/// end for [`TWILIGHT`], and is dropped then.
///
/// # Errors
/// There can't be a runtime.
///
/// # Panics
/// On a thread that runs a runtime already.
pub fn simulate<T>(seed: u64, life: impl AsyncFnOnce() -> T) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let world = {
        let _inside = runtime.enter();
        let ids = RefCell::new(Dice::new(seed, "ids", 0, 0));
        World { began: Instant::now(), network: Network::new(seed), ids }
    };
    let deliver = world.network.deliver();
    HERE.set(Some(Rc::new(world)));
    // Dropped after the runtime: what ends with it is still in its world.
    let _stay = Stay;
    let tasks = LocalSet::new();
    let _delivery = tasks.spawn_local(deliver);
    let lived = tasks.block_on(&runtime, async {
        let lived = life().await;
        sleep(TWILIGHT).await;
        lived
    });
    drop(tasks);
    drop(runtime);
    Ok(lived)
}

/// The world that this thread lives in, if it is a simulated one.
fn here() -> Option<Rc<World>> {
    HERE.with_borrow(Clone::clone)
}

/// Whether this thread lives in a simulated world.
#[must_use]
pub fn is_simulated() -> bool {
    HERE.with_borrow(Option::is_some)
}

/// The wall clock: how long ago 1970 began.
#[must_use]
pub fn wall() -> Duration {
    match here() {
        Some(world) => BEGINNING + world.began.elapsed(),
        None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
    }
}

/// An id that nothing else has: random, or the world's next one.
#[must_use]
pub fn id() -> Uuid {
    let Some(world) = here() else { return Uuid::new_v4() };
    let mut ids = world.ids.borrow_mut();
    let bits = u128::from(ids.bits()) << 64 | u128::from(ids.bits());
    uuid::Builder::from_random_bytes(bits.to_le_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_passes_at_once_and_on_every_clock() {
        let hour = Duration::from_secs(3600);
        let lived = simulate(1, async || {
            let (began, wall_then) = (Instant::now(), wall());
            assert_eq!(wall_then, BEGINNING);
            sleep(hour).await;
            (began.elapsed(), wall() - wall_then)
        });
        assert_eq!(lived.unwrap(), (hour, hour));
        assert!(!is_simulated(), "the thread is back in the machine's world");
    }

    #[test]
    fn ids_follow_from_the_seed_and_are_never_the_same() {
        let two = |seed| simulate(seed, async || [id(), id()]).unwrap();
        assert_eq!(two(1), two(1));
        assert_ne!(two(1), two(2));
        assert_ne!(two(1)[0], two(1)[1]);
        assert_eq!(two(1)[0].get_version_num(), 4);
        assert_ne!(id(), id());
    }
}
