//! `phases:` what people do, one phase after the other.

use crate::scenario::load::Loader;
use crate::scenario::model::{
    Arrivals, Away, Behaviour, Burst, Converse, Pace, Phase, Population, Rate, RateOf, Share,
};
use crate::source::{Fields, Node, RateWhose};
use std::time::Duration;

/// Phases of every run, which judges know by their names.
const OWN: [&str; 4] = ["setup", "recovery", "final-read", "end"];

impl Loader<'_> {
    pub(super) fn phases(&mut self, node: &Node, people: &Population) -> Vec<Phase> {
        let mut phases = Vec::new();
        let errors = self.found.errors();
        for node in self.list(node, "phases", "phases such as `calm: { lasts: 5s }`") {
            self.phase_name(node, &phases);
            phases.extend(self.phase(node, people));
        }
        let connected: Share = phases.iter().map(|phase| phase.connect).sum();
        if self.found.errors() == errors {
            if phases.is_empty() {
                self.found.error(node.span, "nothing happens without a phase");
            } else if connected == 0.0 {
                self.found.error(node.span, "nobody ever connects").hint(
                    "let a phase say which share of the clients connects in it: `connect: 100%`",
                );
            } else if connected > 1.0 + 1e-6 {
                let percent = (connected * 1e4).round() / 1e2;
                self.found
                    .error(node.span, format!("in all phases together {percent}% connect"))
                    .expected("at most 100%");
            }
        }
        phases
    }

    /// A phase's name is its own: reports and judges tell phases apart by it.
    fn phase_name(&mut self, node: &Node, before: &[Phase]) {
        let Some([entry]) = node.entries() else { return };
        let name = &entry.key;
        if OWN.contains(&name.as_str()) {
            self.found
                .error(entry.key_span, format!("every run has a phase `{name}` of its own"))
                .hint("call this one otherwise");
        } else if before.iter().any(|phase| phase.name == *name) {
            self.found.error(entry.key_span, format!("there are two phases `{name}`"));
        }
    }

    fn phase(&mut self, node: &Node, people: &Population) -> Option<Phase> {
        let Some([entry]) = node.entries() else {
            self.found
                .error(node.span, "a phase is one name with what happens")
                .expected("`- traffic: { lasts: 8s, send: 100/s in all }`");
            return None;
        };
        let mut fields = Fields::of(&entry.value, "phase", &mut self.found)?;
        let lasts = fields.require("lasts", &mut self.found);
        let lasts = lasts.and_then(|node| self.positive(node, "lasts"));
        let (connect, steps) = self.connect(fields.value("connect"));
        let silent = people.count > 0
            && people.pairs == 0
            && people.groups.is_empty()
            && people.stars.is_empty();
        let behaviour = self.behaviour(&mut fields, silent, lasts);
        fields.finish(&mut self.found);
        Some(Phase {
            name: entry.key.clone(),
            lasts: lasts.unwrap_or(Duration::from_secs(1)),
            connect,
            steps,
            behaviour,
        })
    }

    /// A share, evenly spread, or a share in steps.
    fn connect(&mut self, node: Option<&Node>) -> (Share, Option<u32>) {
        let Some(node) = node.filter(|node| node.entries().is_some()) else {
            return (self.share(node), None);
        };
        let Some(mut fields) = Fields::of(node, "connect", &mut self.found) else {
            return (0.0, None);
        };
        let share = fields.require("share", &mut self.found);
        let steps = fields.require("steps", &mut self.found);
        fields.finish(&mut self.found);
        (self.share(share), steps.and_then(|node| node.read_count(1, &mut self.found)))
    }

    fn behaviour(
        &mut self,
        fields: &mut Fields<'_>,
        silent: bool,
        lasts: Option<Duration>,
    ) -> Behaviour {
        for talk in ["send", "burst", "converse", "typing"] {
            if let Some(entry) = fields.take(talk)
                && silent
            {
                self.found
                    .error(entry.key_span, "there is no conversation to talk in")
                    .hint("say `conversations: { pairs: … }` or `groups`");
            }
        }
        let behaviour = Behaviour {
            send: self.rate(fields.value("send")),
            arrivals: fields
                .value("arrivals")
                .map_or(Arrivals::Poisson, |node| self.arrivals(node)),
            converse: fields.value("converse").and_then(|node| self.converse(node)),
            burst: fields.value("burst").and_then(|node| self.burst(node)),
            typing: self.rate(fields.value("typing")),
            hot: self.share(fields.value("hot")),
            read: self.share(fields.value("read")),
            repeat: self.share(fields.value("repeat")),
            same_text: self.share(fields.value("same-text")),
            same_key: self.share(fields.value("same-key")),
            channels: fields.value("channels").map(|node| self.channels(node)).unwrap_or_default(),
            history: self.rate(fields.value("history")),
            away: fields.value("away").and_then(|node| self.away(node, lasts)),
            texts: fields.value("texts").map(|node| self.texts(node)).unwrap_or_default(),
        };
        let sends = behaviour.send.is_some() || behaviour.converse.is_some();
        for part in ["repeat", "same-text", "same-key", "channels"] {
            if let Some(entry) = fields.take(part)
                && !sends
                && behaviour.burst.is_none()
            {
                self.found
                    .error(
                        entry.key_span,
                        format!("`{part}` is a share of sends, and nobody sends"),
                    )
                    .hint("say `send: … per person` or `in all` in the same phase");
            }
        }
        behaviour
    }

    /// Which share of the sends goes over which channel.
    fn channels(&mut self, node: &Node) -> Vec<(String, Share)> {
        let mut channels = Vec::new();
        for entry in self.mapping(node, "channels", "channels to shares of the sends") {
            channels.push((entry.key.clone(), self.share(Some(&entry.value))));
        }
        let sum: Share = channels.iter().map(|(_, share)| share).sum();
        if sum > 1.0 + 1e-6 {
            let sum = (sum * 1e4).round() / 1e2;
            self.found
                .error(node.span, format!("the shares of `channels` add up to {sum}%"))
                .expected("at most 100%");
        }
        channels
    }

    pub(super) fn rate(&mut self, node: Option<&Node>) -> Option<Rate> {
        let node = node?;
        let rate = node.read_ramp(&mut self.found)?;
        let mean = (rate.count + rate.rising) / 2.0;
        let per_second = mean / rate.window.as_secs_f64();
        let tilt = if mean > 0.0 { (rate.rising - rate.count) / 2.0 / mean } else { 0.0 };
        if per_second <= 0.0 {
            self.found
                .error(node.span, "this never happens")
                .hint("leave it out, or give it a rate above zero");
        }
        let of = match rate.whose {
            RateWhose::Person => RateOf::Person,
            RateWhose::Conversation => RateOf::Conversation,
            RateWhose::All => RateOf::All,
        };
        Some(Rate { per_second, tilt, of })
    }

    fn converse(&mut self, node: &Node) -> Option<Converse> {
        let mut fields = Fields::of(node, "converse", &mut self.found)?;
        let share = fields.require("share", &mut self.found);
        let share = share.and_then(|node| node.read_share(&mut self.found));
        let entry = fields.one_of(&["think", "every"], &mut self.found);
        if entry.is_none() {
            self.found
                .error(node.span, "`converse` lacks `think` or `every`")
                .expected("`think: 2s`, the time from an answer to the next send, or `every: 2s`");
        }
        fields.finish(&mut self.found);
        let entry = entry?;
        let pace = if entry.key == "think" {
            Pace::Think(entry.value.read_duration(&mut self.found)?)
        } else {
            Pace::Every(self.positive(&entry.value, &entry.key)?)
        };
        Some(Converse { share: share?, pace })
    }

    fn away(&mut self, node: &Node, phase: Option<Duration>) -> Option<Away> {
        let mut fields = Fields::of(node, "away", &mut self.found)?;
        let rate = fields.require("rate", &mut self.found);
        let rate = self.rate(rate);
        let entry = fields.require("for", &mut self.found);
        let lasts = entry.and_then(|node| self.positive(node, "for"));
        fields.finish(&mut self.found);
        if let (Some(node), Some(lasts), Some(phase)) = (entry, lasts, phase)
            && lasts >= phase
        {
            self.found
                .error(node.span, "nobody would be back before the phase is over")
                .expected(format!("less than {}s", phase.as_secs_f64()));
        }
        Some(Away { rate: rate?, lasts: lasts? })
    }

    fn arrivals(&mut self, node: &Node) -> Arrivals {
        if node.text().is_some() {
            let words = [("poisson", Arrivals::Poisson), ("constant", Arrivals::Constant)];
            return node.read_choice(&words, &mut self.found).unwrap_or_default();
        }
        let Some(mut fields) = Fields::of(node, "arrivals", &mut self.found) else {
            return Arrivals::default();
        };
        let bursts = fields.require("bursts", &mut self.found);
        fields.finish(&mut self.found);
        let bursts = bursts.and_then(|node| node.read_count(2, &mut self.found));
        bursts.map_or(Arrivals::Poisson, Arrivals::Bursts)
    }

    fn burst(&mut self, node: &Node) -> Option<Burst> {
        let mut fields = Fields::of(node, "burst", &mut self.found)?;
        let rate = fields.require("rate", &mut self.found);
        let rate = self.rate(rate);
        let messages = fields.require("messages", &mut self.found);
        let messages = messages.and_then(|node| node.read_count(1, &mut self.found));
        fields.finish(&mut self.found);
        Some(Burst { rate: rate?, messages: messages? })
    }
}
