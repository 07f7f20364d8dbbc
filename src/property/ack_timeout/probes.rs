//! What makes answers late, lost or too many.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "under-burst",
        says: "Of many sends at once, each is answered in time.",
        why: "Under load answers are the first to be dropped: the message is there, and nobody says so.",
        needs: &[Need::Answers],
        script: "people: ann, bob, cat, dan
                 ann burst 10 | bob burst 10 | cat burst 10 | dan burst 10",
        catches: &["ack-late", "ack-lost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "several-in-flight",
        says: "Several sends of one client that wait at the same time are answered once each.",
        why: "Answers are matched by number or by key; what is matched by order alone is soon one off.",
        needs: &[Need::Answers],
        copies: 3,
        script: "people: ann, bob
                 ann burst 10
                 pause 1100ms
                 ann burst 5 | bob burst 10",
        catches: &["ack-twice", "ack-lost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "repetition",
        says: "A send under a key that the server knows already is answered like the first.",
        why: "A repetition has nothing to store, and is forgotten; the client sends again until it gives up.",
        needs: &[Need::Answers, Need::Keys],
        script: "people: ann, bob
                 ann send a
                 ann send a
                 ann send a",
        catches: &["ack-silent-repeat"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-key-on-two-devices",
        says: "Two devices that send under one key at the same moment are both answered.",
        why: "Who waits for an answer is kept by key, and the second takes the first one's place.",
        needs: &[Need::Answers, Need::Keys],
        copies: 3,
        script: "people: ann x2, bob
                 ann.1 send a | ann.2 send a
                 ann.1 send b | ann.2 send b",
        catches: &["ack-by-key", "ack-silent-repeat"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "anothers-key",
        says: "Two people who use the same key at the same moment are answered each for their own.",
        why: "An answer for another's key is no answer.",
        needs: &[Need::Answers, Need::Keys],
        script: "people: ann, bob, cat
                 ann send a
                 ann send b | bob send c with key of a | cat send d with key of a",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "refusal",
        says: "A send that is refused is answered with the error, not with silence.",
        why: "Errors end in a log; the client waits, and sends what cannot be accepted again and again.",
        needs: &[Need::Answers, Need::TextLimit],
        script: "people: ann, bob
                 ann send a
                 ann send b as overlong
                 bob send c as overlong
                 ann send d",
        catches: &["ack-silent-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "queued",
        says: "What was asked while a client was offline is answered once it is back.",
        why: "A queue is a burst on a connection that is a moment old.",
        needs: &[Need::Answers],
        script: "people: ann, bob
                 bob disconnect
                 start bob burst 8
                 ann burst 3
                 bob connect
                 until bob is ready",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "withheld",
        says: "Where acks are lost on the way, the next attempt is answered in time, with the first id.",
        why: "The retry of what is stored is the repetition that really happens.",
        needs: &[Need::Answers, Need::Keys],
        quick: false,
        script: "people: ann, bob
                 ann withhold-acks for 5500ms
                 ann burst 3
                 ann send a",
        catches: &["ack-silent-repeat"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "just-in-time",
        says: "Acks that come a tenth of a second before the timeout count, and nothing is sent again.",
        why: "At the edge, the timer and the answer race; a client that takes the one for the other sends twice.",
        needs: &[Need::Answers, Need::Keys],
        quick: false,
        script: "people: ann, bob
                 ann delay acks 4900ms in for 6s
                 ann burst 2
                 ann send a",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "just-too-late",
        says: "Acks that cross the retry are answers to the first attempt; the retry is answered as well.",
        why: "The late ack settles the message, and the second answer must not be taken for another's.",
        needs: &[Need::Answers, Need::Keys],
        quick: false,
        script: "people: ann, bob
                 ann delay acks 5100ms in for 6s
                 ann burst 2
                 pause 2s
                 ann send a",
        catches: &["ack-silent-repeat"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "sent-twice-on-the-way",
        says: "A send that the network doubles is answered for each of its two arrivals.",
        why: "A proxy that retries makes two of one, and the client knows of one only.",
        needs: &[Need::Answers, Need::Keys],
        script: "people: ann, bob
                 ann duplicate send out for 1s
                 ann burst 4
                 bob send a",
        catches: &["ack-silent-repeat"],
        ..Probe::DEFAULT
    },
];
