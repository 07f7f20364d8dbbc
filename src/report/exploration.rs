//! A search for races as people and machines read it.

pub mod html;

use crate::explore::odds::Interval;
use crate::explore::{Answer, Replayed};
use crate::history::Nanos;
use crate::metric::quantity;
use crate::outcome::document;
use crate::outcome::exploration::{Defect, Exploration, Extent, Shrinkage};
use crate::plan::saved::Saved;
use crate::report::Format;
use crate::report::conformance::terminal::argue;
use crate::report::layout::{Look, clean};
use crate::report::words::Tone;

/// The width of labels before facts.
const LABEL: usize = 9;

/// Every format, in the order of the documentation.
pub const FORMATS: &[Format<Exploration>] = &[
    Format {
        name: "text",
        file: "report.txt",
        about: "what the terminal shows, without colours",
        render: |found| render(found, Look::PLAIN),
    },
    Format {
        name: "json",
        file: "report.json",
        about: "everything, with a schema version, for programs",
        render: document::write,
    },
    Format {
        name: "html",
        file: "report.html",
        about: "one file for a browser: plans, arguments, and the plays as space-time diagrams",
        render: html::render,
    },
];

/// The report for a person at a terminal: the answer, then each defect with its plan and argument.
#[must_use]
pub fn render(found: &Exploration, look: Look) -> String {
    let mut parts = vec![answer(found, look), facts(found, look)];
    parts.extend(found.defects.iter().map(|defect| block(defect, look)));
    parts.join("\n")
}

fn answer(found: &Exploration, look: Look) -> String {
    let (tone, word, sentence) = verdict(found);
    let sentence = look.wrap(&clean(&sentence), word.chars().count() + 2);
    format!("{}  {sentence}\n", look.bold(&look.paint(tone, word)))
}

/// The answer, and a sentence about it.
fn verdict(found: &Exploration) -> (Tone, &'static str, String) {
    let promised = found.defects.iter().filter(|defect| defect.promised).count() as u64;
    let plans = quantity::counted(found.plans, "plan");
    match (&found.died, promised) {
        (Some(why), _) => (Tone::Bad, "FAIL", format!("the server ended after {plans}: {why}")),
        (None, 0) if found.plans == 0 => {
            (Tone::Doubt, "NOT EXERCISED", "no plan could be played".to_owned())
        }
        (None, 0) if found.interrupted => {
            (Tone::Doubt, "INTERRUPTED", format!("{plans}, and nothing promised was broken"))
        }
        (None, 0) => (Tone::Good, "PASS", format!("{plans}, and nothing promised was broken")),
        (None, _) => {
            let defects = quantity::counted(promised, "defect");
            (Tone::Bad, "FAIL", format!("{defects} of promised properties in {plans}"))
        }
    }
}

/// How a defect stands.
const fn state(defect: &Defect) -> &'static str {
    match (defect.promised, defect.known) {
        (true, false) => "broken",
        (true, true) => "still broken",
        (false, _) => "not promised: a finding",
    }
}

fn facts(found: &Exploration, look: Look) -> String {
    let bugs = match found.bugs.as_slice() {
        [] => String::new(),
        bugs => format!(", with bugs {}", bugs.join(", ")),
    };
    let seconds = found.nanos as f64 / 1e9;
    let pace = if seconds > 0.0 { found.plays as f64 / seconds } else { 0.0 };
    let spread = found.spread.map_or_else(String::new, |spread| {
        format!("; racing steps come {} apart", quantity::duration(spread))
    });
    let plays = quantity::counted(found.plays, "play");
    let mut facts = vec![
        ("spec", found.spec.clone()),
        ("server", format!("{}{bugs}", found.target)),
        ("time", format!("{}, {plays}, {pace:.0}/s{spread}", quantity::duration(found.nanos))),
        ("seed", found.seed.to_string()),
    ];
    facts.extend(found.simulated.map(|nanos| ("virtual", virtual_time(nanos, seconds))));
    facts.extend(found.doubts.iter().map(|(property, count)| {
        let times = quantity::counted(*count, "time");
        ("doubt", format!("{property}: late {times}, and not again when the plan was played again"))
    }));
    facts.extend(
        found.obstacles.iter().map(|(why, count)| {
            ("not run", format!("{}: {why}", quantity::counted(*count, "plan")))
        }),
    );
    facts.extend(found.notes.iter().map(|note| ("note", note.clone())));
    facts.iter().map(|(label, text)| look.fact(2, label, LABEL, text)).collect()
}

/// `1.5 h passed in simulated worlds, 0.12 h a second`
fn virtual_time(nanos: Nanos, seconds: f64) -> String {
    let hours = nanos as f64 / 3.6e12;
    let pace = if seconds > 0.0 { hours / seconds } else { 0.0 };
    format!("{hours:.2} h passed in simulated worlds, {pace:.2} h a second")
}

