//! Reading a mapping name by name, so that what nobody asked for is a mistake.

use crate::source::diagnostic::Diagnostics;
use crate::source::suggest::suggestion;
use crate::source::tree::{Entry, Node, Span};

/// A mapping being read. Ask for every name that may stand there, then call [`Fields::finish`].
#[derive(Debug)]
pub struct Fields<'n> {
    what: &'static str,
    span: Span,
    entries: &'n [Entry],
    taken: Vec<bool>,
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Begins to read a mapping. `what` is its name in messages, e.g. `connect`. Complains if the
    /// node is no mapping.
    pub fn of(node: &'n Node, what: &'static str, found: &mut Diagnostics<'_>) -> Option<Self> {
        let Some(entries) = node.entries() else {
            found
                .error(node.span, format!("`{what}` is {}", node.what()))
                .expected("a mapping of names to values");
            return None;
        };
        Some(Self {
            what,
            span: node.span,
            entries,
            taken: vec![false; entries.len()],
            asked: Vec::new(),
        })
    }

    /// Where the mapping stands.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// The entry of this name, if it stands there.
    pub fn take(&mut self, name: &'static str) -> Option<&'n Entry> {
        self.asked.push(name);
        let index = self.entries.iter().position(|entry| entry.key == name)?;
        self.taken[index] = true;
        Some(&self.entries[index])
    }

    /// The value of this name, if it stands there.
    pub fn value(&mut self, name: &'static str) -> Option<&'n Node> {
        self.take(name).map(|entry| &entry.value)
    }

    /// The value of this name; complains if it is missing.
    pub fn require(&mut self, name: &'static str, found: &mut Diagnostics<'_>) -> Option<&'n Node> {
        let value = self.value(name);
        if value.is_none() {
            let what = self.what;
            let top = Span { start: self.span.start, end: self.span.start };
            found.error(top, format!("`{what}` lacks `{name}`"));
        }
        value
    }

    /// The one of these names that stands there; complains if there are several.
    pub fn one_of(
        &mut self,
        names: &[&'static str],
        found: &mut Diagnostics<'_>,
    ) -> Option<&'n Entry> {
        let entries: Vec<&Entry> = names.iter().filter_map(|name| self.take(name)).collect();
        if let [first, second, ..] = entries[..] {
            found
                .error(second.key_span, format!("`{}` stands beside `{}`", second.key, first.key))
                .expected(format!("one of {}", listed(names)));
        }
        entries.first().copied()
    }

    /// Complains of every name that nobody asked for.
    pub fn finish(self, found: &mut Diagnostics<'_>) {
        let rest = self.entries.iter().zip(&self.taken);
        for (entry, _) in rest.filter(|(_, taken)| !**taken) {
            let free = self.asked.iter().copied();
            let what = self.what;
            let message = format!("`{what}` knows no `{}`", entry.key);
            let complaint = found.error(entry.key_span, message);
            match suggestion(&entry.key, free) {
                Some(near) => complaint.hint(format!("did you mean `{near}`?")),
                None => complaint.expected(format!("one of {}", listed(&self.asked))),
            };
        }
    }
}

/// Names for a message: `a`, `b`, `c`.
pub(crate) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse;

    #[test]
    fn unknown_and_missing_names_are_told() {
        let mut found = Diagnostics::new("f", "tmeout: 1\nwibble: 2\n");
        let node = parse(&mut found).unwrap();
        let mut fields = Fields::of(&node, "connect", &mut found).unwrap();
        assert!(fields.value("timeout").is_none());
        assert!(fields.require("path", &mut found).is_none());
        fields.finish(&mut found);
        let list = found.into_sorted();
        let lines: Vec<_> = list
            .iter()
            .map(|d| (d.message.as_str(), d.hint.as_deref(), d.expected.as_deref()))
            .collect();
        assert_eq!(
            lines,
            [
                ("`connect` lacks `path`", None, None),
                ("`connect` knows no `tmeout`", Some("did you mean `timeout`?"), None),
                ("`connect` knows no `wibble`", None, Some("one of `timeout`, `path`")),
            ]
        );
    }
}
