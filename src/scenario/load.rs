//! A scenario's YAML to a [`Scenario`], with all mistakes at once.
//!
//! People and launch are read here; phases, faults and expectations in files of their own.

use crate::fault::Part;
use crate::scenario::model::{
    Groups, Launch, Population, Ready, Reconnect, Scenario, Share, Stars,
};
use crate::source::{self, Diagnostic, Diagnostics, Entry, Fields, Node, Span, suggestion};
use std::time::Duration;

/// A scenario that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// What should be looked at all the same.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a scenario. `file_name` is for messages; `known_properties` are the ids that `exercise:`
/// may name.
///
/// # Errors
/// Everything that is wrong with it, warnings included, in the order of the file.
pub fn load(
    file_name: &str,
    yaml: &str,
    known_properties: &[&str],
) -> Result<Loaded, Vec<Diagnostic>> {
    let mut found = Diagnostics::new(file_name, yaml);
    let Some(root) = source::parse(&mut found) else {
        return Err(found.into_sorted());
    };
    let mut loader = Loader { found };
    let scenario = loader.scenario(&root, known_properties);
    loader.found.settle(scenario).map(|(scenario, warnings)| Loaded { scenario, warnings })
}

/// A scenario being read.
pub(super) struct Loader<'a> {
    pub(super) found: Diagnostics<'a>,
}

/// How far shares that should add up to the whole may be off, for rounding.
const ROUNDING: f64 = 1e-6;

