//! The bugs that need time: answers that come late, never or twice, and detours to the store.
//!
//! The honest way through here is one line in each function.

use crate::reference::bugs::{Bug, Bugs, draw};
use crate::reference::desk::Desk;
use crate::reference::model::*;
use compact_str::CompactString;
use rustc_hash::FxHashMap;
use std::time::Duration;

/// Between look and insert.
const GAP: Duration = Duration::from_millis(100);
/// A handler of `sends-overtaken` is done before this.
const DAWDLING_MS: u64 = 40;

/// How an answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Once,
    Twice,
    Never,
    After(Duration),
    /// After so long, if no other attempt came under the same key.
    IfLast(Duration),
}

/// How this send is answered. A client waits `patience` for an ack.
pub(crate) fn manner(
    bugs: Bugs,
    patience: Duration,
    user: &str,
    send: Option<&Sending>,
    outcome: &Result<Answer, Refusal>,
) -> Manner {
    let (false, Some(send)) = (bugs.is_none(), send) else {
        return Manner::Once;
    };
    let parts = [user, send.key.as_deref().unwrap_or(&send.text)];
    let repeated = matches!(outcome, Ok(Answer::Message { repeated: true, .. }));
    let first = !repeated && outcome.is_ok();
    if first && bugs.strikes(Bug::AckLate, 5, &parts) {
        return Manner::After(patience + Duration::from_secs(1));
    }
    let swallowed = outcome.as_ref().is_err_and(|refusal| match refusal.kind {
        RefusalKind::TooMany => bugs.has(Bug::RateSilent),
        RefusalKind::NotFound => bugs.has(Bug::UnknownRoomSilent),
        _ => false,
    });
    let lost = first && bugs.strikes(Bug::AckLost, 5, &parts);
    let unanswered_repeat = repeated && bugs.has(Bug::AckSilentRepeat);
    let unanswered_error = outcome.is_err() && bugs.has(Bug::AckSilentError);
    if lost || unanswered_repeat || unanswered_error || swallowed {
        return Manner::Never;
    }
    if bugs.has(Bug::AckByKey) {
        return Manner::IfLast(OVERLAP);
    }
    if bugs.strikes(Bug::AckTwice, 5, &parts) {
        return Manner::Twice;
    }
    Manner::Once
}

/// What the bugs remember of those who came by.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Connections of each person: so far, and open now.
    connections: FxHashMap<User, (u32, u32)>,
    /// The last attempt under each key.
    last: FxHashMap<CompactString, u64>,
    attempts: u64,
}

/// How long who just came is not heard: for more than two ack timeouts, what is only late is excused.
const DEAF_MS: i64 = 11_000;
/// How long a second attempt can take the place of the first.
const OVERLAP: Duration = Duration::from_millis(50);

impl Memory {
    /// A person connects; says until when nothing they ask is heard.
    pub(crate) fn arrives(&mut self, bugs: Bugs, user: &User, now: i64) -> i64 {
        if !bugs.has(Bug::DeafDevice) && !bugs.has(Bug::DeafReconnect) {
            return 0;
        }
        let (before, open) = self.connections.entry(user.clone()).or_default();
        let deaf = bugs.has(Bug::DeafDevice) && *open > 0
            || bugs.has(Bug::DeafReconnect) && *before > 0 && *open == 0;
        (*before, *open) = (*before + 1, *open + 1);
        if deaf { now + DEAF_MS } else { 0 }
    }

    pub(crate) fn departs(&mut self, user: &User) {
        if let Some((_, open)) = self.connections.get_mut(user) {
            *open = open.saturating_sub(1);
        }
    }

    /// An attempt under a key is taken; its number.
    pub(crate) fn takes(&mut self, bugs: Bugs, key: Option<&CompactString>) -> u64 {
        let Some(key) = key.filter(|_| bugs.has(Bug::AckByKey)) else { return 0 };
        self.attempts += 1;
        self.last.insert(key.clone(), self.attempts);
        self.attempts
    }

    /// This attempt is the last one under its key.
    pub(crate) fn is_last(&self, key: &CompactString, attempt: u64) -> bool {
        self.last.get(key) == Some(&attempt)
    }
}

/// A way to the store that is not the direct one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Detour {
    /// Looks for what may be there, and inserts after a gap.
    Look(Guard),
    /// Is busy for so long with something else first.
    Dawdle(Duration),
}

/// The detour that this command takes, if any.
pub(crate) fn detour(bugs: Bugs, command: &Command) -> Option<Detour> {
    let races: &[(Bug, Guard)] = match command {
        Command::Send(send) if bugs.has(Bug::SendsOvertaken) => {
            let pause = draw(&[&send.text]) % DAWDLING_MS;
            return Some(Detour::Dawdle(Duration::from_millis(pause)));
        }
        Command::Send(_) => &[
            (Bug::DedupRace, Guard::Blind),
            (Bug::DedupRaceError, Guard::Index),
            (Bug::KeyBeforeStore, Guard::Noted),
        ],
        Command::Create { .. } => {
            &[(Bug::CreateRace, Guard::Blind), (Bug::CreateRaceError, Guard::Index)]
        }
        Command::Receipt { about: Marked::Message(_), .. } => {
            &[(Bug::ReceiptRace, Guard::Blind), (Bug::BroadcastReaderLost, Guard::Blind)]
        }
        _ => &[],
    };
    let race = races.iter().find(|(bug, _)| bugs.has(*bug));
    race.map(|(_, guard)| Detour::Look(*guard))
}

