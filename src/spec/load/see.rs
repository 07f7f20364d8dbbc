//! `see:` what a client can see without having asked.

use crate::operation::Sight;
use crate::source::{Entry, Node, Span, suggestion};
use crate::spec::check;
use crate::spec::load::{Loader, Place};
use crate::spec::model::Pushed;

impl Loader<'_> {
    pub(super) fn sees(&mut self, node: Option<&Node>) -> Vec<Pushed> {
        self.place = Place::Seen;
        let Some(node) = node else { return Vec::new() };
        let Some(entries) = node.entries() else {
            self.found
                .error(node.span, format!("`see` is {}", node.what()))
                .expected("a mapping of sights to events");
            return Vec::new();
        };
        let mut sees: Vec<(Pushed, Span)> = Vec::new();
        for entry in entries {
            let Some(sight) = Sight::parse(&entry.key) else {
                self.no_sight(entry);
                continue;
            };
            let errors = self.found.errors();
            let (events, aliases) = parts(&entry.value);
            for (alias, nodes) in [(false, events), (true, aliases)] {
                for node in nodes {
                    let reception = self.event(node);
                    let pushed = Pushed { sight, reception, alias };
                    sees.push((pushed, node.span));
                }
            }
            if !self.failed_since(errors) {
                check::sight(sight, &sees, self);
            }
        }
        check::sights(&sees, self);
        sees.into_iter().map(|(pushed, _)| pushed).collect()
    }

    fn no_sight(&mut self, entry: &Entry) {
        let names = || Sight::ALL.iter().map(|sight| sight.name());
        let message = format!("`{}` is nothing a client sees", entry.key);
        let near = suggestion(&entry.key, names());
        let complaint = self.found.error(entry.key_span, message);
        match near {
            Some(near) => complaint.hint(format!("did you mean `{near}`?")),
            None => {
                let quoted: Vec<String> = names().map(|name| format!("`{name}`")).collect();
                complaint.expected(format!("one of {}", quoted.join(", ")))
            }
        };
    }
}

/// The events and the aliases of a sight: one shape, or `{ any: [shape, …], alias: [shape, …] }`.
fn parts(node: &Node) -> (&[Node], &[Node]) {
    let Some(entries) = node.entries() else {
        return (std::slice::from_ref(node), &[]);
    };
    let list = |name: &str| {
        let entry = entries.iter().find(|entry| entry.key == name);
        entry.and_then(|entry| entry.value.items())
    };
    let special = entries.iter().all(|e| matches!(e.key.as_str(), "any" | "alias"));
    match (special, list("any"), list("alias")) {
        (true, Some(events), aliases) => (events, aliases.unwrap_or(&[])),
        _ => (std::slice::from_ref(node), &[]),
    }
}
