//! What provokes `conversation-identity`: requests at once, in either order, again and again.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "both-at-once",
        says: "Two people who ask for each other at the same moment get the same conversation.",
        why: "Looking for the pair and making it are two steps, and both find nothing in between.",
        copies: 6,
        script: "
            people: ann, bob
            no room
            ann create x with bob | bob create x with ann
            ann list | bob list
        ",
        catches: &["create-race", "create-race-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "devices-at-once",
        says: "All devices of both people, asking at the same moment, get the same conversation.",
        why: "A lock per connection or per person stops one of two, and not five of six.",
        copies: 2,
        script: "
            people: ann x4, bob x2
            no room
            ann create x with bob | bob create x with ann
            ann list | bob list
        ",
        catches: &["create-race"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "either-order",
        says: "The order in which the people are named makes no difference.",
        why: "A pair that is compared as a list has two orders, and so two conversations.",
        script: "
            people: ann, bob
            no room
            ann create x of ann, bob
            ann create x of bob, ann
            bob create x of bob, ann
            bob create x of ann, bob
            ann list | bob list
        ",
        catches: &["create-order", "create-always"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "asked-again",
        says: "Whoever asks again for a conversation with the same person gets the one they have.",
        why: "Each opening of a chat asks; each new conversation hides what was said before.",
        script: "
            people: ann, bob
            no room
            ann create x with bob
            ann send a in x
            ann create x with bob
            bob create x with ann
            ann list | bob list
        ",
        catches: &["create-always"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-a-reconnect",
        says: "After a reconnect the same two people have the same conversation.",
        why: "What a connection remembers of its conversations ends with it.",
        script: "
            people: ann, bob
            no room
            ann create x with bob
            ann disconnect
            bob disconnect
            ann connect
            bob connect
            bob create x with ann | ann create x with bob
            ann list | bob list
        ",
        catches: &["create-always"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-a-restart",
        says: "After a restart of the server the same two people have the same conversation.",
        why: "An index of pairs in memory is empty after a restart, and everybody starts anew.",
        quick: false,
        needs: &[Need::OwnServer],
        script: "
            people: ann, bob
            no room
            ann create x with bob
            server restart
            until ann is ready
            until bob is ready
            bob create x with ann
            ann list | bob list
        ",
        catches: &["create-restart"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "made-while-away",
        says: "A conversation that was made while somebody was away is theirs when they come back.",
        why: "Whoever is told of new conversations over the connection only, makes a second one.",
        script: "
            people: ann, bob offline
            no room
            ann create x with bob
            bob connect
            bob list
            bob create x with ann
            ann list | bob list
        ",
        catches: &["create-always"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "several-direct-conversations",
        says: "A person has a direct conversation with each of several others, and all are different.",
        why: "A unique index over a list of people is one over each of them: one conversation each.",
        script: "
            people: ann, bob, cid, dan
            no room
            ann create x with bob
            ann create y with cid
            dan create z with ann
            ann list | bob list | cid list | dan list
        ",
        catches: &["multikey-refused", "multikey-first"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "groups-that-overlap",
        says: "Groups that share people are different conversations, and each member has both.",
        why: "An index over single members takes the second group for the first, or refuses it.",
        script: "
            people: ann, bob, cid, dan
            no room
            ann create x with bob, cid
            ann create y with bob, dan
            bob create z with ann
            ann list | bob list | cid list | dan list
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "creator-is-in",
        says: "Whoever makes a group is in it, also if the request names only the others.",
        why: "A server that believes the list makes a group that its own creator cannot enter.",
        script: "
            people: ann, bob, cid
            no room
            ann create x of bob, cid
            ann list | bob list | cid list
        ",
        catches: &["creator-left-out"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "in-every-list",
        says: "A new conversation is in the list of each of its people, once, by the id of the answer.",
        why: "Lists come from another query, often over another index, and call things by other names.",
        script: "
            people: ann, bob, cid
            no room
            ann list | bob list
            ann create x with bob
            ann create y with bob, cid
            ann list | bob list | cid list
        ",
        catches: &["list-misses", "list-doubles", "list-other-ids"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "none-with-oneself",
        says: "A conversation with oneself is refused.",
        why: "Two people in a list are not two people; a chat with oneself counts its own messages.",
        script: "
            people: ann, bob
            no room
            ann create with ann => refused
            ann create of ann => refused
            ann create x with bob
            ann list
        ",
        catches: &["create-self"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "named-twice",
        says: "Somebody who is named twice is one person: it is the pair's conversation, or refused.",
        why: "People are counted before they are told apart, and a pair becomes a group.",
        script: "
            people: ann, bob
            no room
            ann create x with bob
            ann create x of ann, bob, bob
            bob create x of ann, ann
            ann list | bob list
        ",
        catches: &["create-doubled"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "usable-at-once",
        says: "Both people can write as soon as the conversation is there, and messages name it.",
        why: "Who was connected before the conversation is in no room of it, and hears nothing.",
        script: "
            people: ann, bob
            no room
            ann create x with bob
            ann send a in x | bob send b in x
            until ann sees b
            until bob sees a
            ann list | bob list
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "same-from-contacts",
        says: "A contact leads to the same conversation as the list and the answer that made it.",
        why: "Contacts are kept apart from conversations, and so point to another one.",
        script: "
            people: ann, bob, cid
            no room
            ann create x with bob
            ann create y with bob, cid
            ann contacts | bob contacts
            ann list | bob list
        ",
        catches: &["contacts-other-ids"],
        ..Probe::DEFAULT
    },
];
