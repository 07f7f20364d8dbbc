//! What provokes `broadcast-reach`: each kind of audience, absences, strangers, many readers.

use crate::property::Probe;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "to-a-list",
        says: "A broadcast to a list of people reaches each of them, as one message.",
        why: "A loop over the recipients stores a message for each, because that is what a send does.",
        script: "
            people: ann, bob x2, cid, dan
            ann broadcast news to bob, cid, dan
            ann send a in news
            ann send b in news
            rest
            bob.1 history in news
            cid history in news
        ",
        catches: &["broadcast-copies"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "to-a-chapter",
        says: "A broadcast to a chapter reaches everybody in it who is connected.",
        why: "Rooms are joined when a client connects; who is there already is in no new room.",
        script: "
            people: ann, bob, cid, dan, eve, fay
            no room
            ann broadcast news to chapter of bob
            ann send a in news
            ann send b in news
            rest
            bob history in news
        ",
        catches: &["broadcast-misses-chapter"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "to-everybody",
        says: "A broadcast to everybody reaches everybody who is connected, on each device.",
        why: "What goes to all rooms goes twice to whoever is in two, and not at all to whoever is in none.",
        script: "
            people: ann, bob x2, cid, dan
            no room
            ann broadcast news to everybody
            ann send a in news
            rest
            dan history in news
            ann send b in news
        ",
        catches: &["broadcast-copies"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "not-to-others",
        says: "A broadcast reaches nobody whom it is not meant for.",
        why: "The event goes to one big room, and each client is trusted to show what concerns it.",
        script: "
            people: ann, bob, cid, dan
            ann broadcast list to bob
            ann send a in list
            ann broadcast chapter to chapter of bob
            ann send b in chapter
            rest
            pause 300ms
        ",
        catches: &["broadcast-leak"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "not-read-by-others",
        says: "Somebody whom a broadcast is not meant for cannot read it, though they know its id.",
        why: "A broadcast has no participants, so a check of participants is left out.",
        script: "
            people: ann, bob, cid
            ann broadcast news to bob
            ann send a in news
            rest
            cid history in news => refused
            bob history in news
        ",
        catches: &["broadcast-open"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "found-later",
        says: "Whoever was away when it was sent finds a broadcast in the history.",
        why: "What is only pushed is lost to whoever is not there.",
        script: "
            people: ann, bob, cid, dan
            ann broadcast news to bob, cid
            bob disconnect
            ann send a in news
            ann send b in news
            pause 300ms
            bob connect
            bob history in news
            cid history in news
        ",
        catches: &[],
        ..Probe::DEFAULT
    },
    Probe {
        name: "found-by-newcomers",
        says: "Whoever connects for the first time after a broadcast was made is among its targets.",
        why: "The audience is worked out from who is there, and written down.",
        script: "
            people: ann, bob, cid offline, dan offline
            no room
            ann broadcast list to bob, cid
            ann broadcast chapter to chapter of dan
            ann send a in list
            ann send b in chapter
            rest
            cid connect
            dan connect
            cid history in list
            dan history in chapter
            ann send c in list
            ann send d in chapter
        ",
        catches: &["broadcast-forgotten"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "found-after-a-restart",
        says: "A restart of the server changes nothing in whom a broadcast is meant for.",
        why: "Rooms are in memory, and so may be what they are made of.",
        quick: false,
        script: "
            people: ann, bob, cid, dan
            no room
            ann broadcast news to chapter of bob
            ann send a in news
            rest
            server restart
            until ann is ready
            until bob is ready
            until cid is ready
            until dan is ready
            ann send b in news
            rest
            bob history in news
            cid history in news => refused
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "readers-at-once",
        says: "Of the readers of a broadcast at the same moment each is told to its sender.",
        why: "One document holds the list of all readers, and whoever writes it last wins.",
        copies: 4,
        script: "
            people: ann, bob, cid, dan, eve, fay
            ann broadcast news to bob, cid, dan, eve, fay
            ann send a in news
            rest
            bob read a | cid read a | dan read a | eve read a | fay read a
        ",
        catches: &["broadcast-reader-lost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "several-at-once",
        says: "Broadcasts to several audiences at the same moment each reach their own.",
        why: "Whom a message is for is looked up once too early, or kept in one place for all.",
        copies: 2,
        script: "
            people: ann, bob, cid, dan
            ann broadcast one to bob, cid
            bob broadcast two to ann, dan
            cid broadcast three to chapter of dan
            ann burst 3 in one | bob burst 3 in two | cid burst 3 in three
            rest
            dan history in two
            dan history in three
        ",
        catches: &["broadcast-misses-chapter"],
        ..Probe::DEFAULT
    },
];
