//! A conformance run: the chosen cases are played, those that rest on time once more, and one outcome
//! is made of them.

use crate::conform::catalogue::Way;
use crate::conform::score::Progress;
use crate::conform::selection::lacks;
use crate::conform::tally::{Copied, Copy, Tally};
use crate::conform::troupe::{self, Place, Troupe};
use crate::conform::{Catalogued, Choice, again, catalogue};
use crate::engine::stage::{Lacking, Site, rehearse, rehearsers};
use crate::engine::{Failure, TargetChoice, Unreachable, usage};
use crate::history::PersonId;
use crate::outcome::conformance::{Case, Conformance, Kind, SCHEMA};
use crate::spec::{Protocol, Spec, Transports};
use crate::verdict::{Finding, Violation};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

/// Cases that are named when the server ended and one of them did it.
const SUSPECTS: usize = 12;

/// What a conformance run is made of.
pub struct Settings {
    /// The server's wire and promises.
    pub spec: Arc<Spec>,
    /// What is tried.
    pub target: TargetChoice,
    /// The transport, if not the spec's.
    pub transport: Option<Transports>,
    /// Which cases.
    pub choice: Choice,
    /// How many are played at once; without it as many as most servers bear.
    pub at_once: Option<u32>,
    /// A `should` that fails counts, too.
    pub strict: bool,
    /// The packets of all sockets are kept.
    pub trace: bool,
    /// Tells this run's people and keys from another's.
    pub run: u64,
    /// Each copy of a case has a simulated world of its own, which follows from this seed.
    pub simulate: Option<u64>,
    /// Rung when the user wants to stop.
    pub interrupt: Arc<Notify>,
    /// The command that makes this run again, without names of cases.
    pub command: String,
    /// Cases that were played before, and stand first in the report.
    pub before: Vec<Case>,
}

/// Runs the chosen cases, and says now and then how it goes.
///
/// # Errors
/// The target cannot be tried, or the harness itself failed.
pub async fn run(
    settings: Settings,
    mut show: impl FnMut(&Progress),
) -> Result<Conformance, Failure> {
    let began = SystemTime::now();
    let chosen = settings.choice.of(catalogue());
    let chosen = chosen.map_err(|unknown| Failure::Internal(unknown.to_string()))?;
    let today = chrono::DateTime::<chrono::Utc>::from(began).format("%Y-%m-%d").to_string();
    let tally = Tally::new(&settings.spec, &settings.command, &today, settings.strict);
    // Boxed: whoever runs this has futures of their own around it, and the compiler's patience ends.
    let mut played = match settings.simulate {
        Some(seed) => Box::pin(simulated(&settings, seed, &chosen, &mut show)).await?,
        None => Box::pin(on_target(&settings, &chosen, &mut show)).await?,
    };
    let performed = chosen.iter().map(|case| {
        match played.fitting.iter().position(|fit| fit.name == case.name) {
            Some(index) => tally.case(case, std::mem::take(&mut played.ends[index])),
            None => match (lacking(&settings, case), misses(case, &played.absent)) {
                (None, Some(why)) if settings.spec.promise(case.property).is_some() => {
                    tally.case(case, vec![Ok(broken_off(&why))])
                }
                (lack, missed) => tally.unsupported(case, lack.or(missed).unwrap_or_default()),
            },
        }
    });
    let cases: Vec<Case> = settings.before.iter().cloned().chain(performed).collect();
    Ok(Conformance {
        schema: SCHEMA,
        kind: Kind::Conformance,
        spec: settings.spec.name.clone(),
        document: settings.spec.document.clone(),
        target: played.target,
        bugs: settings.target.bugs(),
        transport: transport(&settings).into(),
        version: env!("CARGO_PKG_VERSION").into(),
        started: chrono::DateTime::<chrono::Utc>::from(began)
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        nanos: began.elapsed().map_or(0, |elapsed| elapsed.as_nanos() as u64),
        quick: settings.choice.quick,
        strict: settings.strict,
        properties: tally.properties(&cases),
        command: settings.command.clone(),
        cases,
        notes: played.notes,
        died: played.died,
        interrupted: played.interrupted,
        sources: Vec::new(),
        machine: usage::machine(),
    })
}

/// What came of the cases that could be played.
struct Performed<'a> {
    /// What the report calls the target.
    target: String,
    fitting: Vec<&'a Catalogued>,
    /// What the server lacks, though the spec has it.
    absent: Lacking,
    /// What came of the copies of each fitting case.
    ends: Vec<Vec<Copied>>,
    notes: Vec<String>,
    died: Option<String>,
    interrupted: bool,
}

/// What spec and target lack for a case.
fn lacking(settings: &Settings, case: &Catalogued) -> Option<String> {
    lacks(case, &settings.spec, &settings.target)
}

