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
        Command::Receipt { about: Marked::Message(_), .. } => &[(Bug::ReceiptRace, Guard::Blind)],
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
