//! What provokes disorder: messages close together, from several sides, and people coming back.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "answer-after-ack",
        says: "What is sent after another message was acked stands after it.",
        why: "An answer above its question: clocks of two machines, or a time that is read too early.",
        copies: 2,
        script: "people: ann, bob, cat
                 ann send a
                 bob send b
                 cat send c
                 bob send d
                 ann send e
                 cat send f
                 ann send g
                 bob send h",
        catches: &["clock-skew", "clock-jitter"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "burst-of-one",
        says: "What one client sends without waiting stays in the order in which it was sent.",
        why: "Handlers that wait for something give up the order in which events arrived.",
        copies: 2,
        script: "people: ann, bob, cat
                 ann burst 8
                 bob burst 8",
        catches: &["sends-overtaken", "pushes-overtaken"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "bursts-of-all",
        says: "When everybody talks at once, all see one sequence, live and in history.",
        why: "Concurrency is where an order that only seems to be one falls apart.",
        copies: 2,
        script: "people: ann, bob, cat, dan
                 ann burst 6 | bob burst 6 | cat burst 6 | dan burst 6
                 rest",
        catches: &["pushes-overtaken", "history-order", "number-twice"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "ties",
        says: "Messages of the same millisecond have one sequence, the same live and in history.",
        why: "A time alone does not order them: where it ties, each query may answer differently.",
        copies: 2,
        script: "people: ann, bob, cat, dan
                 ann send a | bob send b | cat send c | dan send d
                 ann send e | bob send f | cat send g | dan send h
                 pause 600ms
                 ann send i | bob send j | cat send k | dan send l",
        catches: &["tie-break", "number-twice"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "two-devices-of-one-sender",
        says: "What two devices of one person send at the same time has one sequence, the same on both.",
        why: "Each device shows its own messages before the server has placed them.",
        copies: 2,
        script: "people: ann x2, bob
                 ann.1 burst 4 | ann.2 burst 4
                 ann.1 send a
                 ann.2 send b",
        catches: &["stamp-per-receiver"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "same-for-everybody",
        says: "Each message has one place, whoever looks.",
        why: "A time that is taken once for each receiver orders the talk differently for each.",
        script: "people: ann, bob, cat, dan
                 ann send a
                 bob send b
                 cat send c | dan send d
                 rest
                 bob history
                 cat history",
        catches: &["stamp-per-receiver"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "history-agrees-with-live",
        says: "A message stands in history where it stood when it was pushed.",
        why: "What is pushed is often made before the store has given the message its place.",
        script: "people: ann, bob
                 ann burst 4
                 bob burst 4
                 rest
                 ann history | bob history
                 ann burst 3 | bob history
                 ann history",
        catches: &["stamp-live", "history-order"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "late-joiner",
        says: "Who was away during the whole talk reads it in the sequence in which the others saw it.",
        why: "A history is another query than what was pushed, often with another sort.",
        script: "people: ann, bob, cat offline
                 ann burst 5 | bob burst 5
                 ann send a
                 bob send b
                 cat connect
                 cat history
                 ann burst 3 | cat send c
                 cat history",
        catches: &["history-order", "tie-break"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "racing-a-sync",
        says: "What is sent while somebody reconnects and syncs has the same place for them as for all others.",
        why: "The same message may come by the sync and by a push, and others between the two.",
        script: "people: ann, bob, cat
                 ann burst 3
                 bob cut rst for 100ms
                 ann burst 3 | cat burst 3
                 pause 850ms
                 start cat burst 5
                 pause 100ms
                 start ann burst 3
                 until bob is ready
                 ann send a
                 bob send b
                 rest",
        catches: &["stamp-per-receiver"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "queue-drained-amid-live",
        says: "A queue that is sent after a reconnect, while others talk, keeps its order and finds its place.",
        why: "Stored order, not the time at which it was written, decides; and the queue must not be shuffled.",
        script: "people: ann, bob
                 bob disconnect
                 start bob burst 6
                 ann burst 3
                 bob connect | ann burst 4
                 rest
                 ann send a
                 bob send b",
        catches: &["sends-overtaken"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "queue-for-the-absent",
        says: "What waited for somebody who was away comes in order when they are back.",
        why: "A queue that is a list with two ends is drained from the end at which it was filled.",
        script: "people: ann, bob, cid
                 ann send a
                 until bob sees a
                 bob disconnect
                 ann burst 4
                 cid burst 4
                 bob connect
                 until bob is ready
                 ann send b
                 until bob sees b
                 rest",
        catches: &["queue-backwards"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "queue-for-the-absent-amid-live",
        says: "What waited for somebody who was away comes before what is sent after they are back.",
        why: "From the moment of the connection live messages arrive; the queue is read from a store meanwhile.",
        script: "people: ann, bob, cid
                 ann send a
                 until bob sees a
                 bob disconnect
                 ann burst 4 | cid burst 4
                 start ann burst 40 every 40ms
                 bob connect
                 rest
                 cid send b
                 until bob sees b
                 rest",
        catches: &["queue-late"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "numbers",
        says: "Where messages are numbered, the numbers have no gap and no repetition, also when sends are repeated.",
        why: "A number that is taken before it is clear that a message comes of it leaves a hole that clients wait for.",
        needs: &[Need::Numbers],
        copies: 2,
        script: "people: ann x2, bob, cat
                 ann.1 send a | ann.2 send a
                 bob send b
                 bob send b
                 ann.1 burst 5 | bob burst 5 | cat burst 5
                 cat send c
                 ann.1 send d | bob send e | cat send f",
        catches: &["number-gap", "number-twice"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "across-a-restart",
        says: "What is sent after the server was restarted stands after what was sent before.",
        why: "A counter in memory begins anew, and a clock may be set.",
        needs: &[Need::OwnServer],
        script: "people: ann, bob
                 ann burst 4
                 bob send a
                 server restart
                 bob send b
                 ann burst 4
                 rest",
        catches: &["numbers-restart"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "more-than-a-page",
        says: "A history of several pages is one sequence, over the pages' edges as well.",
        why: "Each page is a query of its own, and may be sorted, cut or turned round by itself.",
        script: "people: ann, bob, cat, dan, eli, fay, gus, hal, ida, jon, kim, leo
                 ann burst 9 | bob burst 9 | cat burst 9 | dan burst 9 | eli burst 9 | fay burst 9
                 gus burst 9 | hal burst 9 | ida burst 9 | jon burst 9 | kim burst 9 | leo burst 9
                 rest
                 ann history",
        catches: &["history-page-reversed", "history-order"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "a-writer-stands-still",
        says: "What a node was saying when it stood still is said in its place, or not at all, when it goes on.",
        why: "A lock with a time limit is lost by whoever is slower than the limit, and the loser does not \
              know it: it goes on beside the next one.",
        quick: false,
        copies: 2,
        script: "people: ann on 1, bob on 2, cat on 1, dan on 2
                 ann send a
                 start bob send b
                 start bob burst 30 every 40ms
                 until cat sees b
                 server node 2 stop
                 ann send c
                 ann send d
                 pause 1s
                 server heal
                 rest
                 bob send e",
        catches: &[],
        ..Probe::DEFAULT
    },
];
