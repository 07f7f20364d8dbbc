//! `summary.md` of a conformance run: the answer, the table and the failing cases as Markdown,
//! small enough for the summary of a CI step.

use crate::metric::quantity;
use crate::outcome::Conformance;
use crate::outcome::conformance::{Case, End};
use crate::report::conformance::{terminal, words};
use crate::report::layout::Look;
use crate::report::summary::{escape, fenced, row};
use crate::report::words::Tone;
use crate::verdict::Standing;

/// Failing cases that are argued.
const ARGUED: usize = 12;

/// The run as Markdown.
#[must_use]
pub fn render(run: &Conformance) -> String {
    let parts = [head(run), table(run), failures(run)];
    let parts: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn head(run: &Conformance) -> String {
    let (tone, word, sentence) = words::verdict(run);
    let sign = match tone {
        Tone::Good => "✓",
        Tone::Bad => "✗",
        Tone::Doubt | Tone::Quiet => "?",
    };
    format!(
        "## {sign} {word}: conformance of {}\n\n{}.\n\n{}, {}, version {}\n",
        escape(&run.spec),
        escape(&sentence),
        escape(&run.target),
        quantity::duration(run.nanos),
        escape(&run.version),
    )
}

fn table(run: &Conformance) -> String {
    let mut out = "| property | passed | failed | other |\n|---|---:|---:|---:|\n".to_owned();
    for property in &run.properties {
        let of = || run.cases.iter().filter(|case| case.property == property.property);
        let count = |end: End| of().filter(|case| case.end == end).count();
        let passed = count(End::Judged(Standing::Pass));
        let failed = count(End::Judged(Standing::Fail));
        let other = of().count() - passed - failed;
        if of().count() > 0 {
            let cells = [passed, failed, other].map(|number| number.to_string());
            row(&mut out, &[&escape(&property.property), &cells[0], &cells[1], &cells[2]]);
        }
    }
    out
}

fn failures(run: &Conformance) -> String {
    let failing: Vec<&Case> =
        run.cases.iter().filter(|case| case.fails_the_run(run.strict)).collect();
    let mut out = String::new();
    for case in failing.iter().take(ARGUED) {
        let text = terminal::block(case, run, Look::PLAIN);
        out.push_str(&format!("### {}\n\n{}\n", escape(&case.name), fenced(&text)));
    }
    if failing.len() > ARGUED {
        out.push_str(&format!("and {} more, in report.json\n", failing.len() - ARGUED));
    }
    if !failing.is_empty() {
        out.push_str(&format!("\nAgain: `{}`\n", run.command.replace('`', "'")));
    }
    out
}
