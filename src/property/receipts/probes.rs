//! What provokes `receipts`: readers at once, out of order, again, unasked.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "sender-hears",
        says: "When a message is read, each connected device of its sender is told.",
        why: "The reader's screen is right at once; that the sender's is not, nobody notices.",
        script: "
            people: ann x2, bob
            ann.1 send a
            until bob sees a
            bob read a
        ",
        catches: &["receipt-untold", "receipt-one-device"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "told-once",
        says: "One reading is one receipt.",
        why: "A receipt that is told to a person and to a room reaches those who are both twice.",
        script: "
            people: ann, bob, cid
            ann send a
            until bob sees a
            bob read a
            pause 200ms
            cid send b
            until ann sees b
            ann read b
        ",
        catches: &["receipt-doubled"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "read-twice",
        says: "Reading a message again makes no other receipt than the first.",
        why: "Clients say so each time a message scrolls into view.",
        script: "
            people: ann, bob
            ann send a
            until bob sees a
            bob read a
            bob read a
            pause 200ms
            bob read a
        ",
        catches: &["receipt-doubled"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "reader-with-two-devices",
        says: "A reader with two devices is one reader.",
        why: "Both devices show the message, both say so, and two readers are counted.",
        script: "
            people: ann, bob x2
            ann send a
            until bob.1 sees a
            until bob.2 sees a
            bob.1 read a | bob.2 read a
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "read-on-one-device",
        says: "What a person reads on one device the person's other devices know as read.",
        why: "The sender is told, and whoever else is in the room but the reader: all of the reader.",
        needs: &[Need::ReaderTold],
        script: "
            people: ann, bob x3, cid
            ann send a
            until bob.1 sees a
            until bob.2 sees a
            until bob.3 sees a
            bob.1 read a
            pause 200ms
            bob.2 send b
            until cid sees b
            cid read b
        ",
        catches: &["receipt-sender-only"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "readers-at-once",
        says: "Of several readers at the same moment each is told to the sender.",
        why: "A list of readers that is read, extended and written back keeps the last writer.",
        copies: 4,
        script: "
            people: ann, bob, cid, dan, eve, fay
            ann send a
            until fay sees a
            bob read a | cid read a | dan read a | eve read a | fay read a
        ",
        catches: &["receipt-race"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger",
        says: "Somebody outside the conversation who knows a message's id is not its reader.",
        why: "The id alone finds the message, and nobody asks whose it is.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            until bob sees a
            eve read a => harmless
            bob read a
        ",
        catches: &["receipt-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "names-its-message",
        says: "A receipt is about the message that was read, not about the newest.",
        why: "Where only the newest message matters to the screen, only the newest is looked up.",
        script: "
            people: ann, bob
            ann send a
            ann send b
            until bob sees b
            bob read a
        ",
        catches: &["receipt-wrong-message"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "names-its-reader",
        says: "A receipt names the one who read.",
        why: "In a conversation of two there is only one other; code that relies on it fails in a group.",
        script: "
            people: ann, bob, cid
            ann send a
            until cid sees a
            cid read a
            pause 200ms
            bob send b
            until cid sees b
            cid read b
        ",
        catches: &["receipt-wrong-reader"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "several-messages-at-once",
        says: "Receipts for several messages at once are each told, each about its message.",
        why: "Opening a chat reads all of it at once; a batch keeps the last.",
        script: "
            people: ann, bob, cid
            ann send a
            ann send b
            cid send c
            until bob sees c
            bob read a | bob read b | bob read c
            ann read c
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "never-back",
        says: "A message that was read stays read, though `delivered` comes late or from another.",
        why: "Each of the two is written as it comes, and the later one wins.",
        script: "
            people: ann, bob, cid
            ann send a
            until bob sees a
            until cid sees a
            bob read a
            rest
            bob delivered a
            cid delivered a
        ",
        catches: &["receipt-regresses"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "forward-in-any-order",
        says: "Out of order and repeated, receipts still only move a message forward.",
        why: "Nothing keeps the order of what several devices say, least of all a queue of a phone.",
        copies: 2,
        script: "
            people: ann, bob x2, cid
            ann send a
            until bob.1 sees a
            until bob.2 sees a
            until cid sees a
            bob.1 delivered a | bob.2 read a | cid delivered a
            bob.1 read a | bob.2 delivered a | cid read a
            cid delivered a | bob.1 delivered a
        ",
        catches: &["receipt-regresses"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "known-after-a-reconnect",
        says: "A sender who was away while a message was read finds it read on coming back.",
        why: "A status that is only pushed is lost to whoever is not there.",
        needs: &[Need::Statuses],
        script: "
            people: ann, bob, cid
            ann send a
            until bob sees a
            ann disconnect
            bob read a
            pause 700ms
            ann connect
            ann history
        ",
        catches: &["receipt-forgotten"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "sent-is-stored",
        says: "A message that was confirmed is stored as sent, and as `sending` for nobody.",
        why: "It is made with the first status there is, and what should set the next one was left for later.",
        needs: &[Need::Statuses],
        script: "
            people: ann, bob, cid
            ann send a
            bob send b
            rest
            pause 700ms
            ann history
            cid history
        ",
        catches: &["receipt-stays-sending"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "each-step-is-told",
        says: "That a message arrived is told to each device of its sender, and then that it was read.",
        why: "Two ticks are easily had for nothing by showing them when it is read.",
        script: "
            people: ann x2, bob, cid
            ann.1 send a
            ann.1 send b
            until bob sees b
            until cid sees b
            bob delivered a
            rest
            cid delivered b
            rest
            bob read b
        ",
        catches: &["receipt-delivered-untold"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "history-is-as-far",
        says: "The history shows a message as far as was told, whoever is slower.",
        why: "One status for several readers has to be the furthest; written by each, it is the latest.",
        needs: &[Need::Statuses],
        script: "
            people: ann, bob x2, cid, dan
            ann send a
            ann send b
            until dan sees b
            until bob.1 sees b
            until bob.2 sees b
            until cid sees b
            bob.1 delivered a | bob.2 read a | cid delivered b
            cid delivered a | bob.1 read b | dan delivered b
            pause 700ms
            ann history
            dan history
            cid read a
            dan delivered a
            pause 700ms
            bob.2 history
        ",
        catches: &["receipt-slowest"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "across-a-reconnect",
        says: "Receipts of readers who come and go move each message forward, and none is told twice.",
        why: "A client that comes back says again what it had said, and may say it in another order.",
        script: "
            people: ann, bob x2, cid
            ann send a
            ann send b
            until bob.1 sees b
            until bob.2 sees b
            until cid sees b
            bob.1 read b
            bob.1 disconnect
            bob.2 delivered b
            pause 200ms
            bob.1 connect
            bob.1 delivered a
            bob.1 delivered b
            cid read a
            bob.2 read a
        ",
        catches: &["receipt-regresses"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "own-message",
        says: "Who opens a chat with one's own message in it is not its reader.",
        why: "The client says so for every message on the screen, one's own included.",
        script: "
            people: ann, bob, cid
            ann send a
            until bob sees a
            ann read a => harmless
            pause 200ms
            bob read a
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "both-ways",
        says: "Two people who read each other's message at once are each told.",
        why: "Each is a sender and a reader; whoever mixes the two tells the wrong one.",
        script: "
            people: ann, bob
            ann send a | bob send b
            until ann sees b
            until bob sees a
            ann read b | bob read a
        ",
        catches: &["receipt-untold"],
        ..Probe::DEFAULT
    },
];
