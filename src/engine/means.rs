//! What this machine gives a run: open files, ports, memory; and which scenarios want more than that,
//! or more than the server's documents allow.
//!
//! Such a scenario is refused before it begins, with the figure that makes it impossible: half a run
//! would only say what its first error says, after minutes. Start with [`Means::shortage`].

use crate::capacity::course::{clients, messages};
use crate::engine::target::TargetChoice;
use crate::metric::quantity;
use crate::operation::Operation;
use crate::scenario::{Behaviour, Phase, Rate, Scenario, Sizes};
use crate::spec::{Protocol, SocketPer, Spec, Transports};
use crate::transport::endpoint::Endpoint;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

/// Files beside sockets: standard streams, the history, the store, the runtimes' own.
const OTHER_FILES: u64 = 64;
/// Requests over HTTP that a shard has under way, each on a connection of its own.
const REQUESTS: u64 = 32;
/// Memory of one connected client, on the harness's side; a server in this process needs as much again.
const CLIENT_BYTES: u64 = 24 << 10;
/// Of the ports of one address, so many are left to others, and to connections that are still closing.
const SPARE_PORTS: u64 = 1_000;
/// Loopback addresses that are used side by side, at most: 127.0.0.1 to 127.0.0.200.
const SOURCES: u64 = 200;

/// What this machine gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Means {
    /// Files that a process may have open, once its soft limit is raised to the hard one.
    pub files: u64,
    /// Ports from which one address can connect to one place.
    pub ports: u64,
    /// Memory that is free, in bytes.
    pub memory: u64,
}

/// What there is too little of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// What is wanted, and what there is.
    pub what: String,
    /// What a person could do.
    pub hint: String,
}

impl Means {
    /// Those of the machine that this runs on.
    #[must_use]
    pub fn of_machine() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let ports = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
        let memory = fs::read_to_string("/proc/meminfo").ok();
        Self {
            files: limit.maximum.unwrap_or(u64::MAX),
            ports: ports.and_then(|text| range(&text)).unwrap_or(28_232),
            memory: memory.and_then(|text| available(&text)).unwrap_or(u64::MAX),
        }
    }

    /// Raises the soft limit of open files to the hard one, which nobody but the administrator moves.
    /// If the system does not let us, what it lets us have will be told when it is too little.
    pub fn raise_files() {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current != maximum {
            let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
        }
    }

    /// The first of these addresses that is none of this machine's.
    #[must_use]
    pub fn foreign(sources: &[IpAddr]) -> Option<Shortage> {
        sources.iter().find_map(|source| {
            let error = TcpListener::bind((*source, 0)).err()?;
            Some(Shortage {
                what: format!("`{source}` is no address to connect from: {error}"),
                hint: "`--source` names addresses of this machine; on the loopback, any 127.x.y.z"
                    .into(),
            })
        })
    }

    /// What a scenario wants and cannot have; the first of all.
    #[must_use]
    pub fn shortage(
        &self,
        spec: &Spec,
        scenario: &Scenario,
        target: &TargetChoice,
        shards: Option<u32>,
    ) -> Option<Shortage> {
        undocumented(spec, scenario)
            .or_else(|| self.machine_shortage(spec, scenario, target, shards))
    }

    /// What a scenario wants and this machine does not give.
    #[must_use]
    pub fn machine_shortage(
        &self,
        spec: &Spec,
        scenario: &Scenario,
        target: &TargetChoice,
        shards: Option<u32>,
    ) -> Option<Shortage> {
        let sockets = sockets(spec, scenario);
        let embedded = target.is_embedded();
        let ends = if embedded { 2 } else { 1 };
        let shards = u64::from(shards.unwrap_or(1));
        let files = (sockets + shards * REQUESTS) * ends + OTHER_FILES;
        let count = quantity::count;
        let people = quantity::counted(connecting(scenario).round() as u64, "client");
        if files > self.files {
            let both = if embedded { ", those of the embedded server included" } else { "" };
            let elsewhere = match embedded {
                true => {
                    "let the server run as a process of its own (`launch:`, or `--target URL`), or "
                }
                false => "",
            };
            return Some(Shortage {
                what: format!(
                    "{people} need {} open files{both}, and the hard limit is {}",
                    count(files),
                    count(self.files)
                ),
                hint: format!("{elsewhere}have the limit raised (`ulimit -Hn`, limits.conf)"),
            });
        }
        let nodes = target.nodes() as u64;
        let ports = sockets.div_ceil(nodes);
        let sources = if target.is_local() { SOURCES } else { 1 };
        if ports > self.usable_ports() * sources {
            return Some(Shortage {
                what: format!(
                    "{people} need {} ports to one server, and this machine has {} for each of its \
                     addresses",
                    count(ports),
                    count(self.ports)
                ),
                hint:
                    "widen net.ipv4.ip_local_port_range, or name several addresses of this machine \
                       with `--source ADDRESS`"
                        .into(),
            });
        }
        let memory = sockets * CLIENT_BYTES * ends;
        (memory > self.memory).then(|| Shortage {
            what: format!(
                "{people} need about {}, and {} are free",
                quantity::bytes(memory),
                quantity::bytes(self.memory)
            ),
            hint: "fewer clients, or a machine with more memory".into(),
        })
    }

    /// The addresses to connect from, if one would run out of ports: several of the loopback, where
    /// the server is. Empty: whatever the system chooses.
    #[must_use]
    pub fn sources(&self, spec: &Spec, scenario: &Scenario, nodes: &[Endpoint]) -> Vec<IpAddr> {
        let ports = sockets(spec, scenario).div_ceil(nodes.len().max(1) as u64);
        let needed = ports.div_ceil(self.usable_ports()).min(SOURCES);
        let local = |endpoint: &Endpoint| {
            let addresses = endpoint.addresses();
            !addresses.is_empty() && addresses.iter().all(|a| a.is_ipv4() && a.ip().is_loopback())
        };
        if needed < 2 || !nodes.iter().all(local) {
            return Vec::new();
        }
        (1..=needed as u8).map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))).collect()
    }

    fn usable_ports(&self) -> u64 {
        self.ports.saturating_sub(SPARE_PORTS).max(1)
    }
}

