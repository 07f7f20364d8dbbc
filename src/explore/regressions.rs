//! The plans of the corpus as cases of a conformance run: each is played some times, and what came of it stands
//! in the report as that of any other case.
//!
//! It does not know where the plans lie. Start with [`regressions`].

use crate::engine::Failure;
use crate::explore::arena::{Arena, Settings};
use crate::explore::replay::{Answer, Replayed, again};
use crate::outcome::conformance::{Case, End};
use crate::plan::saved::{SURVIVAL, Saved};
use crate::property::{self, Charge};
use crate::spec::Spec;
use crate::verdict::{Finding, Severity, Standing, Violation};

/// What a server that ended is accused of.
pub const ENDED: &str = "the server ended";

/// Plays each of these plans so many times, until the server ends or the user wants to stop. `command` plays the
/// run again, without names of cases; `show` hears which case is next.
///
/// # Errors
/// The target cannot be tried, or the harness failed.
pub async fn regressions(
    settings: &Settings,
    plans: &[(String, Saved)],
    runs: u32,
    command: &str,
    mut show: impl FnMut(&str),
) -> Result<Vec<Case>, Failure> {
    let mut arena = Arena::open(settings).await?;
    let mut cases = Vec::new();
    let mut over = None;
    for (file, saved) in plans {
        let name = saved.case(file);
        if let Some(why) = &over {
            cases.push(case(&name, saved, &settings.spec, End::NotReached(String::clone(why))));
            continue;
        }
        show(&name);
        let replayed = again(&mut arena, saved, runs, &mut |_, _| ()).await;
        over = match &replayed.answer {
            Answer::Ended(why) => Some(why.clone()),
            _ => replayed.interrupted.then(|| "the run was interrupted".to_owned()),
        };
        cases.push(played(&name, saved, &settings.spec, replayed));
    }
    arena.dismiss().await;
    cases.iter_mut().for_each(|case| case.again = format!("{command} {}", case.name));
    Ok(cases)
}

fn played(name: &str, saved: &Saved, spec: &Spec, replayed: Replayed) -> Case {
    let Replayed { answer, broken, also, doubtful, obstacles, interrupted, nanos } = replayed;
    let judged = |standing| End::Judged(standing);
    let (end, failed, copies) = match &answer {
        Answer::Failed { failed, of } => (judged(Standing::Fail), *failed, *of),
        Answer::Ended(_) => (judged(Standing::Fail), 1, 1),
        _ if interrupted => (End::NotReached("the run was interrupted".into()), 0, 0),
        Answer::Fixed { passed, .. } | Answer::TooFew { passed, .. } => {
            (judged(Standing::Pass), 0, *passed)
        }
        Answer::CouldNotRun(_) if doubtful > 0 => (judged(Standing::Inconclusive), 0, doubtful),
        Answer::CouldNotRun(why) if obstacles.is_empty() => (End::NotSupported(why.clone()), 0, 0),
        Answer::CouldNotRun(why) => (End::NotReached(why.clone()), 0, 0),
    };
    let mut finding = Finding { observations: u64::from(copies), ..Finding::default() };
    if let Answer::Ended(why) = &answer {
        finding.violate(|| Violation {
            summary: ENDED.into(),
            exhibits: Vec::new(),
            therefore: format!("this plan was under way when {why}"),
            but: "a server goes on whatever its clients send".into(),
        });
    }
    let (mut case, mut names) = (case(name, saved, spec, end), Vec::new());
    if let Some((broken, clients)) = broken.filter(|_| failed > 0 && case.fails()) {
        (finding, names) = (broken.finding, clients);
    }
    finding.doubts.extend(match doubtful {
        0 => None,
        plays => Some(format!("{plays} of the plays do not tell")),
    });
    case.finding = finding;
    Case { copies, failed, names, also, nanos, ..case }
}

fn case(name: &str, saved: &Saved, spec: &Spec, end: End) -> Case {
    let page = property::find(&saved.breaks).map(property::Property::page);
    let charge = Charge::of(spec);
    let promise = charge.promise(&saved.breaks);
    let told = |own: Option<&String>, general: Option<&str>| {
        own.map(String::as_str).or(general).unwrap_or_default().to_owned()
    };
    Case {
        name: name.to_owned(),
        property: saved.breaks.clone(),
        says: saved.says(),
        severity: Severity::Must,
        promised: promise.is_some() || saved.breaks == SURVIVAL,
        promise: told(promise.map(|promise| &promise.says), page.map(|page| page.title)),
        source: told(promise.map(|promise| &promise.source), page.map(|page| page.source)),
        end,
        copies: 0,
        failed: 0,
        nanos: 0,
        finding: Finding::default(),
        also: Vec::new(),
        known: None,
        names: Vec::new(),
        again: String::new(),
        trace: Vec::new(),
    }
}
