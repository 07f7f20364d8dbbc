//! The smallest client that does the work of the benchmarks: one task per client over
//! tokio-tungstenite, which parses each packet, answers heartbeats and measures acks and deliveries.
//! It records nothing, judges nothing, reconnects never.
//!
//! `client --target 127.0.0.1:PORT --clients 500 --group 2 --rate 500 --idle 2 --seconds 10`
//! Without a rate each client sends again as soon as its last message is acked.

use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Connections that are opened at once.
const DOORS: usize = 128;

type Socket = WebSocketStream<TcpStream>;

/// What is to be done.
struct Work {
    target: String,
    clients: usize,
    group: usize,
    /// Messages per second, of all clients together.
    rate: Option<f64>,
    idle: Duration,
    seconds: Duration,
}

/// What was measured, in microseconds.
struct Figures {
    acks: Histogram<u64>,
    deliveries: Histogram<u64>,
    /// From the time a message was due to the time it left.
    late: Histogram<u64>,
}

/// A delivery; its text begins with the time at which it was sent.
#[derive(Deserialize)]
struct Delivery<'a> {
    #[serde(borrow)]
    text: &'a str,
    #[serde(rename = "id", borrow)]
    _id: &'a str,
    #[serde(rename = "seq")]
    _seq: u64,
}

struct Client {
    socket: Socket,
    number: usize,
    room: String,
    sent: u64,
    /// The ack that is awaited, and since when.
    awaited: Option<Instant>,
    epoch: Instant,
    figures: Rc<RefCell<Figures>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let work = Rc::new(Work::from_arguments());
    let histogram = || Histogram::new_with_bounds(1, 600_000_000, 3).expect("these bounds are fine");
    let figures = Figures { acks: histogram(), deliveries: histogram(), late: histogram() };
    let figures = Rc::new(RefCell::new(figures));
    tokio::task::LocalSet::new().run_until(run(work, Rc::clone(&figures))).await;
    let figures = figures.borrow();
    let percentiles = |h: &Histogram<u64>| {
        serde_json::json!({
            "count": h.len(),
            "p50_us": h.value_at_quantile(0.5),
            "p99_us": h.value_at_quantile(0.99),
        })
    };
    let told = serde_json::json!({
        "ack": percentiles(&figures.acks),
        "delivery": percentiles(&figures.deliveries),
        "late": percentiles(&figures.late),
    });
    println!("{told}");
}

async fn run(work: Rc<Work>, figures: Rc<RefCell<Figures>>) {
    let epoch = Instant::now();
    let doors = Rc::new(Semaphore::new(DOORS));
    let (go, start) = watch::channel(None);
    let mut tasks = Vec::with_capacity(work.clients);
    let left = Rc::new(RefCell::new(work.clients));
    let (ready, mut all_ready) = watch::channel(false);
    let ready = Rc::new(ready);
    for number in 0..work.clients {
        let (work, doors, figures) = (Rc::clone(&work), Rc::clone(&doors), Rc::clone(&figures));
        let (start, left, ready) = (start.clone(), Rc::clone(&left), Rc::clone(&ready));
        tasks.push(tokio::task::spawn_local(async move {
            let room = format!("p{}", number / work.group);
            let turn = doors.acquire().await;
            let socket = connect(&work.target, number, &room).await.expect("the server takes it");
            drop(turn);
            *left.borrow_mut() -= 1;
            if *left.borrow() == 0 {
                let _ = ready.send(true);
            }
            let client = Client { socket, number, room, sent: 0, awaited: None, epoch, figures };
            if let Err(error) = client.live(&work, start).await {
                eprintln!("client {number}: {error}");
            }
        }));
    }
    let _ = all_ready.wait_for(|ready| *ready).await;
    let _ = go.send(Some(Instant::now() + work.idle));
    for task in tasks {
        let _ = task.await;
    }
}

