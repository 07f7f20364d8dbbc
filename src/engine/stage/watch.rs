//! Looks after the target while scripts are played on it.

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
pub(crate) async fn watch_over(site: Site) -> String {
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

/// The server takes connections.
pub(crate) async fn listens(site: &Site) -> bool {
    TcpStream::connect(site.endpoint.addresses()).await.is_ok()
}

/// Tells now and then of a moment in which the server was there. What came of a play is worth
/// something only after such a sign: of a server that is gone, every case would find fault.
pub(crate) async fn feel_pulse(site: Site, tell: mpsc::UnboundedSender<Instant>) {
    loop {
        let began = Instant::now();
        if listens(&site).await && tell.send(began).is_err() {
            return;
        }
        tokio::time::sleep(PULSE).await;
    }
}