impl Loader<'_> {
    fn scenario(&mut self, root: &Node, known_properties: &[&str]) -> Option<Scenario> {
        let mut fields = Fields::of(root, "scenario", &mut self.found)?;
        if let Some(version) = fields.require("assize", &mut self.found) {
            version.read_version(&mut self.found);
        }
        let name = fields.require("name", &mut self.found);
        let name = self.text_of(name, "name");
        let about = fields.require("about", &mut self.found);
        let about = self.text_of(about, "about");
        let spec = fields.value("spec");
        let spec = spec.map(|node| self.text_of(Some(node), "spec"));
        let seed = fields.value("seed").map_or(1, |node| self.seed(node));
        let (launch, target) = (fields.take("launch"), fields.take("target"));
        if let (Some(_), Some(target)) = (launch, target) {
            self.found
                .error(target.key_span, "`target` stands beside `launch`")
                .hint("a run starts a server or uses running ones; keep one of them");
        }
        let embedded = fields.take("embedded");
        if let (Some(embedded), true) = (embedded, launch.is_some() || target.is_some()) {
            self.found
                .error(embedded.key_span, "`embedded` stands beside another server")
                .hint("it is the reference server's; keep one of them");
        }
        let embedded = embedded.and_then(|entry| self.embedded(&entry.value));
        let launch = launch.and_then(|entry| self.launch(&entry.value));
        let target = target.map(|entry| self.target(&entry.value)).unwrap_or_default();
        let people = fields.require("people", &mut self.found);
        let conversations = fields.value("conversations");
        let people = self.population(people, conversations);
        let phases = fields.require("phases", &mut self.found);
        let phases = phases.map(|node| self.phases(node, &people)).unwrap_or_default();
        let end = phases.iter().map(|phase| phase.lasts).sum();
        let http = fields.value("http").and_then(|node| self.http(node, end));
        let running = (!target.is_empty()).then_some(target.len() as u32);
        let nodes = launch.as_ref().map(|launch| launch.nodes).or(running).or(embedded);
        let faults = fields.value("faults");
        let faults = faults.map(|node| self.faults(node, end, nodes)).unwrap_or_default();
        let patience = fields.value("patience");
        let patience = patience.and_then(|node| node.read_duration(&mut self.found));
        let expect = fields.value("expect");
        let expect = expect.map(|node| self.expectations(node, nodes, &phases)).unwrap_or_default();
        let exercise = fields.value("exercise");
        let exercise = exercise.map(|node| self.exercise(node, known_properties));
        fields.finish(&mut self.found);
        Some(Scenario {
            name,
            about,
            spec,
            seed,
            launch,
            target,
            embedded,
            people,
            phases,
            http,
            faults,
            patience: patience.unwrap_or(Duration::from_secs(15)),
            expect,
            exercise: exercise.unwrap_or_default(),
        })
    }

    /// A plain text, empty if it is missing or wrong.
    pub(super) fn text_of(&mut self, node: Option<&Node>, what: &str) -> String {
        let text = node.and_then(|node| node.read_text(what, &mut self.found));
        text.unwrap_or_default().to_owned()
    }

    /// The items of a list; complains if it is none.
    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str, of: &str) -> &'n [Node] {
        node.items().unwrap_or_else(|| {
            self.found
                .error(node.span, format!("`{what}` is {}", node.what()))
                .expected(format!("a list of {of}"));
            &[]
        })
    }

    /// The entries of a mapping; complains if it is none.
    pub(super) fn mapping<'n>(&mut self, node: &'n Node, what: &str, of: &str) -> &'n [Entry] {
        node.entries().unwrap_or_else(|| {
            self.found
                .error(node.span, format!("`{what}` is {}", node.what()))
                .expected(format!("a mapping of {of}"));
            &[]
        })
    }

    /// A duration that isn't zero.
    pub(super) fn positive(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let duration = node.read_duration(&mut self.found)?;
        if duration.is_zero() {
            self.found.error(node.span, format!("`{what}` is zero"));
            return None;
        }
        Some(duration)
    }

    /// A share, 0 if it is missing or wrong.
    pub(super) fn share(&mut self, node: Option<&Node>) -> Share {
        node.and_then(|node| node.read_share(&mut self.found)).unwrap_or(0.0)
    }

    /// Complains if shares don't make the whole.
    pub(super) fn whole(&mut self, sum: Share, span: Span, what: &str) {
        if (sum - 1.0).abs() > ROUNDING {
            let sum = (sum * 1e6).round() / 1e4;
            self.found
                .error(span, format!("the shares of `{what}` add up to {sum}%"))
                .expected("100%");
        }
    }

    /// Complains of a node that the server does not have.
    pub(super) fn beyond(&mut self, span: Span, number: u32, nodes: u32) {
        let complaint = format!("there is no node {number}");
        let nodes = match nodes {
            1 => "the server of this scenario has 1 node".to_owned(),
            nodes => format!("the server of this scenario has {nodes} nodes"),
        };
        let hint = "say how many there are under `launch`, `target` or `embedded`";
        self.found.error(span, format!("{complaint}: {nodes}")).hint(hint);
    }

    fn seed(&mut self, node: &Node) -> u64 {
        let seed = node.text().and_then(|text| text.parse().ok());
        seed.unwrap_or_else(|| {
            self.found
                .error(node.span, "this is no seed")
                .expected("a whole number from 0 to 18446744073709551615");
            0
        })
    }

    fn target(&mut self, node: &Node) -> Vec<String> {
        let one = node.text().is_some().then(|| std::slice::from_ref(node));
        let nodes = one.unwrap_or_else(|| self.list(node, "target", "URLs"));
        let urls = nodes.iter().map(|node| {
            let url = self.text_of(Some(node), "target");
            if !url.starts_with("http://") && !url.starts_with("https://") {
                self.found
                    .error(node.span, format!("`{url}` is no URL of a server"))
                    .expected("a URL such as `http://127.0.0.1:3000`");
            }
            url
        });
        urls.collect()
    }

    fn embedded(&mut self, node: &Node) -> Option<u32> {
        let mut fields = Fields::of(node, "embedded", &mut self.found)?;
        let nodes = fields.require("nodes", &mut self.found);
        fields.finish(&mut self.found);
        nodes.and_then(|node| node.read_count(1, &mut self.found))
    }

    fn launch(&mut self, node: &Node) -> Option<Launch> {
        let mut fields = Fields::of(node, "launch", &mut self.found)?;
        let command = fields.require("command", &mut self.found);
        let command = command.map(|node| self.command(node));
        let nodes_node = fields.value("nodes");
        let nodes = nodes_node.and_then(|node| node.read_count(1, &mut self.found));
        let control = fields.value("control");
        let control = control.map(|node| self.command(node)).unwrap_or_default();
        let parts = fields.value("parts").map(|node| self.parts(node));
        let environment = fields.value("environment");
        let environment = environment.map(|node| self.environment(node)).unwrap_or_default();
        let ready = fields.require("ready", &mut self.found);
        let ready = ready.and_then(|node| self.ready(node));
        if let (Some(Ready::Probe(_)), Some(2..), Some(node)) = (&ready, nodes, nodes_node) {
            self.found
                .error(node.span, "a probe tells of one node only")
                .expected("`ready: { line: … }`, which each node says");
        }
        let within = fields.value("within").and_then(|node| self.positive(node, "within"));
        let stop = fields.value("stop-within");
        let stop = stop.and_then(|node| node.read_duration(&mut self.found));
        let cases = fields.value("cases-at-once");
        let cases = cases.and_then(|node| node.read_count(1, &mut self.found));
        fields.finish(&mut self.found);
        Some(Launch {
            command: command?,
            nodes: nodes.unwrap_or(1),
            parts: parts.unwrap_or_else(|| vec![Part::Redis]),
            control,
            environment,
            ready: ready?,
            within: within.unwrap_or(Duration::from_secs(60)),
            stop_within: stop.unwrap_or(Duration::from_secs(10)),
            cases_at_once: cases,
        })
    }

    fn command(&mut self, node: &Node) -> Vec<String> {
        if let Some(line) = node.text().filter(|line| line.contains(' ')) {
            self.found
                .error(node.span, "a command is a list, so that no shell is needed")
                .hint(format!("write `[{}]`", line.split(' ').collect::<Vec<_>>().join(", ")));
            return Vec::new();
        }
        let one = node.text().is_some().then(|| std::slice::from_ref(node));
        let words = one.unwrap_or_else(|| self.list(node, "command", "program and arguments"));
        if words.is_empty() {
            self.found.error(node.span, "this starts nothing");
        }
        words.iter().map(|word| self.text_of(Some(word), "command")).collect()
    }

    fn parts(&mut self, node: &Node) -> Vec<Part> {
        let choices = Part::ALL.map(|part| (part.name(), part));
        let nodes = self.list(node, "parts", "parts that `control` can stop and start");
        nodes.iter().filter_map(|node| node.read_choice(&choices, &mut self.found)).collect()
    }

    fn environment(&mut self, node: &Node) -> Vec<(String, String)> {
        let entries = self.mapping(node, "environment", "variables to values");
        let pairs = entries
            .iter()
            .map(|entry| (entry.key.clone(), self.text_of(Some(&entry.value), &entry.key)));
        pairs.collect()
    }

    fn ready(&mut self, node: &Node) -> Option<Ready> {
        let mut fields = Fields::of(node, "ready", &mut self.found)?;
        let entry = fields.one_of(&["line", "probe"], &mut self.found);
        fields.finish(&mut self.found);
        let Some(entry) = entry else {
            self.found.error(node.span, "nothing tells when the server is ready").expected(
                "`{ line: \"listening on \" }` or `{ probe: http://127.0.0.1:3000/health }`",
            );
            return None;
        };
        let text = self.text_of(Some(&entry.value), "ready");
        Some(if entry.key == "line" { Ready::Line(text) } else { Ready::Probe(text) })
    }

    fn population(&mut self, people: Option<&Node>, conversations: Option<&Node>) -> Population {
        let mut population = Population {
            count: 0,
            devices: vec![(1, 1.0)],
            pairs: 0,
            groups: Vec::new(),
            stars: Vec::new(),
            clock_skew: Duration::ZERO,
            reconnect: Reconnect::default(),
        };
        let fields = people.and_then(|node| Fields::of(node, "people", &mut self.found));
        if let Some(mut fields) = fields {
            let count = fields.require("count", &mut self.found);
            let count = count.and_then(|node| node.read_count(1, &mut self.found));
            population.count = count.unwrap_or(0);
            if let Some(devices) = fields.value("devices") {
                population.devices = self.devices(devices);
            }
            let skew = fields.value("clock-skew");
            let skew = skew.and_then(|node| node.read_duration(&mut self.found));
            population.clock_skew = skew.unwrap_or_default();
            let reconnect = fields.value("reconnect").and_then(|node| {
                let choices =
                    [("same-node", Reconnect::SameNode), ("other-node", Reconnect::OtherNode)];
                node.read_choice(&choices, &mut self.found)
            });
            population.reconnect = reconnect.unwrap_or_default();
            fields.finish(&mut self.found);
        }
        if let Some(node) = conversations {
            self.conversations(node, &mut population);
        }
        population
    }

    fn devices(&mut self, node: &Node) -> Vec<(u32, Share)> {
        let errors = self.found.errors();
        let mut devices = Vec::new();
        for entry in self.mapping(node, "devices", "numbers of devices to shares of the people") {
            let share = self.share(Some(&entry.value));
            match entry.key.parse::<u32>() {
                Ok(count @ 1..=16) => devices.push((count, share)),
                _ => {
                    self.found
                        .error(entry.key_span, format!("`{}` is no number of devices", entry.key))
                        .expected("a number from 1 to 16");
                }
            }
        }
        if self.found.errors() == errors {
            self.whole(devices.iter().map(|(_, share)| share).sum(), node.span, "devices");
        }
        devices
    }

    fn conversations(&mut self, node: &Node, population: &mut Population) {
        let Some(mut fields) = Fields::of(node, "conversations", &mut self.found) else {
            return;
        };
        let people = population.count;
        if let Some(node) = fields.value("pairs") {
            population.pairs = node.read_count(0, &mut self.found).unwrap_or(0);
            let most = u64::from(people) * u64::from(people.saturating_sub(1)) / 2;
            if people > 0 && u64::from(population.pairs) > most {
                let pairs = population.pairs;
                self.found
                    .error(node.span, format!("{people} people don't make {pairs} pairs"))
                    .expected(format!("at most {most}"));
            }
        }
        if let Some(node) = fields.value("groups") {
            for group in self.list(node, "groups", "`{ count, size }`") {
                population.groups.extend(self.group(group, people));
            }
        }
        if let Some(node) = fields.value("stars") {
            for star in self.list(node, "stars", "`{ count, conversations }`") {
                population.stars.extend(self.star(star, people));
            }
        }
        fields.finish(&mut self.found);
    }

    fn star(&mut self, node: &Node, people: u32) -> Option<Stars> {
        let mut fields = Fields::of(node, "stars", &mut self.found)?;
        let count = fields.require("count", &mut self.found);
        let count = count.and_then(|node| node.read_count(1, &mut self.found));
        let size = fields.require("conversations", &mut self.found);
        let conversations = size.and_then(|node| node.read_count(1, &mut self.found));
        fields.finish(&mut self.found);
        let conversations = conversations?;
        if let Some(size) = size.filter(|_| people > 0 && conversations >= people) {
            let others = people - 1;
            self.found
                .error(size.span, format!("each person has {others} others to talk to"))
                .hint("raise `people: count`, or give the star fewer conversations");
        }
        Some(Stars { count: count?, conversations })
    }

    fn group(&mut self, node: &Node, people: u32) -> Option<Groups> {
        let mut fields = Fields::of(node, "groups", &mut self.found)?;
        let count = fields.require("count", &mut self.found);
        let count = count.and_then(|node| node.read_count(1, &mut self.found));
        let size = fields.require("size", &mut self.found);
        let ends = size.and_then(|node| node.read_range(2, &mut self.found));
        fields.finish(&mut self.found);
        let (least, most) = ends?;
        if let Some(size) = size.filter(|_| people > 0 && most > people) {
            self.found
                .error(size.span, format!("{people} people are too few for a group of {most}"))
                .hint("raise `people: count`, or make the group smaller");
        }
        Some(Groups { count: count?, least, most })
    }

    fn exercise(&mut self, node: &Node, known: &[&str]) -> Vec<String> {
        let mut properties = Vec::new();
        for node in self.list(node, "exercise", "properties") {
            let name = self.text_of(Some(node), "exercise");
            if !name.is_empty() && !known.contains(&name.as_str()) {
                let near = suggestion(&name, known.iter().copied());
                let complaint = self.found.error(node.span, format!("`{name}` is no property"));
                match near {
                    Some(near) => complaint.hint(format!("did you mean `{near}`?")),
                    None => complaint.hint("`assize list properties` shows what is judged"),
                };
            }
            properties.push(name);
        }
        properties
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::RateOf;

    const PROPERTIES: &[&str] = &["idempotency", "ordering"];

    const GOOD: &str = r#"
assize: 1
name: first-look
about: everything
spec: callback-ack
seed: 7
people: { count: 300, devices: { 1: 90%, 2: 10% } }
conversations: { pairs: 100, groups: [{ count: 20, size: 4..8 }] }
phases:
  - connect: { lasts: 2s, connect: 100% }
  - traffic: { lasts: 8s, send: 100/s in all, burst: { rate: 2/s in all, messages: 3 }, typing: 0.05/s per person, repeat: 2%, texts: { short: 90%, long: 2%, unicode: 5%, markup: 3% } }
faults:
  - { at: 4s, for: 3s, cut: { share: 10%, how: rst } }
  - { at: 5s, for: 2s, withhold-acks: { share: 5% } }
patience: 15s
expect: ["delivery.p95 < 500ms", "connect.success > 99%"]
exercise: [idempotency, ordering]
launch: { command: [servers/callback-ack/start, --mode, fixed], environment: { A: b }, ready: { line: "listening on " }, within: 60s, stop-within: 10s }
"#;

    fn complaints(yaml: &str) -> Vec<String> {
        let list = load("s.yaml", yaml, PROPERTIES).map(|loaded| loaded.warnings);
        list.unwrap_or_else(|list| list).iter().map(Diagnostic::one_line).collect()
    }

    #[test]
    fn a_scenario_is_read() {
        let loaded = load("s.yaml", GOOD, PROPERTIES)
            .unwrap_or_else(|list| panic!("{}", source::render(&list)));
        assert_eq!(loaded.warnings, []);
        let scenario = loaded.scenario;
        assert_eq!(scenario.people.devices, [(1, 0.9), (2, 0.1)]);
        assert_eq!(scenario.people.groups, [Groups { count: 20, least: 4, most: 8 }]);
        assert_eq!(scenario.phases[1].lasts, Duration::from_secs(8));
        let typing = scenario.phases[1].behaviour.typing.unwrap();
        assert_eq!((typing.per_second, typing.of), (0.05, RateOf::Person));
        let cut = "cut rst".parse().unwrap();
        assert_eq!((scenario.faults[0].fault, scenario.faults[0].share), (cut, 0.1));
        assert_eq!(scenario.expect.len(), 2);
        assert_eq!(scenario.launch.unwrap().ready, Ready::Line("listening on ".into()));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let yaml = GOOD
            .replace("2: 10% }", "2: 20% }")
            .replace("4..8", "4..800")
            .replace("at: 4s", "at: 10s")
            .replace("lasts: 2s", "lasts: 0s")
            .replace("[idempotency, ordering]", "[idempotence, ordering]")
            .replace("delivery.p95", "delivery.p59")
            .replace("100/s in all", "100/s")
            .replace("seed: 7", "target: localhost");
        let list = complaints(&yaml);
        for piece in [
            "the shares of `devices` add up to 110%",
            "300 people are too few for a group of 800",
            "`lasts` is zero",
            "at 10s the phases are over",
            "`idempotence` is no property",
            "`p59` is no figure",
            "`100/s` is no rate",
            "`localhost` is no URL",
            "`target` stands beside `launch`",
        ] {
            assert!(list.iter().any(|line| line.contains(piece)), "{piece}: {list:#?}");
        }
    }
}
