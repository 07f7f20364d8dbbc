//! `--metrics ADDRESS`: how the run stands, for Prometheus, while it lasts.

use crate::cli::Failure;
use crate::metric::Progress;
use crate::report::exposition::{self, About};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// The address, taken before the run begins; who asks there meanwhile waits.
#[derive(Debug)]
pub struct Taken(TcpListener);

/// The page that is served.
#[derive(Clone, Debug)]
pub struct Page {
    about: Arc<About>,
    text: Arc<Mutex<String>>,
}

impl Taken {
    /// Takes the address.
    ///
    /// # Errors
    /// Another program has it, or it is not of this machine.
    pub fn take(address: SocketAddr) -> Result<Self, Failure> {
        let taken = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        taken.map(Self).map_err(|error| {
            Failure::usage(format!("cannot offer metrics on `{address}`: {error}"))
                .hint("`--metrics 127.0.0.1:0` takes any free port and says which")
        })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.local_addr().ok()
    }

    /// Serves the page at `/metrics`, on the current runtime, as long as that lives.
    ///
    /// # Errors
    /// The system refuses.
    pub fn serve(self, page: &Page) -> Result<(), Failure> {
        let listener = tokio::net::TcpListener::from_std(self.0)
            .map_err(|error| Failure::internal(format!("cannot offer metrics: {error}")))?;
        let text = Arc::clone(&page.text);
        let answer = move || {
            let text = text.lock().map_or_else(|_| String::new(), |text| text.clone());
            std::future::ready(([(CONTENT_TYPE, exposition::CONTENT_TYPE)], text))
        };
        let router = Router::new().route("/metrics", get(answer));
        tokio::spawn(async { axum::serve(listener, router).await });
        Ok(())
    }
}

impl Page {
    /// A page about a run that has not begun.
    #[must_use]
    pub fn new(about: About) -> Self {
        let text = exposition::render(&about, &Progress::default());
        Self { about: Arc::new(about), text: Arc::new(Mutex::new(text)) }
    }

    /// Shows how the run stands.
    pub fn show(&self, progress: &Progress) {
        if let Ok(mut text) = self.text.lock() {
            *text = exposition::render(&self.about, progress);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_once() {
        let taken = Taken::take(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = taken.address().unwrap();
        let told = Taken::take(address).unwrap_err().to_string();
        assert!(told.contains(&format!("cannot offer metrics on `{address}`: ")), "{told}");
        assert!(told.contains("hint: `--metrics 127.0.0.1:0`"), "{told}");
    }
}