/// A defect for a person at a terminal: the plan, how often it fails, the argument.
#[must_use]
pub fn block(defect: &Defect, look: Look) -> String {
    let tone = if defect.promised { Tone::Bad } else { Tone::Doubt };
    let sign = if defect.promised { "✗" } else { "·" };
    let word = state(defect);
    let title = look.paint(tone, &format!("{sign} {}", clean(&defect.property)));
    let mut out = format!("{title}  {word}: {}\n", clean(&defect.seen));
    for (index, line) in defect.script.lines().enumerate() {
        let label = if index == 0 { "plan" } else { "" };
        out.push_str(&look.verbatim(2, label, LABEL, &clean(line)));
    }
    if let Some((failed, of)) = defect.failed {
        out.push_str(&look.fact(2, "rate", LABEL, &rate(failed, of)));
    }
    if let Some(shrunk) = &defect.shrunk {
        out.push_str(&look.fact(2, "shrunk", LABEL, &shrinkage(shrunk)));
    }
    if !defect.known {
        let first = quantity::duration(defect.after);
        let plans = quantity::counted(defect.plans, "plan");
        out.push_str(&look.fact(2, "seen", LABEL, &format!("after {first}, in {plans}")));
    }
    if let Some(violation) = &defect.violation {
        out.push_str(&argue(None, violation, 1, &defect.names, look));
    }
    let label = if defect.promised { "promise" } else { "rule" };
    if !defect.promise.is_empty() {
        out.push_str(&look.fact(2, label, LABEL, &defect.promise));
        out.push_str(&look.fact(2, "source", LABEL, &defect.source));
    }
    if !defect.file.is_empty() {
        let again = format!("assize replay {}", defect.file);
        out.push_str(&look.verbatim(2, "again", LABEL, &clean(&again)));
    }
    out
}

/// `from 9 steps of 4 people to 1 step of 2 people, in 214 plays`: how a plan was made smaller.
fn shrinkage(shrunk: &Shrinkage) -> String {
    let size = |size: &Extent| {
        let people =
            if size.people == 1 { "1 person".into() } else { format!("{} people", size.people) };
        format!("{} of {people}", quantity::counted(size.steps as u64, "step"))
    };
    let plays = quantity::counted(u64::from(shrunk.plays), "play");
    let more = if shrunk.complete { "" } else { "; there was no time for more" };
    format!("from {} to {}, in {plays}{more}", size(&shrunk.before), size(&shrunk.after))
}

/// `failed 37/50 (60 to 85 %)`: how often a plan failed, and where its true rate lies with 95 %.
#[must_use]
pub fn rate(failed: u32, of: u32) -> String {
    format!("failed {failed}/{of} ({})", Interval::of(failed, of))
}

/// What a replay says: the answer first, then how the property was broken.
#[must_use]
pub fn replayed(replayed: &Replayed, saved: &Saved, look: Look) -> String {
    let (tone, word, sentence) = match &replayed.answer {
        Answer::Failed { failed, of } => {
            (Tone::Bad, "FAILED", format!("{failed}/{of} ({})", Interval::of(*failed, *of)))
        }
        Answer::Ended(why) => (Tone::Bad, "FAILED", why.clone()),
        Answer::Fixed { passed, enough } => {
            (Tone::Good, "FIXED", format!("{passed} plays passed, and {enough} were needed"))
        }
        Answer::TooFew { passed, enough } => (
            Tone::Doubt,
            "PASSED",
            format!("{passed} plays, and {enough} are needed to say that it is fixed"),
        ),
        Answer::CouldNotRun(why) => (Tone::Doubt, "COULD NOT RUN", why.clone()),
    };
    let sentence = look.wrap(&clean(&sentence), word.chars().count() + 2);
    let mut out = format!("{}  {sentence}\n", look.bold(&look.paint(tone, word)));
    let was = saved.failed.map(|(failed, of)| format!(", it failed in {failed}/{of}"));
    let was = format!("{}: {}{}", saved.breaks, saved.seen, was.unwrap_or_default());
    out.push_str(&look.fact(2, "saved", LABEL, &was));
    if replayed.doubtful > 0 {
        let plays = quantity::counted(u64::from(replayed.doubtful), "play");
        out.push_str(&look.fact(2, "doubt", LABEL, &format!("{plays} not counted")));
    }
    for also in &replayed.also {
        let plays = quantity::counted(also.count, "play");
        let property = &also.property;
        out.push_str(&look.fact(2, "also", LABEL, &format!("{property} was broken in {plays}")));
    }
    for why in &replayed.obstacles {
        out.push_str(&look.fact(2, "not run", LABEL, why));
    }
    if let Some((broken, names)) = &replayed.broken
        && let Some(violation) = broken.finding.violations.first()
    {
        out.push_str(&argue(None, violation, 1, names, look));
    }
    out
}
