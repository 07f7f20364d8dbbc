//! The long run: how often each bug is caught by its own case, and how often an honest server is
//! accused. `make soak` runs it and writes `docs/soak.md`. `ASSIZE_SOAK=websocket,polling,busy,node,bugs`
//! runs only these parts, `ASSIZE_ROWS=a,b` only these bugs; what was measured before stays in the page.

#[path = "support/table.rs"]
#[expect(dead_code, reason = "the whole table belongs to another test")]
mod table;

use assize::conform::{Catalogued, Choice, catalogue};
use assize::outcome::Conformance;
use assize::outcome::conformance::Case;
use assize::reference::{Bug, Bugs};
use assize::spec::Transports;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use table::{Ground, accusations, alone, doubts, run, side_by_side};

/// Runs of the catalogue at the same time; on two cores more would only doubt one another.
const AT_ONCE: usize = 6;
/// The same beside two busy loops, which leave half of the machine.
const AT_ONCE_BUSY: usize = 4;
/// Runs of an honest server in each circumstance.
const HONEST: usize = 100;
/// Runs of the real server that keeps its promises.
const NODE: usize = 20;
/// Runs of it at the same time, each with a server and a database of its own.
const NODE_AT_ONCE: usize = 2;
/// Runs of a bug that is a race, and of another.
const RACES: usize = 100;
const OTHERS: usize = 10;

/// The head of a table of honest runs.
const HEAD: &str = "\n| server | runs of the whole catalogue | accusations | cases in doubt | slowest \
    run |\n|---|---:|---:|---:|---:|\n";

/// Bugs that strike only if two things meet.
fn is_race(bug: Bug) -> bool {
    let name = bug.name();
    name.contains("race") || name.contains("overtaken") || name == "ack-by-key"
}

/// Runs of an honest server: how many there were, and what they accused it of or doubted.
#[derive(Default)]
struct Honest {
    runs: usize,
    accused: Vec<String>,
    doubtful_runs: usize,
    doubts: usize,
    judged: usize,
    slowest: f64,
}

impl Honest {
    fn take(&mut self, run: &Conformance, accusations: &[&Case]) {
        self.runs += 1;
        let doubts = doubts(run);
        self.doubts += doubts.len();
        self.doubtful_runs += usize::from(!doubts.is_empty());
        self.judged += run.judged();
        self.slowest = self.slowest.max(run.nanos as f64 / 1e9);
        for case in accusations {
            let violations = case.finding.violations.iter();
            let mut all = violations.chain(case.also.iter().map(|also| &also.violation));
            let summary = all.next().map_or("in its totals", |one| &one.summary);
            println!("{}: {summary}\n{case:#?}", case.name);
            self.accused.push(format!("{}: {summary}", case.name));
        }
    }

    fn row(&self, what: &str) -> String {
        format!(
            "| {what} | {} | {} | {} of {} ({} runs) | {:.0} s |\n",
            self.runs,
            self.accused.len(),
            self.doubts,
            self.judged,
            self.doubtful_runs,
            self.slowest,
        )
    }
}

fn honest(runs: usize, transport: Option<Transports>, busy: bool) -> Honest {
    let sum = Mutex::new(Honest::default());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        if busy {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
        }
        side_by_side(runs, if busy { AT_ONCE_BUSY } else { AT_ONCE }, |_| {
            let run =
                run(Ground::default(), Bugs::NONE, "callback-ack", Choice::default(), transport);
            sum.lock().unwrap().take(&run, &accusations(&run));
        });
        over.store(true, Ordering::Relaxed);
    });
    sum.into_inner().unwrap()
}

/// How often a bug is caught by its own case alone: k of n.
fn caught(bug: Bug) -> (usize, usize) {
    if Catalogued::of_bug(bug).is_none() {
        return (0, 0);
    }
    let runs = if is_race(bug) { RACES } else { OTHERS };
    let hits = (0..runs).filter(|_| {
        let run = run(Ground::of(bug), Bugs::NONE.with(bug), bug.spec(), alone(bug), None);
        run.cases.iter().any(Case::fails)
    });
    (hits.count(), runs)
}

/// Where rows are kept between runs: one file for each, so that each part can be measured by itself.
const KEPT: &str = "target/soak/rows";

/// Keeps a row, and writes the page of all that were ever kept here.
fn keep(row: &str, text: &str) {
    fs::create_dir_all(KEPT).unwrap();
    fs::write(format!("{KEPT}/{row}"), text).unwrap();
    fs::write("docs/soak.md", page()).unwrap();
}

/// The lines of one row, if it was ever measured here.
fn kept(row: &str) -> Option<String> {
    fs::read_to_string(format!("{KEPT}/{row}")).ok()
}

