//! A spec's YAML to the compiled [`Spec`], with all mistakes at once.
//!
//! Each section of the file is read in a file of its own; a section that can't be read is replaced
//! by a harmless default, so that the rest is still looked at. What concerns the spec as a whole is
//! checked in [`check`](super::check).

mod action;
mod answer;
mod connect;
mod contract;
mod known;
mod people;
mod promise;
mod see;

pub(super) use answer::Answers;
pub(super) use contract::ContractSpans;
pub use promise::PROMISES;
pub(super) use promise::TraitSpans;

use crate::operation::Operation;
use crate::source::{self, Diagnostic, Diagnostics, Fields, Node, Span};
use crate::spec::bindings::{Bindings, Hole, HoleTable};
use crate::spec::check;
use crate::spec::grammar::Noted;
use crate::spec::model::{
    Channel, Deed, Field, Http, HttpRequest, Join, Protocol, Reception, Request, Spec, Step, Via,
};
use crate::spec::shape::Shape;
use crate::spec::text::Text;
use std::path::{Path, PathBuf};

/// A spec that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The spec.
    pub spec: Spec,
    /// What should be looked at all the same.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a spec. `file_name` is for messages; `known_properties` are ids that `promise:` may name
/// beside [`PROMISES`].
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
    let mut loader = Loader {
        found,
        holes: HoleTable::new(),
        mentions: Vec::new(),
        place: Place::Constants,
        protocol: None,
        says_first: false,
        base: String::new(),
        folder: Path::new(file_name).parent().map(Path::to_path_buf).unwrap_or_default(),
    };
    let spec = loader.spec(&root, known_properties);
    loader.found.settle(spec).map(|(spec, warnings)| Loaded { spec, warnings })
}

/// Where in the spec something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Constants,
    People,
    Http,
    Connect,
    Deed(Operation, usize, usize),
    Seen,
}

/// A hole where it is mentioned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mention {
    pub(super) hole: Hole,
    pub(super) optional: bool,
    pub(super) span: Span,
    pub(super) place: Place,
    pub(super) sent: bool,
}

/// A spec being read.
pub(super) struct Loader<'a> {
    pub(super) found: Diagnostics<'a>,
    pub(super) holes: HoleTable,
    pub(super) mentions: Vec<Mention>,
    pub(super) place: Place,
    /// What carries the events, once that is known.
    pub(super) protocol: Option<Protocol>,
    /// A first message says who a client is.
    pub(in crate::spec) says_first: bool,
    /// Stands before every path.
    pub(super) base: String,
    /// Where the spec's file lies.
    pub(super) folder: PathBuf,
}

/// The operation that asks at `http: health`, where `do` does not say how to ask: a GET that is well
/// with any 2xx, and unwell with any other documented word.
fn asked_for_health(spec: &Spec) -> Option<Deed> {
    let path = spec.http.health.as_ref()?;
    if spec.deed(Operation::Health).is_some() {
        return None;
    }
    let status = |least, most| Reception {
        via: Via::Status(least, most),
        shape: Shape::anything(),
        correlated: false,
    };
    let request = HttpRequest {
        method: "GET".into(),
        path: Text::literal(path),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        form: Vec::new(),
    };
    let step = Step {
        request: Request::Http(request),
        yes: vec![status(200, 299)],
        no: vec![status(400, 599)],
        limited: Vec::new(),
        takes: Vec::new(),
        paging: None,
    };
    let channels = vec![Channel { name: "rest".into(), steps: vec![step] }];
    Some(Deed { operation: Operation::Health, channels })
}

