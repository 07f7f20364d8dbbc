//! The bugs that need time: answers that come late, never or twice, and detours to the store.
//!
//! The honest way through here is one line in each function.

use crate::reference::bugs::{Bug, Bugs, draw};
use crate::reference::desk::Desk;
use crate::reference::model::*;
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
    if first && bugs.strikes(Bug::AckLate, 25, &parts) {
        return Manner::After(patience + Duration::from_secs(1));
    }
    let lost = first && bugs.strikes(Bug::AckLost, 25, &parts);
    let unanswered_repeat = repeated && bugs.has(Bug::AckSilentRepeat);
    let unanswered_error = outcome.is_err() && bugs.has(Bug::AckSilentError);
    if lost || unanswered_repeat || unanswered_error {
        return Manner::Never;
    }
    if bugs.strikes(Bug::AckTwice, 25, &parts) {
        return Manner::Twice;
    }
    Manner::Once
}

/// A way to the store that is not the direct one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Detour {
    /// Looks for the key, and inserts after a gap.
    Look(Guard),
    /// Is busy for so long with something else first.
    Dawdle(Duration),
}

/// The detour that this command takes, if any.
pub(crate) fn detour(bugs: Bugs, command: &Command) -> Option<Detour> {
    let Command::Send(send) = command else { return None };
    if bugs.has(Bug::DedupRace) {
        Some(Detour::Look(Guard::Blind))
    } else if bugs.has(Bug::DedupRaceError) {
        Some(Detour::Look(Guard::Index))
    } else if bugs.has(Bug::KeyBeforeStore) {
        Some(Detour::Look(Guard::Noted))
    } else if bugs.has(Bug::SendsOvertaken) {
        let pause = draw(&[&send.text]) % DAWDLING_MS;
        Some(Detour::Dawdle(Duration::from_millis(pause)))
    } else {
        None
    }
}

/// Sends by a detour. `stays` says whether the sender's connection is still there.
pub(crate) async fn wander(
    desk: &Desk,
    caller: Caller,
    send: Sending,
    detour: Detour,
    stays: impl Fn() -> bool,
) -> Result<Answer, Refusal> {
    let guard = match detour {
        Detour::Dawdle(pause) => {
            tokio::time::sleep(pause).await;
            return desk.answer(caller, Command::Send(send)).await;
        }
        Detour::Look(guard) => guard,
    };
    match desk.answer(caller.clone(), Command::Look(send.clone())).await? {
        Answer::Done => {}
        known => return Ok(known),
    }
    tokio::time::sleep(GAP).await;
    if guard == Guard::Noted && !stays() {
        return Err(Refusal::new(RefusalKind::Internal, "the client is gone"));
    }
    desk.answer(caller, Command::Send(Sending { guard, ..send })).await
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
            };
            Ok(Answer::Message { message, repeated })
        };
        for (bug, manner) in [
            (Bug::AckLost, Manner::Never),
            (Bug::AckLate, Manner::After(Duration::from_secs(6))),
            (Bug::AckTwice, Manner::Twice),
        ] {
            let struck = manners(bug, &stored(false));
            assert!((20..80).contains(&struck.len()), "{bug}: {}", struck.len());
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