/// What a scenario wants and the server's documents do not allow.
#[must_use]
pub fn undocumented(spec: &Spec, scenario: &Scenario) -> Option<Shortage> {
    too_long(spec, scenario).or_else(|| too_often(spec, scenario))
}

/// Longer texts than the server takes, where they are not meant to be refused.
fn too_long(spec: &Spec, scenario: &Scenario) -> Option<Shortage> {
    let limit = spec.limits.text_characters?;
    let sizes = |phase: &Phase| phase.behaviour.texts.sizes.as_ref().map_or(0, Sizes::most);
    let phase = scenario.phases.iter().find(|phase| sizes(phase) > limit)?;
    Some(Shortage {
        what: format!(
            "in phase `{}` texts have up to {} characters, and `{}` documents that it takes {}",
            phase.name,
            quantity::count(sizes(phase).into()),
            spec.name,
            quantity::count(limit.into())
        ),
        hint: "a smaller `max` of `sizes`; `overlong` is for texts that must be refused".into(),
    })
}

/// More messages than the server takes of a person.
fn too_often(spec: &Spec, scenario: &Scenario) -> Option<Shortage> {
    let (most, window) = spec.limits.send_rate?;
    let people = f64::from(scenario.people.count.max(1));
    scenario.phases.iter().find_map(|phase| {
        let beside = scenario.http.as_ref().map_or(0.0, |http| {
            // Each user speaks for somebody else, as long as there are people enough.
            let sends = http.per_second * (1.0 + http.tilt.abs()) * http.share_of(Operation::Send);
            sends / people.min(f64::from(http.users))
        });
        // What grows is too much as soon as its highest rate is.
        let highest = |rate: Rate| Rate { per_second: rate.most(), ..rate };
        let sends = Behaviour { send: phase.behaviour.send.map(highest), ..Behaviour::default() };
        let each = messages(&sends, &scenario.people) / people + beside;
        // A phase that is shorter than the window has only its own sends in it.
        let span = phase.lasts.min(window).as_secs_f64();
        (each * span > f64::from(most)).then(|| Shortage {
            what: format!(
                "in phase `{}` each person sends {each:.1} messages per second, and `{}` documents \
                 that it takes {most} per {}",
                phase.name,
                spec.name,
                quantity::duration(window.as_nanos() as u64)
            ),
            hint: "more people, or a lower rate; what a server does with an excess is tried by \
                   `assize conform rate-limit`"
                .into(),
        })
    })
}

/// Clients that connect in some phase.
fn connecting(scenario: &Scenario) -> f64 {
    let share: f64 = scenario.phases.iter().map(|phase| phase.connect).sum();
    clients(&scenario.people) * share.min(1.0)
}

/// Sockets that are open at once.
fn sockets(spec: &Spec, scenario: &Scenario) -> u64 {
    let (clients, people) = (connecting(scenario), &scenario.people);
    let each = match (&spec.connect.protocol, spec.connect.per) {
        (Protocol::SocketIo { transports: Transports::Polling, .. }, _) => 2.0,
        (_, SocketPer::Conversation) => {
            let groups = people.groups.iter().map(|groups| {
                f64::from(groups.count) * f64::from(groups.least + groups.most) / 2.0
            });
            let stars =
                people.stars.iter().map(|stars| f64::from(stars.count * stars.conversations));
            let pairs = f64::from(people.pairs) + stars.sum::<f64>();
            let places = 2.0 * pairs + groups.sum::<f64>();
            (places / f64::from(people.count.max(1))).max(1.0)
        }
        _ => 1.0,
    };
    (clients * each).ceil() as u64
}

fn range(text: &str) -> Option<u64> {
    let mut bounds = text.split_whitespace().map(str::parse::<u64>);
    let (low, high) = (bounds.next()?.ok()?, bounds.next()?.ok()?);
    Some(high.checked_sub(low)? + 1)
}

fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

