//! Which cases are run: those that were asked for, and that the server's spec can do.

use crate::conform::catalogue::Way;
use crate::conform::{Catalogued, catalogue, wire};
use crate::engine::TargetChoice;
use crate::operation::{Operation, Sight};
use crate::plan::saved::REGRESSIONS;
use crate::plan::script::{self, Script, Verb};
use crate::property::{self, Charge, Need};
use crate::source::{self, Diagnostic, Diagnostics};
use crate::spec::{
    DedupBy, Deed, Hole, Reception, Sanitise, Scope, Shape, SocketPer, Spec, Step, TokenCheck,
    TokenSource, Via,
};
use std::fmt;
use std::time::Duration;

/// The longest window of a rate that a case waits for several times.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a case that handles the server is not for somebody else's.
const NOT_OURS: &str = "the server is not the harness's to stop and start";

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Names of cases or properties; none means all.
    pub names: Vec<String>,
    /// Only quick cases.
    pub quick: bool,
}

/// There is neither a case nor a property of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCase {
    /// The name.
    pub name: String,
    /// What was probably meant.
    pub near: Option<String>,
}

impl fmt::Display for UnknownCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is neither a case nor a property `{}`\nhint: ", self.name)?;
        if let Some(near) = &self.near {
            write!(f, "did you mean `{near}`? ")?;
        }
        f.write_str("`assize list cases` names them all")
    }
}

impl std::error::Error for UnknownCase {}

impl Choice {
    /// The saved plans that were asked for: all, if nothing else was; none, if only cases of the catalogue were.
    #[must_use]
    pub fn saved(&self) -> Option<Vec<&str>> {
        let names: Vec<&str> =
            self.names.iter().map(String::as_str).filter(|name| is_saved(name)).collect();
        (self.names.is_empty() || !names.is_empty()).then_some(names)
    }

    /// The cases that were asked for, in the order of the catalogue. Names of saved plans mean none of it.
    ///
    /// # Errors
    /// The first name that nothing has.
    pub fn of<'a>(&self, all: &'a [Catalogued]) -> Result<Vec<&'a Catalogued>, UnknownCase> {
        for name in self.names.iter().filter(|name| !is_saved(name)) {
            if !all.iter().any(|case| is_called(case, name)) {
                let names = all.iter().flat_map(|case| [case.name.as_str(), case.property]);
                let near = source::suggestion(name, names).map(str::to_owned);
                return Err(UnknownCase { name: name.clone(), near });
            }
        }
        let asked = |case: &&Catalogued| {
            self.names.is_empty() || self.names.iter().any(|name| is_called(case, name))
        };
        let fits = |case: &&Catalogued| !self.quick || case.quick;
        Ok(all.iter().filter(asked).filter(fits).collect())
    }
}

/// What is wrong with the names under `known-failures:` of the spec that was read from this text.
#[must_use]
pub fn check_known(file: &str, text: &str, spec: &Spec) -> Vec<Diagnostic> {
    let mut found = Diagnostics::new(file, text);
    let cases = || catalogue().iter().map(|case| case.name.as_str());
    for known in &spec.known_failures {
        let name = known.case.as_str();
        if cases().any(|case| case == name) {
            continue;
        }
        let mistake = found.error(known.at, format!("there is no case `{name}`"));
        match source::suggestion(name, cases()) {
            _ if catalogue().iter().any(|case| case.property == name) => {
                mistake.hint("this is a property; list those of its cases that fail")
            }
            Some(near) => mistake.hint(format!("did you mean `{near}`?")),
            None => mistake.hint("`assize list cases` names them all"),
        };
    }
    found.into_sorted()
}

/// The name of a case that a saved plan is, or of all of them.
fn is_saved(name: &str) -> bool {
    name == REGRESSIONS || name.strip_prefix(REGRESSIONS).is_some_and(|rest| rest.starts_with('/'))
}

fn is_called(case: &Catalogued, name: &str) -> bool {
    case.name == name || case.property == name
}

/// What the server lacks for a case, if anything.
pub(super) fn lacks(case: &Catalogued, spec: &Spec, target: &TargetChoice) -> Option<String> {
    let own_server = !matches!(target, TargetChoice::Running(_));
    if case.wants_own_server() && !own_server {
        return Some(NOT_OURS.into());
    }
    let (probe, script) = match &case.way {
        Way::Wire(case) => return wire::disabled(case, spec),
        Way::Play(_, probe, script) => (probe, script),
    };
    if let Some(why) = script_lacks(script, spec, target) {
        return Some(why);
    }
    let shown = property::find(case.property).map_or(&[][..], |property| property.shown());
    if !shown.is_empty() && !shown.iter().any(|sight| shows(spec, *sight)) {
        let names: Vec<String> = shown.iter().map(|sight| format!("`{sight}`")).collect();
        return Some(format!("the spec has no event {}", names.join(", ")));
    }
    probe.needs.iter().find_map(|need| need_lacks(*need, spec)).map(str::to_owned)
}

