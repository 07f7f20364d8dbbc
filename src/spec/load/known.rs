//! `known-failures:` cases of the catalogue that fail on this server, and why that is accepted.

use crate::source::{Entry, Fields, Node};
use crate::spec::load::Loader;
use crate::spec::model::KnownFailure;

impl Loader<'_> {
    pub(super) fn known_failures(&mut self, node: Option<&Node>) -> Vec<KnownFailure> {
        let Some(node) = node else { return Vec::new() };
        let expected =
            "cases with a reason, such as `ordering/live-order: { reason: …, until: 2027-01-31 }`";
        let Some(entries) = node.entries() else {
            let what = format!("`known-failures` is {}", node.what());
            self.found.error(node.span, what).expected(expected);
            return Vec::new();
        };
        entries.iter().filter_map(|entry| self.known_failure(entry)).collect()
    }

    fn known_failure(&mut self, entry: &Entry) -> Option<KnownFailure> {
        let mut fields = Fields::of(&entry.value, "known failure", &mut self.found)?;
        let reason = fields.require("reason", &mut self.found);
        let reason = self.text_of(reason, "reason");
        let until_node = fields.value("until");
        let until = until_node.map(|node| self.text_of(Some(node), "until"));
        fields.finish(&mut self.found);
        if let Some((node, date)) = until_node.zip(until.as_deref()).filter(|(_, d)| !is_date(d)) {
            self.found
                .error(node.span, format!("`{date}` is no date"))
                .expected("a day such as `2027-01-31`");
        }
        Some(KnownFailure { case: entry.key.clone(), at: entry.key_span, reason, until })
    }
}

fn is_date(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() && text.len() == 10
}

#[cfg(test)]
mod tests {
    use crate::spec;

    fn load(known: &str) -> Result<spec::Spec, String> {
        let yaml = include_str!("../../../specs/callback-ack.yaml");
        let yaml = format!("{yaml}\nknown-failures:\n{known}\n");
        let promised =
            ["idempotency", "ordering", "at-least-once", "no-loss-on-reconnect", "ack-timeout"];
        let loaded = spec::load("spec", &yaml, &promised);
        loaded
            .map(|loaded| loaded.spec)
            .map_err(|mistakes| crate::source::render(&mistakes).to_string())
    }

    #[test]
    fn a_known_failure_has_a_reason_and_perhaps_a_date() {
        let spec = load(
            "  ordering/a: { reason: an old bug }\n  ordering/b: { reason: x, until: 2027-01-31 }",
        )
        .unwrap();
        assert_eq!(spec.known_failures[0].case, "ordering/a");
        assert_eq!(spec.known_failures[1].until.as_deref(), Some("2027-01-31"));
    }

    #[test]
    fn what_is_no_date_or_has_no_reason_is_said() {
        assert!(load("  ordering/a: { until: 2027-01-31 }").unwrap_err().contains("reason"));
        let said = load("  ordering/a: { reason: x, until: tomorrow }").unwrap_err();
        assert!(said.contains("`tomorrow` is no date"), "{said}");
        assert!(load("  - ordering/a").unwrap_err().contains("known-failures"));
    }
}
