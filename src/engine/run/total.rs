//! What a run comes to: the findings, meters and notes of all shards in one outcome.

use super::{Measured, Settings};
use crate::engine::http_users::Measured as Asked;
use crate::engine::notes::{self, Notes};
use crate::engine::shard::Report;
use crate::engine::target::Target;
use crate::engine::usage;
use crate::history::Nanos;
use crate::metric::{Counters, Courses, ProcessUse, Window, expectation, generator};
use crate::outcome::{Collapse, Outcome, Run, SCHEMA};
use crate::plan::Plan;
use crate::property;
use crate::verdict::Standing;
use std::time::SystemTime;

/// What the conductor knows of the run itself.
pub(super) struct Facts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) started: SystemTime,
    pub(super) nanos: Nanos,
    pub(super) count: u32,
    pub(super) used: ProcessUse,
    pub(super) interrupted: bool,
}

impl Facts<'_> {
    /// Makes one outcome of what the shards found, and of what users without a socket measured.
    pub(super) fn add_up(
        &self,
        settings: &Settings,
        reports: Vec<Report>,
        asked: Option<Asked>,
        target: &Target,
    ) -> Measured {
        let mut recorder: Option<crate::metric::Recorder> = None;
        let mut counters = Counters::default();
        let mut courses = Courses::default();
        let mut entries = 0;
        let mut findings = Vec::new();
        let mut uses = Vec::new();
        let mut notes = Notes::default();
        let mut window: Option<Window> = None;
        let is_kept = reports.iter().all(|report| report.write_error.is_none());
        for report in reports {
            match (&mut window, &report.meter.window) {
                (Some(sum), Some(one)) => sum.merge(one),
                (_, one) => window.clone_from(one),
            }
            notes.take(&report);
            entries += report.entries;
            courses.add(&report.meter, report.ended);
            counters.merge(&report.meter.counters);
            match &mut recorder {
                Some(sum) => sum.merge(&report.meter.recorder),
                None => recorder = Some(report.meter.recorder),
            }
            findings.extend(report.findings);
            uses.push(report.used);
        }
        let mut recorder = recorder.unwrap_or_else(|| crate::metric::Recorder::new(1_000_000_000));
        if let Some(asked) = asked {
            recorder.merge(&asked.recorder);
            notes.add(asked.errors);
        }
        let verdicts = match settings.judge {
            true => property::verdicts(&settings.spec, property::merge(findings)),
            false => Vec::new(),
        };
        let latencies = recorder.latencies();
        let generator = generator::assess(&recorder, &uses, self.used);
        let phases = recorder.phases();
        let measured = expectation::Measured {
            latencies: &latencies,
            phases: &phases,
            reach: counters.reach(),
            lag: &generator.lag,
        };
        let expect = |expected| measured.judge(expected);
        let expectations = settings.scenario.expect.iter().map(expect).collect();
        let exercised = |property: &&String| {
            !settings.judge
                || verdicts.iter().any(|verdict| {
                    verdict.property == **property && verdict.standing != Standing::NotExercised
                })
        };
        let unexercised =
            settings.scenario.exercise.iter().filter(|p| !exercised(p)).cloned().collect();
        let mut counts = counters.named();
        counts.push(("history entries".into(), entries));
        let course = courses.course(recorder.timeline());
        // Who is stopped leaves by itself.
        let collapse = Collapse::of(&course).filter(|_| !self.interrupted);
        let ended = collapse.iter().map(notes::of_collapse);
        let outcome = Outcome {
            schema: SCHEMA,
            run: self.run(settings, target),
            unexercised,
            verdicts,
            latencies,
            phases,
            counts,
            expectations,
            generator,
            notes: ended.chain(notes.texts()).collect(),
            interrupted: self.interrupted,
            course,
            sources: Vec::new(),
        };
        let (timeline, started) = (recorder.timeline().clone(), self.started);
        Measured { outcome, timeline, window, started, is_kept }
    }

    fn run(&self, settings: &Settings, target: &Target) -> Run {
        let cells = self.plan.cells(0, 1);
        let (clients, conversations) = cells.fold((0, 0), |(clients, conversations), cell| {
            (clients + cell.clients().count(), conversations + cell.conversations.len())
        });
        let bugs = settings.target.bugs();
        Run {
            scenario: settings.scenario.name.clone(),
            spec: settings.spec.name.clone(),
            seed: settings.seed,
            version: env!("CARGO_PKG_VERSION").into(),
            target: target.name(),
            bugs,
            client: settings.client.name().into(),
            started: chrono::DateTime::<chrono::Utc>::from(self.started)
                .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            nanos: self.nanos,
            people: settings.scenario.people.count,
            clients: clients as u32,
            conversations: conversations as u32,
            shards: self.count,
            command: settings.command.clone(),
            machine: usage::machine(),
        }
    }
}
