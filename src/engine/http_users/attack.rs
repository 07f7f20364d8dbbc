//! Goose as a part of another program.
//!
//! Goose is made to be a program of its own: it opens ports to be controlled over, speaks on standard
//! output, sets the process's logger and its handler of Ctrl-C, and ends by a switch that all attacks
//! of the process share. Here all of that is switched off, or taken before goose can take it.

use crate::engine::http_users::Crowd;
use ::goose::config::GooseConfiguration;
use ::goose::goose::{Scenario, Transaction, TransactionFunction};
use ::goose::{GooseAttack, GooseError, trigger_killswitch};
use rustix::process::{Signal, getpid, kill_process};
use std::sync::{Arc, Mutex, Once, PoisonError};

/// Users that goose launches per second, for each user: all within a tenth of a second.
const LAUNCHES: u32 = 10;

/// There is one switch in the process, and so one attack at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Runs the users on the calling thread until the run is over.
///
/// # Errors
/// Goose refuses, or failed; says why.
pub(super) fn run(crowd: &Arc<Crowd>) -> Result<(), String> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    take_what_goose_would_take();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("a runtime cannot be made: {error}"))?;
    runtime.block_on(async {
        let attack = attack(crowd).map_err(|error| format!("goose: {error}"))?;
        let over = Arc::clone(crowd);
        tokio::spawn(async move {
            over.over().await;
            trigger_killswitch("the run is over");
        });
        attack.execute().await.map(drop).map_err(|error| format!("goose: {error}"))
    })
}

/// One scenario with one transaction, which is a user's whole life.
fn attack(crowd: &Arc<Crowd>) -> Result<GooseAttack, GooseError> {
    let shared = Arc::clone(crowd);
    let life: TransactionFunction = Arc::new(move |user| {
        let crowd = Arc::clone(&shared);
        Box::pin(async move {
            crowd.live(user).await;
            Ok(())
        })
    });
    let scenario = Scenario::new("Assize").register_transaction(Transaction::new(life));
    Ok(GooseAttack::initialize_with_config(configuration(crowd))?.register_scenario(scenario))
}

/// No ports, no output, no figures of its own: those are measured here, from the planned time.
fn configuration(crowd: &Crowd) -> GooseConfiguration {
    let mut configuration = GooseConfiguration::default();
    configuration.host = crowd.world.origins.first().cloned().unwrap_or_default();
    configuration.users = Some(crowd.users as usize);
    configuration.hatch_rate = Some((crowd.users * LAUNCHES).to_string());
    configuration.quiet = 3;
    configuration.no_metrics = true;
    configuration.no_print_metrics = true;
    configuration.no_telnet = true;
    configuration.no_websocket = true;
    configuration.no_gzip = true;
    configuration
}

/// Takes the logger and the handler of Ctrl-C before goose does.
fn take_what_goose_would_take() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = log::set_logger(&Silence);
        // Who asks the run to stop by Ctrl-C asks by SIGTERM from now on: whoever listens for the
        // one listens for the other, and who listens for neither is ended by either.
        let _ = ctrlc::set_handler(|| {
            let _ = kill_process(getpid(), Signal::TERM);
        });
    });
}

/// A logger that says nothing.
struct Silence;

impl log::Log for Silence {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &log::Record<'_>) {}

    fn flush(&self) {}
}
