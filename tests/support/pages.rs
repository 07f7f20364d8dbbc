//! Outcomes that no run makes as easily: an empty one, a hostile one, and the one of a very long run.

use assize::history::ClientId;
use assize::outcome::course::{Count, Course, Shape, Span, Wave};
use assize::outcome::{Generator, Latency, Outcome, Run, SCHEMA, Source};
use assize::verdict::{Exhibit, Finding, Standing, Verdict, Violation};

/// What a server may say to whoever reads its words.
pub(crate) const HOSTILE: &str = "</script><script>window.owned = 1</script><img src=x onerror=\"window.owned=1\">\
     <!--\u{202e}'\"]]>&lt;\u{7}";

/// Nothing happened.
pub(crate) fn empty() -> Outcome {
    Outcome {
        schema: SCHEMA,
        run: Run { scenario: "empty".into(), spec: "none".into(), ..Run::default() },
        verdicts: Vec::new(),
        latencies: Vec::new(),
        phases: Vec::new(),
        counts: Vec::new(),
        expectations: Vec::new(),
        unexercised: Vec::new(),
        generator: Generator::default(),
        notes: Vec::new(),
        interrupted: false,
        course: Course { slice: 1_000_000_000, ..Course::default() },
        sources: Vec::new(),
    }
}

/// Every text is an attack.
pub(crate) fn hostile() -> Outcome {
    let text = || HOSTILE.to_owned();
    let span = Span { name: text(), begins: 1_000_000, ends: 2_000_000, clients: 1 };
    let source = Source { file: text(), text: format!("a: {HOSTILE}\nb: 1\n") };
    Outcome {
        run: Run {
            scenario: text(),
            spec: text(),
            target: text(),
            bugs: vec![text()],
            client: text(),
            command: text(),
            machine: text(),
            ..Run::default()
        },
        verdicts: vec![verdict(&HOSTILE.replace(' ', "-"), HOSTILE, 3)],
        latencies: vec![latency(HOSTILE)],
        counts: vec![(text(), 1)],
        notes: vec![text()],
        course: Course { phases: vec![span.clone()], faults: vec![span], ..course(3) },
        sources: vec![source],
        ..empty()
    }
}

/// A run of days, in which everything went wrong that can be told.
pub(crate) fn long() -> Outcome {
    let names: Vec<String> = (0..24).map(|number| format!("property-{number}")).collect();
    let yaml = "send: { event: message, data: { text: $text } } # \"quoted\" & <said>\n";
    Outcome {
        run: Run { scenario: "long".into(), spec: "long".into(), ..Run::default() },
        verdicts: names
            .iter()
            .map(|name| verdict(name, &"what a server said ".repeat(40), 24))
            .collect(),
        latencies: (0..20).map(|number| latency(&format!("delivery node {number}"))).collect(),
        course: course(900),
        sources: ["scenario.yaml", "spec.yaml"]
            .map(|file| Source { file: file.into(), text: yaml.repeat(20_000) })
            .into(),
        ..empty()
    }
}

fn verdict(property: &str, said: &str, violations: usize) -> Verdict {
    let exhibits = (0..25).map(|line| Exhibit {
        at: 700_000_000 + line * 7_000_000,
        client: ClientId(line as u32 % 5),
        text: format!("was pushed \"{said}\" with id {line}"),
    });
    let violation = |number: usize| Violation {
        summary: format!("{said} {number}"),
        exhibits: exhibits.clone().collect(),
        therefore: said.into(),
        but: said.into(),
    };
    let mut finding = Finding { observations: 1_000, ..Finding::default() };
    (0..violations).for_each(|number| finding.violate(|| violation(number)));
    Verdict {
        property: property.into(),
        standing: Standing::Fail,
        promised: true,
        promise: said.into(),
        source: said.into(),
        judged_by: said.into(),
        finding,
    }
}

fn latency(series: &str) -> Latency {
    let curve: Vec<u64> = (0..60).map(|step| 900_000 + step * step * 40_000).collect();
    let buckets = (0..40).map(|n| (100_000 << (n / 3), 100_000 << (n / 3 + 1), n * n)).collect();
    let mut latency = Latency { series: series.into(), ..Latency::default() };
    latency.planned.count = 1_000_000;
    latency.shape = Shape { planned: curve.clone(), actual: curve, buckets };
    latency
}

fn course(slices: usize) -> Course {
    let figures = |most: u64| (0..slices as u64).map(|slice| 1 + slice * 7_919 % most).collect();
    let wave = |series: &str| Wave {
        series: series.into(),
        count: figures(100_000),
        p50: figures(5_000_000),
        p95: figures(50_000_000),
        p99: figures(500_000_000),
        max: figures(5_000_000_000),
    };
    let counted = ["messages sent", "messages acked", "deliveries", "ack timeouts", "disconnects"];
    Course {
        slice: 600_000_000_000,
        slices: slices as u32,
        connected: figures(20_000),
        counts: counted
            .map(|name| Count { name: name.into(), per_slice: figures(1_000_000) })
            .into(),
        latencies: ["connect", "ack", "delivery", "reconnect", "sync", "typing", "lag"]
            .map(wave)
            .into(),
        ..Course::default()
    }
}
