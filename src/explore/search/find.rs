//! What a search found: a property that was broken in one way, and a plan that shows it.

use crate::explore::shrink;
use crate::explore::trial::Sought;
use crate::fault::{Node, NodeDeed, Part, Server};
use crate::history::{ClientId, Nanos};
use crate::outcome::exploration::{Defect, Scene, Shrinkage};
use crate::plan::script::{Script, Step};
use crate::property;
use crate::spec::Spec;
use crate::verdict::Violation;
use std::sync::Arc;
use std::time::Duration;

/// A property that was broken in one way, and the smallest plan that did it.
#[derive(Clone, Debug)]
pub struct Find {
    /// Its id, or [`SURVIVAL`].
    pub property: String,
    /// The spec promises it.
    pub promised: bool,
    /// What is wrong, in one sentence without times or names, and what the server suffered meanwhile.
    pub seen: String,
    /// The first of it: the kind of the violations.
    pub(super) kind: String,
    /// The plan.
    pub script: Arc<Script>,
    /// Which of the search's plans it is; none of a plan of the corpus.
    pub plan: Option<u64>,
    /// The corpus has it.
    pub known: bool,
    /// Other plans that broke the same in the same way.
    pub(super) others: Vec<(u64, Arc<Script>)>,
    /// In how many plays of how many it was seen again.
    pub failed: Option<(u32, u32)>,
    /// It proves itself, or has happened again.
    pub proven: bool,
    /// How the plan was made smaller, if it was.
    pub shrunk: Option<Shrinkage>,
    /// In how many plans it was seen.
    pub plans: u64,
    /// When it was seen first.
    pub after: Duration,
    /// Where it was saved.
    pub file: String,
    /// The argument.
    pub violation: Option<Violation>,
    /// The play of the argument.
    pub scene: Scene,
    /// What the clients of the argument are called.
    pub names: Vec<(ClientId, String)>,
}

/// What a kind of violation is called in a plan in which nodes or parts of the server suffer: what fails then
/// is another defect than what fails anyway.
pub(super) fn in_words(kind: &str, script: &Script) -> String {
    let meanwhile = script.strikes().find_map(|strike| match strike {
        Server::Node(Node { does: NodeDeed::Stop, .. }) => Some("while a node stands still"),
        Server::Node(_) => Some("while a node is down"),
        Server::Part(Part::Redis) => Some("while Redis is away"),
        Server::Part(Part::Store) => Some("while the store is away"),
        Server::Restart | Server::Kill | Server::Stop => None,
    });
    meanwhile.map_or_else(|| kind.to_owned(), |meanwhile| format!("{kind} {meanwhile}"))
}

/// The same plan on a server that suffers nothing; nothing if it does not suffer.
pub(super) fn in_calm(script: &Script) -> Option<Script> {
    let of_parts = |strike| matches!(strike, Server::Node(_) | Server::Part(_));
    script.strikes().any(of_parts).then(|| {
        let mut calm = script.clone();
        calm.steps.retain(|step| !matches!(step, Step::Server(_) | Step::ServerHeals));
        calm
    })
}

impl Find {
    /// What plays of it are looked at for.
    pub(super) fn sought(&self) -> Sought<'_> {
        Sought { property: &self.property, kind: Some(&self.kind) }
    }

    /// The people of the argument, by their positions in the cast.
    pub(super) fn concerned(&self) -> Vec<usize> {
        let clients = self.violation.iter().flat_map(|violation| &violation.exhibits);
        let name = |client: ClientId| {
            let (_, name) = self.names.iter().find(|(known, _)| *known == client)?;
            name.split('.').next()
        };
        let named: Vec<&str> = clients.filter_map(|exhibit| name(exhibit.client)).collect();
        let cast = self.script.people.iter().enumerate();
        cast.filter(|(_, role)| named.contains(&role.name.as_str())).map(|(at, _)| at).collect()
    }

    /// A property that this script was seen to break, so that it proves itself; no more is known yet.
    pub(super) fn new(property: &str, promised: bool, seen: String, script: &Arc<Script>) -> Self {
        Self {
            property: property.to_owned(),
            promised,
            seen: in_words(&seen, script),
            kind: seen,
            script: Arc::clone(script),
            plan: None,
            known: false,
            others: Vec::new(),
            failed: None,
            proven: true,
            shrunk: None,
            plans: 1,
            after: Duration::ZERO,
            file: String::new(),
            violation: None,
            scene: Scene::default(),
            names: Vec::new(),
        }
    }

    /// A plan of the corpus that another one makes superfluous: that is smaller, and shows the same.
    pub(super) fn is_larger_than(&self, other: &Self) -> bool {
        self.plan.is_none() && shrink::extent(&other.script) < shrink::extent(&self.script)
    }

    /// Takes the plan of another one, and what is known of it.
    pub(super) fn exchange(&mut self, other: Self) {
        (self.script, self.plan) = (other.script, other.plan);
        (self.violation, self.scene, self.names) = (other.violation, other.scene, other.names);
        (self.failed, self.proven) = (None, other.proven);
    }

    /// As reports have it.
    pub(super) fn defect(&self, spec: &Spec) -> Defect {
        let find = self;
        let promise = spec.promise(&find.property);
        let page = property::find(&find.property).map(property::Property::page);
        let told = |own: Option<&str>, general: Option<&str>| {
            own.or(general).unwrap_or_default().to_owned()
        };
        Defect {
            property: find.property.clone(),
            promised: find.promised,
            promise: told(promise.map(|p| p.says.as_str()), page.map(|p| p.title)),
            source: told(promise.map(|p| p.source.as_str()), page.map(|p| p.source)),
            seen: find.seen.clone(),
            script: find.script.to_string(),
            failed: find.failed,
            shrunk: find.shrunk,
            plans: find.plans,
            after: find.after.as_nanos() as Nanos,
            file: find.file.clone(),
            known: find.known,
            violation: find.violation.clone(),
            scene: find.scene.clone(),
            names: find.names.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_while_the_server_suffers_is_told_apart() {
        let script = |text| Script::parse(text).expect("a script");
        let calm = script("people: ann, bob\nann send a\nrest");
        let struck = script("people: ann, bob\nann send a\nserver node 2 stop\nserver heal\nrest");
        assert_eq!(in_words("a gap", &calm), "a gap");
        assert_eq!(in_words("a gap", &struck), "a gap while a node stands still");
        assert_eq!((in_calm(&calm), in_calm(&struck)), (None, Some(calm)));
    }
}
