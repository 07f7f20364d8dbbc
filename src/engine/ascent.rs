//! A search for the server's size: one run after the other, each at the load that the search wants.
//!
//! Each step is a run as any other, with a server, people, history and judges of its own; which loads
//! are tried and what they mean together is decided by [`crate::capacity`]. A server that dies at a
//! load, or does not take its people in, is an answer, too. Start with [`ascend`].

use crate::capacity::{Course, Next, Said, Search, Trial, curve, knee};
use crate::engine::means::{Means, Shortage};
use crate::engine::run::{Failure, Measured, Settings, run};
use crate::metric::{Progress, Window, quantity};
use crate::outcome::capacity::{Capacity, Figures, Limit, Of, SCHEMA, Step, Why};
use crate::outcome::{Outcome, Percentiles};
use crate::scenario::{Expectation, REACH, Scenario};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Steps of one search, at most: a server that answers by chance shall not keep it going for ever.
const MOST_STEPS: usize = 60;
/// A threshold is judged by a generator whose own lag, in the same percentile, is at most this share of
/// it.
const PUNCTUAL: f64 = 0.5;
/// A step takes this much longer than its phases, until one has told better: the server starts,
/// conversations are made, everybody comes to rest and reads everything.
const AROUND: Duration = Duration::from_secs(5);

/// What a search is made of.
pub struct Ascent {
    /// What the steps have in common; the scenario, seed and number of the run are each step's own.
    pub settings: Settings,
    /// How the scenario of a load is made.
    pub course: Course,
    /// What is looked for.
    pub search: Search,
    /// No step begins that would end later than this.
    pub budget: Duration,
    /// The size that the caller wants at least.
    pub wanted: Option<u64>,
}

/// What came of a search.
pub struct Ascended {
    /// The result.
    pub capacity: Capacity,
    /// The run at the largest load that held.
    pub held: Option<Outcome>,
    /// The run at the smallest load that did not; none if it had no outcome.
    pub exceeded: Option<Outcome>,
}

/// How a search goes.
#[derive(Clone, Debug)]
pub enum News<'a> {
    /// A step begins: its number, from 1, its load, and why it is tried.
    Begins(usize, u64, Why),
    /// It is under way.
    Running(Progress),
    /// It is over.
    Ended(&'a Step),
}

/// Looks for the largest load at which everything holds.
///
/// # Errors
/// The first step could not be made at all: the target cannot be tried, or the harness failed.
pub async fn ascend(ascent: Ascent, mut show: impl FnMut(News<'_>)) -> Result<Ascended, Failure> {
    let began = Instant::now();
    let started = SystemTime::now();
    let mut climb = Climb::new(&ascent);
    let search = climb.bounded(ascent.search);
    while let Next::Try(load, why) = search.next(&climb.trials) {
        if let Some(note) = climb.spent(load, began.elapsed()) {
            climb.notes.push(note);
            break;
        }
        show(News::Begins(climb.steps.len() + 1, load, why));
        let stepped = climb.step(load, why, |progress| show(News::Running(progress))).await;
        match stepped {
            Ok(()) => {}
            Err(Failure::Interrupted) => climb.interrupted = true,
            Err(failure) => return Err(failure),
        }
        if climb.interrupted {
            break;
        }
        show(News::Ended(climb.steps.last().expect("a step was made")));
    }
    if climb.steps.is_empty() {
        return Err(match climb.interrupted {
            true => Failure::Interrupted,
            false => Failure::Internal("the budget is too small for a single step".into()),
        });
    }
    Ok(climb.conclude(search, began.elapsed(), started))
}

/// A search under way.
struct Climb<'a> {
    ascent: &'a Ascent,
    means: Means,
    trials: Vec<Trial>,
    steps: Vec<Step>,
    outcomes: Vec<(u64, Outcome)>,
    notes: Vec<String>,
    /// The machine allows no more, and why.
    shortage: Option<Shortage>,
    /// How much longer than its phases the longest step took.
    around: Duration,
    target: String,
    interrupted: bool,
}

impl<'a> Climb<'a> {
    fn new(ascent: &'a Ascent) -> Self {
        let unfit = ascent.course.unfit();
        let notes = unfit.iter().map(|expectation| {
            format!("`{}` is left out: no step can be held to it", expectation.text)
        });
        Self {
            ascent,
            means: Means::of_machine(),
            trials: Vec::new(),
            steps: Vec::new(),
            outcomes: Vec::new(),
            notes: notes.collect(),
            shortage: None,
            around: AROUND,
            target: String::new(),
            interrupted: false,
        }
    }