impl Loader<'_> {
    fn spec(&mut self, root: &Node, known_properties: &[&str]) -> Option<Spec> {
        let mut fields = Fields::of(root, "spec", &mut self.found)?;
        if let Some(version) = fields.require("assize", &mut self.found) {
            version.read_version(&mut self.found);
        }
        let name = fields.require("name", &mut self.found);
        let name = self.text_of(name, "name");
        let about = fields.require("about", &mut self.found);
        let about = self.text_of(about, "about");
        let document = fields.value("document");
        let document = document.map(|node| self.text_of(Some(node), "document"));
        let constants = self.constants(fields.value("let"));
        let http = self.http(fields.value("http"));
        let connect = fields.require("connect", &mut self.found);
        let connect = connect.map(|node| self.connect(node));
        let people = self.people(fields.value("people"));
        let (mut traits, trait_spans) = self.traits(fields.value("traits"));
        let sees = self.sees(fields.value("see"));
        let does = fields.require("do", &mut self.found);
        let does = does.map(|node| self.does(node, &sees)).unwrap_or_default();
        if trait_spans.join.is_none() && !does.iter().any(|deed| deed.operation == Operation::Join)
        {
            traits.join = Join::ByServer;
        }
        let (limits, contract) = (fields.value("limits"), fields.value("contract"));
        let limits = self.limits(limits);
        let (contract, contract_spans) = self.contract(contract);
        let promise = fields.value("promise");
        let known = fields.value("known-failures");
        let known_failures = self.known_failures(known);
        fields.finish(&mut self.found);
        let mut spec = Spec {
            name,
            about,
            document,
            holes: HoleTable::new(),
            constants,
            connect: connect?,
            people,
            http,
            does,
            sees,
            traits,
            promises: Vec::new(),
            contract,
            limits,
            known_failures,
        };
        spec.does.extend(asked_for_health(&spec));
        self.promises(promise, &mut spec, known_properties);
        check::traits(&spec, &trait_spans, self);
        check::contract(&spec, &contract_spans, self);
        check::holes(&spec, self);
        spec.holes = std::mem::take(&mut self.holes);
        Some(spec)
    }

    fn constants(&mut self, node: Option<&Node>) -> Bindings {
        let mut constants = Bindings::new();
        let Some(node) = node else { return constants };
        let Some(entries) = node.entries() else {
            self.found
                .error(node.span, format!("`let` is {}", node.what()))
                .expected("a mapping of names to values");
            return constants;
        };
        for entry in entries {
            let before = self.mentions.len();
            let shape = self.sent_shape(&entry.value);
            if let Some(mention) = self.mentions.get(before) {
                self.found
                    .error(mention.span, "a constant has no holes")
                    .hint("a dollar is written `$$`");
            }
            let mut json = String::new();
            if shape.fill(&Bindings::new(), &mut json).is_err() {
                continue;
            }
            let hole = self.holes.intern(entry.key.trim_start_matches('$'));
            self.mentions.push(Mention {
                hole,
                optional: true,
                span: entry.key_span,
                place: Place::Constants,
                sent: false,
            });
            let value = Shape::of_hole(hole);
            let bound = value.fits(&json, &mut constants);
            if !bound {
                self.found.error(entry.value.span, "a constant is not `null`");
            }
        }
        constants
    }

    fn http(&mut self, node: Option<&Node>) -> Http {
        self.place = Place::Http;
        let mut http = Http::default();
        let fields = node.and_then(|node| Fields::of(node, "http", &mut self.found));
        let Some(mut fields) = fields else {
            return http;
        };
        http.headers = self.fields(fields.value("headers"), "headers");
        let health = fields.value("health");
        http.health = health.map(|node| self.text_of(Some(node), "health"));
        let cookies = fields.value("cookies");
        http.cookies = cookies.and_then(|node| node.read_bool(&mut self.found)).unwrap_or(false);
        if let Some(base) = fields.value("base") {
            let text = self.text_of(Some(base), "base");
            if text.starts_with('/') && !text.ends_with('/') && !text.contains('$') {
                self.base = text;
            } else {
                self.found
                    .error(base.span, format!("`{text}` can't stand before every path"))
                    .expected("a path such as `/api/v1`, without a slash at its end");
            }
        }
        fields.finish(&mut self.found);
        http
    }

    /// A mapping of names to texts that are sent: headers, query parameters, form fields.
    pub(super) fn fields(&mut self, node: Option<&Node>, what: &'static str) -> Vec<Field> {
        let Some(node) = node else { return Vec::new() };
        let Some(entries) = node.entries() else {
            self.found
                .error(node.span, format!("`{what}` is {}", node.what()))
                .expected("a mapping of names to texts");
            return Vec::new();
        };
        let read = entries.iter().map(|entry| Field {
            name: entry.key.clone(),
            value: self.sent_text(&entry.value, &entry.key),
        });
        read.collect()
    }

    /// A plain text without holes, empty if it is missing or wrong.
    pub(super) fn text_of(&mut self, node: Option<&Node>, what: &str) -> String {
        let text = node.and_then(|node| node.read_text(what, &mut self.found));
        text.unwrap_or_default().to_owned()
    }

    pub(super) fn sent_shape(&mut self, node: &Node) -> Shape {
        let shape = self.shape(node, true);
        if shape.as_ref().is_some_and(Shape::has_anything) {
            let span = self.found.narrow(node.span, "$_");
            self.found.error(span, "`$_` can't be sent").hint(
                "it stands for anything in what arrives; write a value or a hole with a name",
            );
        }
        shape.unwrap_or_else(Shape::anything)
    }

    pub(super) fn received_shape(&mut self, node: &Node) -> Shape {
        self.shape(node, false).unwrap_or_else(Shape::anything)
    }

    fn shape(&mut self, node: &Node, sent: bool) -> Option<Shape> {
        let mut noted = Vec::new();
        let shape = Shape::read_noting(node, &mut self.holes, &mut self.found, &mut noted);
        self.mention(&noted, sent);
        shape
    }

    pub(super) fn sent_text(&mut self, node: &Node, what: &str) -> Text {
        self.text(node, what, true)
    }

    pub(super) fn received_text(&mut self, node: &Node, what: &str) -> Text {
        self.text(node, what, false)
    }

    fn text(&mut self, node: &Node, what: &str, sent: bool) -> Text {
        let mut noted = Vec::new();
        let text = Text::read_noting(node, what, &mut self.holes, &mut self.found, &mut noted);
        self.mention(&noted, sent);
        text.unwrap_or_else(|| Text::literal(""))
    }

    fn mention(&mut self, noted: &[Noted], sent: bool) {
        let place = self.place;
        self.mentions.extend(noted.iter().map(|noted| Mention {
            hole: noted.hole,
            optional: noted.optional,
            span: noted.span,
            place,
            sent,
        }));
    }

    /// Whether this list has errors already: then consequences are not reported.
    pub(super) fn failed_since(&self, errors: usize) -> bool {
        self.found.errors() > errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::model::{Request, Via};

    const PROPERTIES: &[&str] =
        &["idempotency", "ordering", "at-least-once", "no-loss-on-reconnect", "ack-timeout"];

    #[test]
    fn callback_ack_loads() {
        let yaml = include_str!("../../../specs/callback-ack.yaml");
        let loaded = load("callback-ack.yaml", yaml, PROPERTIES)
            .unwrap_or_else(|list| panic!("{}", source::render(&list)));
        assert_eq!(loaded.warnings, []);
        let spec = loaded.spec;
        let send = &spec.deed(Operation::Send).unwrap().channels[0].steps[0];
        let Request::Emit { event, shape } = &send.request else {
            panic!("{send:?}");
        };
        assert_eq!(event, "message:send");
        let bindings = Bindings::new()
            .with(Hole::CONVERSATION, 7i64)
            .with(Hole::TEXT, "hi")
            .with(Hole::KEY, "k");
        let mut json = String::new();
        shape.fill(&bindings, &mut json).unwrap();
        assert_eq!(json, r#"["message:send",7,{"text":"hi","clientMessageId":"k"}]"#);
        let mut answer = Bindings::new();
        assert!(!send.no[0].shape.fits(r#"[{"success":true,"messageId":3}]"#, &mut answer));
        assert!(send.yes[0].shape.fits(r#"[{"success":true,"messageId":3}]"#, &mut answer));
        assert_eq!(send.yes[0].via, Via::Ack);
        assert_eq!(answer.get(Hole::MESSAGE).unwrap().text(), "3");
        assert!(spec.promise("idempotency").is_some());
        assert_eq!(spec.limits.text_characters, Some(1000));
        let join = &spec.deed(Operation::Join).unwrap().channels[0].steps[0];
        assert!(join.is_unanswered());
    }
}