/// What the server lacks for a script, if anything.
pub(crate) fn script_lacks(script: &Script, spec: &Spec, target: &TargetChoice) -> Option<String> {
    let own_server = !matches!(target, TargetChoice::Running(_));
    if wants_own_server(script) && !own_server {
        return Some(NOT_OURS.into());
    }
    let nodes = target.nodes();
    if script.nodes() as usize > nodes {
        let nodes = if nodes == 1 { "one node".into() } else { format!("{nodes} nodes") };
        return Some(format!("the server has {nodes}, and the case needs {}", script.nodes()));
    }
    if let Some(why) = script.strikes().find_map(|strike| target.refuses(strike)) {
        return Some(why);
    }
    if let Some(operation) = script.operations().iter().find(|o| spec.deed(**o).is_none()) {
        return Some(format!("the spec has no operation `{operation}`"));
    }
    let channel = |(operation, name): &(Operation, &str)| {
        spec.deed(*operation).is_none_or(|deed| deed.channel_called(name).is_none())
    };
    if let Some((operation, name)) = script.channels().into_iter().find(channel) {
        return Some(format!("the spec has no channel `{name}` for `{operation}`"));
    }
    let whole = |operation: &Operation| !has_page_size(spec, *operation);
    if let Some(operation) = script.paged().find(whole) {
        return Some(format!("the spec has no pages of a chosen size for `{operation}`"));
    }
    let channel = |audience: &&str| spec.deed(Operation::Broadcast)?.channel(audience);
    if let Some(audience) = script.audiences().iter().find(|one| channel(one).is_none()) {
        return Some(format!("the spec has no channel `{audience}` of `broadcast`"));
    }
    if let Some(sight) = script.sights().iter().find(|sight| !shows(spec, **sight)) {
        return Some(format!("the spec has no event `{sight}`"));
    }
    socket_lacks(script, spec).map(str::to_owned)
}

/// A script that handles the server, or speaks to everybody on it, has a server for itself.
pub(crate) fn wants_own_server(script: &Script) -> bool {
    script.handles_the_server() || script.speaks_to_everybody()
}

/// The read goes on page by page, and a client says how many rows a page has.
fn has_page_size(spec: &Spec, operation: Operation) -> bool {
    let step = spec.deed(operation).and_then(|deed| deed.channels.first()?.steps.first());
    step.is_some_and(|step| step.paging.is_some() && step.request.holes().contains(&Hole::LIMIT))
}

/// What the way of the spec's sockets makes impossible.
fn socket_lacks(script: &Script, spec: &Spec) -> Option<&'static str> {
    let strangers =
        |deed: &script::Deed| script.people.get(deed.by.person).is_some_and(|who| who.stranger);
    let holds = |deed: &script::Deed| matches!(deed.verb, Verb::Hold { .. });
    if spec.connect.per == SocketPer::Conversation
        && script.deeds().any(|deed| holds(deed) && strangers(deed))
    {
        return Some("each conversation has a socket of its own, and a stranger is in none");
    }
    let channel = spec.deed(Operation::Send).and_then(|send| send.channels.first());
    let step = channel.and_then(|channel| channel.steps.first());
    let mut answers = step.into_iter().flat_map(|step| step.yes.iter().chain(&step.no));
    let in_turn =
        |one: &Reception| matches!(one.via, Via::Frame | Via::Event(_)) && !one.correlated;
    if answers.any(in_turn) && script.deeds().any(|deed| deed.odd.is_some()) {
        return Some(
            "answers to sends are told apart by their order alone, and not all odd ones get one",
        );
    }
    None
}

fn shows(spec: &Spec, sight: Sight) -> bool {
    spec.sees.iter().any(|seen| seen.sight == sight)
}

/// The handshake shows both a token, or the cookies of a login, and the user's id.
fn names_itself(spec: &Spec) -> bool {
    let connect = &spec.connect;
    let fields = connect.query.iter().chain(&connect.headers);
    let texts = fields.flat_map(|field| field.value.holes());
    let payload = connect.auth.iter().flat_map(Shape::holes);
    let first = connect.first.iter().flat_map(|first| first.request.holes());
    let shown: Vec<Hole> = texts.chain(payload).map(|(hole, _)| hole).chain(first).collect();
    let proves = shown.contains(&Hole::TOKEN) || (spec.http.cookies && logs_in(spec));
    proves && shown.contains(&Hole::USER)
}

/// A login asks for a password and hands out a token.
fn logs_in(spec: &Spec) -> bool {
    let asks = |step: &Step| step.request.holes().contains(&Hole::PASSWORD);
    let minted = matches!(spec.people.token, TokenSource::Jwt { .. });
    let by_login = || spec.deed(Operation::Login).is_some_and(|deed| steps(deed).any(asks));
    !minted && (by_login() || spec.says_password())
}

