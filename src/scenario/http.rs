//! `http:` users without a socket, beside the clients.

use crate::operation::Operation;
use crate::scenario::load::Loader;
use crate::scenario::model::{HttpUsers, RateOf, Share};
use crate::source::{Fields, Node, suggestion};
use std::time::Duration;

impl Loader<'_> {
    /// The users; the phases last until `end`.
    pub(super) fn http(&mut self, node: &Node, end: Duration) -> Option<HttpUsers> {
        let mut fields = Fields::of(node, "http", &mut self.found)?;
        let users = fields.require("users", &mut self.found);
        let users = users.and_then(|node| node.read_count(1, &mut self.found));
        let rate_node = fields.require("rate", &mut self.found);
        let rate = self.rate(rate_node);
        let mix = fields.require("mix", &mut self.found);
        let mix = mix.map(|node| self.mix(node));
        let at_node = fields.value("at");
        let at = at_node.and_then(|node| node.read_duration(&mut self.found)).unwrap_or_default();
        let lasts = fields.value("for").and_then(|node| self.positive(node, "for"));
        fields.finish(&mut self.found);
        if let Some(node) = at_node.filter(|_| at >= end && !end.is_zero()) {
            let (at, end) = (at.as_secs_f64(), end.as_secs_f64());
            self.found
                .error(node.span, format!("at {at}s the phases are over"))
                .expected(format!("a time before {end}s"));
        }
        if let Some(node) =
            rate_node.filter(|_| rate.is_some_and(|rate| rate.of == RateOf::Conversation))
        {
            self.found
                .error(node.span, "users without a socket ask for themselves")
                .expected("a rate `in all`, or `per person`: of each of them");
        }
        let (users, rate) = (users?, rate?);
        let per_second = match rate.of {
            RateOf::Person => rate.per_second * f64::from(users),
            RateOf::All | RateOf::Conversation => rate.per_second,
        };
        let rest = end.saturating_sub(at);
        let (tilt, lasts) = (rate.tilt, lasts.unwrap_or(rest).min(rest));
        Some(HttpUsers { users, per_second, tilt, mix: mix?, at, lasts })
    }

    fn mix(&mut self, node: &Node) -> Vec<(Operation, Share)> {
        let Some(entries) = node.entries() else {
            self.found
                .error(node.span, "a mix is operations and their shares")
                .expected("`mix: { history: 70%, list: 30% }`");
            return Vec::new();
        };
        let errors = self.found.errors();
        let mut mix = Vec::new();
        for entry in entries {
            let share = entry.value.read_share(&mut self.found);
            match HttpUsers::OPERATIONS.iter().find(|known| known.name() == entry.key) {
                Some(operation) => mix.extend(share.map(|share| (*operation, share))),
                None => {
                    let names = || HttpUsers::OPERATIONS.iter().map(|known| known.name());
                    let hint = match suggestion(&entry.key, names()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("one of {}", names().collect::<Vec<_>>().join(", ")),
                    };
                    let what = format!("users without a socket do not ask for `{}`", entry.key);
                    self.found.error(entry.key_span, what).hint(hint);
                }
            }
        }
        if self.found.errors() == errors {
            self.whole(mix.iter().map(|(_, share)| share).sum(), node.span, "requests");
        }
        mix
    }
}
