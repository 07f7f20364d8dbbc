//! The cases of `channel-parity`.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "over-each-channel",
        says: "A message reaches everybody under one id, whichever channel carries it.",
        why: "The handler of one channel stores and tells; the other one's only stores.",
        script: "
            people: ann, bob x2, cid
            ann send a via rest
            ann send b via socket
            bob.1 send c via socket
            bob.2 send d via rest
            rest
        ",
        catches: &["rest-never-told", "rest-other-id"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "both-with-one-key",
        says: "A message that is sent by REST and then over the socket, under one key, is one.",
        why: "A client whose request fails falls back on the other channel; the first may have been \
              stored all the same.",
        needs: &[Need::Keys],
        script: "
            people: ann, bob
            ann send a via rest
            pause 200ms
            ann send a via socket
            ann send b via socket
            pause 200ms
            ann send b via rest
            rest
        ",
        catches: &["keys-per-channel"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "both-at-once",
        says: "A message that goes over both channels at the same moment is one.",
        why: "Sending on both to be sure is how the document's own client began.",
        needs: &[Need::Keys],
        copies: 4,
        script: "
            people: ann, bob
            ann send a via rest | ann send a via socket
            ann send b via socket | ann send b via rest
            rest
        ",
        catches: &["keys-per-channel"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "rest-while-the-socket-is-down",
        says: "A message that is sent by REST is told to the others although its sender has no socket.",
        why: "Where the sending client itself tells the others over its socket, nobody is told when \
              it has none.",
        script: "
            people: ann, bob
            ann send a via rest
            ann disconnect
            ann send b via rest
            pause 700ms
            ann connect
            rest
        ",
        catches: &["rest-untold"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "announced",
        says: "Announcing a message that the server has told shows it to nobody again.",
        why: "Server and client both tell the others, each to be sure.",
        script: "
            people: ann, bob
            ann send a via rest
            pause 200ms
            ann announce a
            ann announce a
            rest
        ",
        catches: &["announce-repeats", "announce-stores"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "announced-by-another",
        says: "A message that another participant announces is still one message, of its sender.",
        why: "Who announces is taken for who wrote.",
        script: "
            people: ann, bob, cid
            ann send a via socket
            pause 200ms
            bob announce a
            cid announce a
            ann send b via rest
            rest
        ",
        catches: &["announce-stores"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-order",
        says: "Messages of both channels stand in one order.",
        why: "Each channel's handler takes the time itself, on its own machine or at its own step.",
        script: "
            people: ann, bob
            ann send a via socket
            bob send b via rest
            ann send c via rest
            bob send d via socket
            ann send e via socket
            bob send f via rest
            rest
        ",
        catches: &["rest-other-clock"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "checks-alike",
        says: "Who may not send is refused on each channel.",
        why: "A check in one handler protects one handler.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            eve send e via rest => refused
            eve send f via socket => refused
            rest
        ",
        catches: &["rest-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "limits-alike",
        says: "A text that is too long is refused on each channel.",
        why: "Validation sits in a middleware of one of them.",
        needs: &[Need::TextLimit],
        script: "
            people: ann, bob
            ann send a as overlong via rest => refused
            ann send b as overlong via socket => refused
            ann send c
            rest
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "interleaved",
        says: "What goes over both channels side by side arrives whole.",
        why: "Two handlers write the same conversation at the same time.",
        copies: 2,
        script: "
            people: ann x2, bob
            start ann.1 burst 4 via rest
            ann.2 burst 4 via socket
            bob burst 3 via rest | bob burst 3 via socket
            rest
        ",
        catches: &["rest-never-told"],
        ..Probe::DEFAULT
    },
];
