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
use tokio::time::{Instant, Sleep, sleep_until};

use super::weather::{Course, Weather};
use crate::plan::dice::Dice;
use crate::world::socket::Socket;

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

impl Carrier for Socket {
    fn narrow(&self) {
        // A large buffer only makes the fault weaker.
        let _ = Socket::narrow(self, NARROW_BYTES);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::transport::weather::Conditions;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{advance, sleep};

    impl Carrier for DuplexStream {}

    fn sky(words: &[&str]) -> Conditions {
        Conditions::of(words.iter().map(|words| words.parse::<Fault>().unwrap()))
    }

    /// A shaped stream, its weather, and the other end.
    fn shaped(words: &[&str]) -> (Shaped<DuplexStream>, Weather, DuplexStream) {
        let weather = Weather::new(3);
        weather.change(sky(words));
        let (near, far) = duplex(1 << 20);
        (Shaped::new(near, Some(&weather)), weather, far)
    }

    /// What the other end reads at once, each piece with the virtual milliseconds since the start.
    async fn pieces(mut far: DuplexStream, start: Instant, bytes: usize) -> Vec<(u128, usize)> {
        let (mut space, mut all, mut read) = ([0; 4096], Vec::new(), 0);
        while read < bytes {
            let count = far.read(&mut space).await.unwrap();
            assert!(count > 0, "the stream ended early");
            read += count;
            all.push((start.elapsed().as_millis(), count));
        }
        all
    }

    async fn written(words: &[&str], parts: &[&[u8]]) -> Vec<(u128, usize)> {
        let (mut near, _weather, far) = shaped(words);
        let bytes = parts.iter().map(|part| part.len()).sum();
        let reader = tokio::spawn(pieces(far, Instant::now(), bytes));
        for part in parts {
            near.write_all(part).await.unwrap();
        }
        near.flush().await.unwrap();
        reader.await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn delayed_bytes_are_late() {
        let pieces = written(&["delay 200ms"], &[b"hello"]).await;
        assert!(pieces[0].0 >= 200 && pieces[0].0 < 250, "{pieces:?}");
        assert_eq!(written(&["delay 200ms in"], &[b"hello"]).await[0].0, 0, "the other way");
    }

    #[tokio::test(start_paused = true)]
    async fn delays_of_the_other_way_are_as_long() {
        let (mut near, _weather, mut far) = shaped(&["delay 200ms in", "delay 100ms"]);
        let start = Instant::now();
        far.write_all(b"x").await.unwrap();
        assert_eq!(near.read_u8().await.unwrap(), b'x');
        assert!((300..350).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn split_bytes_come_in_small_pieces() {
        let pieces = written(&["split 3"], &[b"0123456789"]).await;
        let sizes: Vec<usize> = pieces.iter().map(|piece| piece.1).collect();
        assert_eq!(sizes, [3, 3, 3, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn merged_bytes_come_in_one_piece() {
        let pieces = written(&["merge 50ms"], &[b"one", b"two", b"three"]).await;
        assert_eq!(pieces.len(), 1, "{pieces:?}");
        assert_eq!(pieces[0].1, 11);
    }

    #[tokio::test(start_paused = true)]
    async fn throttled_bytes_take_their_time() {
        let pieces = written(&["throttle 2000/s"], &[&[7; 2_000]]).await;
        assert!((850..1_300).contains(&pieces.last().unwrap().0), "{pieces:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_leaves_the_bytes_to_the_other_side() {
        let weather = Weather::new(3);
        weather.change(sky(&["slow-reader 1000/s"]));
        let (near, mut far) = duplex(64);
        let mut near = Shaped::new(near, Some(&weather));
        let start = Instant::now();
        let writer = tokio::spawn(async move {
            far.write_all(&[1; 1_000]).await.unwrap();
            start.elapsed().as_millis()
        });
        let mut all = vec![0; 1_000];
        near.read_exact(&mut all).await.unwrap();
        assert!(writer.await.unwrap() > 700, "the writer did not have to wait");
    }

    #[tokio::test(start_paused = true)]
    async fn half_open_is_silence_both_ways_until_it_wakes_up() {
        let (mut near, weather, mut far) = shaped(&["half-open"]);
        near.write_all(b"out").await.unwrap();
        far.write_all(b"in!").await.unwrap();
        let (mut here, mut there) = ([0; 3], [0; 3]);
        for _ in 0..3 {
            advance(Duration::from_secs(20)).await;
            tokio::select! {
                biased;
                _ = far.read(&mut there) => panic!("something came out"),
                _ = near.read(&mut here) => panic!("something came in"),
                () = std::future::ready(()) => {}
            }
        }
        let both = async { tokio::join!(near.read_exact(&mut here), far.read_exact(&mut there)) };
        let clears = async { weather.change(Conditions::default()) };
        let ((read, other), ()) = tokio::join!(both, clears);
        assert!(read.is_ok() && other.is_ok());
        assert_eq!((&here, &there), (b"in!", b"out"));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_hears_the_end_of_a_half_open_stream() {
        let (near, weather, mut far) = shaped(&["half-open"]);
        drop(near);
        let mut space = [0; 8];
        tokio::select! {
            biased;
            _ = far.read(&mut space) => panic!("the end was heard"),
            () = std::future::ready(()) => {}
        }
        weather.change(Conditions::default());
        assert_eq!(far.read(&mut space).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn fair_weather_lets_everything_go_at_once() {
        let (mut near, weather, mut far) = shaped(&["delay 1h", "split 1"]);
        near.write_all(b"waits").await.unwrap();
        weather.change(Conditions::default());
        near.flush().await.unwrap();
        let mut space = [0; 5];
        assert_eq!(far.read(&mut space).await.unwrap(), 5);
    }

    #[test]
    fn a_stream_without_weather_costs_a_pointer() {
        let extra = size_of::<Shaped<DuplexStream>>() - size_of::<DuplexStream>();
        assert!(extra <= 16, "{extra} bytes");
        assert_eq!(size_of::<Shaped<Socket>>() - size_of::<Socket>(), 8);
    }

    const SKIES: &[&[&str]] = &[
        &[],
        &["split 1"],
        &["split 3", "merge 20ms"],
        &["delay 30ms"],
        &["jitter 40ms", "split 7"],
        &["throttle 900/s"],
        &["slow-reader 700/s", "jitter 5ms"],
        &["half-open"],
        &["merge 30ms", "throttle 5000/s out"],
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever the weather does, and however often it changes: both ways every byte arrives,
        /// unchanged, in its place, and then the end.
        #[test]
        fn no_byte_is_changed_lost_or_overtaken(
            changes in prop::collection::vec((0..SKIES.len(), 0..80_u64), 0..8),
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..400), 1..8),
            room in 1..2_000_usize,
        ) {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
            runtime.unwrap().block_on(async move {
                let weather = Weather::new(9);
                let (near, far) = duplex(room);
                let near = Shaped::new(near, Some(&weather));
                let (mut from_near, mut to_far) = tokio::io::split(near);
                let (mut from_far, mut to_near) = tokio::io::split(far);
                let sky = async {
                    for (index, pause) in changes {
                        weather.change(super::tests::sky(SKIES[index]));
                        sleep(Duration::from_millis(pause)).await;
                    }
                    weather.change(Conditions::default());
                };
                let out = async {
                    for part in &parts {
                        to_far.write_all(part).await.unwrap();
                        to_far.flush().await.unwrap();
                    }
                    to_far.shutdown().await.unwrap();
                };
                let back = async {
                    for part in parts.iter().rev() {
                        to_near.write_all(part).await.unwrap();
                    }
                    to_near.shutdown().await.unwrap();
                };
                let (mut there, mut here) = (Vec::new(), Vec::new());
                let reads = async {
                    tokio::join!(from_far.read_to_end(&mut there), from_near.read_to_end(&mut here))
                };
                let ((), (), (), (one, other)) = tokio::join!(sky, out, back, reads);
                assert!(one.is_ok() && other.is_ok());
                assert_eq!(there, parts.concat());
                assert_eq!(here, parts.iter().rev().flatten().copied().collect::<Vec<u8>>());
            });
        }
    }
}
