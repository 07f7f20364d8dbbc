//! The cases of `typing-timeout`. (Tests of the judge stand in the property's file.)

use crate::property::Probe;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "last-key",
        says: "Two seconds after the last key nobody is shown that somebody types.",
        why: "The plain case; with two watchers, since a server may tell only one of them.",
        script: "
            people: ann, bob, dan
            ann type
            pause 300ms
            ann type
            pause 400ms
            ann type
            pause 2900ms
        ",
        catches: &["typing-stop-lost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "ends-with-the-message",
        says: "With the message its typing indicator goes, for every watcher.",
        why: "The stop leaves right before the message, and a server that batches typing events \
              may drop it as overtaken.",
        script: "
            people: ann, bob, dan
            ann type
            pause 400ms
            ann send a
            pause 1000ms
        ",
        catches: &["typing-stop-swallowed"],
        copies: 2,
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-key-and-sent",
        says: "A message sent right after the first key leaves no indicator behind.",
        why: "Start and stop are milliseconds apart: handled by two tasks, they overtake each other.",
        script: "
            people: ann, bob
            ann type
            ann send a
            pause 300ms
            ann type
            ann send b
            pause 1200ms
        ",
        copies: 4,
        catches: &["typing-start-late"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "typist-is-reset",
        says: "A typist whose connection is reset types no more.",
        why: "Nobody is left to say stop, so the server has to.",
        script: "
            people: ann, bob
            ann type
            pause 200ms
            ann cut rst for 1s
            pause 1200ms
        ",
        catches: &["typing-survives-loss"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "typist-is-closed",
        says: "A typist whose connection is closed without a word types no more.",
        why: "A FIN without a close frame is what a killed app leaves behind.",
        script: "
            people: ann, bob
            ann type
            pause 200ms
            ann cut fin for 1s
            pause 1200ms
        ",
        catches: &["typing-survives-loss"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "typist-leaves",
        says: "A typist who goes offline politely types no more.",
        why: "The goodbye has its own handler in many servers, and this one is forgotten there.",
        script: "
            people: ann, bob
            ann type
            pause 200ms
            ann disconnect
            pause 1200ms
        ",
        catches: &["typing-survives-loss"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "half-a-frame",
        says: "A typist who vanishes in the middle of a frame types no more.",
        why: "The rest of the frame never comes, and a parser may wait for it.",
        script: "
            people: ann, bob
            ann type
            pause 200ms
            ann cut half-frame for 1s
            pause 1200ms
        ",
        catches: &["typing-survives-loss"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "silent-typist",
        says: "A typist whose connection hangs for a while is not shown for longer than it hangs.",
        why: "The client's stop is held up; a server with an expiry of its own ends it before.",
        script: "
            people: ann, bob
            ann type
            pause 200ms
            ann silence for 2500ms
            pause 3600ms
        ",
        quick: false,
        ..Probe::DEFAULT
    },
    Probe {
        name: "two-devices",
        says: "Of a typist's two devices one stops and the other goes on: it ends with the last.",
        why: "A server that counts devices, or remembers one of them, loses the end.",
        script: "
            people: ann x2, bob
            ann.1 type
            pause 200ms
            ann.2 type
            pause 100ms
            ann.1 send a
            pause 700ms
            ann.2 type
            pause 2900ms
        ",
        catches: &["typing-device-forgotten"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-device-is-lost",
        says: "Of a typist's two devices one is cut off while both type: it ends with the other.",
        why: "The loss of one device must neither keep the indicator nor forget the other.",
        script: "
            people: ann x2, bob
            ann.1 type | ann.2 type
            pause 200ms
            ann.1 cut rst for 1s
            pause 3000ms
        ",
        catches: &["typing-device-forgotten"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "two-conversations",
        says: "Who types in two conversations stops in both, each for its own watchers.",
        why: "A server that remembers one conversation per typist tells the wrong room.",
        script: "
            people: ann, bob, dan
            room one: ann, bob
            room two: ann, dan
            ann type in one
            pause 300ms
            ann type in two
            pause 300ms
            ann send a in two
            pause 2600ms
        ",
        catches: &["typing-stop-wrong-room"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "own-typing",
        says: "The author is not shown the own typing.",
        why: "A push to the room instead of to the others in it.",
        script: "
            people: ann, bob
            ann type
            pause 200ms
            ann send a
            rest
        ",
        catches: &["typing-echo"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "strangers-see-nothing",
        says: "Nobody outside the conversation learns that somebody types.",
        why: "An event that names only the user is easily sent to everybody.",
        script: "
            people: ann, bob, eve stranger
            ann type
            pause 200ms
            ann send a
            rest
            ann type
            pause 400ms
        ",
        catches: &["typing-to-all"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "keys-in-a-burst",
        says: "Keys, messages and keys again within the batching window end as they should.",
        why: "Events that are batched can be merged into the wrong one.",
        script: "
            people: ann, bob
            ann type
            ann type
            ann send a
            ann type
            ann type
            pause 60ms
            ann type
            ann send b
            ann type
            pause 2900ms
        ",
        copies: 2,
        ..Probe::DEFAULT
    },
    Probe {
        name: "everybody-types",
        says: "Who types at the same time as others stops for everybody, each by themselves.",
        why: "One flag per conversation is not enough when several type.",
        script: "
            people: ann, bob, dan, fay
            ann type | bob type | dan type | fay type
            pause 300ms
            ann send a | bob send b
            pause 600ms
            dan type | fay type
            pause 2900ms
        ",
        catches: &["typing-stop-lost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "long-text",
        says: "Who types for long is shown no longer than the server's own expiry after the start, \
               or the contract's time after the last key.",
        why: "An expiry that is documented must work, and must not wait for the client.",
        script: "
            people: ann, bob
            ann type
            pause 900ms
            ann type
            pause 900ms
            ann type
            pause 900ms
            ann type
            pause 900ms
            ann type
            pause 2900ms
        ",
        quick: false,
        catches: &["typing-never-expires"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "watcher-comes-back",
        says: "A watcher who was away when the typing ended is not shown it after coming back.",
        why: "A server that replays who types may replay what is over.",
        script: "
            people: ann, bob, dan
            ann type
            pause 200ms
            start bob cut rst for 300ms
            pause 100ms
            ann cut rst for 500ms
            until bob is ready
            pause 1000ms
        ",
        ..Probe::DEFAULT
    },
];
