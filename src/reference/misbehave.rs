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

/// Whether this server looks, dawdles, and inserts.
pub(crate) fn dawdles(bugs: Bugs, command: &Command) -> bool {
    match command {
        Command::Send(_) => bugs.has(Bug::DedupRace) || bugs.has(Bug::DedupRaceError),
        Command::Create { .. } => bugs.has(Bug::CreateRace) || bugs.has(Bug::CreateRaceError),
        Command::Receipt { about: Marked::Message(_), .. } => bugs.has(Bug::ReceiptRace),
        _ => false,
    }
}

/// Looks for what may be there, dawdles, and inserts.
pub(crate) async fn look_then_insert(
    desk: &Desk,
    caller: Caller,
    command: Command,
    bugs: Bugs,
) -> Result<Answer, Refusal> {
    let look = match &command {
        Command::Send(send) => Command::Look(send.clone()),
        Command::Create { members, .. } => Command::Find { members: members.clone() },
        Command::Receipt { about: Marked::Message(message), .. } => {
            Command::Receipts { message: *message }
        }
        other => return desk.answer(caller, other.clone()).await,
    };
    let index = bugs.has(Bug::DedupRaceError) || bugs.has(Bug::CreateRaceError);
    let guard = if index { Guard::Index } else { Guard::Blind };
    let insert = match (desk.answer(caller.clone(), look).await?, command) {
        (Answer::Done, Command::Send(send)) => Command::Send(Sending { guard, ..send }),
        (Answer::Done, Command::Create { members, .. }) => Command::Create { members, guard },
        (Answer::Count(count), Command::Receipt { about, kind, .. }) => {
            Command::Receipt { about, kind, looked: Some(count) }
        }
        (known, _) => return Ok(known),
    };
    tokio::time::sleep(GAP).await;
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
