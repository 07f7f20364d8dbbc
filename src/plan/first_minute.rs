//! The first minute of a person and a friend on a server: each operation that a spec has, once.

use crate::operation::{Operation, Sight};
use crate::plan::script::Script;
use crate::spec::Spec;

/// A script, and what its steps are called.
#[derive(Clone, Debug)]
pub struct FirstMinute {
    /// What happens.
    pub script: Script,
    /// A title for the connections, one for each step, one for the final read.
    pub titles: Vec<String>,
}

/// A step, and what the spec must have for it.
struct Scene {
    title: &'static str,
    line: &'static str,
    needs: &'static [Operation],
    shows: Option<Sight>,
}

const SCENES: &[Scene] = &[
    Scene {
        title: "ann says something",
        line: "ann send a",
        needs: &[Operation::Send],
        shows: None,
    },
    Scene {
        title: "bob sees it",
        line: "until bob sees a",
        needs: &[Operation::Send],
        shows: Some(Sight::Message),
    },
    Scene {
        title: "ann says it again, under the same key",
        line: "ann send a",
        needs: &[Operation::Send],
        shows: None,
    },
    Scene { title: "bob answers", line: "bob send b", needs: &[Operation::Send], shows: None },
    Scene {
        title: "ann sees the answer",
        line: "until ann sees b",
        needs: &[Operation::Send],
        shows: Some(Sight::Message),
    },
    Scene { title: "bob types", line: "bob type", needs: &[Operation::TypingStart], shows: None },
    Scene {
        title: "ann sees that bob types",
        line: "until ann sees typing-start",
        needs: &[Operation::TypingStart],
        shows: Some(Sight::TypingStart),
    },
    Scene {
        title: "the message arrived at bob's",
        line: "bob delivered a",
        needs: &[Operation::Delivered],
        shows: None,
    },
    Scene {
        title: "bob reads the message",
        line: "bob read a",
        needs: &[Operation::Read],
        shows: None,
    },
    Scene {
        title: "ann sees that it was read",
        line: "until ann sees receipt",
        needs: &[Operation::Read],
        shows: Some(Sight::Receipt),
    },
    Scene {
        title: "ann lists her conversations",
        line: "ann list",
        needs: &[Operation::List],
        shows: None,
    },
    Scene {
        title: "bob reads it all",
        line: "bob history",
        needs: &[Operation::History],
        shows: None,
    },
    Scene {
        title: "ann asks for what is new",
        line: "ann sync",
        needs: &[Operation::Sync],
        shows: None,
    },
    Scene {
        title: "bob counts what is unread",
        line: "bob unread",
        needs: &[Operation::Unread],
        shows: None,
    },
    Scene {
        title: "ann lists her contacts",
        line: "ann contacts",
        needs: &[Operation::Contacts],
        shows: None,
    },
    Scene { title: "bob goes offline", line: "bob disconnect", needs: &[], shows: None },
    Scene {
        title: "ann says something meanwhile",
        line: "ann send c",
        needs: &[Operation::Send],
        shows: None,
    },
    Scene { title: "bob is back", line: "bob connect", needs: &[], shows: None },
    Scene {
        title: "bob is in the conversation again",
        line: "until bob is ready",
        needs: &[],
        shows: None,
    },
];

/// The scenes that this spec can play.
#[must_use]
pub fn first_minute(spec: &Spec) -> FirstMinute {
    let has = |operation: &Operation| spec.deed(*operation).is_some();
    let shows = |sight: Sight| spec.sees.iter().any(|seen| seen.sight == sight);
    let mut text = String::from("people: ann, bob\n");
    let mut titles = vec!["ann and bob come".to_owned()];
    for scene in SCENES {
        if scene.needs.iter().all(has) && scene.shows.is_none_or(shows) {
            text.push_str(scene.line);
            text.push('\n');
            titles.push(scene.title.to_owned());
        }
    }
    titles.push("both read everything, and leave".to_owned());
    let script = Script::parse(&text).expect("the scenes are a script");
    FirstMinute { script, titles }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    #[test]
    fn each_spec_has_a_first_minute_of_what_it_can() {
        for (yaml, types) in [
            (include_str!("../../specs/callback-ack.yaml"), true),
            (include_str!("../../specs/event-reply.yaml"), false),
        ] {
            let spec = spec::load("a spec", yaml, spec::PROMISES);
            let spec = spec.map(|loaded| loaded.spec).unwrap_or_else(|list| panic!("{list:?}"));
            let minute = first_minute(&spec);
            assert_eq!(minute.titles.len(), minute.script.steps.len() + 2);
            assert_eq!(minute.titles.iter().any(|title| title == "bob types"), types);
            assert!(minute.titles.iter().any(|title| title == "bob sees it"));
        }
    }
}
