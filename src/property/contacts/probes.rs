//! What provokes `contacts`: first messages, from both ends and at once, groups, restarts.

use crate::property::Probe;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "after-the-first-message",
        says: "Once one has written to the other, each is a contact of the other.",
        why: "The sender adds the receiver; that the receiver must find the sender, too, comes later.",
        script: "
            people: ann, bob, cid
            room pair: ann, bob
            ann send a in pair
            rest
            pause 600ms
            ann contacts
            bob contacts
            cid contacts
        ",
        catches: &["contacts-one-sided"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "first-messages-at-once",
        says: "Two people whose first messages cross are contacts of each other once.",
        why: "Each message finds no contact yet, and each makes one.",
        copies: 2,
        script: "
            people: ann, bob
            ann send a | bob send b
            rest
            pause 600ms
            ann contacts
            bob contacts
        ",
        catches: &["contacts-doubled"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "from-two-devices-at-once",
        says: "First messages from two devices of one person make one contact.",
        why: "What guards two people against each other guards nobody against themselves.",
        copies: 2,
        script: "
            people: ann x2, bob
            ann.1 send a | ann.2 send b
            rest
            pause 600ms
            ann.1 contacts
            bob contacts
        ",
        catches: &["contacts-doubled"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "in-a-group",
        says: "A message to a group makes all of its people contacts of each other.",
        why: "The other one of a pair is looked up; a group has no other one.",
        script: "
            people: ann, bob, cid, dan
            ann send a
            bob send b
            rest
            pause 600ms
            ann contacts
            bob contacts
            cid contacts
            dan contacts
        ",
        catches: &["contacts-no-groups"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "many-messages",
        says: "However much two people write, in however many conversations, they are contacts once.",
        why: "The list is a join of conversations and people, and each conversation adds a row.",
        script: "
            people: ann, bob, cid
            room pair: ann, bob
            room group: ann, bob, cid
            ann send a in pair
            bob send b in group
            bob send c in pair
            ann send d in group
            rest
            pause 600ms
            ann contacts
            bob contacts
            cid contacts
        ",
        catches: &["contacts-per-conversation"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "in-two-conversations-at-once",
        says: "Whoever writes first to two conversations at once has each of their people as a contact once.",
        why: "What guards a conversation guards no list of contacts: two conversations look at it at once.",
        copies: 4,
        script: "
            people: ann x2, bob, cid, dan, eve, fay, gus
            room one: ann, bob, cid, dan, eve, fay
            room other: ann, bob, cid, dan, eve, gus
            ann.1 send a in one | ann.2 send b in other
            rest
            pause 600ms
            ann.1 contacts
        ",
        catches: &["contacts-per-conversation"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "no-strangers",
        says: "Whoever shares no conversation with somebody is no contact of theirs.",
        why: "The list of contacts is made from the list of all users.",
        script: "
            people: ann, bob, cid, dan
            room one: ann, bob
            room other: cid, dan
            ann send a in one
            cid send b in other
            rest
            pause 600ms
            ann contacts
            dan contacts
        ",
        catches: &["contacts-foreign"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "while-away",
        says: "Somebody who was away when they were first written to has the sender as a contact.",
        why: "The receiver's contact is made where the message is delivered.",
        script: "
            people: ann, bob
            bob disconnect
            ann send a
            pause 600ms
            bob connect
            rest
            bob contacts
            ann contacts
        ",
        catches: &["contacts-one-sided"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-a-restart",
        says: "A restart of the server forgets no contact.",
        why: "Contacts are kept in memory, for they follow from the messages.",
        quick: false,
        script: "
            people: ann, bob, cid
            ann send a
            rest
            server restart
            until ann is ready
            until bob is ready
            bob contacts
            cid contacts
        ",
        catches: &["contacts-forgotten"],
        ..Probe::DEFAULT
    },
];