fn page() -> String {
    let mut page = format!(
        "# What the long runs say\n\nWritten by `make soak` (two cores, release build). An honest \
         server must never be accused; a bug\nmust be caught by the one case that is named for \
         it, alone. All of it is played on real sockets and by the machine's\nclock; what the tests play of it \
         in virtual time stands in [docs/simulation.md](simulation.md).\n\n## Honest servers\n{HEAD}",
    );
    for part in ["websocket", "polling", "busy", "node"] {
        page += &kept(part).unwrap_or_default();
    }
    let bugs: Vec<_> = Bug::ALL.iter().filter_map(|bug| kept(bug.name())).collect();
    let _ = write!(
        page,
        "\nA case is in doubt when the machine was too slow to tell; it is no accusation.\n\n\
         ## Bugs\n\n{} of {} bugs, {} cases in the catalogue. Races were tried {RACES} times, the \
         others {OTHERS} times, each by its\nnamed case alone, twelve at a time.\n\n\
         | bug | case | caught |\n|---|---|---:|\n{}",
        bugs.len(),
        Bug::ALL.len(),
        catalogue().len(),
        bugs.concat(),
    );
    page
}

fn wanted(part: &str) -> bool {
    std::env::var("ASSIZE_SOAK").map_or(true, |parts| parts.split(',').any(|one| one == part))
}

#[test]
#[ignore = "takes an hour: `make soak`"]
fn no_honest_server_is_accused() {
    let mut accused = Vec::new();
    for (part, what, transport, busy) in [
        ("websocket", "reference server over WebSockets, six side by side", None, false),
        (
            "polling",
            "reference server over polling, six side by side",
            Some(Transports::Polling),
            false,
        ),
        (
            "busy",
            "reference server beside two busy loops on the two cores, four side by side",
            None,
            true,
        ),
    ] {
        if !wanted(part) {
            continue;
        }
        let found = honest(HONEST, transport, busy);
        println!("{}", found.row(what));
        keep(part, &found.row(what));
        accused.extend(found.accused);
    }
    assert!(accused.is_empty(), "{}", accused.join("\n"));
}

/// One run of the catalogue against the real server, in a process of its own.
fn real_run() -> Conformance {
    let out = tempfile::tempdir().expect("a folder");
    let run = Command::new(env!("CARGO_BIN_EXE_assize"))
        .args(["conform", "--spec", "callback-ack", "--quiet", "--launch", "callback-ack-node"])
        .args(["--out".as_ref(), out.path().as_os_str()])
        .output()
        .expect("the program runs");
    let text = fs::read_to_string(out.path().join("latest/report.json")).unwrap_or_else(|error| {
        panic!("no report: {error}\n{}", String::from_utf8_lossy(&run.stderr))
    });
    serde_json::from_str(&text).expect("a report")
}

#[test]
#[ignore = "takes half an hour: `make soak`"]
fn the_real_server_is_not_accused() {
    if !wanted("node") {
        return;
    }
    let sum = Mutex::new(Honest::default());
    side_by_side(NODE, NODE_AT_ONCE, |_| {
        let run = real_run();
        // The official server does not do all that a careful one does: those findings are true.
        let also = |case: &&Case| run.broken_elsewhere().any(|(other, _)| other.name == case.name);
        let accusing = run.cases.iter().filter(|case| case.fails_the_run(false) || also(case));
        sum.lock().unwrap().take(&run, &accusing.collect::<Vec<_>>());
    });
    let found = sum.into_inner().unwrap();
    let row = found.row("`servers/callback-ack`, mode `fixed`, two side by side");
    println!("{row}");
    keep("node", &row);
    assert!(found.accused.is_empty(), "{}", found.accused.join("\n"));
}

#[test]
#[ignore = "takes most of an hour: `make soak`"]
fn each_bug_is_caught_by_its_own_case() {
    if !wanted("bugs") {
        return;
    }
    let chosen = std::env::var("ASSIZE_ROWS").ok();
    let is_chosen =
        |bug: &Bug| chosen.as_ref().is_none_or(|rows| rows.split(',').any(|row| row == bug.name()));
    let bugs: Vec<Bug> = Bug::ALL.iter().copied().filter(is_chosen).collect();
    assert!(!bugs.is_empty(), "no such bug");
    let escaped = Mutex::new(Vec::new());
    side_by_side(bugs.len(), 12, |index| {
        let bug = bugs[index];
        let (hits, runs) = caught(bug);
        println!("{:30} {hits} of {runs}", bug.name());
        let case = Catalogued::of_bug(bug).map_or("none", |case| case.name.as_str());
        let mut escaped = escaped.lock().unwrap();
        keep(bug.name(), &format!("| `{bug}` | `{case}` | {hits} of {runs} |\n"));
        if hits * 100 < runs * 99 {
            escaped.push(format!("{bug}: {hits} of {runs}"));
        }
    });
    let escaped = escaped.into_inner().unwrap();
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
}