/// Every copy of a case meets a server of its own, in a world of its own. Nothing else can delay it, so
/// nothing is played twice.
async fn simulated<'a>(
    settings: &Settings,
    seed: u64,
    chosen: &[&'a Catalogued],
    show: &mut impl FnMut(&Progress),
) -> Result<Performed<'a>, Failure> {
    let fitting = chosen.iter().copied().filter(|case| lacking(settings, case).is_none());
    let fitting: Vec<&Catalogued> = fitting.collect();
    let mut troupe = Troupe::assemble(settings, Place::Worlds(seed), &fitting, 0)?;
    let ends = troupe.perform(settings, &fitting, show).await;
    Ok(Performed {
        target: format!("embedded reference server, simulated with seed {seed}"),
        fitting,
        absent: Lacking::new(),
        ends,
        notes: Vec::new(),
        died: None,
        interrupted: troupe.interrupted,
    })
}

/// All cases are played side by side on the one target, but for those that need one of their own.
async fn on_target<'a>(
    settings: &Settings,
    chosen: &[&'a Catalogued],
    show: &mut impl FnMut(&Progress),
) -> Result<Performed<'a>, Failure> {
    let open = Site::open(&settings.target, &settings.spec, settings.transport, settings.run);
    let (mut target, site) = tokio::select! {
        opened = open => opened.map_err(Failure::Unreachable)?,
        () = settings.interrupt.notified() => return Err(Failure::Interrupted),
    };
    let mut absent = Lacking::new();
    let foreign = matches!(settings.target, TargetChoice::Running(_));
    if foreign {
        absent = tokio::select! {
            spoken = rehearse(&site, None) => spoken.map_err(Failure::Unreachable)?,
            () = settings.interrupt.notified() => return Err(Failure::Interrupted),
        };
    }
    let fits =
        |case: &&Catalogued| lacking(settings, case).is_none() && misses(case, &absent).is_none();
    let fitting: Vec<&Catalogued> = chosen.iter().copied().filter(fits).collect();
    let mut people = troupe::people(&fitting, settings.run);
    people.extend(rehearsers(settings.run).into_iter().filter(|_| foreign));
    if let Err(why) = site.registry.expect(&people) {
        target.stop().await;
        let hint = "`--quick`, or the names of some cases, need fewer".to_owned();
        return Err(Failure::Unreachable(Unreachable { what: why.0, hint }));
    }
    let spare = Spare::of(&site, &people, &fitting);
    if let Some(warning) = spare.warning() {
        show(&Progress { of: fitting.len(), warning: Some(warning), ..Progress::default() });
    }
    let mut troupe = Troupe::assemble(settings, Place::Target(site.clone()), &fitting, 0)?;
    let mut ends = troupe.perform(settings, &fitting, show).await;
    let mut notes = Vec::new();
    if troupe.died.is_none() && !troupe.interrupted {
        let again = once_more(settings, &site, spare, &fitting, &mut troupe, &mut ends, show);
        notes.extend(again.await?);
    }
    let ended = target.ended(patience(&settings.target, troupe.died.is_some())).await;
    if let Some(how) = ended.as_ref().or(troupe.died.as_ref().filter(|_| !foreign)) {
        match troupe.suspects[..] {
            [culprit] => ends[culprit] = vec![Ok(felled(how))],
            [] if fitting.len() == 1 => ends[0] = vec![Ok(felled(how))],
            [] => {}
            _ => notes.push(suspicion(&troupe.suspects, &fitting)),
        }
    }
    // Nobody may have looked since it ended.
    let died = troupe.died.or_else(|| ended.clone());
    notes.extend(ended);
    let name = target.name();
    target.stop().await;
    let interrupted = troupe.interrupted;
    Ok(Performed { target: name, fitting, absent, ends, notes, died, interrupted })
}

/// Plays the cases again whose accusations rest on time, and takes back what does not happen again.
/// That the server dies meanwhile, or the user wants to stop, is noted in the troupe.
async fn once_more(
    settings: &Settings,
    site: &Site,
    mut spare: Spare,
    cases: &[&Catalogued],
    troupe: &mut Troupe,
    ends: &mut [Vec<Copied>],
    show: &mut impl FnMut(&Progress),
) -> Result<Vec<String>, Failure> {
    let wanted =
        (0..cases.len()).filter(|index| again::wants_another(cases[*index], &ends[*index]));
    let (wanted, left): (Vec<usize>, Vec<usize>) =
        wanted.partition(|index| spare.seats(troupe::cast(cases[*index])));
    let mut notes = Vec::new();
    for index in left {
        again::unconfirmed(cases[index], &mut ends[index]);
        let name = &cases[index].name;
        notes.push(format!("{name} was not played again: nobody is left in the file of people"));
    }
    if wanted.is_empty() {
        return Ok(notes);
    }
    let again: Vec<&Catalogued> = wanted.iter().map(|index| cases[*index]).collect();
    let played: u32 = cases.iter().map(|case| case.copies).sum();
    let place = Place::Target(site.clone());
    let mut others = Troupe::assemble(settings, place, &again, played)?;
    let second = others.perform(settings, &again, show).await;
    troupe.suspects = others.suspects.iter().map(|suspect| wanted[*suspect]).collect();
    (troupe.died, troupe.interrupted) = (others.died, others.interrupted);
    for (index, second) in wanted.into_iter().zip(second) {
        notes.extend(again::reconsider(cases[index], &mut ends[index], &second));
    }
    Ok(notes)
}

