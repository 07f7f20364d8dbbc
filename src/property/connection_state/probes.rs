//! Connections that end in every way, and connections that should not.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "reset",
        says: "A client whose connection is reset is disconnected, connects again, and is answered.",
        why: "What a phone does that changes from one network to the other.",
        script: "people: ann, bob
                 bob cut rst for 200ms
                 until bob is connected
                 until bob is ready
                 bob send a | ann send b",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "fin",
        says: "A client whose stream ends without a word is disconnected, connects again, and is answered.",
        why: "A process that is killed says no goodbye: the server has to notice by the stream alone.",
        script: "people: ann, bob
                 bob cut fin for 200ms
                 until bob is ready
                 bob send a | ann send b",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "close-frame",
        says: "A client that closes its WebSocket is disconnected, connects again, and is answered.",
        why: "A closing handshake takes two, and some servers wait for a third.",
        script: "people: ann, bob
                 bob cut close-frame for 200ms
                 until bob is ready
                 bob send a | ann send b",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "half-a-frame",
        says: "A connection that dies in the middle of a frame is over for both ends.",
        why: "A server that waits for the rest of the frame waits for ever.",
        script: "people: ann, bob
                 bob cut half-frame for 200ms
                 until bob is ready
                 bob send a | ann send b",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "answers-after-the-reconnect",
        says: "Once a client is connected again, what it asks is answered.",
        why: "A session that is restored in part: the socket stands, and its handlers are gone.",
        needs: &[Need::Answers],
        script: "people: ann, bob, cat, dan
                 room one: ann, bob
                 room two: cat, bob
                 room three: dan, bob
                 bob cut rst for 200ms
                 until bob is ready
                 bob burst 4 in one",
        catches: &["deaf-reconnect"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "second-device",
        says: "What a person's second device asks is answered as what the first one asks.",
        why: "A list of sockets by user has room for one: the other is connected, and nobody listens.",
        needs: &[Need::Answers],
        script: "people: ann x2 offline, bob, cat, dan
                 room one: bob, ann
                 room two: cat, ann
                 room three: dan, ann
                 ann.1 connect
                 until ann.1 is ready
                 ann.2 connect
                 until ann.2 is ready
                 ann.2 burst 4 in one",
        catches: &["deaf-device"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "offline-and-online",
        says: "A client that leaves and comes back as its user wants is what its user wants each time.",
        why: "Leaving in the middle of connecting is where states get lost.",
        script: "people: ann, bob, cat offline
                 bob disconnect
                 bob connect
                 until bob is ready
                 start cat connect
                 cat disconnect
                 cat connect
                 until cat is ready
                 bob disconnect
                 start bob send a
                 bob connect
                 until bob is ready
                 cat send b",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "again-and-again",
        says: "A connection that dies right after it was made is made again, each time as the first.",
        why: "What a server keeps of a dead connection gets in the way of the third.",
        quick: false,
        script: "people: ann, bob
                 bob cut rst for 100ms
                 until bob is connected
                 bob cut rst for 100ms
                 until bob is connected
                 bob cut fin for 100ms
                 until bob is ready
                 bob burst 3 | ann send a",
        catches: &["deaf-reconnect"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "server-restart",
        says: "When the server is started anew, every client notices, connects again and is answered.",
        why: "Everybody comes back at the same moment.",
        needs: &[Need::OwnServer],
        script: "people: ann, bob, cat
                 ann send a
                 server restart
                 until ann is ready
                 until bob is ready
                 until cat is ready
                 ann send b | bob send c | cat send d",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "idle",
        says: "A client that asks nothing stays connected while others talk.",
        why: "Proxies and servers close what looks unused, though pings go through it.",
        quick: false,
        script: "people: ann, bob, cat
                 ann send a | bob send b
                 pause 1s
                 ann send c | bob send d
                 pause 1s
                 ann send e | bob send f
                 pause 1s
                 ann send g | bob send h",
        catches: &["idle-closed"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "pings",
        says: "The server pings within the time that its handshake lays down, for as long as a client stays.",
        why: "Without pings a client cannot tell a quiet server from a dead one.",
        quick: false,
        script: "people: ann, bob
                 pause heartbeat
                 ann send a | bob send b",
        catches: &["no-pings"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "half-open",
        says: "A client that falls silent is taken for dead within ping interval and ping timeout.",
        why: "A phone without network sends no goodbye; until it is noticed, its person seems to be there.",
        quick: false,
        script: "people: ann, bob
                 bob silence
                 pause heartbeat
                 bob heal
                 pause 1500ms
                 until bob is ready
                 bob send a | ann send b",
        catches: &["dead-kept"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "half-open-with-traffic",
        says: "A silent client is taken for dead even while there is much to send to it.",
        why: "What is written into a dead connection looks like life to a server that counts bytes out.",
        quick: false,
        script: "people: ann, bob, cat
                 bob silence
                 ann burst 3 | cat burst 3
                 pause heartbeat
                 ann burst 3
                 bob heal
                 pause 1500ms
                 until bob is ready
                 bob send a",
        catches: &["dead-kept"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "unplugged",
        says: "A client that nothing reaches any more notices it by the missing pings, and so does the server.",
        why: "A cable is pulled: nobody is told, and both ends believe in a connection that is none.",
        quick: false,
        script: "people: ann, bob
                 bob half-open
                 ann send a
                 pause heartbeat
                 bob heal
                 until bob is ready
                 bob send b | ann send c",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "refused",
        says: "A client whose attempts to connect are refused is in error, tries again, and gets in at last.",
        why: "Between connecting and connected lies the state that clients forget.",
        quick: false,
        script: "people: ann, bob
                 bob refuse for 2500ms | bob cut rst for 100ms
                 until bob is error
                 until bob is ready
                 bob send a | ann send b",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "namespace-refused",
        says: "A client that the server refuses after the handshake is in error, is told nothing, and gets in once it is allowed to.",
        why: "The socket stands and the session is open: only the namespace says no, and a client that looks at the socket believes to be connected.",
        needs: &[Need::MintedTokens],
        script: "people: ann, bob, eve stranger offline
                 eve token garbage
                 start eve connect
                 until eve is error
                 ann send a
                 eve token good
                 eve connect
                 until eve is ready
                 bob send b",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "slow-handshake",
        says: "A handshake that takes long is connecting until it is through, and then as good as any.",
        why: "Half of a slow handshake looks like a connection: the socket stands, the namespace is not granted.",
        quick: false,
        script: "people: ann, bob
                 bob delay 100ms | bob cut rst for 100ms
                 until bob is connecting
                 until bob is connected
                 bob heal
                 until bob is ready
                 bob send a | ann send b",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "silent-for-a-moment",
        says: "A client that is silent for less than a ping interval keeps its connection, and misses nothing.",
        why: "A phone that sleeps for a moment is not gone: whoever is too strict makes everybody reconnect.",
        script: "people: ann, bob
                 bob silence for 1200ms
                 ann burst 3
                 pause 1300ms
                 bob send a | ann send b",
        catches: &[],
        ..Probe::DEFAULT
    },
];
