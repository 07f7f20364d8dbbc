//! The result of a search as Markdown, for the summary of a CI step.

use super::words::{answer, facts, fared, rate, time};
use crate::metric::quantity;
use crate::outcome::Capacity;
use crate::report::summary::{escape, fenced, row};

/// The search as Markdown.
#[must_use]
pub fn render(capacity: &Capacity) -> String {
    let (word, sentence) = answer(capacity);
    let mut out = format!(
        "## {} {}: capacity of {} on {}\n\n{}.\n\n{}, by {}, seed {}, {}\n\n",
        word.sign,
        word.word,
        escape(&capacity.scenario),
        escape(&capacity.spec),
        escape(&sentence),
        escape(&capacity.target),
        capacity.by,
        capacity.seed,
        quantity::duration(capacity.nanos),
    );
    for (label, text) in facts(capacity) {
        out.push_str(&format!("- {label}: {}\n", escape(&text)));
    }
    let unit = capacity.by.unit();
    out.push_str(&format!(
        "\n| | {unit} | sent/s | acked/s | delivered/s | delivery p50 | p95 | p99 | |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---|\n"
    ));
    let mut steps: Vec<_> = capacity.steps.iter().collect();
    steps.sort_by_key(|step| step.load);
    for step in steps {
        let (figures, delivery) = (&step.figures, &step.figures.delivery);
        row(
            &mut out,
            &[
                if step.limit.is_none() { "✓" } else { "✗" },
                &quantity::count(step.load),
                &rate(figures.sent),
                &rate(figures.acked),
                &rate(figures.delivered),
                &time(delivery, delivery.p50),
                &time(delivery, delivery.p95),
                &time(delivery, delivery.p99),
                &escape(&fared(step)),
            ],
        );
    }
    out.push_str(&format!("\nAgain:\n\n{}", fenced(&capacity.command)));
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn a_row_for_each_step_and_no_markup_of_others() {
        let text = render(&found());
        assert!(text.starts_with("## ✓ FOUND: capacity of talk on callback-ack\n"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("| ✓ |")).count(), 3);
        assert_eq!(text.lines().filter(|line| line.starts_with("| ✗ |")).count(), 2);
        assert!(text.contains("&lt;b&gt;") && !text.contains("<b>"), "{text}");
    }
}
