//! The result of a search for a person at a terminal: the answer, what was found, then every step.

use super::words::{answer, facts, fared, rate, time};
use crate::metric::quantity;
use crate::outcome::Capacity;
use crate::outcome::capacity::Step;
use crate::report::layout::{Align, Cell, Look, clean};
use crate::report::words::Tone;

/// The width of labels before facts.
const LABEL: usize = 8;

/// The whole report.
#[must_use]
pub fn render(capacity: &Capacity, look: Look) -> String {
    let (word, sentence) = answer(capacity);
    let sentence = look.wrap(&clean(&sentence), word.word.chars().count() + 2);
    let mut out = format!("{}  {sentence}\n\n", look.bold(&look.paint(word.tone, word.word)));
    let (phase, steady) = &capacity.phase;
    let run = format!(
        "{} on {}, by {}; {} of phase `{phase}` measured in each of {}, {} in all",
        capacity.scenario,
        capacity.spec,
        capacity.by,
        quantity::duration(*steady),
        quantity::counted(capacity.steps.len() as u64, "step"),
        quantity::duration(capacity.nanos)
    );
    out.push_str(&look.fact(2, "search", LABEL, &run));
    out.push_str(&look.fact(2, "target", LABEL, &capacity.target));
    for (label, text) in facts(capacity) {
        out.push_str(&look.fact(2, label, LABEL, &text));
    }
    out.push('\n');
    out.push_str(&steps(capacity, look));
    out.push('\n');
    out.push_str(&look.verbatim(2, "again", LABEL, &capacity.command));
    out
}

/// The steps by their load.
fn steps(capacity: &Capacity, look: Look) -> String {
    const ALIGN: [Align; 9] = [
        Align::Sign,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ];
    let head = |text: &str| Cell::toned(Tone::Quiet, text);
    let titles = [
        "",
        capacity.by.unit(),
        "sent/s",
        "acked/s",
        "delivered/s",
        "delivery p50",
        "p95",
        "p99",
        "",
    ];
    let mut rows = vec![titles.map(head).to_vec()];
    let mut steps: Vec<&Step> = capacity.steps.iter().collect();
    steps.sort_by_key(|step| step.load);
    rows.extend(steps.into_iter().map(row));
    look.table(2, &ALIGN, &rows)
}

fn row(step: &Step) -> Vec<Cell> {
    let figures = &step.figures;
    let (sign, tone) = match step.limit {
        None => ("✓", Tone::Good),
        Some(_) => ("✗", Tone::Bad),
    };
    let delivery = &figures.delivery;
    let mut cells = vec![Cell::toned(tone, sign)];
    cells.extend(
        [
            quantity::count(step.load),
            rate(figures.sent),
            rate(figures.acked),
            rate(figures.delivered),
            time(delivery, delivery.p50),
            time(delivery, delivery.p95),
            time(delivery, delivery.p99),
        ]
        .map(Cell::new),
    );
    cells.push(match step.limit {
        None => Cell::toned(Tone::Quiet, "held"),
        Some(_) => Cell::new(fared(step)),
    });
    cells
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn the_report_has_the_answer_and_every_step_by_load() {
        let text = render(&found(), Look::PLAIN);
        assert!(text.starts_with("FOUND  150 messages/s hold; at 200 `delivery.p95 < 100ms`"));
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let rows: Vec<String> = text.lines().map(words).collect();
        assert!(
            rows.contains(&"✓ 150 150 149 – 2.25 ms 9.00 ms 18.0 ms held".to_owned()),
            "{text}"
        );
        assert!(text.ends_with("again     assize capacity talk --by rate\n"), "{text}");
    }
}
