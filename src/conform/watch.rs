//! Looks after the target while cases are played on it.

use crate::conform::troupe::Place;
use crate::engine::Unreachable;
use crate::engine::stage::Site;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How often the target is looked after.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// So many looks in a row mean that it is gone: nobody listens, or nobody answers. The latter is
/// believed later, for a starved machine does it, too.
const REFUSED: u32 = 3;
const SILENT: u32 = 6;
/// How often it is seen whether the target still listens.
const PULSE: Duration = Duration::from_millis(100);

/// Looks now and then whether the server is still there; returns when it is not, and says why.
pub(super) async fn watch_over(place: Place) -> String {
    // A server in a world of its own is there as long as it is played on.
    let Place::Target(site) = place else { return std::future::pending().await };
    let (mut refused, mut silent) = (0, 0);
    loop {
        tokio::time::sleep(LOOK_AFTER).await;
        let Err(Unreachable { what, .. }) = site.knock().await else {
            (refused, silent) = (0, 0);
            continue;
        };
        silent += 1;
        refused = if listens(&site).await { 0 } else { refused + 1 };
        if refused == REFUSED || silent == SILENT {
            return format!("the target died in the middle: {what}");
        }
    }
}

async fn listens(site: &Site) -> bool {
    TcpStream::connect(site.endpoint.addresses()).await.is_ok()
}

/// Tells now and then of a moment in which the server was there. What came of a play is worth
/// something only after such a sign: of a server that is gone, every case would find fault.
pub(super) async fn feel_pulse(place: Place, tell: mpsc::UnboundedSender<Instant>) {
    loop {
        let began = Instant::now();
        let there = match &place {
            Place::Target(site) => listens(site).await,
            Place::Worlds(_) => true,
        };
        if there && tell.send(began).is_err() {
            return;
        }
        tokio::time::sleep(PULSE).await;
    }
}