impl TargetChoice {
    /// The server runs on this machine, for all we know, at 127.0.0.1.
    fn is_local(&self) -> bool {
        match self {
            Self::Embedded(_) | Self::Launched(_) => true,
            Self::Running(urls) => {
                urls.iter().all(|url| ["//127.", "//localhost"].iter().any(|at| url.contains(at)))
            }
        }
    }

    /// The server runs inside this process, so that its sockets are this process's files, too.
    const fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Bugs;

    const MEANS: Means = Means { files: 20_000, ports: 28_232, memory: 8 << 30 };

    fn spec(name: &str) -> Spec {
        let file = format!("{}/specs/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(file).unwrap();
        crate::spec::load("x", &text, &crate::property::ids()).unwrap().spec
    }

    fn scenario(people: u32, rate: u32) -> Scenario {
        let yaml = format!(
            "assize: 1\nname: x\nabout: x\npeople: {{ count: {people} }}\n\
             conversations: {{ pairs: {} }}\n\
             phases: [all: {{ lasts: 10s, connect: 100%, send: {rate}/s in all }}]\n",
            people / 2
        );
        crate::scenario::load("x", &yaml, &[]).unwrap_or_else(|all| panic!("{all:?}")).scenario
    }

    fn away() -> TargetChoice {
        TargetChoice::Running(vec!["http://10.0.0.1:3000".into()])
    }

    #[test]
    fn a_phase_that_is_shorter_than_the_window_counts_as_long_as_it_lasts() {
        let refused = |spec_name: &str, people, rate| {
            undocumented(&spec(spec_name), &scenario(people, rate)).is_some()
        };
        // Ten seconds, and 10 messages per minute or per second.
        assert!(!refused("rest-first", 10, 10) && refused("rest-first", 10, 11));
        assert!(!refused("callback-ack", 10, 100) && refused("callback-ack", 10, 101));
    }

    fn told(means: Means, people: u32, rate: u32, target: &TargetChoice) -> String {
        let found = means.shortage(&spec("callback-ack"), &scenario(people, rate), target, Some(2));
        found.map_or_else(String::new, |shortage| format!("{}; {}", shortage.what, shortage.hint))
    }

    #[test]
    fn files_are_counted_twice_where_the_server_is_in_this_process() {
        let embedded = TargetChoice::embedded(Bugs::NONE);
        assert_eq!(told(MEANS, 9_000, 10, &embedded), "");
        let refused = told(MEANS, 10_000, 10, &embedded);
        assert!(refused.contains("10,000 clients need 20,192 open files"), "{refused}");
        assert!(refused.contains("the hard limit is 20,000; let the server run"), "{refused}");
        assert_eq!(told(MEANS, 18_000, 10, &away()), "");
        assert!(!told(MEANS, 20_000, 10, &away()).contains("let the server run"));
    }

    #[test]
    fn ports_run_out_to_a_far_server_before_they_do_to_a_near_one() {
        let many = Means { files: 1 << 20, ..MEANS };
        let refused = told(many, 30_000, 10, &away());
        assert!(refused.contains("need 30,000 ports to one server, and this machine has 28,232"));
        let near = TargetChoice::Running(vec!["http://127.0.0.1:3000".into()]);
        assert_eq!(told(many, 30_000, 10, &near), "");
        let two = TargetChoice::Running(vec!["http://10.0.0.1".into(), "http://10.0.0.2".into()]);
        assert_eq!(told(many, 30_000, 10, &two), "");
    }

    #[test]
    fn several_loopback_addresses_where_one_has_too_few_ports() {
        let endpoint = |url: &str| Endpoint::parse(url).unwrap();
        let sources = |people, nodes: &[Endpoint]| {
            MEANS.sources(&spec("callback-ack"), &scenario(people, 1), nodes)
        };
        let near = [endpoint("http://127.0.0.1:3000")];
        assert!(sources(20_000, &near).is_empty());
        let two: [IpAddr; 2] = ["127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap()];
        assert_eq!(sources(40_000, &near), two);
        assert!(sources(40_000, &[near[0].clone(), endpoint("http://127.0.0.1:3001")]).is_empty());
        assert!(sources(40_000, &[endpoint("http://10.0.0.1:3000")]).is_empty());
    }

    #[test]
    fn memory_and_the_documented_rate_are_told_with_their_figures() {
        let small = Means { memory: 1 << 20, ..MEANS };
        assert!(
            told(small, 100, 10, &away()).contains("need about 2.34 MiB, and 1.00 MiB are free")
        );
        assert_eq!(told(MEANS, 100, 1_000, &away()), "");
        let refused = told(MEANS, 100, 1_100, &away());
        assert!(
            refused.starts_with(
                "in phase `all` each person sends 11.0 messages per second, and \
                                     `callback-ack` documents that it takes 10 per 1.00 s"
            ),
            "{refused}"
        );
    }

    #[test]
    fn the_machine_tells_its_means() {
        assert_eq!(range("32768\t60999\n"), Some(28_232));
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
        let means = Means::of_machine();
        assert!(means.files > 0 && means.ports > 0 && means.memory > 0);
        Means::raise_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
