//! `contract:` what the documented client does, and `limits:` what the server accepts.

use crate::source::{Fields, Node, RateWhose, Span};
use crate::spec::load::Loader;
use crate::spec::model::{Contract, Limits, SyncFrom};
use std::time::Duration;

/// Where some figures stand.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::spec) struct ContractSpans {
    pub(in crate::spec) retries: Option<Span>,
    pub(in crate::spec) reconnect: Option<Span>,
    pub(in crate::spec) typing_batch: Option<Span>,
    pub(in crate::spec) sync_from: Option<Span>,
}

impl Loader<'_> {
    pub(super) fn contract(&mut self, node: Option<&Node>) -> (Contract, ContractSpans) {
        let mut contract = Contract::default();
        let mut spans = ContractSpans::default();
        let fields = node.and_then(|node| Fields::of(node, "contract", &mut self.found));
        let Some(mut fields) = fields else {
            return (contract, spans);
        };
        if let Some(node) = fields.value("ack-timeout") {
            contract.ack_timeout = self.positive(node).unwrap_or(contract.ack_timeout);
        }
        spans.retries = self.pauses(&mut fields, "retries", &mut contract.retries);
        spans.reconnect = self.pauses(&mut fields, "reconnect", &mut contract.reconnect);
        if let Some(node) = fields.value("typing-stop") {
            contract.typing_stop = self.positive(node).unwrap_or(contract.typing_stop);
        }
        if let Some(node) = fields.value("typing-batch") {
            spans.typing_batch = Some(node.span);
            let batch = node.read_duration(&mut self.found);
            contract.typing_batch = batch.unwrap_or(contract.typing_batch);
        }
        if let Some(node) = fields.value("offline-queue") {
            contract.offline_queue = node.read_bool(&mut self.found).unwrap_or(true);
        }
        if let Some(node) = fields.value("sync-from") {
            spans.sync_from = Some(node.span);
            let choices = [
                ("newest-seen", SyncFrom::NewestSeen),
                ("client-clock", SyncFrom::ClientClock),
                ("cursor", SyncFrom::Cursor),
                ("start", SyncFrom::Start),
            ];
            let choice = node.read_choice(&choices, &mut self.found);
            contract.sync_from = choice.unwrap_or(contract.sync_from);
        }
        if let Some(node) = fields.value("view") {
            let view = node.read_count(1, &mut self.found).unwrap_or(1);
            contract.view = view as usize;
        }
        fields.finish(&mut self.found);
        (contract, spans)
    }

    fn pauses(
        &mut self,
        fields: &mut Fields<'_>,
        name: &'static str,
        into: &mut Vec<Duration>,
    ) -> Option<Span> {
        let node = fields.value(name)?;
        *into = node.read_durations(&mut self.found)?;
        Some(node.span)
    }

    pub(super) fn limits(&mut self, node: Option<&Node>) -> Limits {
        let mut limits = Limits::default();
        let fields = node.and_then(|node| Fields::of(node, "limits", &mut self.found));
        let Some(mut fields) = fields else {
            return limits;
        };
        let text = fields.value("text");
        limits.text_characters = text.and_then(|n| n.read_quantity("characters", &mut self.found));
        let blank = fields.value("blank");
        let choices = [("refused", true), ("undocumented", false)];
        limits.blank_refused =
            blank.and_then(|n| n.read_choice(&choices, &mut self.found)).unwrap_or(false);
        let page = fields.value("page");
        limits.page_rows = page.and_then(|node| node.read_quantity("rows", &mut self.found));
        let rate = fields.value("send-rate");
        limits.send_rate = rate.and_then(|node| self.send_rate(node));
        fields.finish(&mut self.found);
        limits
    }

    fn send_rate(&mut self, node: &Node) -> Option<(u32, Duration)> {
        let rate = node.read_rate(&mut self.found)?;
        if rate.whose != RateWhose::Person {
            self.found
                .error(node.span, "a send rate is limited per person")
                .expected("a rate such as `10/s per person`");
            return None;
        }
        if rate.count < 1.0 || rate.count.fract() != 0.0 {
            self.found
                .error(node.span, "a limit counts whole messages")
                .hint("widen the window: `1/5s per person` instead of `0.2/s per person`");
            return None;
        }
        Some((rate.count as u32, rate.window))
    }
}