    /// The search, no further than this machine and the documents allow.
    fn bounded(&mut self, search: Search) -> Search {
        let possible = |load: u64| self.shortage_at(load).is_none();
        if possible(search.most) {
            return search;
        }
        let (mut most, mut too_much) = (0, search.most);
        while too_much - most > 1 {
            let middle = most + (too_much - most) / 2;
            if possible(middle) { most = middle } else { too_much = middle }
        }
        self.shortage = self.shortage_at(too_much);
        Search { most: most.max(search.least), ..search }
    }

    fn shortage_at(&self, load: u64) -> Option<Shortage> {
        let Settings { spec, target, shards, .. } = &self.ascent.settings;
        self.means.shortage(spec, &self.ascent.course.at(load), target, *shards)
    }

    /// Why there is no time for another step, if there is none.
    fn spent(&self, load: u64, elapsed: Duration) -> Option<String> {
        let phases = self.ascent.course.at(load).length();
        let late = elapsed + phases + self.around > self.ascent.budget;
        let steps = self.steps.len();
        if steps >= MOST_STEPS {
            return Some(format!("the search ended after {steps} steps"));
        }
        late.then(|| {
            format!(
                "the budget of {:.0} s leaves no time for a step at {load}; hint: a larger `--budget` \
                 narrows the interval",
                self.ascent.budget.as_secs_f64()
            )
        })
    }

    /// Makes one step.
    async fn step(
        &mut self,
        load: u64,
        why: Why,
        show: impl FnMut(Progress),
    ) -> Result<(), Failure> {
        let ascent = self.ascent;
        let scenario = Arc::new(ascent.course.at(load));
        let phases = scenario.length();
        let began = Instant::now();
        let number = self.steps.len() as u64;
        let settings = Settings {
            scenario: Arc::clone(&scenario),
            seed: ascent.settings.seed.wrapping_add(number),
            run: ascent.settings.run.wrapping_add(number),
            measured: Some(ascent.course.phase().0.to_owned()),
            ..ascent.settings.clone()
        };
        let (limit, figures) = match run(settings, show).await {
            Ok(measured) => {
                self.interrupted |= measured.outcome.interrupted;
                self.target.clone_from(&measured.outcome.run.target);
                let limit = Limit::in_outcome(&measured.outcome)
                    .map(|limit| measurable(limit, &scenario, &measured.outcome));
                let limit = match limit {
                    Some(limit) if limit.of != Of::Doubt => Some(limit),
                    // A step in which nothing happens neither holds nor leaves a doubt of the server.
                    held_or_doubt => {
                        let sent = measured.window.as_ref().map_or(0, |window| window.sent);
                        let planned = ascent.course.planned(load);
                        Limit::of_silence(&measured.outcome, planned, sent).or(held_or_doubt)
                    }
                };
                let result = (limit, figures(&measured));
                self.outcomes.push((load, measured.outcome));
                result
            }
            // What cannot be tried at all is a mistake; what no longer can, at this load, is a result.
            Err(Failure::Unreachable(why)) if !self.steps.is_empty() => {
                let limit = Limit { of: Of::Server, name: String::new(), seen: why.what };
                (Some(limit), Figures::default())
            }
            Err(failure) => return Err(failure),
        };
        if self.interrupted {
            return Ok(());
        }
        self.around = self.around.max(began.elapsed().saturating_sub(phases));
        self.trials.push(Trial { load, said: said(limit.as_ref()) });
        self.steps.push(Step { load, why, limit, figures });
        Ok(())
    }

