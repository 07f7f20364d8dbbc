//! The cases of `rate-limit`.

use crate::property::{Need, Probe};

const RATE: &[Need] = &[Need::RateLimit, Need::Answers];
const WINDOW: &[Need] = &[Need::RateLimit, Need::Answers, Need::ShortRateWindow];

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "burst-at-the-rate",
        says: "As many messages at once as the rate allows in its window are all taken.",
        why: "A limiter that counts from one too early, or spreads the rate evenly over the \
              window, refuses somebody who did nothing wrong.",
        needs: RATE,
        script: "people: ann, bob
            ann burst rate
            rest",
        catches: &["rate-strict"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "paced-at-the-rate",
        says: "Messages sent steadily, a little slower than the rate, are all taken.",
        why: "A limiter whose window is longer than documented, or that never gives back what it \
              counted, shows only after the first window.",
        needs: WINDOW,
        script: "people: ann, bob
            ann burst 2rate paced => harmless
            rest",
        ..Probe::DEFAULT
    },
    Probe {
        name: "excess-is-refused",
        says: "Whoever sends more than the rate, window after window, is refused the excess.",
        why: "A limit in a document that nothing enforces, or one that is twice as lax, protects \
              nobody.",
        needs: WINDOW,
        script: "people: ann, bob
            ann burst 8rate every 50ms => harmless
            rest",
        catches: &["rate-lax"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "excess-is-answered",
        says: "Each message beyond the rate is refused with an error, not dropped in silence.",
        why: "A dropped message looks to its sender like a slow one, and is sent again: the \
              excess grows.",
        needs: RATE,
        script: "people: ann, bob
            ann burst 2rate+1 => harmless
            rest",
        catches: &["rate-silent"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "refused-is-not-stored",
        says: "A message that was refused for the rate is not stored and reaches nobody.",
        why: "Limiters that sit behind the store, or beside it, refuse and keep.",
        needs: RATE,
        script: "people: ann, bob
            ann burst 2rate => harmless
            rest
            bob history
            rest",
        catches: &["rate-stores"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "per-person-not-per-device",
        says: "All devices of a person share one allowance.",
        why: "A counter kept on the socket doubles the allowance with each tab.",
        needs: RATE,
        script: "people: ann x5, bob
            ann burst rate => harmless
            rest",
        catches: &["rate-per-socket"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "per-person-not-per-room",
        says: "One person's excess is not counted against others in the same conversation.",
        why: "A counter kept per conversation, or one for everybody, lets one loud client mute \
              the room.",
        needs: RATE,
        script: "people: ann, bob, cat
            ann burst 2rate => harmless | bob burst rate-1 | cat burst rate-1
            rest
            cat send y => accepted
            rest",
        catches: &["rate-hits-others"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "per-person-across-rooms",
        says: "One person's excess in one conversation is nobody else's in another.",
        why: "The same counter, seen from the next room.",
        needs: RATE,
        script: "people: ann, bob, cat, dan
            room loud: ann, bob, cat
            room quiet: cat, dan
            ann burst 2rate in loud => harmless | cat burst rate-1 in quiet
            rest
            dan send x in quiet => accepted",
        catches: &["rate-hits-others"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "window-slides",
        says: "One window after an excess the person may send again.",
        why: "A limiter that counts refused attempts for ever, or bans for good, turns one fast \
              moment into a lost account.",
        needs: WINDOW,
        script: "people: ann, bob
            ann burst 2rate => harmless
            pause window
            ann burst rate
            rest",
        catches: &["rate-forever", "rate-window-long"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "same-key-after-a-refusal",
        says: "A message that was refused for the rate may be sent again later, with its key.",
        why: "A server that remembers the key of what it refused answers the retry with an id \
              that no message has, or with nothing.",
        needs: &[Need::RateLimit, Need::Answers, Need::ShortRateWindow, Need::Keys],
        script: "people: ann, bob
            start ann burst 2rate => harmless
            ann send x => harmless
            rest
            pause window
            ann send x => harmless
            rest
            bob history
            rest",
        catches: &["rate-forever"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "excess-keeps-the-connection",
        says: "Whoever exceeds the rate keeps the connection, and goes on in the next window.",
        why: "A reconnect costs the server more than the message it did not take.",
        needs: WINDOW,
        script: "people: ann, bob
            ann burst 2rate+5 every 5ms => harmless
            pause window
            ann send x => accepted
            bob send y => accepted
            rest",
        catches: &["rate-disconnects"],
        ..Probe::DEFAULT
    },
];
