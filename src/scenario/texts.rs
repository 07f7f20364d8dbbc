//! `texts:` what messages are like: kinds by their shares, and lengths by percentiles.

use crate::history::token;
use crate::scenario::load::Loader;
use crate::scenario::model::{Sizes, Texts};
use crate::source::{Fields, Node};

/// Each text has a word that ties it to its send.
const SHORTEST: u32 = token::LENGTH as u32;

impl Loader<'_> {
    pub(super) fn texts(&mut self, node: &Node) -> Texts {
        let Some(mut fields) = Fields::of(node, "texts", &mut self.found) else {
            return Texts::default();
        };
        let errors = self.found.errors();
        let texts = Texts {
            short: self.share(fields.value("short")),
            long: self.share(fields.value("long")),
            unicode: self.share(fields.value("unicode")),
            markup: self.share(fields.value("markup")),
            overlong: self.share(fields.value("overlong")),
            sizes: fields.value("sizes").and_then(|node| self.sizes(node)),
        };
        fields.finish(&mut self.found);
        let kinds = ["short", "long", "unicode", "markup", "overlong"];
        let only_sizes = !node
            .entries()
            .is_some_and(|entries| entries.iter().any(|entry| kinds.contains(&entry.key.as_str())));
        if only_sizes && texts.sizes.is_some() {
            return Texts { sizes: texts.sizes, ..Texts::default() };
        }
        if self.found.errors() == errors {
            let sum = texts.short + texts.long + texts.unicode + texts.markup + texts.overlong;
            self.whole(sum, node.span, "texts");
        }
        texts
    }

    /// Percentiles of the texts' lengths: `{ p50: 40, p95: 300, max: 1000 }`.
    fn sizes(&mut self, node: &Node) -> Option<Sizes> {
        const WORDS: &str = "percentiles such as `{ p50: 40, p95: 300, max: 1000 }`";
        let errors = self.found.errors();
        let mut points = Vec::new();
        for entry in self.mapping(node, "sizes", WORDS) {
            let percent = entry.key.strip_prefix('p').and_then(|text| text.parse::<f64>().ok());
            let share = match entry.key.as_str() {
                "min" => Some(0.0),
                "max" => Some(1.0),
                _ => percent
                    .map(|percent| percent / 100.0)
                    .filter(|share| (0.0..1.0).contains(share)),
            };
            let Some(share) = share else {
                self.found
                    .error(entry.key_span, format!("`{}` is no percentile", entry.key))
                    .expected("`min`, `max`, or a percentile such as `p95`");
                continue;
            };
            let size = entry.value.read_count(SHORTEST, &mut self.found);
            points.extend(size.map(|size| (share, size, entry.value.span)));
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let Some(pair) =
            points.windows(2).find(|pair| pair[0].1 > pair[1].1 || pair[0].0 == pair[1].0)
        {
            self.found
                .error(pair[1].2, "a larger share of the texts is not shorter")
                .expected(format!("at least {}", pair[0].1));
        }
        let most = points.last().filter(|(share, ..)| *share == 1.0);
        if most.is_none() && self.found.errors() == errors {
            self.found.error(node.span, "`sizes` lacks `max`").expected(WORDS);
        }
        if self.found.errors() > errors {
            return None;
        }
        if points.first().is_none_or(|(share, ..)| *share > 0.0) {
            points.insert(0, (0.0, SHORTEST, node.span));
        }
        Some(Sizes::new(points.into_iter().map(|(share, size, _)| (share, size)).collect()))
    }
}