/// A step of the login sends a hole of the spec's own that the login itself has bound.
fn hands_out(spec: &Spec) -> bool {
    let Some(deed) = spec.deed(Operation::Login).filter(|_| logs_in(spec)) else { return false };
    let shown = steps(deed).flat_map(|step| step.yes.iter().flat_map(|one| one.shape.holes()));
    let taken = steps(deed).flat_map(|step| step.takes.iter().flat_map(|one| one.value.holes()));
    let mut bound = shown.chain(taken).map(|(hole, _)| hole);
    let own = |hole: Hole| usize::from(hole.0) >= Hole::STANDARD.len();
    bound.any(|hole| own(hole) && steps(deed).any(|step| step.request.holes().contains(&hole)))
}

fn steps(deed: &Deed) -> impl Iterator<Item = &Step> {
    deed.channels.iter().flat_map(|channel| &channel.steps)
}

fn need_lacks(need: Need, spec: &Spec) -> Option<&'static str> {
    let keys = spec.traits.dedup.as_ref().is_some_and(|dedup| dedup.by == DedupBy::Key);
    let (there, lack) = match need {
        Need::Keys => (keys, "the spec tells messages apart by no client message id"),
        Need::SharedKeys => (
            spec.traits.dedup.as_ref().is_none_or(|dedup| dedup.scope != Scope::Device),
            "a client message id is its device's own",
        ),
        Need::TextLimit => {
            (spec.limits.text_characters.is_some(), "the spec states no longest text")
        }
        Need::BlankRefused => {
            (spec.limits.blank_refused, "the spec does not say that a blank text is refused")
        }
        Need::Sanitises => (
            spec.traits.sanitise == Sanitise::Html,
            "the spec does not say that markup comes back inert",
        ),
        Need::ShortRateWindow => (
            spec.limits.send_rate.is_some_and(|(_, window)| window <= PATIENCE),
            "the window of the spec's rate of sends is too long to wait for",
        ),
        Need::RateLimit => (spec.limits.send_rate.is_some(), "the spec states no rate of sends"),
        Need::Tokens => (!matches!(spec.people.token, TokenSource::None), "people have no tokens"),
        Need::PublicKey => (
            matches!(&spec.people.token, TokenSource::Jwt { algorithm, .. } if !algorithm.starts_with("HS")),
            "tokens are not signed with a private key of the harness's",
        ),
        Need::NamedToken => {
            (names_itself(spec), "nobody says who they are beside the token that they connect with")
        }
        Need::Login => (logs_in(spec), "people do not log in with a password"),
        Need::LoginVoucher => {
            (hands_out(spec), "a login sends nothing back that a step before it handed out")
        }
        Need::Logout => (
            logs_in(spec) && spec.deed(Operation::Logout).is_some(),
            "the spec has no operation `logout`",
        ),
        Need::MintedTokens => (
            matches!(spec.people.token, TokenSource::Jwt { .. }),
            "people have no tokens that the harness mints",
        ),
        Need::TokenElsewhere => {
            (spec.connect.elsewhere.is_some(), "the spec knows one place for the token")
        }
        Need::TokenOnEachEvent => (
            spec.traits.token == TokenCheck::OnEachEvent,
            "the server looks at a token when its client connects, and not on each event",
        ),
        Need::TokenOnRequests => (
            Charge::of(spec).requests.contains(&Operation::History),
            "the history is read over the connection, not by requests with a token of their own",
        ),
        Need::Refusal => {
            (!spec.connect.refused.is_empty(), "the spec does not say how a connection is refused")
        }
        Need::Sync => {
            let asks = spec.deed(Operation::Sync).is_some() || spec.resumes();
            (asks, "the spec has no way to ask for what was missed")
        }
        Need::Join => {
            (spec.deed(Operation::Join).is_some(), "clients do not join conversations themselves")
        }
        Need::ReaderTold => (
            spec.traits.reader_told,
            "the spec does not say that a reader's other devices are told of a reading",
        ),
        Need::Answers => (Charge::of(spec).answers, "sends are not answered"),
        Need::Numbers => (
            spec.traits.order.as_ref().is_some_and(|order| order.gap_free),
            "the spec numbers no messages without gaps",
        ),
        Need::Statuses => (
            Charge::of(spec).reads_status,
            "those who read messages are not shown how far each has come",
        ),
        Need::Presence => (
            shows(spec, Sight::Online) && shows(spec, Sight::Offline)
                || shows(spec, Sight::Presence),
            "the spec has no event that tells who is online",
        ),
        Need::Typing => (
            shows(spec, Sight::TypingStart) || shows(spec, Sight::Typing),
            "the spec has no event that tells who types",
        ),
        Need::Receipts => (
            shows(spec, Sight::Receipt) || shows(spec, Sight::Status),
            "the spec has no event that tells who read a message",
        ),
        Need::OwnServer => (true, ""),
    };
    (!there).then_some(lack)
}
