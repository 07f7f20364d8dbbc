//! A stream whose bytes travel as the weather says: late, slowly, in other pieces, or not at all.
//!
//! No byte is changed, lost or overtaken, whatever the weather does meanwhile; when it clears up,
//! what waits goes on at once. A stream without weather is the stream itself and an empty pointer.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::weather::{Course, Weather};
use crate::plan::dice::Dice;

/// Bytes that wait in one direction, at most; then the other side has to wait.
const WAITING_MAX: usize = 256 << 10;
/// Bytes read at once.
const READ_MAX: usize = 4096;
/// Between two segments of a split stream, so that they are not joined again.
const GAP: Duration = Duration::from_millis(1);
/// The smallest buffer that systems grant.
const NARROW_BYTES: usize = 2304;

/// What can be shaped.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Makes the system's buffer for what arrives as small as it can be.
    fn narrow(&self) {}
}

impl Carrier for TcpStream {
    fn narrow(&self) {
        // A large buffer only makes the fault weaker.
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(self, NARROW_BYTES);
    }
}

/// A stream, and what it goes through if it may go through anything.
pub(super) struct Shaped<S: Carrier> {
    /// There until it is dropped.
    inner: Option<S>,
    shaper: Option<Box<Shaper>>,
}

struct Shaper {
    weather: Weather,
    dice: Dice,
    inward: Lane,
    outward: Lane,
    /// How the stream ended, for when everything before it was read.
    end: Option<io::Result<()>>,
    narrowed: bool,
}

/// Bytes on their way in one direction.
#[derive(Default)]
struct Lane {
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// Nothing arrives before what was sent earlier.
    last: Option<Instant>,
    /// Bytes that may go now, and when that was so.
    credit: (f64, Option<Instant>),
    /// The next segment goes not before then.
    gap: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

struct Piece {
    due: Instant,
    bytes: BytesMut,
}

impl<S: Carrier> Shaped<S> {
    pub(super) fn new(inner: S, weather: Option<&Weather>) -> Self {
        let shaper = weather.map(|weather| Box::new(Shaper::new(weather.clone())));
        Self { inner: Some(inner), shaper }
    }

    pub(super) fn get_ref(&self) -> &S {
        self.inner.as_ref().expect("it is there until it is dropped")
    }

    pub(super) fn get_mut(&mut self) -> &mut S {
        self.inner.as_mut().expect("it is there until it is dropped")
    }

    /// Nothing that this side does reaches the other.
    pub(super) fn is_silent(&self) -> bool {
        self.shaper.as_ref().is_some_and(|shaper| shaper.weather.is_silent())
    }

    fn parts(&mut self) -> (&mut S, Option<&mut Shaper>) {
        let inner = self.inner.as_mut().expect("it is there until it is dropped");
        (inner, self.shaper.as_deref_mut())
    }
}

impl<S: Carrier> Drop for Shaped<S> {
    /// Where nothing reaches the server, its end does not either.
    fn drop(&mut self) {
        if let Some(shaper) = self.shaper.as_ref().filter(|shaper| shaper.weather.is_silent())
            && let Some(inner) = self.inner.take()
        {
            shaper.weather.keep(Box::new(inner) as Box<dyn Any + Send>);
        }
    }
}

impl Shaper {
    fn new(weather: Weather) -> Self {
        let (seed, connection) = weather.next_connection();
        let dice = Dice::new(seed, "weather", connection, 0);
        let (inward, outward) = (Lane::default(), Lane::default());
        Self { weather, dice, inward, outward, end: None, narrowed: false }
    }

