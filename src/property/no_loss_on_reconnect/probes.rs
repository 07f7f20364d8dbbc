//! What makes a gap: people who are away in every way, and what others say meanwhile.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "one-away",
        says: "Who was away for a moment has everything that was sent meanwhile.",
        why: "The plainest gap there is: a sync that begins too late, or ends too early.",
        needs: &[Need::Sync],
        script: "people: ann, bob, cat
                 ann send a
                 until bob sees a
                 bob cut rst for 500ms
                 ann send b
                 cat send c
                 ann send d
                 until bob is ready",
        catches: &["sync-since-connect", "sync-last-row"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "half-away",
        says: "When half of the people are away, each of them has everything when they are back.",
        why: "Many syncs at once, while the others go on talking.",
        needs: &[Need::Sync],
        script: "people: ann, bob, cat, dan, eva, fay
                 ann send a
                 rest
                 bob cut rst for 300ms | dan cut fin for 400ms | fay cut close-frame for 500ms
                 ann burst 3 | cat burst 3 | eva burst 3
                 until bob is ready
                 until dan is ready
                 until fay is ready
                 bob send b | dan send c | fay send d",
        catches: &["sync-since-connect", "sync-last-row", "sync-capped"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "many-missed",
        says: "Who missed a dozen messages has all of them after the sync.",
        why: "Queues for people who are away are short; a history with a default limit is, too.",
        needs: &[Need::Sync],
        script: "people: ann, bob, cat
                 ann send a
                 until bob sees a
                 bob cut rst for 300ms
                 ann burst 7 | cat burst 7
                 until bob is ready",
        catches: &["sync-capped"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "more-than-a-page",
        says: "Who missed more messages than a page holds has all of them after the sync.",
        why: "The second page is the one that nobody tries: it is empty, or begins in the wrong place.",
        needs: &[Need::Sync],
        script: "people: bob, ann, cat, dan, eva, fay, gus, hal, ida, jim, kay, lea
                 ann send a
                 until bob sees a
                 bob disconnect
                 ann burst 9 | cat burst 10 | dan burst 10 | eva burst 10 | fay burst 10 | gus burst 10
                 pause 300ms
                 hal burst 10 | ida burst 10 | jim burst 10 | kay burst 10 | lea burst 10
                 bob connect
                 until bob is ready",
        catches: &["sync-page-lost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "short-absences",
        says: "Who is cut off again and again misses nothing of what was sent right after each cut.",
        why: "A start that is rounded to whole seconds skips what was sent in the second of the last message.",
        needs: &[Need::Sync],
        script: "people: ann, bob
                 ann send a
                 until bob sees a
                 bob cut rst for 100ms
                 ann send b
                 until bob is ready
                 pause 350ms
                 ann send c
                 until bob sees c
                 bob cut rst for 100ms
                 ann send d
                 until bob is ready",
        catches: &["sync-rounds-up"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "same-time-as-the-last-seen",
        says: "Of messages with one time, a client that saw some before the cut gets the others after it.",
        why: "A sync that begins after the time of the last message seen skips all that share it.",
        needs: &[Need::Sync],
        copies: 2,
        script: "people: ann, bob, cat, dan
                 bob cut rst on-message for 1s
                 ann burst 5 | cat burst 5 | dan burst 5
                 until bob is ready
                 pause 120ms
                 bob cut rst on-message for 1s
                 ann burst 3 | cat burst 3 | dan burst 3
                 until bob is ready",
        catches: &["sync-exclusive", "sync-rounds-up"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "cut-by-a-message",
        says: "Who is cut off by the message just read has all that followed it.",
        why: "The position of the last message is the only thing that tells the server where to go on.",
        needs: &[Need::Sync],
        script: "people: ann, bob, cat
                 bob cut half-frame on-message for 1s
                 ann send a | cat send b
                 ann send c
                 cat send d
                 until bob is ready
                 ann send e",
        catches: &["sync-last-row"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stored-during-the-sync",
        says: "What is sent while a client comes back is neither missed nor lost between sync and live.",
        why: "Between the rows of a sync and the first push there is a gap, unless the room is joined first.",
        needs: &[Need::Sync],
        copies: 3,
        script: "people: ann, bob, cat, dan
                 ann send a
                 until bob sees a
                 bob cut rst for 200ms
                 cat burst 3
                 until bob is connected
                 start ann burst 5
                 start cat burst 5
                 start dan burst 5
                 until bob is ready
                 rest
                 bob cut rst for 100ms
                 until bob is ready",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "join-on-its-way",
        says: "Who has come back and synced misses nothing, though its join is still on its way.",
        why: "A join that nobody answers goes over the socket, the sync over HTTP: what is said after \
              the one and before the other is in neither.",
        needs: &[Need::Sync, Need::Join],
        script: "people: ann, bob, cat
                 ann send a
                 until bob sees a
                 bob delay join 2s out
                 bob cut rst for 200ms
                 ann send b
                 until bob is connected
                 pause 600ms
                 ann send c
                 cat send d
                 until bob is ready
                 cat send e",
        catches: &["join-gap"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "live-after-the-return",
        says: "Who is back hears what is said from then on.",
        why: "Rooms belong to connections: who is not put into them again sees a quiet chat.",
        needs: &[Need::Sync],
        script: "people: ann, bob
                 bob cut rst for 200ms
                 ann send a
                 until bob is ready
                 ann send b
                 ann send c",
        catches: &["no-rejoin"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "lively-room",
        says: "In a lively room everybody who stays gets everything, and who was away gets the rest.",
        why: "One delivery in many that is left out shows only where there are many.",
        needs: &[Need::Sync],
        copies: 2,
        script: "people: ann, bob, cat, dan, eva
                 ann send a
                 rest
                 eva cut fin for 200ms
                 ann burst 8 | bob burst 8 | cat burst 8 | dan burst 8
                 until eva is ready",
        catches: &["receiver-skipped", "poll-edge-lost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-of-two-devices-away",
        says: "A device that was away gets what the person's other device saw live.",
        why: "A server that counts deliveries per person believes that this one has them.",
        needs: &[Need::Sync],
        script: "people: ann, bob x2
                 ann send a
                 until bob.2 sees a
                 bob.2 cut rst for 300ms
                 ann send b
                 bob.1 send c
                 ann send d
                 until bob.2 is ready",
        catches: &["sync-last-row"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "both-devices-away",
        says: "Each device of a person gets what was missed, whichever comes back first.",
        why: "What waits for a person is handed to the first device and deleted; the second finds nothing.",
        needs: &[Need::Sync],
        script: "people: ann, bob x2
                 ann send a
                 rest
                 bob.1 cut rst for 200ms | bob.2 cut rst for 1200ms
                 ann burst 4
                 until bob.1 is ready
                 ann send b
                 until bob.2 is ready",
        catches: &["sync-once"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "across-a-restart",
        says: "Who was away while the server was started anew has what was sent before and after.",
        why: "Queues in memory end with the process; a store does not.",
        needs: &[Need::Sync, Need::OwnServer],
        script: "people: ann, bob, cat
                 ann send a
                 until bob sees a
                 bob disconnect
                 ann burst 3
                 server restart
                 until ann is ready
                 until cat is ready
                 cat burst 3
                 bob connect
                 until bob is ready",
        catches: &["sync-last-row"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "queue-and-sync",
        says: "Who comes back with messages to send gets what was missed, once, and its own are stored.",
        why: "Two queues meet: what goes out and what comes in, and each may be drained twice.",
        needs: &[Need::Sync],
        script: "people: ann, bob, cat
                 ann send a
                 until bob sees a
                 bob disconnect
                 start bob burst 4
                 ann burst 4 | cat burst 4
                 bob connect
                 until bob is ready
                 ann send b",
        catches: &["sync-doubles"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "flapping",
        says: "A client whose connection dies again before its sync is over misses nothing in the end.",
        why: "What came in live before the sync was complete must not move the place where the next one begins.",
        needs: &[Need::Sync],
        quick: false,
        script: "people: ann, bob, cat
                 ann send a
                 until bob sees a
                 bob cut rst for 100ms
                 start ann burst 3
                 until bob is connected
                 bob cut rst for 100ms
                 start cat burst 3
                 until bob is connected
                 bob cut fin on-message for 1s
                 ann burst 3
                 until bob is ready
                 cat send b",
        catches: &["sync-since-connect"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "skewed-clock",
        says: "A client whose clock is wrong by minutes misses nothing.",
        why: "A sync that begins at the client's own time skips as much as its clock is fast.",
        needs: &[Need::Sync],
        script: "people: ann, bob skewed 300s, cat skewed -300s
                 ann send a
                 rest
                 bob cut rst for 200ms | cat cut rst for 200ms
                 ann burst 3
                 until bob is ready
                 until cat is ready
                 bob send b | cat send c",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "half-open",
        says: "Who was cut off without a word, and noticed late, has everything that was sent meanwhile.",
        why: "The server believes that it delivered: what it wrote into the dead connection is gone.",
        needs: &[Need::Sync],
        quick: false,
        script: "people: ann, bob, cat
                 ann send a
                 until bob sees a
                 bob half-open
                 ann burst 3 | cat burst 3
                 pause heartbeat
                 ann send b
                 bob heal
                 until bob is ready
                 cat send c",
        catches: &["sync-since-connect"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "server-away",
        says: "What was acked before and after the server was away is there for all who come back.",
        why: "Everybody is away at once, and everybody syncs at once.",
        needs: &[Need::Sync, Need::OwnServer],
        quick: false,
        script: "people: ann, bob, cat
                 ann send a | bob send b
                 rest
                 bob disconnect
                 ann burst 3
                 server kill for 1s
                 until ann is ready
                 until cat is ready
                 ann send c | cat send d
                 bob connect
                 until bob is ready",
        catches: &["sync-since-connect"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "created-while-away",
        says: "Who was away when a conversation was made is in it when they are back, with all that was said.",
        why: "A list of conversations that is read once at the login has no place for a new one.",
        needs: &[Need::Sync],
        script: "people: ann, bob, cat
                 room talk: ann, bob, cat
                 ann send a
                 rest
                 bob disconnect
                 ann create side with bob, cat
                 ann send b in side
                 cat send c in side
                 ann send d
                 bob connect
                 until bob is ready
                 ann send e in side",
        catches: &["sync-first-empty"],
        ..Probe::DEFAULT
    },
];
