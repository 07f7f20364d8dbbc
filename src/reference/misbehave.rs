//! The bugs that need time: answers that come late, never or twice, and look-then-insert.
//!
//! The honest way through here is one line in each function.

use crate::reference::bugs::{Bug, Bugs};
use crate::reference::desk::Desk;
use crate::reference::model::*;
use std::time::Duration;

/// Between look and insert.
const GAP: Duration = Duration::from_millis(100);

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

/// How a send is guarded, if there is a gap between look and insert.
pub(crate) fn race(bugs: Bugs, command: &Command) -> Option<Guard> {
    match command {
        Command::Send(_) if bugs.has(Bug::DedupRace) => Some(Guard::Blind),
        Command::Send(_) if bugs.has(Bug::DedupRaceError) => Some(Guard::Index),
        _ => None,
    }
}

/// Looks for the key, dawdles, and inserts.
pub(crate) async fn look_then_insert(
    desk: &Desk,
    caller: Caller,
    send: Sending,
    guard: Guard,
) -> Result<Answer, Refusal> {
    let look = Command::Look(send.clone());
    match desk.answer(caller.clone(), look).await? {
        Answer::Done => {
            tokio::time::sleep(GAP).await;
            let send = Sending { guard, ..send };
            desk.answer(caller, Command::Send(send)).await
        }
        known => Ok(known),
    }
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
