//! `faults:` what goes wrong, and when. The kinds and their figures are those of [`fault::ALL`].

use crate::fault::{self, Fault, Figure, Figures, Form, Kind, Server, Value};
use crate::scenario::load::Loader;
use crate::scenario::model::{FaultPlan, Share};
use crate::source::{Entry, Fields, Node};
use std::time::Duration;

impl Loader<'_> {
    /// The faults; none may begin at `end` or later, or strike a node that is not there, where the
    /// scenario says how many there are.
    pub(super) fn faults(
        &mut self,
        node: &Node,
        end: Duration,
        nodes: Option<u32>,
    ) -> Vec<FaultPlan> {
        let mut faults = Vec::new();
        for node in self.list(node, "faults", "faults such as `{ at: 4s, for: 3s, cut: … }`") {
            faults.extend(self.fault(node, end, nodes));
        }
        faults
    }

    fn fault(&mut self, node: &Node, end: Duration, nodes: Option<u32>) -> Option<FaultPlan> {
        let mut fields = Fields::of(node, "fault", &mut self.found)?;
        let at_node = fields.require("at", &mut self.found);
        let at = at_node.and_then(|node| node.read_duration(&mut self.found));
        let names: Vec<&'static str> = fault::ALL.iter().map(|kind| kind.name).collect();
        let entry = fields.one_of(&names, &mut self.found);
        let kind = entry.and_then(|entry| Kind::find(&entry.key));
        let lasts = match kind {
            Some(kind) if !kind.lasts => fields.value("for"),
            _ => fields.require("for", &mut self.found),
        };
        let lasts = match lasts {
            Some(node) => node.read_duration(&mut self.found),
            None => Some(Duration::ZERO),
        };
        if kind.is_none() {
            self.found
                .error(fields.span(), "this fault does nothing")
                .expected("what goes wrong, such as `cut: { share: 10% }`")
                .hint("`assize list faults` says what they do");
        }
        fields.finish(&mut self.found);
        if let Some((node, at)) = at_node.zip(at).filter(|(_, at)| *at >= end && !end.is_zero()) {
            let end = end.as_secs_f64();
            self.found
                .error(node.span, format!("at {}s the phases are over", at.as_secs_f64()))
                .expected(format!("a time before {end}s"));
        }
        let (fault, share) = self.kind(entry?, kind?)?;
        if let (Fault::Server(Server::Node(struck)), Some(nodes)) = (fault, nodes)
            && struck.number > nodes
        {
            self.beyond(entry?.value.span, struck.number, nodes);
        }
        Some(FaultPlan { at: at?, lasts: lasts?, share, fault })
    }

    fn kind(&mut self, entry: &Entry, kind: &Kind) -> Option<(Fault, Share)> {
        let node = &entry.value;
        if kind.of_server && kind.figures.is_empty() {
            if !node.is_null() && node.entries() != Some(&[]) {
                let name = kind.name;
                self.found
                    .error(node.span, format!("a {name} hits everybody; it takes no figures"))
                    .expected(format!("`{name}: {{}}`"));
            }
            return Some((kind.build(&Figures::default()).ok()?, 1.0));
        }
        let mut fields = Fields::of(node, "fault", &mut self.found)?;
        let share_node = match kind.of_server {
            true => None,
            false => fields.require("share", &mut self.found),
        };
        let share = match share_node {
            None => kind.of_server.then_some(1.0),
            Some(node) => node.read_share(&mut self.found),
        };
        if let Some(node) = share_node.filter(|_| share == Some(0.0)) {
            self.found.error(node.span, "this fault hits nobody");
        }
        let mut figures = Figures::default();
        let errors = self.found.errors();
        for figure in kind.figures {
            if let Some(value) =
                fields.value(figure.name).and_then(|node| self.figure(figure, node))
            {
                figures.set(figure.name, value);
            }
        }
        fields.finish(&mut self.found);
        if self.found.errors() > errors {
            return None;
        }
        match kind.complete(figures).and_then(|figures| kind.build(&figures)) {
            Ok(fault) => Some((fault, share?)),
            Err(what) => {
                self.found.error(node.span, what);
                None
            }
        }
    }

    fn figure(&mut self, figure: &Figure, node: &Node) -> Option<Value> {
        match figure.form {
            Form::Duration => self.positive(node, figure.name).map(Value::Duration),
            Form::Share => node.read_share(&mut self.found).map(Value::Share),
            Form::Flag => node.read_bool(&mut self.found).map(Value::Flag),
            Form::Choice(words) => {
                let choices: Vec<_> = words.iter().map(|word| (*word, *word)).collect();
                node.read_choice(&choices, &mut self.found).map(Value::Word)
            }
            form => {
                let text = self.text_of(Some(node), figure.name);
                let value = form.read(&text);
                if value.is_none() {
                    self.found
                        .error(node.span, format!("`{text}` is not known here"))
                        .expected(form.expected());
                }
                value
            }
        }
    }
}
