//! `traits:` how the server works, and `promise:` what it promises.

use crate::source::{Fields, Node, Span, suggestion};
use crate::spec::bindings::Hole;
use crate::spec::check;
use crate::spec::load::Loader;
use crate::spec::model::{
    Create, Dedup, DedupBy, Echo, Join, Ordering, Promise, Receipts, RepeatAnswer, Sanitise, Scope,
    Spec, TokenCheck, Traits,
};

/// What a chat server can promise, as specs name it. Not all of it is judged yet: a promise that
/// nothing judges is kept, and reports say so.
pub const PROMISES: &[&str] = &[
    "idempotency",
    "ordering",
    "at-least-once",
    "no-loss-on-reconnect",
    "typing-timeout",
    "connection-state",
    "ack-timeout",
    "backoff",
    "conversation-identity",
    "authentication",
    "authorization",
    "input-limits",
    "rate-limit",
    "presence",
    "receipts",
    "unread-count",
    "broadcast-reach",
    "pagination",
    "channel-parity",
    "cross-node",
    "contacts",
    "search",
    "health",
    "slo",
];

/// Where some traits stand.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::spec) struct TraitSpans {
    pub(in crate::spec) order: Option<Span>,
    pub(in crate::spec) dedup: Option<Span>,
    pub(in crate::spec) join: Option<Span>,
}