    fn poll_read<S: Carrier>(
        &mut self,
        inner: &mut S,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // What waits to go out shall not wait for somebody to flush.
        let _ = self.pump(inner, cx);
        let sky = self.weather.look(cx);
        if sky.silent {
            return Poll::Pending;
        }
        let course = sky.inward;
        if course.is_calm() && self.inward.pieces.is_empty() && self.end.is_none() {
            return Pin::new(inner).poll_read(cx, out);
        }
        if course.narrow && !std::mem::replace(&mut self.narrowed, true) {
            inner.narrow();
        }
        self.fill(inner, cx, &course);
        loop {
            if self.inward.pieces.is_empty() {
                return match self.end.take() {
                    None => Poll::Pending,
                    Some(Ok(())) => {
                        self.end = Some(Ok(()));
                        Poll::Ready(Ok(()))
                    }
                    Some(Err(error)) => Poll::Ready(Err(error)),
                };
            }
            let allowed = ready!(self.inward.poll_allowed(&course, cx));
            if let Some(front) = self.inward.pieces.front() {
                let count = allowed.min(out.remaining());
                out.put_slice(&front.bytes[..count]);
                self.inward.went(count);
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Takes in what has arrived, as far as there is room for it.
    fn fill<S: Carrier>(&mut self, inner: &mut S, cx: &mut Context<'_>, course: &Course) {
        let room = course.rate.map_or(WAITING_MAX, |rate| capacity(rate) as usize);
        let mut space = [0; READ_MAX];
        while self.end.is_none() && self.inward.bytes < room {
            let most = READ_MAX.min(room - self.inward.bytes);
            let mut buffer = ReadBuf::new(&mut space[..most]);
            match Pin::new(&mut *inner).poll_read(cx, &mut buffer) {
                Poll::Pending => return,
                Poll::Ready(Err(error)) => self.end = Some(Err(error)),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.end = Some(Ok(())),
                Poll::Ready(Ok(())) => {
                    self.inward.push(buffer.filled(), course, self.dice.unit());
                }
            }
        }
    }

    fn poll_write<S: Carrier>(
        &mut self,
        inner: &mut S,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Err(error)) = self.pump(inner, cx) {
            return Poll::Ready(Err(error));
        }
        let sky = self.weather.look(cx);
        if sky.outward.is_calm() && !sky.silent && self.outward.pieces.is_empty() {
            return Pin::new(inner).poll_write(cx, bytes);
        }
        let count = bytes.len().min(WAITING_MAX.saturating_sub(self.outward.bytes));
        if count == 0 {
            return Poll::Pending;
        }
        self.outward.push(&bytes[..count], &sky.outward, self.dice.unit());
        match self.pump(inner, cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(count)),
        }
    }

    /// Brings out what may go; ready when nothing waits.
    fn pump<S: Carrier>(&mut self, inner: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outward.pieces.is_empty() {
            let sky = self.weather.look(cx);
            if sky.silent {
                return Poll::Pending;
            }
            let allowed = ready!(self.outward.poll_allowed(&sky.outward, cx));
            let Some(front) = self.outward.pieces.front() else { break };
            match ready!(Pin::new(&mut *inner).poll_write(cx, &front.bytes[..allowed])) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    self.outward.went(count);
                    let gap = sky.outward.split.map(|_| Instant::now() + GAP);
                    self.outward.gap = gap.filter(|_| !self.outward.pieces.is_empty());
                }
                Err(error) => {
                    self.outward = Lane::default();
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Lane {
    fn push(&mut self, bytes: &[u8], course: &Course, chance: f64) {
        let now = Instant::now();
        self.bytes += bytes.len();
        if !course.merge.is_zero()
            && let Some(last) = self.pieces.back_mut().filter(|last| last.due > now)
        {
            return last.bytes.extend_from_slice(bytes);
        }
        let late = course.delay + course.jitter.mul_f64(chance) + course.merge;
        let due = self.last.map_or(now + late, |last| last.max(now + late));
        self.last = Some(due);
        self.pieces.push_back(Piece { due, bytes: BytesMut::from(bytes) });
    }

    /// How many bytes of the first piece may go; at least one when it is ready.
    fn poll_allowed(&mut self, course: &Course, cx: &mut Context<'_>) -> Poll<usize> {
        loop {
            match self.allowed(course) {
                Ok(count) => return Poll::Ready(count),
                Err(at) => {
                    let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
                    timer.as_mut().reset(at);
                    ready!(timer.as_mut().poll(cx));
                }
            }
        }
    }

    /// How many bytes may go now, or when to look again.
    fn allowed(&mut self, course: &Course) -> Result<usize, Instant> {
        let Some(first) = self.pieces.front() else { return Ok(0) };
        let count = first.bytes.len();
        if course.is_calm() {
            return Ok(count);
        }
        let now = Instant::now();
        let at = self.gap.map_or(first.due, |gap| gap.max(first.due));
        if at > now {
            return Err(at);
        }
        let count = course.split.map_or(count, |most| count.min(most as usize));
        let Some(rate) = course.rate else { return Ok(count) };
        let credit = self.earn(rate, now);
        if credit < 1.0 {
            let wait = Duration::from_secs_f64((1.0 - credit) / f64::from(rate));
            return Err(now + wait.max(Duration::from_millis(1)));
        }
        Ok(count.min(credit as usize))
    }

    fn earn(&mut self, rate: u32, now: Instant) -> f64 {
        let since = self.credit.1.map_or(Duration::ZERO, |at| now.duration_since(at));
        let earned = self.credit.0 + since.as_secs_f64() * f64::from(rate);
        self.credit = (earned.min(capacity(rate)), Some(now));
        self.credit.0
    }

    fn went(&mut self, count: usize) {
        self.bytes -= count;
        self.credit.0 = (self.credit.0 - count as f64).max(0.0);
        if let Some(first) = self.pieces.front_mut() {
            first.bytes.advance(count);
            if first.bytes.is_empty() {
                self.pieces.pop_front();
            }
        }
    }
}

/// What a throttled stream may carry at once: a tenth of a second's bytes.
fn capacity(rate: u32) -> f64 {
    (f64::from(rate) / 10.0).max(1.0)
}

impl<S: Carrier> AsyncRead for Shaped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.parts() {
            (inner, None) => Pin::new(inner).poll_read(cx, out),
            (inner, Some(shaper)) => shaper.poll_read(inner, cx, out),
        }
    }
}

impl<S: Carrier> AsyncWrite for Shaped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.parts() {
            (inner, None) => Pin::new(inner).poll_write(cx, bytes),
            (inner, Some(shaper)) => shaper.poll_write(inner, cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (inner, shaper) = self.parts();
        if let Some(shaper) = shaper {
            ready!(shaper.pump(inner, cx))?;
        }
        Pin::new(inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (inner, shaper) = self.parts();
        if let Some(shaper) = shaper {
            ready!(shaper.pump(inner, cx))?;
            if shaper.weather.look(cx).silent {
                return Poll::Pending;
            }
        }
        Pin::new(inner).poll_shutdown(cx)
    }
}
