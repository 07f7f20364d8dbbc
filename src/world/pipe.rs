//! A connection in memory: bytes that arrive late, an end that is polite or abrupt, and buffers that
//! fill up, as those of TCP.

use super::network::Door;
use super::post::{Addressee, Post};
use crate::plan::dice::Dice;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Bytes that may be under way in one direction; then the writer has to wait.
const ROOM: usize = 256 << 10;

/// One end of a connection. Dropping it closes it: with a reset if something was not read.
pub struct Pipe {
    ways: Arc<Ways>,
    side: usize,
    /// What this end belongs to; it can stand still.
    door: Option<Arc<Door>>,
}

/// Both directions; the first is that of the end that connected.
pub(super) struct Ways(Mutex<[Lane; 2]>);

/// How long bytes travel: a part that is the connection's, and chance.
pub(super) struct Pace {
    base: Duration,
    dice: Dice,
}

/// Bytes on their way in one direction.
struct Lane {
    post: Arc<Post>,
    /// Who reads, and who writes.
    ends: [Addressee; 2],
    pace: Pace,
    pieces: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    room: usize,
    /// Nothing arrives before what was sent earlier.
    last: Instant,
    /// How it ends, and when that arrives.
    end: Option<(Instant, End)>,
    /// Nobody reads any more, and when the writer learns it.
    left: Option<Instant>,
    /// It ends with a reset, whatever was read.
    abrupt: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    Reset,
}

impl Pace {
    /// A way that takes at least so long, and at most twice as long.
    pub(super) const fn new(base: Duration, dice: Dice) -> Self {
        Self { base, dice }
    }

    fn next(&mut self) -> Duration {
        self.base.mul_f64(1.0 + self.dice.unit())
    }
}

impl Pipe {
    /// The side of who is behind the door.
    pub(super) const INSIDE: usize = 1;

    /// Both ends: of who connects, and of who is behind the door.
    pub(super) fn pair(
        number: u64,
        ways: [Pace; 2],
        post: &Arc<Post>,
        door: &Arc<Door>,
    ) -> (Self, Self) {
        let [out, back] = ways;
        let lane = |pace, ends: [usize; 2]| Lane::new(pace, post, ends.map(|end| (number, end)));
        let ways = Arc::new(Ways(Mutex::new([lane(out, [2, 0]), lane(back, [1, 3])])));
        let near = Self { ways: Arc::clone(&ways), side: 0, door: None };
        (near, Self { ways, side: Self::INSIDE, door: Some(Arc::clone(door)) })
    }

    pub(super) const fn ways(&self) -> &Arc<Ways> {
        &self.ways
    }

    /// Makes the buffer for what arrives this small.
    pub(super) fn narrow(&self, bytes: usize) {
        self.ways.lanes()[1 - self.side].room = bytes;
    }

    /// Whatever was read, dropping this end resets the connection.
    pub(super) fn end_abruptly(&self) {
        self.ways.lanes()[self.side].abrupt = true;
    }

    /// Ready unless the process that has this end stands still.
    fn poll_alive(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.door.as_ref().map_or(Poll::Ready(()), |door| door.poll_alive(cx))
    }
}

impl Ways {
    fn lanes(&self) -> MutexGuard<'_, [Lane; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of this side is gone, as if its process had died.
    pub(super) fn die(&self, side: usize) {
        let mut lanes = self.lanes();
        let unread = !lanes[1 - side].pieces.is_empty();
        let reset = unread || lanes[side].abrupt;
        lanes[side].close(if reset { End::Reset } else { End::Finished });
        lanes[side].writer.take().into_iter().for_each(Waker::wake);
        lanes[1 - side].leave();
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.ways.die(self.side);
    }
}

impl Lane {
    fn new(pace: Pace, post: &Arc<Post>, ends: [Addressee; 2]) -> Self {
        Self {
            post: Arc::clone(post),
            ends,
            pace,
            pieces: VecDeque::new(),
            bytes: 0,
            room: ROOM,
            last: Instant::now(),
            end: None,
            left: None,
            abrupt: false,
            reader: None,
            writer: None,
        }
    }

    /// When what leaves now arrives.
    fn due(&mut self) -> Instant {
        self.last = self.last.max(Instant::now() + self.pace.next());
        self.last
    }

    fn push(&mut self, bytes: &[u8]) {
        let due = self.due();
        self.bytes += bytes.len();
        self.pieces.push_back((due, Bytes::copy_from_slice(bytes)));
        self.announce(due);
    }

    fn close(&mut self, end: End) {
        if self.end.is_none() {
            let due = self.due();
            self.end = Some((due, end));
            self.announce(due);
        }
    }

    /// Whoever waits to read is woken when it arrives, and not before.
    fn announce(&mut self, due: Instant) {
        if let Some(reader) = self.reader.take() {
            self.post.expect(due, self.ends[0], &reader);
        }
    }

    /// Nobody reads any more. The writer learns it as late as anything from there, who reads at once.
    fn leave(&mut self) {
        if self.left.is_none() {
            let due = Instant::now() + self.pace.next();
            self.left = Some(due);
            self.pieces.clear();
            self.bytes = 0;
            if let Some(writer) = self.writer.take() {
                self.post.expect(due, self.ends[1], &writer);
            }
        }
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    /// Takes what has arrived; else, when the next thing arrives, if it is known.
    fn take(&mut self, out: &mut ReadBuf<'_>) -> Result<io::Result<()>, Option<Instant>> {
        if self.left.is_some() {
            return Ok(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let (now, before) = (Instant::now(), out.filled().len());
        while let Some((due, bytes)) = self.pieces.front_mut().filter(|_| out.remaining() > 0) {
            if *due > now {
                break;
            }
            let count = bytes.len().min(out.remaining());
            out.put_slice(&bytes[..count]);
            bytes.advance(count);
            self.bytes -= count;
            if bytes.is_empty() {
                self.pieces.pop_front();
            }
        }
        if out.filled().len() > before || out.remaining() == 0 {
            self.writer.take().into_iter().for_each(Waker::wake);
            return Ok(Ok(()));
        }
        match (self.pieces.front(), self.end) {
            (Some((due, _)), _) => Err(Some(*due)),
            (None, Some((due, _))) if due > now => Err(Some(due)),
            (None, Some((_, End::Finished))) => Ok(Ok(())),
            (None, Some((_, End::Reset))) => Ok(Err(io::ErrorKind::ConnectionReset.into())),
            (None, None) => Err(None),
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_alive(cx));
        let lane = &mut self.ways.lanes()[1 - self.side];
        match lane.take(out) {
            Ok(read) => Poll::Ready(read),
            Err(due) => {
                lane.reader = Some(cx.waker().clone());
                due.into_iter().for_each(|due| lane.announce(due));
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_alive(cx));
        let lane = &mut self.ways.lanes()[self.side];
        let known_left = lane.left.is_some_and(|known| known <= Instant::now());
        if lane.end.is_some() || known_left {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if lane.left.is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let count = bytes.len().min(lane.room.saturating_sub(lane.bytes));
        if count == 0 && !bytes.is_empty() {
            lane.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        lane.push(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_alive(cx));
        self.ways.lanes()[self.side].close(End::Finished);
        Poll::Ready(Ok(()))
    }
}
