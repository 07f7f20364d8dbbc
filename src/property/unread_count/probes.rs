//! What provokes `unread-count`: several readers and devices, deletions, absences, broadcasts.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "messages-of-others",
        says: "What others sent is unread, and one's own messages are not.",
        why: "A query over the conversation's messages forgets who is asking.",
        script: "
            people: ann, bob
            ann send a
            ann send b
            bob send c
            rest
            pause 300ms
            ann unread
            bob unread
        ",
        catches: &["unread-own"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "read-is-not-unread",
        says: "What was read is unread no more.",
        why: "A number that is cached outlives what it counts.",
        script: "
            people: ann, bob
            ann send a
            ann send b
            rest
            pause 300ms
            bob unread
            bob read a
            pause 300ms
            bob unread
            bob read b
            pause 300ms
            bob unread
        ",
        catches: &["unread-cached"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "read-on-another-device",
        says: "What was read on one device is unread on no other.",
        why: "The count is kept for a device, and the reading for a person.",
        script: "
            people: ann, bob x2
            ann send a
            ann send b
            rest
            pause 300ms
            bob.1 unread
            bob.2 read a
            pause 300ms
            bob.1 unread
            bob.2 unread
        ",
        catches: &["unread-cached"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "read-twice",
        says: "A message that is read on two devices, or again, is taken off once.",
        why: "Each reading takes one off a counter, down to less than nothing.",
        script: "
            people: ann, bob x2
            ann send a
            rest
            bob.1 read a | bob.2 read a
            bob.1 read a
            pause 300ms
            bob.1 unread
            ann send b
            rest
            pause 300ms
            bob.2 unread
        ",
        catches: &["unread-negative"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "deleted-for-oneself",
        says: "A message that somebody deleted for themselves is unread for the others only.",
        why: "What is hidden from the list still matches the query that counts.",
        script: "
            people: ann, bob, cid
            ann send a
            ann send b
            rest
            bob hide a
            pause 300ms
            bob unread
            cid unread
        ",
        catches: &["unread-deleted"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "read-and-deleted",
        says: "A message that was read and then deleted is taken off once.",
        why: "Two places take it off, and neither asks the other.",
        script: "
            people: ann, bob
            ann send a
            ann send b
            ann send c
            rest
            bob read a
            bob hide a
            bob hide b
            pause 300ms
            bob unread
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "readers-of-a-group",
        says: "Each member of a group has a count of their own.",
        why: "`isRead` on the message is enough for two people; in a group the first reader reads for all.",
        script: "
            people: ann, bob, cid, dan
            ann send a
            ann send b
            rest
            bob read a | cid read a
            bob read b
            pause 300ms
            bob unread
            cid unread
            dan unread
        ",
        catches: &["unread-shared"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "several-conversations",
        says: "The count is over all conversations of a person.",
        why: "Direct and group messages are counted by two queries, and their sum is shown.",
        script: "
            people: ann, bob, cid
            room pair: ann, bob
            room group: ann, bob, cid
            room other: bob, cid
            ann send a in pair
            ann send b in group
            cid send c in group
            cid send d in other
            rest
            pause 300ms
            ann unread
            bob unread
            cid unread
        ",
        catches: &["unread-own"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "messages-at-once",
        says: "Messages of several senders at the same moment are all counted.",
        why: "A counter that is read, raised and written back loses what came in between.",
        copies: 2,
        script: "
            people: ann, bob, cid, dan
            ann burst 4 | bob burst 4 | cid burst 4
            rest
            pause 300ms
            dan unread
            ann unread
        ",
        catches: &["unread-drift"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "readers-at-once",
        says: "Readings of several messages by several people at once are all taken off.",
        why: "Whoever opens a chat reads everything in it in one moment, and the others do so, too.",
        copies: 2,
        script: "
            people: ann, bob, cid
            ann send a
            ann send b
            ann send c
            rest
            bob read a | bob read b | bob read c | cid read a | cid read b
            pause 300ms
            bob unread
            cid unread
        ",
        catches: &["unread-shared"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-a-reconnect",
        says: "Messages that came while somebody was away are unread on coming back, once.",
        why: "What is caught up on connecting is counted again as if it came now.",
        script: "
            people: ann, bob
            ann send a
            rest
            bob disconnect
            ann send b
            ann send c
            pause 300ms
            bob connect
            rest
            bob unread
            bob read a
            pause 300ms
            bob unread
        ",
        catches: &["unread-doubled"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "refused-is-not-counted",
        says: "A message that was refused is unread for nobody.",
        why: "The counter is raised before the message is looked at.",
        needs: &[Need::TextLimit],
        script: "
            people: ann, bob
            ann send a as overlong => refused
            ann send b
            rest
            pause 300ms
            bob unread
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-a-restart",
        says: "A restart of the server changes no count.",
        why: "Counters are kept in memory, for they are asked for all the time.",
        quick: false,
        script: "
            people: ann, bob
            ann send a
            ann send b
            rest
            bob read a
            pause 300ms
            server restart
            until ann is ready
            until bob is ready
            bob unread
            ann send c
            rest
            pause 300ms
            bob unread
        ",
        catches: &["unread-forgotten"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "broadcasts",
        says: "A broadcast is unread for each whom it is meant for, until they read it.",
        why: "Broadcasts have no recipients to look up, so a query over participants misses them.",
        script: "
            people: ann, bob, cid
            ann broadcast news to bob, cid
            ann send a in news
            ann send b
            rest
            pause 300ms
            ann unread
            bob unread
            cid read a
            pause 300ms
            bob unread
            cid unread
        ",
        catches: &["unread-broadcast", "unread-shared"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "broadcasts-deleted",
        says: "A broadcast that somebody deleted for themselves is unread for the others only.",
        why: "The two parts of the count are kept by two hands, and only one knows of deletions.",
        script: "
            people: ann, bob, cid
            ann broadcast news to bob, cid
            ann send a in news
            ann send b in news
            rest
            bob hide a
            cid read b
            pause 300ms
            bob unread
            cid unread
        ",
        catches: &["unread-deleted", "unread-broadcast"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "broadcast-readers-at-once",
        says: "Of the readers of a broadcast at the same moment each has read it, and the others have not.",
        why: "One document holds the list of all readers: it is read, made longer and written back, and of \
              two at once one is lost.",
        copies: 4,
        script: "
            people: ann, bob, cid, dan, eve, fay
            ann broadcast news to bob, cid, dan, eve, fay
            ann send a in news
            rest
            bob read a | cid read a | dan read a | eve read a
            pause 300ms
            bob unread | cid unread | dan unread | eve unread
            fay unread
        ",
        catches: &["unread-shared", "unread-broadcast"],
        ..Probe::DEFAULT
    },
];