async fn connect(target: &str, number: usize, room: &str) -> Result<Socket, Error> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{target}/socket.io/?EIO=4&transport=websocket");
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    let (mut socket, _) = client_async_with_config(url, stream, Some(config)).await?;
    let connect = format!(r#"40{{"user":"u{number}"}}"#);
    socket.send(Message::text(connect)).await?;
    socket.send(Message::text(format!(r#"420["join","{room}"]"#))).await?;
    while let Some(frame) = socket.next().await {
        if matches!(frame?, Message::Text(text) if text.starts_with("430")) {
            return Ok(socket);
        }
    }
    Err(Error::ConnectionClosed)
}

impl Client {
    async fn live(
        mut self,
        work: &Work,
        mut start: watch::Receiver<Option<Instant>>,
    ) -> Result<(), Error> {
        let begin = loop {
            tokio::select! {
                frame = self.socket.next() => self.frame(frame).await?,
                Ok(begin) = start.wait_for(Option::is_some) => {
                    break begin.expect("it was waited for");
                }
            }
        };
        let end = begin + work.seconds;
        let period = work.rate.map(|rate| Duration::from_secs_f64(work.clients as f64 / rate));
        // Everybody at another moment of the period.
        let phase = self.number as f64 / work.clients as f64;
        let mut due = begin + period.unwrap_or_default().mul_f64(phase);
        loop {
            // One send in flight.
            let next = if self.awaited.is_some() { end } else { due };
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            if self.awaited.is_none() && period.is_none() && now >= begin {
                self.say(now, now).await?;
                continue;
            }
            tokio::select! {
                frame = self.socket.next() => self.frame(frame).await?,
                () = sleep_until(next.min(end)) => if self.awaited.is_none() && due < end {
                    self.say(due, Instant::now()).await?;
                    due += period.unwrap_or_default();
                },
            }
        }
    }

    async fn say(&mut self, due: Instant, now: Instant) -> Result<(), Error> {
        self.sent += 1;
        self.awaited = Some(now);
        let late = now.saturating_duration_since(due).as_micros() as u64;
        self.figures.borrow_mut().late.saturating_record(late.max(1));
        let (since, sent) = ((now - self.epoch).as_nanos(), self.sent);
        let mut packet = String::with_capacity(160);
        let _ = write!(
            packet,
            r#"42{sent}["send",{{"room":"{}","text":"{since} see you at the station at half past nine","key":"{}-{sent}-0123-4567-89abcdef"}}]"#,
            self.room, self.number,
        );
        self.socket.send(Message::text(packet)).await
    }

    async fn frame(&mut self, frame: Option<Result<Message, Error>>) -> Result<(), Error> {
        let Some(frame) = frame else { return Err(Error::ConnectionClosed) };
        let Message::Text(text) = frame? else { return Ok(()) };
        if &*text == "2" {
            return self.socket.send(Message::text("3")).await;
        }
        let data = text.get(2..).unwrap_or_default();
        let data = data.trim_start_matches(|c: char| c.is_ascii_digit());
        if text.starts_with("43") {
            let told = serde_json::from_str::<Vec<IgnoredAny>>(data);
            if let (Ok(_), Some(since)) = (told, self.awaited.take()) {
                let took = since.elapsed().as_micros() as u64;
                self.figures.borrow_mut().acks.saturating_record(took.max(1));
            }
        } else if let Ok(("message", delivery)) = serde_json::from_str::<(&str, Delivery<'_>)>(data) {
            let sent = delivery.text.split(' ').next().and_then(|nanos| nanos.parse().ok());
            if let Some(nanos) = sent {
                let took = self.epoch.elapsed().saturating_sub(Duration::from_nanos(nanos));
                self.figures.borrow_mut().deliveries.saturating_record(took.as_micros().max(1) as u64);
            }
        }
        Ok(())
    }
}

impl Work {
    fn from_arguments() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let find = |name: &str| {
            let at = arguments.iter().position(|word| word == name)?;
            arguments.get(at + 1).cloned()
        };
        let number = |name: &str| find(name).and_then(|text| text.parse::<f64>().ok());
        Self {
            target: find("--target").expect("`--target HOST:PORT` is needed"),
            clients: number("--clients").unwrap_or(100.0) as usize,
            group: number("--group").unwrap_or(2.0) as usize,
            rate: number("--rate"),
            idle: Duration::from_secs_f64(number("--idle").unwrap_or(0.0)),
            seconds: Duration::from_secs_f64(number("--seconds").unwrap_or(10.0)),
        }
    }
}
