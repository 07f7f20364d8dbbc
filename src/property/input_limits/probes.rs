//! The cases of `input-limits`. Each ends with ordinary messages, from the one who asked oddly and
//! from another: whatever came before, they must be taken and arrive.

use crate::property::{Need, Probe, Severity};

const LIMIT: &[Need] = &[Need::TextLimit, Need::Answers];
const ANSWERS: &[Need] = &[Need::Answers];

/// A script of odd steps, and the ordinary messages that prove that all is well.
macro_rules! then_all_is_well {
    ($($step:literal)*) => {
        concat!(
            "people: ann, bob\n",
            $($step, "\n",)*
            "ann send after => accepted\n",
            "bob send reply => accepted\n",
            "rest",
        )
    };
}

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "text-at-the-limit",
        says: "A text of exactly the longest documented length is taken and comes as it was sent.",
        why: "`<` where `<=` was meant refuses the last character.",
        needs: LIMIT,
        script: then_all_is_well!("ann send full as long => accepted"),
        catches: &["limit-one-less"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "text-over-the-limit",
        says: "A text of one character more than documented is refused with an error.",
        why: "`<=` where `<` was meant takes one more; and a limit that only the document has \
              takes anything.",
        needs: LIMIT,
        script: then_all_is_well!("ann send over as overlong => refused"),
        catches: &["limit-one-more", "limit-missing"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "multibyte-at-the-limit",
        says: "A text at the limit is taken if its characters have two or three bytes each.",
        why: "A limit in bytes is a third of it for whoever writes Chinese.",
        needs: LIMIT,
        script: then_all_is_well!("ann send full as multibyte => accepted"),
        catches: &["limit-in-bytes"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "emoji-at-the-limit",
        says: "A text at the limit is taken if it is made of emoji.",
        why: "Characters beyond the basic plane count twice in JavaScript and Java: the limit is \
              half of it for whoever sends emoji.",
        needs: LIMIT,
        script: then_all_is_well!("ann send full as emoji => accepted"),
        catches: &["limit-in-code-units", "limit-in-bytes"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "combining-marks-at-the-limit",
        says: "A text at the limit is taken if half of it are combining marks.",
        why: "Normalising a text before or after it is counted changes its length.",
        needs: LIMIT,
        script: then_all_is_well!("ann send full as combining => accepted"),
        catches: &["limit-in-bytes"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "huge-text",
        says: "A text of 100,000 characters is refused with an error, on a connection that stays.",
        why: "A limit of the transport below that of a packet cuts the connection, and the \
              client sends the same again after it.",
        needs: LIMIT,
        script: then_all_is_well!("ann send x with text huge => refused"),
        catches: &["huge-disconnects", "limit-missing"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "empty-text",
        says: "A message without a character harms nobody, and is not stored if it is refused.",
        why: "Empty is false in many languages, and takes the path of a missing text.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text empty => harmless"),
        catches: &["blank-stored"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "blank-text",
        says: "A message of spaces only harms nobody, and is not stored if it is refused.",
        why: "The check trims, the store does not, or the other way round.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text blank => harmless"),
        catches: &["blank-stored"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "blank-text-is-refused",
        says: "A message without a visible character is refused with an error.",
        why: "An empty bubble in everybody's list, which nobody can tap away.",
        needs: &[Need::BlankRefused, Need::Answers],
        script: then_all_is_well!(
            "ann send x with text empty => refused"
            "ann send y with text blank => refused"
        ),
        ..Probe::DEFAULT
    },
    Probe {
        name: "text-is-null",
        says: "`null` in place of the text is refused with an error.",
        why: "`null` turns into the word in one language, and into a crash in the next.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text null => refused"),
        catches: &["null-as-text", "bad-input-crash", "bad-input-disconnects", "bad-input-silent"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "text-is-a-number",
        says: "A number in place of the text is refused with an error.",
        why: "A number has no length, so that the check of it passes.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text number => refused"),
        catches: &["number-as-text"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "text-is-a-boolean",
        says: "`true` in place of the text is refused with an error.",
        why: "It is true, so that the check for a missing text passes.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text boolean => refused"),
        catches: &["bad-input-crash"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "text-is-a-list",
        says: "A list in place of the text is refused with an error.",
        why: "A list has a length, and a database driver may spread it into a query.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text array => refused"),
        catches: &["error-leaks-stack"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "text-is-an-object",
        says: "An object in place of the text is refused with an error.",
        why: "An object is an operator to some databases: `{\"$gt\": \"\"}`.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text object => refused"),
        catches: &["error-leaks-stack"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "deeply-nested-text",
        says: "Lists a hundred levels deep in place of the text are refused with an error.",
        why: "Whatever walks its input recursively has a depth at which it falls.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text nested => refused"),
        catches: &["bad-input-crash"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "text-is-missing",
        says: "A message without the field of the text is refused with an error.",
        why: "`undefined` is not `null`: a check for one lets the other through.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x without text => refused"),
        catches: &["bad-input-silent"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "control-characters",
        says: "Control characters in a text harm nobody.",
        why: "An escape sequence is for a terminal what a tag is for a browser.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text controls => harmless"),
        ..Probe::DEFAULT
    },
    Probe {
        name: "nul-in-a-text",
        says: "U+0000 in a text harms nobody.",
        why: "PostgreSQL keeps no NUL, and its error reaches whoever forgot to check; C ends there.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text nul => harmless"),
        ..Probe::DEFAULT
    },
    Probe {
        name: "half-a-surrogate-pair",
        says: "An escape of half a surrogate pair harms nobody.",
        why: "JSON allows the escape, UTF-8 has no bytes for it: what parses cannot be sent on.",
        severity: Severity::Should,
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with text surrogate => harmless"),
        ..Probe::DEFAULT
    },
    Probe {
        name: "key-is-missing",
        says: "A message without its client message id harms nobody.",
        why: "Two messages without a key must not be taken for one, nor crash an index.",
        needs: &[Need::Keys, Need::Answers],
        script: then_all_is_well!("ann send x without key => harmless"),
        ..Probe::DEFAULT
    },
    Probe {
        name: "key-of-a-wrong-type",
        says: "A client message id that is no text harms nobody.",
        why: "A key goes straight into a query, more often than a text does.",
        needs: &[Need::Keys, Need::Answers],
        script: then_all_is_well!(
            "ann send x with key null => harmless"
            "ann send y with key number => harmless"
            "ann send z with key object => harmless"
        ),
        ..Probe::DEFAULT
    },
    Probe {
        name: "key-empty-or-huge",
        says: "An empty client message id, or one of 100,000 characters, harms nobody.",
        why: "An index has a longest entry; what exceeds it is an error of the database.",
        needs: &[Need::Keys, Need::Answers],
        script: then_all_is_well!(
            "ann send x with key empty => harmless"
            "ann send y with key huge => harmless"
        ),
        ..Probe::DEFAULT
    },
    Probe {
        name: "conversation-is-missing",
        says: "A message that does not say where it goes is refused with an error.",
        why: "Positional arguments move up: the text stands where the conversation was.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x without conversation => refused"),
        catches: &["bad-input-silent"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "conversation-of-a-wrong-type",
        says: "A conversation's id of the wrong type is refused with an error.",
        why: "Half of the drivers coerce it, the other half throw.",
        needs: ANSWERS,
        script: then_all_is_well!(
            "ann send x with conversation null => refused"
            "ann send y with conversation object => refused"
            "ann send z with conversation array => refused"
            "ann send w with conversation number => refused"
        ),
        catches: &["error-leaks-stack"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "conversation-unknown",
        says: "A message to a conversation that does not exist is refused with an error.",
        why: "Nobody is in it, so nobody is asked; or a foreign key's error is told.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with conversation unknown => refused"),
        catches: &["unknown-room-silent"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "extra-fields",
        says: "Fields that the document does not name are ignored.",
        why: "A strict schema refuses the next version of the client.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with extra fields => accepted"),
        catches: &["extra-fields-refused"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "prototype-fields",
        says: "Fields called `__proto__` and `constructor` harm nobody.",
        why: "A careless merge changes every object of the process.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with prototype fields => harmless"),
        ..Probe::DEFAULT
    },
    Probe {
        name: "flat-data",
        says: "A text where an object is documented is refused with an error.",
        why: "Reading a field of a text gives nothing, and then something is done with it.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with flat data => refused"),
        catches: &["bad-input-crash"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "no-arguments",
        says: "A send without any argument is refused with an error.",
        why: "Taking apart what is not there throws before any check.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x without arguments => refused"),
        catches: &["bad-input-crash"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "too-many-arguments",
        says: "More arguments than documented harm nobody.",
        why: "The third argument is taken for the callback, and called.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x with extra arguments => harmless"),
        ..Probe::DEFAULT
    },
    Probe {
        name: "no-ack-function",
        says: "A send without an acknowledgement function harms nobody.",
        why: "Calling what is not there ends the handler, or the process.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x without ack => harmless"),
        catches: &["missing-ack-crash"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "ack-where-none-is-awaited",
        says: "An acknowledgement function where none is documented harms nobody.",
        why: "The handler's last argument is another one than it thinks.",
        script: then_all_is_well!("ann typing-start with an ack => harmless"),
        ..Probe::DEFAULT
    },
    Probe {
        name: "unknown-event",
        says: "An event, or a path, that the document does not name harms nobody.",
        why: "An older server meets a newer client each day of a rollout.",
        needs: ANSWERS,
        script: then_all_is_well!("ann send x under another name => harmless"),
        catches: &["unknown-event-disconnects"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "other-operations",
        says: "Operations beside sending survive wrong types and missing arguments, too.",
        why: "Sending is checked; what everybody forgets is typing, joining and reading.",
        script: then_all_is_well!(
            "start ann typing-start with conversation object => harmless"
            "start ann typing-start without arguments => harmless"
            "start ann typing-stop with conversation null => harmless"
            "rest"
        ),
        catches: &["typing-crash"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "reading-an-unknown-message",
        says: "Marking a message as read that does not exist harms nobody.",
        why: "The message is looked up for its sender, and what was not found has none.",
        script: then_all_is_well!(
            "ann send a => accepted"
            "until bob sees a"
            "start bob read a with message unknown => harmless"
            "rest"
        ),
        ..Probe::DEFAULT
    },
    Probe {
        name: "reading-a-malformed-id",
        says: "Marking as read what is no message's id harms nobody.",
        why: "What checks an id throws, in a handler that nobody waits for.",
        script: then_all_is_well!(
            "ann send a => accepted"
            "until bob sees a"
            "start bob read a with message object => harmless"
            "start bob read a with message boolean => harmless"
            "start bob read a with message empty => harmless"
            "start bob read a without arguments => harmless"
            "rest"
        ),
        catches: &["read-crash"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "history-of-a-wrong-conversation",
        says: "Reading a conversation whose id is of the wrong type, or unknown, is refused.",
        why: "What stands in a URL is text, and goes into a query as a number.",
        script: then_all_is_well!(
            "ann history with conversation object => refused"
            "ann history with conversation unknown => refused"
        ),
        catches: &["error-leaks-stack"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "markup-is-inert",
        says: "Markup in a text comes back so that no browser takes it for a tag.",
        why: "One message with a script runs in the browser of each member.",
        needs: &[Need::Sanitises],
        script: "people: ann, bob
            ann send a as markup
            ann send b as markup
            ann send c as markup
            bob send d as markup
            rest
            bob history
            rest",
        catches: &["markup-alive"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "everything-at-once",
        says: "Odd requests in a row, without waiting, harm nobody.",
        why: "A handler that is busy with one error meets the next.",
        needs: ANSWERS,
        script: then_all_is_well!(
            "start ann send a with text object => refused | bob send b without text => refused"
            "start ann send c with conversation array => refused | bob send d with flat data => refused"
            "start ann send e with text null => refused | bob send f without arguments => refused"
            "rest"
        ),
        catches: &["bad-input-crash"],
        ..Probe::DEFAULT
    },
];
