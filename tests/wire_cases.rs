//! The catalogue of the wire, case by case, against servers with real sockets.
//!
//! The honest reference server holds every case, and so does the official server of Node; each bug
//! of the wire falls to the case that names it. Nothing here asserts on a time.

use assize::conform::wire::{self, Performed, Site, WireCase};
use assize::engine::clock::Clock;
use assize::history::PersonId;
use assize::property::Severity;
use assize::reference::{Bug, Bugs, Hosted, Options};
use assize::spec::{self, Spec};
use assize::transport::endpoint::Endpoint;
use assize::verdict::Standing;
use futures_util::StreamExt;
use futures_util::stream;
use std::sync::Arc;
use std::time::Duration;

/// Cases that are played at the same time.
const AT_ONCE: usize = 24;

fn load(name: &str) -> Arc<Spec> {
    let path = format!("specs/{name}.yaml");
    let text = std::fs::read_to_string(&path).expect(&path);
    Arc::new(spec::load(&path, &text, &assize::property::ids()).expect("a good spec").spec)
}

/// The reference server, with timers that a test can wait for.
fn host(spec: &Arc<Spec>, bugs: Bugs) -> Hosted {
    let options = Options {
        bugs,
        ping_interval: Duration::from_secs(2),
        ping_timeout: Duration::from_secs(2),
        ..Options::default()
    };
    Hosted::start(Arc::clone(spec), options, 1).expect("the server starts")
}

/// Plays cases against a server, many at once.
fn play(
    url: &str,
    spec: &Arc<Spec>,
    cases: &[&'static WireCase],
) -> Vec<(&'static WireCase, Performed)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let endpoint = Endpoint::parse(url).expect("a URL");
    let clock = Clock::start();
    runtime.expect("a runtime").block_on(async {
        stream::iter(cases.iter().zip((0..).step_by(3)))
            .map(|(case, person)| {
                let site = Site {
                    endpoint: endpoint.clone(),
                    spec: Arc::clone(spec),
                    clock,
                    person: PersonId(person),
                    trace: true,
                };
                async move { (*case, wire::perform(case, &site).await) }
            })
            .buffered(AT_ONCE)
            .collect()
            .await
    })
}

/// What is wrong with a case's outcome, if anything.
fn complaint(case: &WireCase, performed: &Performed) -> Option<String> {
    let standing = performed.finding.standing(1);
    if standing == Standing::Pass || performed.not_supported.is_some() {
        return None;
    }
    let finding = &performed.finding;
    let said = finding.violations.first().map(|one| one.therefore.as_str());
    let said = said.or(finding.doubts.first().map(String::as_str)).unwrap_or_default();
    let trace =
        if std::env::var("TRACE").is_ok() { performed.trace.join("\n  ") } else { String::new() };
    Some(format!("{} ({}) {standing}: {said}\n  {trace}", case.name, case.severity.name()))
}

fn chosen() -> Vec<&'static WireCase> {
    let wanted = std::env::var("ASSIZE_WIRE_CASES").unwrap_or_default();
    wire::cases().iter().filter(|case| case.name.contains(&wanted)).collect()
}

#[test]
fn explore() {
    let name = std::env::var("SPEC").unwrap_or("broadcast".into());
    let spec = load(&name);
    let hosted = host(&spec, Bugs::NONE);
    let url = std::env::var("TARGET").unwrap_or(hosted.url().to_owned());
    let start = std::time::Instant::now();
    for (case, performed) in play(&url, &spec, &chosen()) {
        if let Some(text) = complaint(case, &performed) {
            println!("{text}");
        }
        if let Some(text) = &performed.not_supported {
            println!("{} not supported: {text}", case.name);
        }
        if std::env::var("SHOW").is_ok() {
            println!("{}\n  {}", case.name, performed.trace.join("\n  "));
        }
    }
    println!("{:?}", start.elapsed());
    let _ = (Severity::Must, Bug::ALL);
}
