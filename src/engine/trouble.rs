//! What the faults do to one client at the moment.
//!
//! It says; the driver does. What becomes of single messages is in [`meddling`](super::meddling).

use crate::engine::link::Session;
use crate::engine::meddling::Fate;
use crate::engine::slot::Suffering;
use crate::fault::{self, CutHow, Deed, Effect, Fault, Messages, Moment, Passing, Server};
use crate::history::Nanos;
use crate::plan::dice::mix;
use crate::transport::Leave;
use crate::transport::weather::Conditions;
use std::time::Duration;

/// How long a connection may take to be dropped.
const DROPPING: Duration = Duration::from_secs(2);
/// How long a message waits at most for the one that overtakes it.
const OVERTAKING: Nanos = 200_000_000;

/// The faults that a client suffers, each told apart by its number.
#[derive(Debug)]
pub(super) struct Trouble {
    active: Vec<Active>,
    /// The connection went through something that may have ended it.
    shaken: bool,
    /// From this and a count every chance follows.
    seed: u64,
    chances: u64,
}

#[derive(Debug)]
struct Active {
    number: usize,
    fault: Fault,
    /// A cut that waits for its moment.
    armed: bool,
    /// When the fault ends, on the run's clock.
    until: Nanos,
}

/// How the connection is dropped now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    how: CutHow,
    /// The client stays away until then.
    pub(super) until: Nanos,
}

impl Trouble {
    pub(super) const fn new(seed: u64) -> Self {
        Self { active: Vec::new(), shaken: false, seed, chances: 0 }
    }

    /// A fault begins; says whether the connection is dropped at once.
    pub(super) fn begin(&mut self, number: usize, fault: Fault, until: Nanos) -> Option<Cut> {
        let (now, armed) = match fault {
            Fault::Cut(cut) if cut.moment == Moment::Now => {
                (Some(Cut { how: cut.how, until }), false)
            }
            Fault::Cut(_) => (None, true),
            _ => (None, false),
        };
        self.shaken |= shakes(fault);
        self.active.push(Active { number, fault, armed, until });
        now
    }

    /// A fault ends.
    pub(super) fn end(&mut self, number: usize) {
        self.active.retain(|active| active.number != number);
    }

    /// All faults of the client end, but none of the server's; what they were.
    pub(super) fn clear(&mut self) -> Vec<Fault> {
        let (stays, ends): (Vec<Active>, Vec<Active>) =
            self.active.drain(..).partition(|active| active.fault.of_server().is_some());
        self.active = stays;
        ends.into_iter().map(|active| active.fault).collect()
    }

    /// What happens to single nodes of the server.
    pub(super) fn of_nodes(&self) -> Vec<Suffering> {
        let of_node = |active: &&Active| matches!(active.fault, Fault::Server(Server::Node(_)));
        let suffering = |active: &Active| Suffering {
            number: active.number,
            kind: active.fault,
            begins: true,
            until: active.until,
        };
        self.active.iter().filter(of_node).map(suffering).collect()
    }

    /// A fault of the client's own may keep it from connecting.
    pub(super) fn shakes_alone(&self) -> bool {
        let own = |active: &&Active| active.fault.of_server().is_none();
        self.active.iter().filter(own).any(|active| shakes(active.fault))
    }

    pub(super) fn has(&self, number: usize) -> bool {
        self.active.iter().any(|active| active.number == number)
    }

    /// A message came in: a cut that waited for it happens now.
    pub(super) fn on_message(&mut self) -> Option<Cut> {
        self.fire(Moment::OnMessage)
    }

    /// A send has left: a cut that waited for it happens as soon as the bytes are out.
    pub(super) fn after_send(&mut self) -> Option<Cut> {
        self.fire(Moment::AfterSend)
    }

    fn fire(&mut self, moment: Moment) -> Option<Cut> {
        self.active.iter_mut().find_map(|active| match active.fault {
            Fault::Cut(fault::Cut { how, moment: known }) if active.armed && known == moment => {
                active.armed = false;
                Some(Cut { how, until: active.until })
            }
            _ => None,
        })
    }

    /// The client neither reads nor writes.
    pub(super) fn silent(&self) -> bool {
        self.active.iter().any(|active| active.fault == Fault::Silence)
    }

    /// What is missing or late now is the harness's doing.
    pub(super) fn excuses(&self) -> bool {
        self.active.iter().any(|active| active.fault.effect().answers)
    }

    /// A connection is open: what the one before went through is over.
    pub(super) fn opened(&mut self) {
        self.shaken = self.active.iter().any(|active| shakes(active.fault));
    }

    /// The end of the connection, or that there is none, may be the harness's doing.
    pub(super) const fn explains_loss(&self) -> bool {
        self.shaken
    }

    /// What the connection goes through.
    pub(super) fn conditions(&self) -> Conditions {
        Conditions::of(self.active.iter().map(|active| active.fault))
    }

    /// Some messages do not arrive as they were sent.
    pub(super) fn meddles(&self) -> bool {
        self.active.iter().any(|active| matches!(active.fault, Fault::Messages(_)))
    }

    /// What becomes of a message. `overtakes` says whether a message waits for one of this fault.
    pub(super) fn fate(
        &mut self,
        now: Nanos,
        passing: Passing,
        overtakes: impl Fn(usize) -> bool,
    ) -> Fate {
        for index in 0..self.active.len() {
            let Active { number, fault: Fault::Messages(messages), .. } = self.active[index] else {
                continue;
            };
            if messages.fits(passing) {
                if messages.deed == Deed::Reorder && overtakes(number) {
                    return Fate::Overtakes(number);
                }
                if self.strikes(number, &messages) {
                    return match messages.deed {
                        Deed::Drop => Fate::Dropped,
                        Deed::Delay(by) => Fate::Late { until: now + nanos(by), number },
                        Deed::Duplicate => Fate::Twice,
                        Deed::Reorder => Fate::Late { until: now + OVERTAKING, number },
                    };
                }
            }
        }
        Fate::Passes
    }