/// How long a server's process may take to end when nobody listens any more: what started it may have
/// to clear up after it.
fn patience(target: &TargetChoice, died: bool) -> Duration {
    match target {
        TargetChoice::Launched(launch) if died => launch.stop_within,
        _ => Duration::ZERO,
    }
}

/// The people of a file whom nobody needs for the first time that all cases are played.
#[derive(Clone, Copy)]
struct Spare {
    /// How many the file has, how many are needed, and how many more at most for a second time; `None`:
    /// there is no file, and always somebody.
    figures: Option<(usize, usize, usize)>,
    taken: usize,
}

impl Spare {
    fn of(site: &Site, people: &[PersonId], cases: &[&Catalogued]) -> Self {
        let again = cases.iter().map(|case| troupe::cast(case)).sum();
        let figures = site.registry.seats().map(|seats| (seats, people.len(), again));
        Self { figures, taken: 0 }
    }

    /// What the user should know, if not every case can be played a second time.
    fn warning(self) -> Option<String> {
        let (seats, needed, again) = self.figures?;
        (seats < needed + again).then(|| {
            format!(
                "the file has {seats} people: {needed} are needed, and up to {again} more for cases \
                 that are played again because they rest on time; who finds nobody left is not accused"
            )
        })
    }

    /// Takes so many people, if they are there.
    fn seats(&mut self, count: usize) -> bool {
        let fits =
            self.figures.is_none_or(|(seats, needed, _)| needed + self.taken + count <= seats);
        self.taken += if fits { count } else { 0 };
        fits
    }
}

/// What the server lacks for the steps of a case, though the spec has it.
fn misses(case: &Catalogued, absent: &Lacking) -> Option<String> {
    let Way::Play(_, _, script) = &case.way else { return None };
    let asked = script.operations();
    let (operation, instead) = absent.iter().find(|(one, _)| asked.contains(one))?;
    Some(format!("the server has no `{operation}`: in place of an answer came {instead}"))
}

/// A case that something promised needs, and the server lacks.
fn broken_off(why: &str) -> Copy {
    let mut finding = Finding { observations: 1, ..Finding::default() };
    finding.violate(|| Violation {
        summary: "the server lacks an operation".into(),
        exhibits: Vec::new(),
        therefore: why.to_owned(),
        but: "what is promised can be asked for".into(),
    });
    Copy { finding, ..Copy::default() }
}

/// The server ended while one case alone was played on it.
fn felled(ended: &str) -> Copy {
    let mut finding = Finding { observations: 1, ..Finding::default() };
    finding.violate(|| Violation {
        summary: "the server ended".into(),
        exhibits: Vec::new(),
        therefore: format!("nothing but this case was under way when {ended}"),
        but: "a server goes on whatever one client sends".into(),
    });
    Copy { finding, ..Copy::default() }
}

/// Which cases may have ended the server.
fn suspicion(suspects: &[usize], cases: &[&Catalogued]) -> String {
    let names: Vec<&str> =
        suspects.iter().take(SUSPECTS).map(|case| cases[*case].name.as_str()).collect();
    let more = suspects.len().saturating_sub(SUSPECTS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "under way when the server ended: {}{more}; one of them, played alone, shows it again",
        names.join(", ")
    )
}

fn transport(settings: &Settings) -> &'static str {
    let transports = match &settings.spec.connect.protocol {
        Protocol::SocketIo { transports, .. } => transports,
        Protocol::WebSocket { .. } => return "raw websocket",
        Protocol::Http => return "http",
    };
    match settings.transport.unwrap_or(*transports) {
        Transports::WebSocket => "websocket",
        Transports::Polling => "polling",
        Transports::Upgrade => "upgrade",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_few_people_lets_as_many_cases_be_played_again_as_it_has_people_for() {
        let mut spare = Spare { figures: Some((10, 6, 6)), taken: 0 };
        assert!(spare.warning().is_some_and(|told| told.starts_with("the file has 10 people: 6 ")));
        assert_eq!([3, 2, 1, 1].map(|count| spare.seats(count)), [true, false, true, false]);
        assert_eq!(Spare { figures: Some((12, 6, 6)), taken: 0 }.warning(), None);
        let mut endless = Spare { figures: None, taken: 0 };
        assert!(endless.warning().is_none() && endless.seats(1_000));
    }
}
