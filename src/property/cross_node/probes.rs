//! The cases of `cross-node`: half of the members on each node, and nodes that come and go.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "a-message-reaches-both-nodes",
        says: "A message reaches the members on the sender's node and those on the other one.",
        why: "Rooms live in a node's memory; without a bus between them half of the members hear nothing.",
        script: "
            people: ann on 1, bob on 2, cat on 1, dan on 2
            ann send a
            bob send b
            rest
        ",
        catches: &["push-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "both-devices-hear",
        says: "A person with a device on each node gets each message on both.",
        why: "What one keeps of a person by node knows one device of two.",
        script: "
            people: ann on 1, bob x2 on 1+2, cat on 2
            ann send a
            cat send b
            bob.1 send c
            bob.2 send d
            rest
        ",
        catches: &["push-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "a-new-conversation-reaches-both-nodes",
        says: "A conversation that is made on one node is there for its members on the other one.",
        why: "Whoever makes it puts the sockets of its own node into the room, and forgets the others.",
        script: "
            people: ann on 1, bob on 2, cat on 1
            no room
            ann create new with bob, cat
            ann send a in new
            bob send b in new
            rest
        ",
        catches: &["room-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "returns-on-the-other-node",
        says: "Who comes back on the other node has what was missed, and hears what comes.",
        why: "A load balancer sends them anywhere: rooms, sync and session must be there, too.",
        script: "
            people: ann on 1, bob on 2, cat on 1, dan on 2
            bob disconnect
            ann send a
            bob connect on 1
            ann send b
            cat send c
            rest
        ",
        catches: &["failover-no-rejoin"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-order-for-both-nodes",
        says: "An answer from the other node stands after its question.",
        why: "Clocks of two machines differ: a time that is taken on a node is no place in an order.",
        script: "
            people: ann on 1, bob on 2
            ann send a
            bob send b
            ann send c
            bob send d
            ann send e
            bob send f
            rest
        ",
        catches: &["stamps-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "bursts-from-both-nodes",
        says: "Messages sent on both nodes at once have one order, the same for everybody.",
        why: "Two nodes that do not ask a third one for the next place take the same one.",
        script: "
            people: ann on 1, bob on 2, cat on 1, dan on 2
            ann burst 4 | bob burst 4 | cat burst 4 | dan burst 4
            rest
        ",
        catches: &["push-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-counter-for-both-nodes",
        says: "Numbers are unique and without gaps over both nodes.",
        why: "A counter in a node's memory gives each number once on each node.",
        needs: &[Need::Numbers],
        script: "
            people: ann on 1, bob on 2
            ann send a
            bob send b
            ann burst 3 | bob burst 3
            rest
        ",
        catches: &["numbers-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-key-on-both-nodes",
        says: "One message that two devices send on two nodes is stored once.",
        why: "A key that is remembered in a node's memory is new on the other one.",
        needs: &[Need::Keys],
        script: "
            people: ann x2 on 1+2, bob on 1, cat on 2
            ann.1 send a
            ann.2 send a
            ann.1 send b | ann.2 send b
            rest
        ",
        catches: &["dedup-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "retries-on-the-other-node",
        says: "A message whose ack was lost is stored once when the retry comes to the other node.",
        why: "That is what a failover looks like to a client.",
        needs: &[Need::Keys],
        script: "
            people: ann on 1, bob on 2
            ann withhold-acks
            start ann send a
            until bob sees a
            ann disconnect
            ann heal
            ann connect on 2
            ann send a
            rest
        ",
        catches: &["dedup-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-rate-for-both-nodes",
        says: "Who uses two nodes may send no more than who uses one.",
        why: "A window in a node's memory counts half of what a person sends.",
        needs: &[Need::RateLimit, Need::ShortRateWindow],
        quick: false,
        script: "
            people: ann x2 on 1+2, bob on 1
            ann.1 burst 8rate every 50ms => harmless | ann.2 burst 8rate every 50ms => harmless
            rest
        ",
        catches: &["rate-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "presence-crosses",
        says: "Who comes and goes on one node does so for watchers on the other one.",
        why: "Online lists are kept in memory: who is on node A is offline for node B.",
        needs: &[Need::Presence],
        script: "
            people: ann on 1, dan on 2, bob on 2 offline
            bob connect
            pause 1300ms
            ann history | dan history
            bob disconnect
            pause 1300ms
            ann history | dan history
        ",
        catches: &["presence-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-device-on-each-node",
        says: "Who leaves one node and has a device on the other one stays online.",
        why: "A node that counts its own devices only tells an offline that is not true.",
        needs: &[Need::Presence],
        script: "
            people: ann on 1, dan on 2, bob x2 on 1+2 offline
            bob connect
            pause 300ms
            bob.1 disconnect
            pause 1400ms
            ann history | dan history
        ",
        catches: &["presence-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "offline-after-a-crash",
        says: "Who was on a node that died, and does not come back, is offline.",
        why: "Nobody says goodbye for those on a dead node: the others must notice.",
        quick: false,
        needs: &[Need::Presence],
        script: "
            people: ann on 1, bob on 2 offline
            bob connect
            pause 300ms
            server node 2 kill
            bob disconnect
            pause 11500ms
            ann history
        ",
        catches: &["ghost-after-crash"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "typing-crosses",
        says: "Typing on one node is seen on the other one, and ends there.",
        why: "It is not stored anywhere, so the bus is the only way.",
        needs: &[Need::Typing],
        script: "
            people: ann on 1, bob on 2, cat on 1
            ann type
            pause 1500ms
            bob history | cat history
            pause 4s
            bob type
            pause 300ms
            bob send a
            rest
        ",
        catches: &["typing-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "receipts-cross",
        says: "A receipt from a reader on the other node reaches the sender.",
        why: "The sender's room is on another node than the reader's handler.",
        needs: &[Need::Receipts],
        script: "
            people: ann on 1, bob on 2
            ann send a
            bob read a
            pause 1300ms
            ann history
            rest
        ",
        catches: &["receipt-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "a-node-is-killed",
        says: "What was acked on a node that dies is stored, and its people go on on the other one.",
        why: "What a node keeps in memory to store it later dies with it.",
        quick: false,
        copies: 2,
        script: "
            people: ann on 1, bob on 2, cat on 1
            ann send a
            server node 1 kill
            bob send b
            until ann is ready
            until cat is ready
            ann send c
            rest
            server heal
            bob send d
            rest
        ",
        catches: &["unsaved-on-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "a-node-is-restarted",
        says: "A node that is restarted for a release loses nothing, and serves again.",
        why: "Releases roll over the nodes several times a day.",
        quick: false,
        script: "
            people: ann on 1, bob on 2, cat x2 on 1+2
            ann send a
            server node 2 restart
            ann send b
            until bob is ready
            bob send c
            rest
            server heal
            ann disconnect
            ann connect on 2
            ann send d
            bob send e
            rest
        ",
        catches: &["failover-no-rejoin"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "a-node-stands-still",
        says: "Members of a node that stands still have everything when it goes on; others notice nothing.",
        why: "A long collection of garbage: the bus fills up, and some servers drop what does not fit.",
        quick: false,
        script: "
            people: ann on 1, bob on 2, cat on 1
            ann send a
            server node 2 stop
            ann send b
            cat send c
            pause 2s
            server heal
            bob send d
            rest
        ",
        catches: &["push-per-node"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "nodes-are-cut-off-from-each-other",
        says: "What is sent while the nodes cannot hear one another reaches everybody afterwards.",
        why: "Publish and subscribe forgets what is published while a subscriber is away.",
        quick: false,
        script: "
            people: ann on 1, bob on 2
            ann send a
            server part redis
            start ann send b
            start bob send c
            pause 2s
            server heal
            ann send d
            bob send e
            rest
        ",
        catches: &["bus-forgets"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "drains-while-others-send",
        says: "Who comes back on the other node while others send has all, in one order.",
        why: "What was queued on one node and what is pushed on the other one meet here.",
        copies: 2,
        script: "
            people: ann on 1, bob on 2, cat on 2
            bob disconnect
            ann burst 3 | cat burst 3
            bob connect on 1 | ann burst 3 | cat burst 3
            rest
        ",
        catches: &["failover-no-rejoin"],
        ..Probe::DEFAULT
    },
];