    fn conclude(mut self, search: Search, took: Duration, started: SystemTime) -> Ascended {
        let settings = &self.ascent.settings;
        let course = &self.ascent.course;
        let (held, exceeded) = search.found(&self.trials);
        let at_exceeded = self.steps.iter().rev().filter(|step| Some(step.load) == exceeded);
        let limits: Vec<&Limit> = at_exceeded.filter_map(|step| step.limit.as_ref()).collect();
        let proved = limits.iter().find(|limit| limit.of == Of::Property);
        let seen = limits.iter().find(|limit| limit.is_the_servers());
        let mut limit = proved.or(seen).or(limits.first()).map(|limit| (*limit).clone());
        if held == Some(search.most)
            && let Some(shortage) = &self.shortage
        {
            // What the machine does not give is the generator's limit, found without a step.
            limit =
                Some(Limit { of: Of::Generator, name: String::new(), seen: shortage.what.clone() });
            self.notes.push(shortage.hint.clone());
        }
        let throughput = |step: &Step| (step.load, step.figures.acked);
        let points: Vec<(u64, f64)> =
            self.steps.iter().filter(|s| !is_own(s)).map(throughput).collect();
        let by_server: Vec<Step> = self.steps.iter().filter(|s| !is_own(s)).cloned().collect();
        let (phase, steady) = course.phase();
        let at = |load: Option<u64>, failed: bool| {
            let fits = |(at, one): &&(u64, Outcome)| {
                Some(*at) == load && Limit::in_outcome(one).is_some() == failed
            };
            self.outcomes.iter().rev().find(fits).map(|(_, outcome)| outcome.clone())
        };
        let (best, worst) = (at(held, false), at(exceeded, true));
        let capacity = Capacity {
            schema: SCHEMA,
            scenario: settings.scenario.name.clone(),
            spec: settings.spec.name.clone(),
            target: self.target.clone(),
            seed: settings.seed,
            version: env!("CARGO_PKG_VERSION").into(),
            started: chrono::DateTime::<chrono::Utc>::from(started)
                .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            nanos: took.as_nanos() as u64,
            command: settings.command.clone(),
            by: course.by(),
            phase: (phase.to_owned(), steady.as_nanos() as u64),
            precision: search.precision,
            wanted: self.ascent.wanted,
            most: search.most,
            held,
            exceeded,
            limit,
            knee: knee::of(&by_server),
            curve: curve::fit(&points),
            unexercised: best.as_ref().map_or_else(Vec::new, |best| best.unexercised.clone()),
            steps: self.steps,
            notes: self.notes,
            interrupted: self.interrupted,
            ..Capacity::default()
        };
        Ascended { capacity, held: best, exceeded: worst }
    }
}

fn said(limit: Option<&Limit>) -> Said {
    match limit.map(|limit| limit.of) {
        None => Said::Held,
        Some(Of::Property) => Said::Proved,
        Some(Of::Expectation | Of::Server) => Said::Failed,
        Some(Of::Doubt | Of::Generator | Of::Nothing) => Said::Nothing,
    }
}

/// A threshold that was missed, unless the generator was not punctual enough to tell: then what was
/// seen is its own.
fn measurable(limit: Limit, scenario: &Scenario, outcome: &Outcome) -> Limit {
    let missed = scenario
        .expect
        .iter()
        .find(|expectation| limit.of == Of::Expectation && expectation.text == limit.name);
    let times = |expectation: &&Expectation| {
        expectation.statistic != "success" && expectation.series != REACH
    };
    let bound = missed.filter(times).map_or(f64::MAX, |expectation| expectation.bound);
    let lag = &outcome.generator.lag;
    let late = match missed.map(|expectation| expectation.statistic.as_str()) {
        Some("p50" | "mean") => lag.p50.max(lag.mean),
        Some("p90") => lag.p90,
        Some("p95") => lag.p95,
        Some("p99.9") => lag.p99_9,
        Some("max") => lag.max,
        _ => lag.p99,
    };
    if late as f64 <= bound * PUNCTUAL {
        return limit;
    }
    let seen = format!("too late itself ({}) to judge `{}`", quantity::duration(late), limit.name);
    Limit { of: Of::Generator, name: String::new(), seen }
}

/// A step whose figures are the generator's own, or that has none.
fn is_own(step: &Step) -> bool {
    step.limit
        .as_ref()
        .is_some_and(|limit| matches!(limit.of, Of::Generator | Of::Server | Of::Nothing))
}

fn figures(measured: &Measured) -> Figures {
    let outcome = &measured.outcome;
    let latency = |series: &str| {
        let found = outcome.latencies.iter().find(|latency| latency.series == series);
        found.map_or_else(Percentiles::default, |latency| latency.planned)
    };
    let rate = |count: fn(&Window) -> u64| {
        measured.window.as_ref().map_or(0.0, |window| window.per_second(count(window)))
    };
    Figures {
        clients: outcome.run.clients,
        sent: rate(|window| window.sent),
        acked: rate(|window| window.acked),
        delivered: rate(|window| window.delivered),
        ack: latency("ack"),
        delivery: latency("delivery"),
        lag_p99: outcome.generator.lag.p99,
        cpu_share: outcome.generator.cpu_share,
    }
}
