//! What makes a client try again. The judge looks at the client, whoever it is.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "one-retry",
        says: "A send without an ack is sent again after the first pause.",
        why: "Without the pause a server that is slow for a moment gets everything twice.",
        needs: &[Need::Answers, Need::Keys],
        quick: false,
        script: "people: ann, bob
                 ann withhold-acks for 5500ms
                 ann burst 3",
        ..Probe::DEFAULT
    },
    Probe {
        name: "every-retry",
        says: "A send that is never acked is tried as often as the contract says, after longer and longer pauses.",
        why: "The whole ladder, and its end: then the user is told.",
        needs: &[Need::Answers, Need::Keys],
        quick: false,
        script: "people: ann, bob
                 ann withhold-acks for 28s
                 ann send a",
        ..Probe::DEFAULT
    },
    Probe {
        name: "definite-no",
        says: "What the server refused is not sent again.",
        why: "No retry makes a text shorter.",
        needs: &[Need::Answers, Need::TextLimit],
        script: "people: ann, bob
                 ann send a as overlong => refused
                 pause 1500ms
                 ann send b",
        ..Probe::DEFAULT
    },
    Probe {
        name: "lost-connection",
        says: "A lost connection is opened again after the first pause.",
        why: "Who comes back at once, with everybody else, brings down what has just come up.",
        script: "people: ann, bob, cat
                 bob cut rst for 100ms | cat cut fin for 100ms
                 until bob is ready
                 until cat is ready
                 bob send a | cat send b",
        ..Probe::DEFAULT
    },
    Probe {
        name: "success-in-between",
        says: "After each success the pauses start over: a connection that keeps dying is opened after the first pause each time.",
        why: "A client that never starts over is away for half a minute after a bad day.",
        quick: false,
        script: "people: ann, bob
                 bob cut rst for 100ms
                 until bob is ready
                 bob cut rst for 100ms
                 until bob is ready
                 bob cut fin for 100ms
                 until bob is ready
                 bob send a",
        ..Probe::DEFAULT
    },
    Probe {
        name: "queue-kept",
        says: "What waits when a connection dies goes out with the next one, in order and without a further pause.",
        why: "A queue that is lost with the connection, or that pauses for each of its messages.",
        needs: &[Need::Answers, Need::Keys],
        script: "people: ann, bob
                 bob cut-after-send for 900ms
                 bob burst 4
                 until bob is ready
                 bob send a",
        ..Probe::DEFAULT
    },
    Probe {
        name: "server-restart",
        says: "When the server goes down, its clients wait before they knock again.",
        why: "All clients of a server lose it in the same moment.",
        needs: &[Need::OwnServer],
        script: "people: ann, bob, cat
                 server restart
                 until ann is ready
                 until bob is ready
                 until cat is ready
                 ann send a",
        ..Probe::DEFAULT
    },
    Probe {
        name: "refused-connections",
        says: "While connections are refused, the pauses between the attempts grow as the contract says.",
        why: "A server that comes up is met by everybody at once, unless they have spread out.",
        quick: false,
        script: "people: ann, bob
                 bob refuse for 9s | bob cut rst for 100ms
                 until bob is error
                 until bob is ready
                 bob send a",
        ..Probe::DEFAULT
    },
    Probe {
        name: "server-away",
        says: "While the server is down, everybody tries again after longer and longer pauses, and gets in when it is back.",
        why: "A release that takes some seconds is the most common outage there is.",
        needs: &[Need::OwnServer],
        quick: false,
        script: "people: ann, bob, cat
                 server restart for 4s
                 until ann is ready
                 until bob is ready
                 until cat is ready
                 ann send a | bob send b",
        ..Probe::DEFAULT
    },
    Probe {
        name: "no-way-out",
        says: "A request that never leaves is tried as one that was not answered.",
        why: "To the client, an ack that is lost and a message that is lost look alike.",
        needs: &[Need::Answers, Need::Keys],
        quick: false,
        script: "people: ann, bob
                 ann drop send out for 5500ms
                 ann burst 2
                 bob send a",
        ..Probe::DEFAULT
    },
];
