//! The cases of `health`.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "well-while-serving",
        says: "The health says yes while clients are served.",
        why: "A check that looks for what only production has says no everywhere else.",
        script: "
            people: ann, bob
            start ann burst 8 every 60ms
            pause 150ms
            bob health
            pause 100ms
            bob health
            rest
        ",
        catches: &["health-never"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "the-whole-time",
        says: "The health says what clients find, second after second.",
        why: "A process that runs is not a server that serves: a check that looks at itself alone \
              is well while the database is gone.",
        quick: false,
        needs: &[Need::OwnServer],
        script: "
            people: ann, bob
            start ann burst 38 every 150ms
            pause 1s
            bob health
            pause 400ms
            bob health
            pause 400ms
            bob health
            pause 400ms
            bob health
            pause 400ms
            bob health
            pause 400ms
            bob health
            pause 400ms
            bob health
            pause 400ms
            bob health
            pause 400ms
            bob health
            rest
        ",
        catches: &["health-always", "health-never"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "an-answer-in-time",
        says: "The health is answered, yes or no, while clients are served.",
        why: "A check that waits for what never comes is no answer, and a load balancer that waits \
              for it takes nobody out.",
        quick: false,
        script: "
            people: ann, bob
            start ann burst 50 every 150ms
            pause 500ms
            bob health
            rest
        ",
        catches: &["health-silent"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "under-a-burst",
        says: "The health is answered while many write at once.",
        why: "A check that waits in the queue of everybody else comes too late, and the load balancer \
              takes a busy server for a dead one.",
        script: "
            people: ann, bob, cid, dan
            start ann burst 30 | bob burst 30 | cid burst 30
            dan health
            pause 50ms
            dan health
            start ann burst 6 every 60ms
            pause 150ms
            dan health
            rest
        ",
        catches: &["health-never"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "well-after-a-restart",
        says: "After a restart the health says yes as soon as clients are served.",
        why: "A flag says that the server is ready, and the path that sets it is not taken again.",
        quick: false,
        needs: &[Need::OwnServer],
        script: "
            people: ann, bob
            bob health
            server restart
            until ann is ready
            until bob is ready
            start ann burst 8 every 60ms
            pause 150ms
            bob health
            pause 100ms
            bob health
            rest
        ",
        catches: &["health-stuck", "health-never"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-a-kill",
        says: "A server that was killed is not well, and is well again when it serves again.",
        why: "Something in front of it answers in its place.",
        quick: false,
        needs: &[Need::OwnServer],
        script: "
            people: ann, bob
            bob health
            server kill for 700ms
            until ann is ready
            until bob is ready
            start ann burst 8 every 60ms
            pause 150ms
            bob health
            rest
        ",
        catches: &["health-never"],
        ..Probe::DEFAULT
    },
];
