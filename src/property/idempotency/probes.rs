//! What provokes doubles, and what provokes too much zeal against them.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "twice-in-a-row",
        says: "A message that is sent again after its ack is answered with the first id, and is not stored again.",
        why: "The simplest repetition: a retry whose ack crossed it, or a second tap on `send`.",
        script: "people: ann, bob
                 ann send a
                 ann send a
                 bob send b
                 bob send b",
        catches: &[
            "dedup-off",
            "dedup-error",
            "dedup-fresh-id",
            "dedup-pushed-again",
            "poll-repeats",
        ],
        ..Probe::DEFAULT
    },
    Probe {
        name: "at-once-on-one-socket",
        says: "Two sends with one key, the second right behind the first, make one message, and both acks name it.",
        why: "Where the key is looked up first and inserted later, both find nothing.",
        copies: 3,
        script: "people: ann, bob
                 ann send a | ann send a
                 bob send b | bob send b | bob send b",
        catches: &["dedup-race", "dedup-race-error", "dedup-off"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "at-once-on-two-devices",
        says: "One message that two devices of a person send at the same moment is stored once, and both have its id.",
        why: "Two connections are often two handlers, two threads, or two servers: only the store can tell.",
        copies: 3,
        needs: &[Need::SharedKeys],
        script: "people: ann x2, bob
                 ann.1 send a | ann.2 send a
                 ann.2 send b | ann.1 send b",
        catches: &["dedup-per-connection", "dedup-race", "dedup-race-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "at-once-on-three-devices",
        says: "One message from three devices at the same moment is stored once, and all three have its id.",
        why: "A guard that lets the second wait for the first may let the third pass.",
        copies: 3,
        needs: &[Need::SharedKeys],
        script: "people: ann x3, bob
                 ann send a
                 ann send b",
        catches: &["dedup-race", "dedup-race-error", "dedup-per-connection"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "while-under-way",
        says: "A repetition that comes while the first send is being stored makes no second message.",
        why: "The window between look and insert is hit by a repetition a few milliseconds later, too.",
        copies: 2,
        needs: &[Need::SharedKeys],
        script: "people: ann x2, bob
                 start ann.1 send a
                 pause 5ms
                 start ann.2 send a
                 pause 20ms
                 start ann.1 send a
                 pause 40ms
                 ann.2 send a
                 rest",
        catches: &["dedup-race", "dedup-race-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "cut-right-after-the-send",
        says: "A send whose connection dies at once, and which is repeated after the reconnect, makes one message at most.",
        why: "The sender cannot know whether the first attempt arrived: the key has to.",
        copies: 2,
        script: "people: ann, bob
                 ann cut-after-send for 300ms
                 ann send a
                 bob cut-after-send for 300ms
                 bob send b",
        catches: &["dedup-per-connection", "dedup-off"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "cut-before-the-ack",
        says: "A message that was stored, but whose ack was lost with the connection, is not stored again by the retry.",
        why: "Everybody has seen the message, and its sender has to send it again: here doubles are born.",
        script: "people: ann, bob
                 ann withhold-acks
                 start ann send a
                 until bob sees a
                 ann cut rst
                 ann heal
                 until ann is ready
                 rest",
        catches: &["dedup-per-connection", "dedup-off"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "a-moment-later",
        says: "A repetition after a second and a half makes no second message.",
        why: "Guards against double clicks often hold for less than a second.",
        script: "people: ann, bob
                 ann send a
                 pause 1500ms
                 ann send a",
        catches: &["dedup-ttl"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "ack-withheld",
        says: "A retry after the ack timeout finds the message stored, and has its first id.",
        why: "Seconds lie between the attempts: keys in a short-lived cache are gone by then.",
        quick: false,
        needs: &[Need::Answers],
        script: "people: ann, bob
                 ann withhold-acks for 1s
                 ann send a",
        catches: &["dedup-ttl", "dedup-error", "dedup-fresh-id", "dedup-off"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "long-after",
        says: "A repetition after twelve seconds, on another device, makes no second message.",
        why: "The contract's last retry comes that late, and a phone that slept sends even later.",
        quick: false,
        needs: &[Need::SharedKeys],
        script: "people: ann x2, bob
                 ann.1 send a
                 pause 12s
                 ann.2 send a",
        catches: &["dedup-ttl", "dedup-per-connection"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "from-the-queue",
        says: "A message that waited on a device without connection, while another device sent it, is not sent twice.",
        why: "Queues are drained right after a reconnect, when a server knows least of the connection.",
        needs: &[Need::SharedKeys],
        script: "people: ann x2, bob
                 ann.2 disconnect
                 start ann.2 send a
                 ann.1 send a
                 ann.2 connect
                 rest",
        catches: &["dedup-per-connection", "dedup-off"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "queue-for-the-absent",
        says: "What waited for somebody who was away comes once when they are back.",
        why: "A queue that is emptied after it was sent, and not before, is sent again by the second connection.",
        script: "people: ann, bob x2, cid
                 ann send a
                 until bob.1 sees a
                 until bob.2 sees a
                 bob disconnect
                 ann burst 3
                 cid burst 3
                 bob.1 connect
                 until bob.1 is ready
                 bob.2 connect
                 until bob.2 is ready
                 ann send b
                 ann send b
                 rest",
        catches: &["queue-twice"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-a-restart",
        says: "A message that is sent again after the server was restarted is known, and answered with its first id.",
        why: "Keys that live in the memory of the process die with it.",
        needs: &[Need::OwnServer],
        script: "people: ann, bob
                 ann send a
                 bob send b
                 server restart
                 ann send a
                 bob send b",
        catches: &["dedup-restart"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-a-kill",
        says: "A message that was seen before the server was killed is not stored again by the retry.",
        why: "A kill leaves no time to save what memory knows, and the first ack may never have left.",
        needs: &[Need::OwnServer],
        script: "people: ann, bob
                 ann withhold-acks
                 start ann send a
                 until bob sees a
                 ann heal
                 server kill
                 ann send a
                 rest",
        catches: &["dedup-restart"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "same-key-other-text",
        says: "A second text under a used key makes no message: the ack names the first, and its text stays.",
        why: "A client that reuses a key by mistake must not rewrite what everybody has read.",
        needs: &[Need::Keys],
        script: "people: ann, bob
                 ann send a
                 ann send b with key of a
                 bob send c | bob send d with key of c",
        catches: &["dedup-overwrites", "dedup-off"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "same-key-of-another-member",
        says: "The same key from two members of a conversation makes one message of each, where a key is its sender's own.",
        why: "A key that is unique over everybody swallows the second message, and answers with the first one's id.",
        needs: &[Need::Keys],
        script: "people: ann, bob, cat
                 ann send a
                 bob send b with key of a
                 cat send c | ann send d with key of c",
        catches: &["dedup-global"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "same-key-of-a-stranger",
        says: "Somebody in another conversation who uses the same key neither loses a message nor learns of ours.",
        why: "The id in the ack would tell a stranger of a message that is none of their business.",
        needs: &[Need::Keys],
        script: "people: ann, bob, eve, fay
                 room ours: ann, bob
                 room theirs: eve, fay
                 ann send a in ours
                 eve send b in theirs with key of a
                 eve send c in theirs
                 ann send d in ours with key of c",
        catches: &["dedup-global"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "key-of-another-refuses-nothing",
        says: "A message is not refused because somebody in another conversation has used its key.",
        why: "A unique index over the keys of all people refuses the second, as if it were a repetition.",
        needs: &[Need::Keys],
        script: "people: ann, bob, eve, fay
                 room ours: ann, bob
                 room theirs: eve, fay
                 ann send a in ours
                 eve send b in theirs with key of a
                 eve send b in theirs
                 eve send c in theirs",
        catches: &["dedup-global-refuses", "dedup-global"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "same-key-in-another-conversation",
        says: "The same key of the same person in another conversation means what the documents say: the same message, or another one.",
        why: "Where a key is unique per person, a second conversation must not make a second message of it.",
        needs: &[Need::Keys],
        script: "people: ann, bob, cat
                 room one: ann, bob
                 room two: ann, cat
                 ann send a in one
                 ann send b in two with key of a
                 ann send c in two",
        catches: &["dedup-by-room"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "equal-texts",
        says: "Two equal texts under two keys are two messages.",
        why: "People say `ok` twice. A server that tells repetitions by their text loses the second.",
        needs: &[Need::Keys],
        script: "people: ann, bob
                 ann send a
                 ann send b with text of a
                 bob send c | bob send d with text of c",
        catches: &["dedup-by-content"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "retry-of-a-refused",
        says: "A refused send leaves its key free: sent again it is refused again, and a better text under the key is stored.",
        why: "A key that is noted before the text is checked blocks the corrected message.",
        needs: &[Need::Keys, Need::TextLimit],
        script: "people: ann, bob
                 ann send a as overlong => refused
                 ann send a as overlong => refused
                 ann send b with key of a
                 ann send b",
        catches: &["dedup-burns-key"],
        ..Probe::DEFAULT
    },
];
