//! The table of truth: each bug of the reference server fails the case that is named for it, and the
//! properties it does not touch stand.
//!
//! Every row is one run of the catalogue in simulated worlds: the named case, and some quick ones of
//! each property. So a verdict depends on the seed alone, and not on what else the machine does.
//! `tests/real_sockets.rs` plays some rows where the kernel has a say; `ASSIZE_TABLE=real` plays all of
//! them there, with patience. `ASSIZE_SEED` is another seed; `tests/support/table.rs` has what else can be asked for.

#[path = "support/table.rs"]
#[expect(dead_code, reason = "what is asked of an honest server belongs to other tests")]
mod table;

use assize::reference::{Bug, Bugs};
use table::{
    Ground, alone, asks_for, choice, complaint, complaint_in_the_end, fill_in, number, rows, run,
};

/// Rows on real sockets at the same time: each has little to do but to wait.
const AT_ONCE: usize = 4;

/// Bugs that are played over raw WebSockets as well: some of each property, those that live in the
/// server's handling of frames first of all.
const OVER_FRAMES: &[Bug] = &[
    Bug::NoPings,
    Bug::DeadKept,
    Bug::IdleClosed,
    Bug::DedupRace,
    Bug::DedupError,
    Bug::NumberGap,
    Bug::SendsOvertaken,
    Bug::PushesOvertaken,
    Bug::Truncate,
    Bug::Phantom,
    Bug::SyncLastRow,
    Bug::DeafDevice,
    Bug::DeafReconnect,
    Bug::TypingSurvivesLoss,
    Bug::TypingStartLate,
    Bug::AckLate,
    Bug::AckLost,
    Bug::AckTwice,
    Bug::LimitOneMore,
    Bug::HugeDisconnects,
    Bug::NullAsText,
    Bug::BadInputDisconnects,
    Bug::BadInputCrash,
    Bug::BadInputSilent,
    Bug::UnknownRoomSilent,
    Bug::UnknownEventDisconnects,
    Bug::ExtraFieldsRefused,
    Bug::RateStrict,
    Bug::RateSilent,
    Bug::RateDisconnects,
    Bug::TokenExpired,
    Bug::TokenMissing,
    Bug::TokenLate,
    Bug::TokenWrongError,
    Bug::SendUnchecked,
    Bug::MessageLeak,
    Bug::CreateRace,
    Bug::PresenceGhost,
    Bug::PresenceOfflineEarly,
    Bug::ReceiptUntold,
];

#[test]
fn each_bug_is_caught_by_its_case_and_breaks_no_other_property() {
    let wrong = if asks_for("real") {
        fill_in(&rows(), AT_ONCE, |bug| {
            let row = || run(Ground::of(bug), Bugs::NONE.with(bug), bug.spec(), choice(bug), None);
            complaint_in_the_end(bug, row)
        })
    } else {
        fill_in(&rows(), cores(), |bug| {
            let ground = Ground::of(bug).simulated(number("ASSIZE_SEED", 1));
            complaint(bug, &run(ground, Bugs::NONE.with(bug), bug.spec(), choice(bug), None))
        })
    };
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn over_raw_websockets_bugs_are_caught_by_the_same_cases() {
    let wrong = fill_in(OVER_FRAMES, cores(), |bug| {
        let ground = Ground::of(bug).simulated(number("ASSIZE_SEED", 1));
        complaint(bug, &run(ground, Bugs::NONE.with(bug), "frames", alone(bug), None))
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
