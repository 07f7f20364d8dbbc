//! A comparison for a person at a terminal: the answer, what changed, the figures, the generator.

use crate::comparison::Comparison;
use crate::report::comparison::words;
use crate::report::layout::{Align, Cell, Look, clean};
use crate::report::words::Tone;

/// The width of labels before facts.
const LABEL: usize = 9;

/// The whole comparison.
#[must_use]
pub fn render(comparison: &Comparison, look: Look) -> String {
    let parts = [
        answer(comparison, look),
        facts(comparison, look),
        turns(comparison, look),
        figures(comparison, look),
        generator(comparison, look),
    ];
    let parts: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn answer(comparison: &Comparison, look: Look) -> String {
    let answer = words::answer(comparison);
    let word = answer.word.word;
    let sentence = look.wrap(&clean(&answer.sentence), word.chars().count() + 2);
    format!("{}  {sentence}\n", look.bold(&look.paint(answer.word.tone, word)))
}

fn facts(comparison: &Comparison, look: Look) -> String {
    let runs = words::runs(comparison);
    let runs = runs.iter().map(|(label, text)| look.fact(2, label, LABEL, text));
    let differences = comparison.differences.iter().map(|text| look.fact(2, "but", LABEL, text));
    runs.chain(differences).collect()
}

fn turns(comparison: &Comparison, look: Look) -> String {
    let rows: Vec<Vec<Cell>> = comparison
        .turns
        .iter()
        .map(|turn| {
            let word = words::turn(turn);
            vec![
                Cell::toned(word.tone, word.sign),
                Cell::new(&turn.name),
                Cell::toned(word.tone, word.word),
                Cell::new(format!("{} → {}", turn.before, turn.after)),
                Cell::new(&turn.remark),
            ]
        })
        .collect();
    look.table(0, &[Align::Sign, Align::Left, Align::Left, Align::Left, Align::Left], &rows)
}

fn figures(comparison: &Comparison, look: Look) -> String {
    if comparison.figures.is_empty() {
        return String::new();
    }
    let head = ["", "figure", "", "before", "after", "change", "between", ""];
    let head = head.map(|text| Cell::toned(Tone::Quiet, text)).to_vec();
    let rows = comparison.figures.iter().map(|figure| {
        let (word, remark) = words::judgement(figure);
        vec![
            Cell::toned(word.tone, word.sign),
            Cell::new(&figure.name),
            Cell::toned(word.tone, word.word),
            Cell::new(words::value(figure.unit, figure.before)),
            Cell::new(words::value(figure.unit, figure.after)),
            Cell::new(words::change(figure)),
            Cell::new(words::interval(figure)),
            Cell::new(remark),
        ]
    });
    let rows: Vec<Vec<Cell>> = std::iter::once(head).chain(rows).collect();
    let align = [
        Align::Sign,
        Align::Left,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ];
    let rule = look.fact(2, "", 0, &words::rule(comparison));
    look.table(0, &align, &rows) + &rule
}

fn generator(comparison: &Comparison, look: Look) -> String {
    if words::is_of_cases(comparison) {
        return String::new();
    }
    let health: Vec<String> = comparison.health.iter().map(words::health).collect();
    look.fact(2, "generator", LABEL, &health.join(", "))
}
