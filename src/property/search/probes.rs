//! The cases of `search`.

use crate::property::{Need, Probe, Severity};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "stored-is-found",
        says: "What was acked is found at once, by its sender and by the others.",
        why: "An index that is filled later, or by the sender's own client, knows less than the \
              database.",
        script: "
            people: ann, bob
            ann send a
            ann search a
            bob search a
            bob send b
            ann search b
        ",
        catches: &["search-misses", "search-stale"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "of-an-hour-ago",
        says: "What was said before other things is found as well as the newest.",
        why: "Searching the last page of each conversation is fast and looks right in a demonstration.",
        script: "
            people: ann, bob
            ann send a
            ann burst 7 every 10ms
            bob burst 9 every 10ms
            bob search a
            ann search a
        ",
        catches: &["search-misses"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "stranger-finds-nothing",
        says: "A search shows nothing of conversations that the searcher is not in.",
        why: "The condition that makes a search somebody's own is one line of its query.",
        script: "
            people: ann, bob, eve, dan
            room one: ann, bob
            room two: eve, dan
            ann send a in one
            eve send b in two
            eve search a
            dan search a
            ann search b
            ann search a
        ",
        catches: &["search-leak"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "nobody-finds-nothing",
        says: "Somebody who is in no conversation finds nothing.",
        why: "An empty list of conversations is taken for no condition at all.",
        script: "
            people: ann, bob, eve stranger
            ann send a
            eve search a
            bob search a
        ",
        catches: &["search-leak"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "deleted-is-not-found",
        says: "What somebody has deleted for themselves they do not find, and the others still do.",
        why: "Deleting marks a row of one table; the search reads another.",
        script: "
            people: ann, bob
            ann send a
            until bob sees a
            bob search a
            bob hide a
            bob search a
            ann search a
        ",
        catches: &["search-finds-hidden"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "of-another",
        says: "A search for what was said where one is not finds nothing, and nothing else.",
        why: "Where nothing fits, the nearest thing, or the newest, is no answer.",
        script: "
            people: ann, bob, cid, dan
            room one: ann, bob
            room two: cid, dan
            ann send a in one
            cid send b in two
            cid search a
            ann search b
        ",
        catches: &["search-anything", "search-leak"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "a-pattern-is-no-word",
        says: "A search for what nobody wrote finds nothing, also if a database takes it for a pattern.",
        why: "What is looked for goes into a `LIKE` as it came: `%` finds everything, and `100%` far too \
              much.",
        severity: Severity::Should,
        script: "
            people: ann, bob
            ann send a
            bob send b
            until bob sees a
            bob search a as pattern
            ann search b as pattern
            ann search a
        ",
        catches: &["search-wildcards"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "over-pages",
        says: "What a search finds goes on from page to page.",
        why: "The first page is what everybody tries.",
        script: "
            people: ann, bob
            ann send a
            ann send b with text of a
            ann send c with text of a
            bob send d with text of a
            bob send e with text of a
            bob search a by 2
            ann search a by 3
        ",
        catches: &["search-page-lost"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-a-restart",
        says: "What was said before a restart is found after it.",
        why: "An index in memory begins anew with the process.",
        quick: false,
        needs: &[Need::OwnServer],
        script: "
            people: ann, bob
            ann send a
            until bob sees a
            server restart
            bob search a
            ann send b
            bob search b
        ",
        catches: &["search-forgotten"],
        ..Probe::DEFAULT
    },
];
