//! `--otlp URL`: how the run stands, pushed to an OpenTelemetry collector every few seconds and once more
//! in the end. Only with the cargo feature `otlp`.

use crate::cli::Failure;
use crate::metric::Progress;
use crate::report::exposition::About;
use crate::report::otlp;
use crate::transport::endpoint::Endpoint;
use crate::transport::http::{HttpClient, HttpOptions, Request};
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::interval;

/// How often the collector is told.
const PAUSE: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where metrics go if the URL names no path.
const PATH: &str = "/v1/metrics";

/// A collector that is told of a run.
pub struct Collector {
    told: watch::Sender<Option<Progress>>,
    pushing: JoinHandle<Option<String>>,
}

impl Collector {
    /// Begins to tell the collector at this URL, on the current runtime.
    ///
    /// # Errors
    /// The URL is none.
    pub fn begin(url: &str, about: About) -> Result<Self, Failure> {
        let (told, news) = watch::channel(None);
        let post = Post::to(url, about)?;
        Ok(Self { told, pushing: tokio::spawn(push(post, news)) })
    }

    /// How the run stands now.
    pub fn show(&self, progress: &Progress) {
        self.told.send_replace(Some(progress.clone()));
    }

    /// Tells the last of it; says what the collector did not take, if anything.
    pub async fn end(self) -> Option<String> {
        drop(self.told);
        self.pushing.await.ok().flatten()
    }
}

/// Pushes what is new, until nothing will be any more; the last thing that went wrong.
async fn push(post: Post, mut news: watch::Receiver<Option<Progress>>) -> Option<String> {
    let mut pause = interval(PAUSE);
    let mut wrong = None;
    loop {
        let over = tokio::select! {
            _ = pause.tick() => false,
            over = news.wait_for(|_| false) => over.is_err(),
        };
        let progress = news.borrow_and_update().clone();
        if let Some(progress) = progress
            && let Err(why) = post.send(&progress).await
        {
            wrong = Some(why);
        }
        if over {
            return wrong;
        }
    }
}

struct Post {
    client: HttpClient,
    target: String,
    about: About,
    started: Duration,
}

impl Post {
    fn to(url: &str, about: About) -> Result<Self, Failure> {
        let endpoint = Endpoint::parse(url).map_err(|error| {
            Failure::usage(format!("`{url}` is no address of a collector: {error}"))
                .hint("such as `http://127.0.0.1:4318`")
        })?;
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let path = rest.find('/').map_or("", |at| rest[at..].trim_end_matches('/'));
        let target = if path.is_empty() { PATH.to_owned() } else { path.to_owned() };
        let options = HttpOptions { timeout: PATIENCE, idle_max: 1, ..HttpOptions::default() };
        Ok(Self { client: HttpClient::new(&endpoint, options), target, about, started: now() })
    }

    async fn send(&self, progress: &Progress) -> Result<(), String> {
        let body = otlp::render(&self.about, progress, self.started, now());
        let mut request = Request::new(Method::POST, self.target.clone());
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = body.into();
        let response = self.client.request(request).await.map_err(|error| error.to_string())?;
        match response.status.is_success() {
            true => Ok(()),
            false => Err(format!("the collector answered with status {}", response.status)),
        }
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::routing::post;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn a_collector_hears_how_the_run_stands_and_how_it_ended() {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let bodies = Arc::clone(&heard);
        let take = move |body: String| {
            bodies.lock().unwrap().push(body);
            std::future::ready("{}")
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route(PATH, post(take));
        tokio::spawn(async { axum::serve(listener, router).await });

        let about = About { scenario: "steady".into(), ..About::default() };
        let collector = Collector::begin(&url, about).unwrap();
        collector.show(&Progress { sent: 7, ..Progress::default() });
        collector.show(&Progress { sent: 12, ..Progress::default() });
        assert_eq!(collector.end().await, None);
        let bodies = heard.lock().unwrap();
        let last: serde_json::Value = serde_json::from_str(bodies.last().unwrap()).unwrap();
        let metrics = &last["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
        let sent =
            metrics.as_array().unwrap().iter().find(|one| one["name"] == "assize.messages.sent");
        assert_eq!(sent.unwrap()["sum"]["dataPoints"][0]["asDouble"], 12.0);
    }

    #[tokio::test]
    async fn a_collector_that_is_not_there_is_told_and_ends_nothing() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let collector = Collector::begin(&url, About::default()).unwrap();
        collector.show(&Progress::default());
        assert!(collector.end().await.is_some_and(|why| why.contains("refused")));
        assert!(Collector::begin("nowhere", About::default()).is_err());
    }
}
