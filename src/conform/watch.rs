//! Looks after the target while cases are played on it.

use crate::engine::Unreachable;
use crate::engine::stage::Site;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How often the target is looked after, and how many failures in a row mean that it is gone.
const LOOK_AFTER: Duration = Duration::from_secs(1);
const MISSED: u32 = 3;
/// How often it is seen whether the target still listens.
const PULSE: Duration = Duration::from_millis(100);

/// Looks now and then whether the server is still there; returns when it is not, and says why.
pub(super) async fn watch_over(site: Site) -> String {
    let mut failures = 0;
    loop {
        tokio::time::sleep(LOOK_AFTER).await;
        match site.knock().await {
            Ok(()) => failures = 0,
            Err(Unreachable { what, .. }) => {
                failures += 1;
                if failures == MISSED {
                    return format!("the target died in the middle: {what}");
                }
            }
        }
    }
}

/// Tells now and then of a moment in which the server was there. What came of a play is worth
/// something only after such a sign: of a server that is gone, every case would find fault.
pub(super) async fn feel_pulse(site: Site, tell: mpsc::UnboundedSender<Instant>) {
    loop {
        let began = Instant::now();
        if TcpStream::connect(site.endpoint.addresses()).await.is_ok() && tell.send(began).is_err()
        {
            return;
        }
        tokio::time::sleep(PULSE).await;
    }
}
