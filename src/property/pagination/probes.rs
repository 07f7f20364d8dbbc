//! The cases of `pagination`.

use crate::property::Probe;
use crate::verdict::Severity;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "whole-once",
        says: "Pages, put together, are the whole history, each message once.",
        why: "Where a page begins is counted by one query and shown by another: off by one, a row \
              is between the pages or on two of them.",
        script: "people: ann, bob
            ann burst 7 every 20ms
            bob burst 5 every 20ms
            bob history by 5
            ann history by 5",
        catches: &["page-skips", "page-repeats", "page-unordered"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "last-page",
        says: "What is left over after the last full page has a page of its own.",
        why: "Pages are counted by a division that rounds down.",
        script: "people: ann, bob
            ann burst 7 every 20ms
            bob history by 4
            bob history by 6",
        catches: &["page-last-missing", "page-skips", "page-repeats"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "exactly-a-page",
        says: "A history of exactly a page is whole, and nothing comes after it.",
        why: "A full page seems to have a successor; the request for it is one past the end.",
        script: "people: ann, bob
            ann burst 5 every 20ms
            bob history by 5",
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-more-than-a-page",
        says: "A history of one message more than a page has a second page with that message.",
        why: "To know whether there is more, one row more is read; it must not be forgotten.",
        script: "people: ann, bob
            ann burst 6 every 20ms
            bob history by 5",
        catches: &["page-last-missing"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "one-fewer-than-a-page",
        says: "A history of one message fewer than a page is one page.",
        why: "The other side of the edge.",
        script: "people: ann, bob
            ann burst 4 every 20ms
            bob history by 5",
        ..Probe::DEFAULT
    },
    Probe {
        name: "empty",
        says: "The history of a conversation without messages is an empty page, not an error.",
        why: "The first row of nothing is null, and so is its position.",
        script: "people: ann, bob
            bob history by 5
            ann send a
            until bob sees a
            bob history by 5",
        ..Probe::DEFAULT
    },
    Probe {
        name: "page-size",
        says: "A page has as many rows as were asked for, and no more.",
        why: "A limit that is not passed on returns everything, which works until there is much.",
        severity: Severity::Should,
        script: "people: ann, bob
            ann burst 8 every 10ms
            bob history by 3
            bob history by 7",
        catches: &["page-unlimited"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "many-pages",
        says: "A history of many small pages is read to its end.",
        why: "What is off by one on each page adds up, and a cap on pages cuts.",
        script: "people: ann, bob, cid
            ann burst 8 every 20ms
            bob burst 8 every 20ms
            cid history by 3",
        catches: &["page-skips", "page-repeats", "page-unordered"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "while-messages-arrive",
        says: "New messages do not move old ones from page to page while somebody reads.",
        why: "Pages that are counted from the newest message shift with each new one: the last \
              row of a page is the first of the next.",
        script: "people: ann, bob, cid
            ann burst 9 every 10ms
            start bob burst 8 every 50ms
            cid history by 4 every 120ms
            rest
            cid history by 4",
        catches: &["pages-shift"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "by-several-at-once",
        says: "Two devices of one person read the same history at their own pace.",
        why: "Where a reader is belongs to the request: kept per person, two walks go on one's \
              path.",
        script: "people: ann, bob x2
            ann burst 10 every 10ms
            bob.1 history by 3 every 40ms | bob.2 history by 4 every 25ms",
        catches: &["page-shared"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "same-moment",
        says: "Messages of the same moment are not torn apart by the edge of a page.",
        why: "Where times are the position, several messages have one: after it, the rest of them \
              is skipped; from it, some come twice.",
        copies: 3,
        script: "people: ann, bob, cid
            ann burst 5 | bob burst 5 | cid burst 5
            bob history by 6
            cid history by 9",
        catches: &["page-exclusive"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "since-and-pages",
        says: "A sync that has several pages brings all from its start on, once.",
        why: "The start of the sync and the start of a page are two conditions of one query.",
        script: "people: ann, bob
            ann burst 7 every 20ms
            bob burst 4 every 20ms
            ann sync by 4
            bob sync by 5",
        catches: &["page-repeats"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-a-restart",
        says: "The pages after a restart are those from before it.",
        why: "Where pages are kept in memory, or positions are, the restart deals them anew.",
        quick: false,
        needs: &[crate::property::Need::OwnServer],
        script: "people: ann, bob
            ann burst 7 every 20ms
            bob history by 3
            server restart
            bob history by 3
            ann history by 4",
        catches: &["page-skips"],
        ..Probe::DEFAULT
    },
];