impl Loader<'_> {
    pub(super) fn traits(&mut self, node: Option<&Node>) -> (Traits, TraitSpans) {
        let mut traits = Traits::default();
        let mut spans = TraitSpans::default();
        let fields = node.and_then(|node| Fields::of(node, "traits", &mut self.found));
        let Some(mut fields) = fields else {
            return (traits, spans);
        };
        if let Some(node) = fields.value("dedup") {
            spans.dedup = Some(node.span);
            traits.dedup = self.dedup(node);
        }
        if let Some(node) = fields.value("order") {
            spans.order = Some(node.span);
            traits.order = self.order(node);
        }
        let echoes = [
            ("all", Echo::All),
            ("others", Echo::Others),
            ("other-people", Echo::OtherPeople),
            ("none", Echo::None),
        ];
        self.choose(&mut fields, "echo", &echoes, &mut traits.echo);
        spans.join = fields.value("join").map(|node| node.span);
        let joins = [("explicit", Join::Explicit), ("by-server", Join::ByServer)];
        self.choose(&mut fields, "join", &joins, &mut traits.join);
        let sanitises =
            [("verbatim", Sanitise::Verbatim), ("html", Sanitise::Html), ("free", Sanitise::Free)];
        self.choose(&mut fields, "sanitise", &sanitises, &mut traits.sanitise);
        let creates = [("get-or-create", Create::GetOrCreate), ("always-new", Create::AlwaysNew)];
        self.choose(&mut fields, "create", &creates, &mut traits.create);
        let receipts = [
            ("message", Receipts::Message),
            ("up-to", Receipts::UpTo),
            ("conversation", Receipts::Conversation),
        ];
        self.choose(&mut fields, "receipts", &receipts, &mut traits.receipts);
        let checks =
            [("at-connect", TokenCheck::AtConnect), ("on-each-event", TokenCheck::OnEachEvent)];
        self.choose(&mut fields, "token", &checks, &mut traits.token);
        self.flag(&mut fields, "redelivery", &mut traits.redelivery);
        self.flag(&mut fields, "reader-told", &mut traits.reader_told);
        let expires = fields.value("typing-expires");
        traits.typing_expires = expires.and_then(|node| self.positive(node));
        fields.finish(&mut self.found);
        (traits, spans)
    }

    fn choose<T: Copy>(
        &mut self,
        fields: &mut Fields<'_>,
        name: &'static str,
        choices: &[(&'static str, T)],
        into: &mut T,
    ) {
        let node = fields.value(name);
        if let Some(choice) = node.and_then(|node| node.read_choice(choices, &mut self.found)) {
            *into = choice;
        }
    }

    fn flag(&mut self, fields: &mut Fields<'_>, name: &'static str, into: &mut bool) {
        let node = fields.value(name);
        if let Some(value) = node.and_then(|node| node.read_bool(&mut self.found)) {
            *into = value;
        }
    }

    fn dedup(&mut self, node: &Node) -> Option<Dedup> {
        if node.text() == Some("none") {
            return None;
        }
        let mut fields = Fields::of(node, "dedup", &mut self.found)?;
        let mut dedup = Dedup {
            by: DedupBy::Key,
            window: None,
            scope: Scope::Person,
            answer: RepeatAnswer::Same,
        };
        let by = [("$key", DedupBy::Key), ("content", DedupBy::Content)];
        self.choose(&mut fields, "by", &by, &mut dedup.by);
        let scopes = [
            ("person", Scope::Person),
            ("conversation", Scope::Conversation),
            ("device", Scope::Device),
            ("everybody", Scope::Everybody),
        ];
        self.choose(&mut fields, "scope", &scopes, &mut dedup.scope);
        let answers = [
            ("same", RepeatAnswer::Same),
            ("reject", RepeatAnswer::Reject),
            ("any", RepeatAnswer::Any),
        ];
        self.choose(&mut fields, "answer", &answers, &mut dedup.answer);
        let window = fields.value("window");
        dedup.window = window.and_then(|node| self.positive(node));
        fields.finish(&mut self.found);
        Some(dedup)
    }

    fn order(&mut self, node: &Node) -> Option<Ordering> {
        if node.text() == Some("none") {
            return None;
        }
        let mut fields = Fields::of(node, "order", &mut self.found)?;
        let by = fields.require("by", &mut self.found);
        let mut order = Ordering {
            by: Hole::AT,
            live: false,
            pipelined: false,
            unique: false,
            gap_free: false,
        };
        self.flag(&mut fields, "live", &mut order.live);
        self.flag(&mut fields, "pipelined", &mut order.pipelined);
        self.flag(&mut fields, "unique", &mut order.unique);
        self.flag(&mut fields, "gap-free", &mut order.gap_free);
        fields.finish(&mut self.found);
        let by = by?;
        let written = by.read_text("by", &mut self.found)?;
        let hole = written.strip_prefix('$').and_then(|name| self.holes.get(name));
        if hole.is_none() {
            self.found
                .error(by.span, format!("`{written}` is no hole of this spec"))
                .expected("the hole whose value orders messages, such as `$at` or `$seq`");
        }
        order.by = hole?;
        Some(order)
    }

    /// Reads `promise:` into the otherwise finished spec.
    pub(super) fn promises(&mut self, node: Option<&Node>, spec: &mut Spec, known: &[&str]) {
        let Some(node) = node else {
            return;
        };
        let Some(entries) = node.entries() else {
            self.found
                .error(node.span, format!("`promise` is {}", node.what()))
                .expected("a mapping of properties to `{ says, source }`");
            return;
        };
        for entry in entries {
            let all = || known.iter().chain(PROMISES).copied();
            if all().any(|name| name == entry.key) {
                check::promise(&entry.key, entry.key_span, spec, self);
            } else {
                let message = format!("no property is called `{}`", entry.key);
                match suggestion(&entry.key, all()) {
                    Some(near) => self
                        .found
                        .error(entry.key_span, message)
                        .hint(format!("did you mean `{near}`?")),
                    None => self
                        .found
                        .warn(entry.key_span, message)
                        .hint("the promise is kept in the report, but nothing judges it"),
                };
            }
            let Some(mut fields) = Fields::of(&entry.value, "promise", &mut self.found) else {
                continue;
            };
            let says = fields.require("says", &mut self.found);
            let says = self.text_of(says, "says");
            let source = fields.require("source", &mut self.found);
            let source = self.text_of(source, "source");
            let tolerance = fields.value("tolerance");
            let tolerance = tolerance.and_then(|node| node.read_duration(&mut self.found));
            fields.finish(&mut self.found);
            let property = entry.key.clone();
            spec.promises.push(Promise { property, says, source, tolerance });
        }
    }
}
