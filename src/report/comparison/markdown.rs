//! A comparison as Markdown, for the conversation of a pull request: what got worse on top, the rest
//! folded away.

use crate::comparison::figure::{Figure, Judgement};
use crate::comparison::{Comparison, Weight};
use crate::report::comparison::words;
use crate::report::summary::{escape, row};

/// The comparison as Markdown.
#[must_use]
pub fn render(comparison: &Comparison) -> String {
    let answer = words::answer(comparison);
    let run = &comparison.after;
    let mut out = format!(
        "## {} {}: {} on {}\n\n{}.\n\n",
        answer.word.sign,
        answer.word.word,
        escape(&run.scenario),
        escape(&run.spec),
        escape(&answer.sentence),
    );
    for difference in &comparison.differences {
        out.push_str(&format!("- {}\n", escape(difference)));
    }
    if !comparison.differences.is_empty() {
        out.push('\n');
    }
    out.push_str(&turns(comparison));
    let news =
        |figure: &&Figure| !matches!(figure.judgement, Judgement::Same | Judgement::TooLittle);
    let (told, quiet): (Vec<&Figure>, Vec<&Figure>) =
        comparison.figures.iter().partition(|figure| news(figure));
    out.push_str(&table(&told));
    if !quiet.is_empty() {
        let open = "<details><summary>figures that did not change</summary>\n\n";
        out.push_str(&format!("{open}{}</details>\n\n", table(&quiet)));
    }
    for (label, text) in words::runs(comparison) {
        out.push_str(&format!("{label}: {}  \n", escape(&text)));
    }
    if words::is_of_cases(comparison) {
        return out;
    }
    let health: Vec<String> = comparison.health.iter().map(words::health).collect();
    out.push_str(&format!("generator: {}  \n", escape(&health.join(", "))));
    out.push_str(&format!("{}\n", escape(&words::rule(comparison))));
    out
}

fn turns(comparison: &Comparison) -> String {
    if comparison.turns.is_empty() {
        return String::new();
    }
    let mut out = "| | verdict | before | now | |\n|---|---|---|---|---|\n".to_owned();
    for turn in &comparison.turns {
        let now = match turn.weight {
            Weight::Broken | Weight::Missed | Weight::Regressed => {
                format!("**{}**", escape(&turn.after))
            }
            _ => escape(&turn.after),
        };
        let sign = words::turn(turn).sign;
        row(&mut out, &[sign, &escape(&turn.name), &turn.before, &now, &escape(&turn.remark)]);
    }
    out + "\n"
}

fn table(figures: &[&Figure]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let mut out = "| | figure | before | after | change | between | |\n\
                   |---|---|---:|---:|---:|---:|---|\n"
        .to_owned();
    for figure in figures {
        let (word, remark) = words::judgement(figure);
        let remark = if remark.is_empty() { word.word.to_owned() } else { remark };
        row(
            &mut out,
            &[
                word.sign,
                &escape(&figure.name),
                &words::value(figure.unit, figure.before),
                &words::value(figure.unit, figure.after),
                &words::change(figure),
                &words::interval(figure),
                &escape(&remark),
            ],
        );
    }
    out + "\n"
}