/// Does a command by a detour. `stays` says whether the sender's connection is still there.
pub(crate) async fn wander(
    desk: &Desk,
    caller: Caller,
    command: Command,
    detour: Detour,
    stays: impl Fn() -> bool,
) -> Result<Answer, Refusal> {
    let guard = match detour {
        Detour::Dawdle(pause) => {
            tokio::time::sleep(pause).await;
            return desk.answer(caller, command).await;
        }
        Detour::Look(guard) => guard,
    };
    let look = match &command {
        Command::Create { members, .. } => Command::Find { members: members.clone() },
        Command::Receipt { about: Marked::Message(message), .. } => {
            Command::Receipts { message: *message }
        }
        Command::Send(send) => Command::Look(send.clone()),
        other => return desk.answer(caller, other.clone()).await,
    };
    let insert = match (desk.answer(caller.clone(), look).await?, command) {
        (Answer::Done, Command::Send(send)) => Command::Send(Sending { guard, ..send }),
        (Answer::Done, Command::Create { members, .. }) => Command::Create { members, guard },
        (Answer::Count(count), Command::Receipt { about, kind, .. }) => {
            Command::Receipt { about, kind, looked: Some(count) }
        }
        (known, _) => return Ok(known),
    };
    tokio::time::sleep(GAP).await;
    if guard == Guard::Noted && !stays() {
        return Err(Refusal::new(RefusalKind::Internal, "the client is gone"));
    }
    desk.answer(caller, insert).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manners(bug: Bug, outcome: &Result<Answer, Refusal>) -> Vec<Manner> {
        let bugs = Bugs::NONE.with(bug);
        let wait = Duration::from_secs(5);
        let answered = (0..1000).map(|key| {
            let send = Sending {
                place: Place::Conversation(1),
                text: "hi".into(),
                key: Some(key.to_string().into()),
                guard: Guard::Atomic,
            };
            manner(bugs, wait, "ann", Some(&send), outcome)
        });
        answered.filter(|manner| *manner != Manner::Once).collect()
    }

    #[test]
    fn who_came_before_or_is_here_already_is_not_heard_at_first() {
        let user = User::from("ann");
        for (bug, until) in [
            (Bug::DeafDevice, [0, 2 + DEAF_MS, 3 + DEAF_MS, 0]),
            (Bug::DeafReconnect, [0, 0, 0, 4 + DEAF_MS]),
            (Bug::AckLate, [0; 4]),
        ] {
            let (bugs, mut memory) = (Bugs::NONE.with(bug), Memory::default());
            let first = (1..=3).map(|now| memory.arrives(bugs, &user, now)).collect::<Vec<_>>();
            assert_eq!(first, until[..3], "{bug}");
            (0..3).for_each(|_| memory.departs(&user));
            assert_eq!(memory.arrives(bugs, &user, 4), until[3], "{bug}");
        }
    }

    #[test]
    fn the_last_attempt_under_a_key_is_known() {
        let (bugs, mut memory) = (Bugs::NONE.with(Bug::AckByKey), Memory::default());
        let key = CompactString::from("k");
        let first = memory.takes(bugs, Some(&key));
        assert!(memory.is_last(&key, first));
        let second = memory.takes(bugs, Some(&key));
        assert!(!memory.is_last(&key, first) && memory.is_last(&key, second));
    }

    #[test]
    fn only_a_send_takes_a_detour_and_only_by_a_bug() {
        let send = Command::Send(Sending {
            place: Place::Conversation(1),
            text: "hi".into(),
            key: None,
            guard: Guard::Atomic,
        });
        assert!(detour(Bugs::NONE, &send).is_none());
        for bug in [Bug::DedupRace, Bug::DedupRaceError, Bug::KeyBeforeStore, Bug::SendsOvertaken] {
            assert!(detour(Bugs::NONE.with(bug), &send).is_some(), "{bug}");
            assert!(detour(Bugs::NONE.with(bug), &Command::Health).is_none(), "{bug}");
        }
    }

    #[test]
    fn a_retry_of_a_lost_or_late_ack_is_answered() {
        let stored = |repeated| {
            let message = Message {
                id: 1,
                conversation: 1,
                seq: 1,
                at: 1,
                sender: "ann".into(),
                text: "hi".into(),
                key: None,
                status: None,
            };
            Ok(Answer::Message { message, repeated })
        };
        for (bug, manner) in [
            (Bug::AckLost, Manner::Never),
            (Bug::AckLate, Manner::After(Duration::from_secs(6))),
            (Bug::AckTwice, Manner::Twice),
        ] {
            let struck = manners(bug, &stored(false));
            assert!((150..250).contains(&struck.len()), "{bug}: {}", struck.len());
            assert!(struck.iter().all(|struck| *struck == manner));
            assert_eq!(manners(bug, &stored(true)).is_empty(), bug != Bug::AckTwice);
        }
        assert_eq!(manners(Bug::AckSilentRepeat, &stored(true)).len(), 1000);
        assert_eq!(manners(Bug::AckSilentRepeat, &stored(false)), []);
        let refused = Err(Refusal::malformed("no"));
        assert_eq!(manners(Bug::AckSilentError, &refused).len(), 1000);
        assert_eq!(manners(Bug::AckSilentError, &stored(false)), []);
    }
}