    fn strikes(&mut self, number: usize, messages: &Messages) -> bool {
        self.chances += 1;
        let draw = mix(self.seed, number as u64, self.chances) as f64 / u64::MAX as f64;
        draw < messages.chance || messages.chance >= 1.0
    }
}

/// It may end a connection, by and by.
fn shakes(fault: Fault) -> bool {
    !matches!(fault, Fault::Cut(_)) && matches!(fault.effect(), Effect { connection: true, .. })
}

impl Cut {
    /// As the history says it.
    const fn name(self, session: &Session) -> &'static str {
        match self.how {
            _ if !session.can_break() => "disconnected, in place of a cut",
            CutHow::Rst => "cut by RST",
            CutHow::Fin => "cut by FIN",
            CutHow::CloseFrame => "cut by a close frame",
            CutHow::HalfFrame => "cut in the middle of a frame",
        }
    }

    /// Drops the connection; says how, as the history does.
    pub(super) async fn apply(self, session: Session) -> &'static str {
        let name = self.name(&session);
        // Where another fault keeps all bytes back, so it does with the last ones.
        let _ = tokio::time::timeout(DROPPING, self.drop_it(session)).await;
        name
    }

    async fn drop_it(self, mut session: Session) {
        let leave = match self.how {
            CutHow::Fin => Leave::Fin,
            CutHow::CloseFrame => Leave::CloseFrame(1001),
            CutHow::Rst => Leave::Reset,
            CutHow::HalfFrame => {
                if let Some(socket) = session.websocket() {
                    // The head of a masked text frame of 100 bytes, and two bytes of it.
                    let _ = socket.inject(&[0x81, 0xe4, 1, 2, 3, 4, b'4' ^ 1, b'2' ^ 2]).await;
                }
                Leave::Fin
            }
        };
        session.leave(leave).await;
    }
}

/// A duration on the run's clock.
pub(super) fn nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Operation, Sight};

    fn suffering(faults: &[&str]) -> Trouble {
        let mut trouble = Trouble::new(7);
        for (number, words) in faults.iter().enumerate() {
            trouble.begin(number, words.parse().unwrap(), 1_000);
        }
        trouble
    }

    #[test]
    fn a_cut_waits_for_its_moment_and_strikes_once() {
        let mut trouble = suffering(&["cut fin on-message", "cut-after-send"]);
        assert!(trouble.after_send().is_some() && trouble.after_send().is_none());
        assert!(trouble.on_message().is_some() && trouble.on_message().is_none());
        assert!(Trouble::new(0).begin(0, "cut rst".parse().unwrap(), 5).is_some());
    }

    #[test]
    fn only_what_a_fault_may_spoil_is_excused() {
        for (words, answers, loss) in [
            ("none", false, false),
            ("withhold-acks", true, false),
            ("drop message in", false, false),
            ("duplicate send", false, false),
            ("refuse", true, true),
            ("split 3", true, false),
            ("half-open", true, true),
            ("restart", true, true),
        ] {
            let trouble = suffering(&[words]);
            assert_eq!((trouble.excuses(), trouble.explains_loss()), (answers, loss), "{words}");
        }
    }

    #[test]
    fn a_connection_stays_shaken_until_the_next_one() {
        let mut trouble = suffering(&["half-open"]);
        trouble.end(0);
        assert!(trouble.explains_loss());
        trouble.opened();
        assert!(!trouble.explains_loss());
    }

    #[test]
    fn the_servers_faults_end_when_the_server_is_back() {
        let mut trouble = suffering(&["silence", "restart", "drop acks"]);
        assert_eq!(trouble.clear().len(), 2);
        assert!(trouble.has(1) && trouble.excuses());
    }

    #[test]
    fn each_message_has_its_fate() {
        let fate = |words: &[&str], passing| suffering(words).fate(10, passing, |_| false);
        let message = Passing::Seen(Sight::Message);
        assert_eq!(fate(&["drop message in"], message), Fate::Dropped);
        assert_eq!(fate(&["drop typing-start", "duplicate message"], message), Fate::Twice);
        assert_eq!(fate(&["drop message in"], Passing::Asked(Operation::Send)), Fate::Passes);
        assert_eq!(fate(&["delay acks 1us"], message), Fate::Passes);
        let late = Fate::Late { until: 1_010, number: 0 };
        assert_eq!(fate(&["delay acks 1us"], Passing::Answered(None)), late);
        let mut reorder = suffering(&["reorder message"]);
        assert_eq!(
            reorder.fate(0, message, |_| false),
            Fate::Late { until: OVERTAKING, number: 0 }
        );
        assert_eq!(reorder.fate(0, message, |number| number == 0), Fate::Overtakes(0));
    }

    #[test]
    fn chances_follow_from_the_seed() {
        let hits = |seed: u64| {
            let mut trouble = Trouble::new(seed);
            trouble.begin(0, "drop message 30%".parse().unwrap(), 0);
            let fates = (0..1_000).map(|_| {
                trouble.fate(0, Passing::Seen(Sight::Message), |_| false) == Fate::Dropped
            });
            fates.collect::<Vec<bool>>()
        };
        assert_eq!(hits(1), hits(1));
        assert_ne!(hits(1), hits(2));
        let count = hits(1).into_iter().filter(|hit| *hit).count();
        assert!((230..370).contains(&count), "{count} of 1000");
    }
}
