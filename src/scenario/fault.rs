//! `faults:` what goes wrong, and when.

use crate::scenario::load::Loader;
use crate::scenario::model::{CutHow, FaultKind, FaultPlan, Share};
use crate::source::{Entry, Fields, Node};
use std::time::Duration;

const FAULTS: &[&str] = &["cut", "silence", "withhold-acks", "cut-after-send", "restart"];

impl Loader<'_> {
    /// The faults; none may begin at `end` or later.
    pub(super) fn faults(&mut self, node: &Node, end: Duration) -> Vec<FaultPlan> {
        let mut faults = Vec::new();
        for node in self.list(node, "faults", "faults such as `{ at: 4s, for: 3s, cut: … }`") {
            faults.extend(self.fault(node, end));
        }
        faults
    }

    fn fault(&mut self, node: &Node, end: Duration) -> Option<FaultPlan> {
        let mut fields = Fields::of(node, "fault", &mut self.found)?;
        let at_node = fields.require("at", &mut self.found);
        let at = at_node.and_then(|node| node.read_duration(&mut self.found));
        let kind = fields.one_of(FAULTS, &mut self.found);
        let restart = kind.is_some_and(|entry| entry.key == "restart");
        let lasts =
            if restart { fields.value("for") } else { fields.require("for", &mut self.found) };
        let lasts = match lasts {
            Some(node) => node.read_duration(&mut self.found),
            None => Some(Duration::ZERO),
        };
        if kind.is_none() {
            self.found
                .error(fields.span(), "this fault does nothing")
                .expected("`cut`, `silence`, `withhold-acks`, `cut-after-send` or `restart`");
        }
        fields.finish(&mut self.found);
        if let Some((node, at)) = at_node.zip(at).filter(|(_, at)| *at >= end && !end.is_zero()) {
            let end = end.as_secs_f64();
            self.found
                .error(node.span, format!("at {}s the phases are over", at.as_secs_f64()))
                .expected(format!("a time before {end}s"));
        }
        let (fault, share) = self.kind(kind?)?;
        Some(FaultPlan { at: at?, lasts: lasts?, share, fault })
    }

    fn kind(&mut self, entry: &Entry) -> Option<(FaultKind, Share)> {
        if entry.key == "restart" {
            if !entry.value.is_null() && entry.value.entries() != Some(&[]) {
                self.found
                    .error(entry.value.span, "a restart hits everybody; it takes no figures")
                    .expected("`restart: {}`");
            }
            return Some((FaultKind::Restart, 1.0));
        }
        let mut fields = Fields::of(&entry.value, "fault", &mut self.found)?;
        let share_node = fields.require("share", &mut self.found);
        let share = share_node.and_then(|node| node.read_share(&mut self.found));
        if let Some(node) = share_node.filter(|_| share == Some(0.0)) {
            self.found.error(node.span, "this fault hits nobody");
        }
        let fault = match entry.key.as_str() {
            "cut" => self.cut(&mut fields),
            "silence" => FaultKind::Silence,
            "withhold-acks" => FaultKind::WithholdAcks,
            _ => FaultKind::CutAfterSend,
        };
        fields.finish(&mut self.found);
        Some((fault, share?))
    }

    fn cut(&mut self, fields: &mut Fields<'_>) -> FaultKind {
        let choices = [
            ("rst", CutHow::Rst),
            ("fin", CutHow::Fin),
            ("close-frame", CutHow::CloseFrame),
            ("half-frame", CutHow::HalfFrame),
        ];
        let how = fields.value("how");
        let how = how.and_then(|node| node.read_choice(&choices, &mut self.found));
        let on_message = fields.value("on-message");
        let on_message = on_message.and_then(|node| node.read_bool(&mut self.found));
        FaultKind::Cut { how: how.unwrap_or(CutHow::Rst), on_message: on_message.unwrap_or(false) }
    }
}
