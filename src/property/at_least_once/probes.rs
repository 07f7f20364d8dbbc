//! What provokes loss and damage: connections that die at each moment of a send, restarts, bursts,
//! and texts that are hard to keep.

use crate::property::{Need, Probe};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "burst",
        says: "Of many messages sent at once each is stored or refused, and no other one stands in history.",
        why: "Queues overflow, stores fail now and then, and an ack that was sent too soon cannot be taken back.",
        copies: 3,
        script: "people: ann, bob, cat
                 ann burst 9 | bob burst 9 | cat burst 9
                 pause 1100ms
                 ann burst 9 | bob burst 9 | cat burst 9",
        catches: &["ack-before-store", "refused-stored", "phantom", "drop-burst"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "long-texts",
        says: "A text as long as the documents allow is stored whole.",
        why: "A column that is shorter than the limit cuts without a word, or fails after the ack.",
        script: "people: ann, bob
                 ann send a as long
                 bob burst 3 as long",
        catches: &["drop-long", "truncate"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "unicode-texts",
        says: "Emoji, combining marks and all scripts are stored as they were sent.",
        why: "Encodings of three bytes, normalisation, and cuts between the halves of a character.",
        script: "people: ann, bob
                 ann burst 8 as unicode | bob burst 8 as unicode",
        catches: &["charset", "charset-narrow"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "markup-texts",
        says: "Markup and quotes come back as the documented sanitising leaves them, once.",
        why: "Made inert at the entrance and again at the exit, a text is shown full of escapes.",
        script: "people: ann, bob
                 ann burst 6 as markup | bob burst 6 as markup",
        catches: &["escaped-twice"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "cut-right-after-the-send",
        says: "A message whose connection dies before its ack is stored by the retry, if not by the first attempt.",
        why: "A handler that gives up with the connection must not leave its key behind.",
        copies: 2,
        script: "people: ann, bob
                 ann cut-after-send for 300ms | bob cut-after-send for 300ms
                 ann send a | bob send b",
        catches: &["key-before-store"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "cut-before-the-ack",
        says: "A message whose ack was lost with the connection stays stored, and its retry is acked.",
        why: "A transaction that is tied to the connection would be undone.",
        script: "people: ann, bob
                 ann withhold-acks
                 start ann burst 3
                 start ann send a
                 until bob sees a
                 ann cut fin
                 ann heal
                 until ann is ready
                 rest",
        ..Probe::DEFAULT
    },
    Probe {
        name: "cut-after-the-ack",
        says: "A message stays stored when its sender's connection dies right after the ack.",
        why: "The ack was a promise, and nobody is there any more who would send again.",
        copies: 2,
        script: "people: ann, bob
                 ann burst 5
                 ann cut rst
                 bob burst 5
                 bob cut close-frame
                 rest",
        ..Probe::DEFAULT
    },
    Probe {
        name: "cut-in-a-frame",
        says: "A connection that dies in the middle of a frame harms no message before and none after.",
        why: "Half a message must neither be stored nor block the ones that follow on a new connection.",
        script: "people: ann, bob
                 start ann burst 5
                 ann cut half-frame
                 bob send a
                 ann burst 3
                 rest",
        ..Probe::DEFAULT
    },
    Probe {
        name: "offline-queue",
        says: "What was written without a connection is stored once the connection is back.",
        why: "A queue is sent in the first moments of a connection, before everything is set up for it.",
        script: "people: ann, bob
                 ann disconnect
                 start ann burst 5
                 bob send a
                 ann connect
                 rest",
        catches: &["drop-queued"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "refused",
        says: "A refused message is stored nowhere, and those around it are.",
        why: "Its sender was told that it failed, and will write it anew.",
        needs: &[Need::TextLimit],
        script: "people: ann, bob
                 ann send a
                 ann send b as overlong => refused
                 ann send c | ann send d as overlong => refused
                 bob send e",
        ..Probe::DEFAULT
    },
    Probe {
        name: "ack-withheld",
        says: "A sender without an ack tries again, and the message is stored.",
        why: "Between the attempts the server may have forgotten that it ever saw the first.",
        quick: false,
        needs: &[Need::Answers],
        script: "people: ann, bob
                 ann withhold-acks for 1s
                 ann burst 5
                 bob send a",
        ..Probe::DEFAULT
    },
    Probe {
        name: "never-answered",
        says: "A sender who never hears anything is told after the last attempt that the message failed, and not before.",
        why: "Every send ends within the contract's time: all its attempts, and the pauses between.",
        quick: false,
        needs: &[Need::Answers],
        script: "people: ann, bob
                 ann withhold-acks
                 ann send a
                 bob send b",
        ..Probe::DEFAULT
    },
    Probe {
        name: "across-a-restart",
        says: "What was acked before the server was restarted is there afterwards.",
        why: "What is kept in memory, or written later, does not outlive the process.",
        needs: &[Need::OwnServer],
        script: "people: ann, bob
                 ann burst 5 | bob burst 5
                 pause 600ms
                 server restart
                 ann send a
                 rest",
        catches: &["restart-loses"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "across-a-kill",
        says: "What was acked before the server was killed is there afterwards, and what was under way is stored once or not at all.",
        why: "Nobody asks a process that is killed whether it has written everything.",
        needs: &[Need::OwnServer],
        script: "people: ann, bob
                 ann burst 5
                 pause 600ms
                 start bob burst 8
                 server kill
                 ann send a
                 rest",
        catches: &["restart-loses"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stopped-for-a-while",
        says: "A server that stands still for two seconds stores what was sent to it meanwhile, or says no.",
        why: "A slow store makes everything late; late is not lost, and what gives up must say so.",
        needs: &[Need::OwnServer],
        script: "people: ann, bob
                 ann burst 3
                 start bob burst 5
                 server stop for 2s
                 ann send a
                 rest",
        ..Probe::DEFAULT
    },
];
