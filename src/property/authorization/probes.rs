//! The cases of `authorization`: a stranger at each door of a conversation, and what it may hear.

use crate::property::{Need, Probe, Severity};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "stranger-joins",
        says: "A stranger who asks to join a conversation is not let into it.",
        why: "A join that only puts a socket into a room lets anybody listen who knows the id.",
        script: "
            people: ann, bob, eve stranger
            eve join => refused
            pause 300ms
            ann send a
            ann type
            until bob sees a
            bob send b
            until ann sees b
            rest
        ",
        catches: &["join-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-sends",
        says: "A stranger's message is refused, and neither stored nor pushed.",
        why: "The sender's token is good, so a handler that asks no more lets it through.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            eve send e => refused
            ann send b
            until bob sees b
            rest
        ",
        catches: &["send-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-repeats-a-key",
        says: "A stranger who sends with the key of a participant's message is refused, and not told of that message.",
        why: "A lookup of the key that comes before the check answers with somebody else's message.",
        needs: &[Need::Keys],
        script: "
            people: ann, bob, eve stranger
            ann send a
            eve send e with key of a => refused
            ann send a
            rest
        ",
        catches: &["send-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-reads-history",
        says: "A stranger who asks for a conversation's history gets an error and no message.",
        why: "Reading changes nothing, so it is the check that is forgotten first.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            bob send b
            eve history => refused
            bob history
        ",
        catches: &["history-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-syncs",
        says: "A stranger who asks what a conversation has since a time gets an error and no message.",
        why: "The sync is another query than the history, with another chance to forget the check.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            until bob sees a
            eve sync => refused
        ",
        catches: &["sync-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-types",
        says: "A stranger's typing is shown to nobody.",
        why: "A typing event is only passed on, so nothing makes its handler look anybody up.",
        script: "
            people: ann, bob, eve stranger
            eve typing-start => refused
            pause 200ms
            eve typing-stop => refused
            pause 200ms
            ann send a
            until bob sees a
        ",
        catches: &["typing-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-says-read",
        says: "A stranger's word that a message was read is told to nobody.",
        why: "A receipt names a message and no conversation, so there is nothing at hand to check.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            eve read a => refused
            pause 200ms
            ann send b
            until bob sees b
        ",
        catches: &["receipt-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-deletes",
        says: "A stranger who asks to delete a message for themselves is refused.",
        why: "It changes nothing for anybody else, so nobody looks who asks; but a yes tells that there is such a message.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            until bob sees a
            eve hide a => refused
            bob hide a
            ann send b
            until bob sees b
        ",
        catches: &["hide-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-counts",
        says: "To somebody who is in no conversation nothing is unread.",
        why: "A query over conversations without one of them to name is a query over all.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            ann send b
            rest
            eve unread
            bob read a
            eve unread
        ",
        catches: &["unread-foreign"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-says-delivered",
        says: "A stranger's word that a message arrived is told to nobody.",
        why: "Delivery is said by programs, and what programs say is believed.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            eve delivered a => refused
            pause 200ms
            ann send b
            until bob sees b
        ",
        catches: &["receipt-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-announces",
        says: "A stranger cannot announce a message of a conversation it is not in.",
        why: "An event that lets a client tell the others what it has stored lets it tell anything.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            until bob sees a
            eve announce a => refused
            ann send b
            until bob sees b
        ",
        catches: &["receipt-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "announced-elsewhere",
        says: "Nobody brings a message of others into a conversation of their own by announcing it.",
        why: "An announcement names the message and the conversation, and each of them is checked \
              by itself.",
        script: "
            people: ann, bob, eve, dan, fay stranger
            room one: ann, bob
            room two: eve, dan
            ann send a in one
            until bob sees a
            eve announce a in two => refused
            pause 200ms
            eve send b in two
            until dan sees b
        ",
        catches: &["announce-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-searches",
        says: "A stranger's search shows nothing of a conversation it is not in.",
        why: "A search needs no id to be guessed: a word is enough.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            until bob sees a
            eve search a
            bob search a
            eve history => refused
        ",
        catches: &["search-leak", "history-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "list-is-ones-own",
        says: "The list of conversations shows those that one is in, and no other.",
        why: "A query without its condition returns everything, and looks right with one user.",
        script: "
            people: ann, bob, eve stranger
            room one: ann, bob
            eve list
            ann list
            eve history in one => refused
        ",
        catches: &["list-foreign", "history-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "typing-stays-inside",
        says: "Who types is shown to participants and to nobody else.",
        why: "Where typing names no conversation, sending it to everybody looks right in a demonstration.",
        script: "
            people: ann, bob, eve stranger
            ann type
            until bob sees typing-start
            until bob sees typing-stop
            rest
        ",
        catches: &["typing-leak"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "presence-stays-inside",
        says: "Who comes and goes is told to those who share a conversation and to nobody else.",
        why: "`broadcast.emit` on connect is one line, and tells the whole world who is awake.",
        script: "
            people: ann, bob, eve stranger
            bob disconnect
            until ann sees offline
            bob connect
            until ann sees online
            eve disconnect
            eve connect
            rest
        ",
        catches: &["presence-leak"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "receipts-stay-inside",
        says: "Who has read a message is told in its conversation and nowhere else.",
        why: "Receipts go to a room of the sender's own, which is easily a room of everybody's.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            until bob sees a
            bob read a
            until ann sees receipt
            rest
        ",
        catches: &["receipt-leak"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "contacts-are-not-members",
        says: "A message reaches the participants of its own conversation, not the sender's other contacts.",
        why: "Rooms per person in place of rooms per conversation bring everything to everybody one knows.",
        script: "
            people: ann, bob, eve
            room side: ann, bob
            room other: ann, eve
            eve history in side => refused
            ann send a in side
            until bob sees a
            ann send b in other
            until eve sees b
            bob send c in side
            until ann sees c
            rest
        ",
        catches: &["message-leak", "history-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "member-of-another",
        says: "Being in one conversation opens no other one.",
        why: "A check that somebody is in a conversation is not a check that it is this one.",
        script: "
            people: ann, bob, carl, dan
            room one: ann, bob
            room two: carl, dan
            ann send a in one
            carl send c in one => refused
            carl history in one => refused
            carl send d in two
            until dan sees d
            ann send b in one
            until bob sees b
            rest
        ",
        catches: &["send-unchecked", "history-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "guessed-conversation",
        says: "An id that no conversation has is refused like one that the person is not in.",
        why: "What is looked up and not found is the null that brings a handler down.",
        script: "
            people: ann, bob, eve stranger
            room ghost guessed
            eve history in ghost => refused
            eve send e in ghost => refused
            ann send a
            until bob sees a
            eve history in ghost => refused
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "guessed-room",
        says: "Joining and typing where there is no conversation harms nobody.",
        why: "A room is made by joining it: two who guess the same id share one that nobody checks.",
        script: "
            people: ann, bob, eve stranger
            room ghost guessed
            eve join in ghost => refused
            eve typing-start in ghost => refused
            pause 200ms
            ann send a
            until bob sees a
            rest
        ",
        ..Probe::DEFAULT
    },
    Probe {
        name: "refusals-alike",
        says: "A refusal reads the same whether or not there is a conversation of that id.",
        why: "Counting ids up, a stranger learns how many conversations there are, and which.",
        severity: Severity::Should,
        script: "
            people: ann, bob, eve stranger
            room ghost guessed
            ann send a
            eve history => refused
            eve history in ghost => refused
            eve send e => refused
            eve send f in ghost => refused
        ",
        catches: &["refusal-tells"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-who-waits",
        says: "A stranger who knocked before anybody was there hears nothing when they come.",
        why: "Rooms outlive their checks: whoever is in when it fills stays in.",
        script: "
            people: ann offline, bob offline, eve stranger
            eve join => refused
            pause 200ms
            ann connect | bob connect
            ann send a
            until bob sees a
            bob type
            ann send b
            rest
        ",
        catches: &["join-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-who-comes-back",
        says: "A stranger who was refused gets nothing after a reconnect either.",
        why: "What a client asked for is done again when it comes back, with or without the check.",
        script: "
            people: ann, bob, eve stranger
            eve join => refused
            eve disconnect
            ann send a
            eve connect
            eve history => refused
            ann send b
            until bob sees b
            rest
        ",
        catches: &["history-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-in-the-rush",
        says: "A stranger is refused everything also while the participants are busy.",
        why: "A check that waits for the database is overtaken by what it should have stopped.",
        script: "
            people: ann, bob, eve stranger
            start ann burst 5
            eve history => refused | eve send e => refused | eve send f => refused
            start bob burst 4
            eve history => refused | eve send g => refused
            rest
        ",
        catches: &["send-unchecked", "history-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "second-device-is-the-same-person",
        says: "What one device may do, the other may do as well, and a stranger on both may nothing.",
        why: "Rights are a person's: a check by connection refuses one's own second device.",
        script: "
            people: ann x2, bob, eve x2 stranger
            ann.1 send a
            until ann.2 sees a
            ann.2 send b
            eve.1 history => refused | eve.2 history => refused
            ann.2 history
            eve.2 send e => refused
            rest
        ",
        catches: &["history-unchecked", "send-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "gone-is-gone",
        says: "Whoever leaves a conversation hears nothing more of it.",
        why: "A leave that is only noted leaves the socket where it was.",
        script: "
            people: ann, bob, carl
            bob leave
            pause 1300ms
            ann send a
            until carl sees a
            carl type
            ann send b
            until carl sees b
        ",
        catches: &["room-kept"],
        ..Probe::DEFAULT
    },
];
