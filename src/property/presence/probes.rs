//! The cases of `presence`.

use crate::property::Probe;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "comes-online",
        says: "Who connects is online to those who share a conversation.",
        why: "The plain case of arriving, with two who watch.",
        script: "
            people: ann, dan, bob offline
            bob connect
            pause 1300ms
            ann history | dan history
        ",
        catches: &["presence-never-online"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "goes-offline",
        says: "Who goes offline politely is offline to those who were told of the arrival.",
        why: "The plain case of leaving.",
        script: "
            people: ann, dan, bob offline
            bob connect
            pause 300ms
            bob disconnect
            pause 1300ms
            ann history | dan history
        ",
        catches: &["presence-ghost", "presence-offline-late"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "is-reset",
        says: "Who is cut off by a reset is offline.",
        why: "No goodbye comes, and a server that waits for one keeps a ghost.",
        script: "
            people: ann, bob offline
            bob connect
            pause 300ms
            bob cut rst for 30s
            pause 1300ms
            ann history
        ",
        catches: &["presence-ghost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "is-closed",
        says: "Who is cut off by a FIN without a close frame is offline.",
        why: "What a killed app leaves behind.",
        script: "
            people: ann, bob offline
            bob connect
            pause 300ms
            bob cut fin for 30s
            pause 1300ms
            ann history
        ",
        catches: &["presence-ghost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "closes-the-websocket",
        says: "Who closes the WebSocket without a Socket.IO goodbye is offline.",
        why: "A browser tab that is closed ends like this.",
        script: "
            people: ann, bob offline
            bob connect
            pause 300ms
            bob cut close-frame for 30s
            pause 1300ms
            ann history
        ",
        catches: &["presence-ghost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "half-a-frame",
        says: "Who vanishes in the middle of a frame is offline.",
        why: "The rest of the frame never comes, and a parser may wait for it.",
        script: "
            people: ann, bob offline
            bob connect
            pause 300ms
            bob cut half-frame for 30s
            pause 1300ms
            ann history
        ",
        catches: &["presence-ghost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-of-two-devices",
        says: "Who has another device connected stays online when one leaves.",
        why: "Offline is told per connection in many servers, and in the one document that shows \
              the code.",
        script: "
            people: ann, bob x2 offline
            bob connect
            pause 300ms
            bob.1 disconnect
            pause 1400ms
            ann history
        ",
        catches: &["presence-offline-early"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-of-two-is-reset",
        says: "Who has another device connected stays online when one is cut off.",
        why: "The loss of a connection has its own handler, beside that of the goodbye.",
        script: "
            people: ann, bob x2 offline
            bob connect
            pause 300ms
            bob.2 cut rst for 30s
            pause 1400ms
            ann history
        ",
        catches: &["presence-offline-early"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "both-devices-leave",
        says: "Who has two devices is offline when both are gone, at once or one after the other.",
        why: "A count of devices that goes wrong once keeps a ghost for ever.",
        script: "
            people: ann, bob x2 offline, dan x2 offline
            bob connect | dan connect
            pause 300ms
            pause 300ms
            bob.1 disconnect | bob.2 disconnect
            dan.1 disconnect
            dan.2 disconnect
            pause 1300ms
            ann history
        ",
        catches: &["presence-ghost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "changes-devices",
        says: "Who connects with another device before the first one leaves stays online.",
        why: "The new entry of a person must not be removed with the old one.",
        script: "
            people: ann, bob x2 offline
            bob.1 connect
            pause 300ms
            bob.2 connect
            bob.1 disconnect
            pause 1400ms
            ann history
        ",
        catches: &["presence-offline-early"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "flaps",
        says: "Who loses the connection and is back at once is online in the end.",
        why: "An offline that is put off, to spare watchers the flicker, must not win over the return.",
        script: "
            people: ann, bob offline
            bob connect
            pause 300ms
            bob cut rst for 100ms
            until bob is disconnected
            until bob is ready
            pause 2800ms
            ann history
        ",
        catches: &["presence-flap"],
        quick: false,
        ..Probe::DEFAULT
    },
    Probe {
        name: "flaps-twice",
        says: "Who loses the connection twice in a row is online in the end, and offline after leaving.",
        why: "Each flap must be undone by its own return.",
        script: "
            people: ann, bob offline
            bob connect
            pause 300ms
            bob cut rst for 100ms
            until bob is disconnected
            until bob is ready
            bob cut fin for 100ms
            until bob is disconnected
            until bob is ready
            pause 2800ms
            ann history
            bob disconnect
            pause 1300ms
            ann history
        ",
        catches: &["presence-flap"],
        quick: false,
        ..Probe::DEFAULT
    },
    Probe {
        name: "leaves-and-returns",
        says: "Who leaves and returns is told so each time.",
        why: "The second arrival must be told as the first one was.",
        script: "
            people: ann, bob offline
            bob connect
            pause 300ms
            bob disconnect
            pause 1300ms
            ann history
            bob connect
            pause 1300ms
            ann history
        ",
        catches: &["presence-never-online"],
        quick: false,
        ..Probe::DEFAULT
    },
    Probe {
        name: "several-conversations",
        says: "Who comes and goes does so in each of their conversations.",
        why: "A loop over rooms that ends with the first.",
        script: "
            people: ann, dan, fay, bob offline
            room one: bob, ann
            room two: bob, dan
            room three: bob, fay
            bob connect
            pause 1200ms
            ann history in one | dan history in two | fay history in three
            bob disconnect
            pause 1300ms
            ann history in one | dan history in two | fay history in three
        ",
        catches: &["presence-one-room"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "strangers-hear-nothing",
        says: "Who shares no conversation with a person is not told that they come and go.",
        why: "An event that names only the user is easily sent to everybody.",
        script: "
            people: ann, bob offline, eve stranger
            bob connect
            pause 300ms
            bob disconnect
            pause 400ms
        ",
        catches: &["presence-to-all"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "everybody-comes-at-once",
        says: "People who come and go at the same moment are what they are in the end.",
        why: "Arrivals and departures race each other.",
        script: "
            people: ann, bob offline, dan offline, fay x2 offline
            bob connect | dan connect | fay connect
            pause 200ms
            bob disconnect | fay.1 disconnect | dan cut rst for 30s
            pause 1400ms
            ann history
        ",
        copies: 3,
        catches: &["presence-ghost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "vanishes",
        says: "Who vanishes without a trace is offline after ping interval and ping timeout.",
        why: "A half-open connection looks alive until a ping goes unanswered.",
        script: "
            people: ann, bob offline
            bob connect
            pause 300ms
            bob silence
            until ann sees offline
            pause 1200ms
            ann history
        ",
        quick: false,
        catches: &["presence-ghost"],
        ..Probe::DEFAULT
    },
];
