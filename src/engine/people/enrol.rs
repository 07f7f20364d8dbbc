//! People made known to the server, and logged in: what they hold is the server's to say.
//!
//! A person registers once; each device logs in by itself, with cookies of its own. Who is known
//! from an earlier run cannot register again, and simply logs in. What goes over the socket goes over
//! a connection of a stranger's; where the first message of a connection is the login, a connection is
//! made to hear who the server takes one for.

use super::{NoCredential, Papers, Registry, somebody_else};
use crate::dialect::http::{Meaning, meaning};
use crate::engine::errand::{self, Denied, Question};
use crate::engine::link::{Approach, Caller, Session};
use crate::engine::mint::GARBAGE;
use crate::engine::rest;
use crate::engine::setup::http_client;
use crate::history::PersonId;
use crate::operation::Operation;
use crate::plan::Credential;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Request, Spec, Step};
use crate::transport::Leave;
use crate::transport::endpoint::Endpoint;
use crate::transport::http::HttpClient;
use crate::transport::stream::ConnectOptions;
use std::fmt;
use std::sync::Arc;
use tokio::time::timeout;

/// The ways to the server before anybody is connected.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a> {
    pub(in crate::engine) http: &'a HttpClient,
    pub(in crate::engine) approach: &'a Approach,
    pub(in crate::engine) endpoint: &'a Endpoint,
    pub(in crate::engine) tap: Option<rest::Tap<'a>>,
}

/// Where a person got stuck.
#[derive(Debug)]
struct Stuck {
    what: &'static str,
    /// Which step of how many.
    step: (usize, usize),
    /// `POST /login`
    request: String,
    /// The server said no, as documented.
    refused: bool,
    why: String,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, step: (step, steps), request, .. } = self;
        write!(f, "cannot {what}: ")?;
        if *steps > 1 {
            write!(f, "step {step} of {steps}, ")?;
        }
        let why = if self.refused { "the server refused: " } else { "" };
        write!(f, "`{request}`: {why}{}", self.why)
    }
}

/// Makes a person known to the server and logs in so many devices, if the spec says how.
///
/// # Errors
/// It did not work; names the person and the step.
pub(crate) async fn enrol(
    registry: &Registry,
    gate: Gate<'_>,
    person: PersonId,
    devices: usize,
) -> Result<(), NoCredential> {
    if !registry.logs_in() {
        return Ok(());
    }
    let mut all = registry.devices(person);
    if all.len() >= devices.max(1) {
        return Ok(());
    }
    if all.is_empty() {
        all.push(enter(registry, gate, person).await?);
    }
    let logs_in = registry.spec.deed(Operation::Login).is_some();
    while all.len() < devices {
        let mut papers = all[0].clone();
        if logs_in {
            papers.jar = registry.jar();
        }
        let entered = walk(registry, gate, Operation::Login, &mut papers, &|_| ()).await;
        entered.map_err(|stuck| named(&papers, &stuck))?;
        greet(registry, gate, &mut papers).await?;
        all.push(papers);
    }
    registry.remember(person, all);
    Ok(())
}

/// Registers a person, unless it is known already, and logs in the first device.
async fn enter(
    registry: &Registry,
    gate: Gate<'_>,
    person: PersonId,
) -> Result<Papers, NoCredential> {
    let mut papers = Papers { bindings: registry.basics(person)?, jar: registry.jar() };
    let registered = match registry.table {
        Some(_) => Ok(()),
        None => walk(registry, gate, Operation::Register, &mut papers, &|_| ()).await,
    };
    let logs_in = registry.spec.deed(Operation::Login).is_some() || registry.spec.says_password();
    if let Err(stuck) = &registered
        && !(stuck.refused && logs_in)
    {
        return Err(named(&papers, stuck));
    }
    let entered = walk(registry, gate, Operation::Login, &mut papers, &|_| ()).await;
    match (registered, entered) {
        (Ok(()), Err(stuck)) | (Err(stuck), Err(_)) => return Err(named(&papers, &stuck)),
        (_, Ok(())) => {}
    }
    greet(registry, gate, &mut papers).await?;
    if papers.bindings.get(Hole::USER).is_none() {
        let why = "the answers of `register`, `login` and `connect: first` name no `$user`";
        return Err(NoCredential(format!("{}: {why}", who(&papers))));
    }
    Ok(papers)
}

/// The same for a person with one device, over connections of their own.
///
/// # Errors
/// As [`enrol`].
pub(crate) async fn enrol_at(
    registry: &Registry,
    endpoint: &Endpoint,
    person: PersonId,
) -> Result<(), NoCredential> {
    if !registry.logs_in() {
        return Ok(());
    }
    let connect = ConnectOptions { timeout: registry.spec.connect.timeout, ..Default::default() };
    let http = &http_client(endpoint, &registry.spec, connect, 1);
    let none = || NoCredential("the spec says no way to connect".into());
    let approach = &Approach::of(&registry.spec, None).ok_or_else(none)?;
    enrol(registry, Gate { http, approach, endpoint, tap: None }, person, 1).await
}

/// Where the first message of a connection tells what neither `register` nor `login` do, hears it.
async fn greet(
    registry: &Registry,
    gate: Gate<'_>,
    papers: &mut Papers,
) -> Result<(), NoCredential> {
    let spec = &registry.spec;
    let Some(first) = &spec.connect.first else { return Ok(()) };
    let tells = |hole: &Hole| first.yes.iter().any(|yes| yes.shape.mentions(*hole));
    let missing = |hole: &Hole| papers.bindings.get(*hole).is_none() && tells(hole);
    let wanted: Vec<Hole> = [Hole::USER, Hole::TOKEN].into_iter().filter(missing).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let opened = gate.approach.open(gate.endpoint, spec, Caller::plain(papers)).await;
    let session = opened.map_err(|error| {
        let why = papers.mask(&error.to_string()).into_owned();
        NoCredential(format!("{} cannot log in: `connect: first`: {why}", who(papers)))
    })?;
    for hole in wanted {
        if let Some(value) = session.bound().and_then(|bound| bound.get(hole)) {
            papers.bindings.set(hole, value.clone());
        }
    }
    leave(spec, session).await;
    Ok(())
}

async fn leave(spec: &Spec, session: Session) {
    let _ = timeout(spec.connect.timeout, session.leave(Leave::Polite)).await;
}

/// A credential of a kind that only comes of talking to the server.
///
/// # Errors
/// The server gave no answer that the spec knows.
pub(crate) async fn ask_for(
    registry: &Registry,
    gate: Gate<'_>,
    person: PersonId,
    device: usize,
    credential: Credential,
) -> Result<Papers, NoCredential> {
    if !credential.is_asked_for() || registry.keys.is_some() {
        return registry.papers_with(person, device, credential);
    }
    let own = registry.papers(person, device)?;
    if credential == Credential::Anothers {
        let other = somebody_else(person);
        enrol(registry, gate, other, 1).await?;
        let Papers { bindings, jar } = registry.papers(other, 0)?;
        let mut papers = Papers { bindings: own.bindings, jar };
        if let Some(token) = bindings.get(Hole::TOKEN) {
            papers.bindings.set(Hole::TOKEN, token.clone());
        }
        return Ok(papers);
    }
    let mut papers = Papers { bindings: registry.basics(person)?, jar: registry.jar() };
    if let Some(user) = own.bindings.get(Hole::USER) {
        papers.bindings.set(Hole::USER, user.clone());
    }
    let own_holes = |bindings: &mut Bindings| forge(bindings, &registry.spec);
    let wrong = |bindings: &mut Bindings| {
        bindings.set(Hole::PASSWORD, Scalar::Text("Aa1-another-password".into()));
    };
    let change: &dyn Fn(&mut Bindings) = match credential {
        Credential::WrongPassword => &wrong,
        Credential::ForgedCsrf => &own_holes,
        _ => &|_| (),
    };
    match walk(registry, gate, Operation::Login, &mut papers, change).await {
        Err(stuck) if stuck.refused => {
            papers.lose_token();
            return Ok(papers);
        }
        Err(stuck) => return Err(named(&papers, &stuck)),
        Ok(()) => {}
    }
    if registry.spec.says_password() {
        // The first message of each connection says it.
        change(&mut papers.bindings);
    }
    if credential == Credential::LoggedOut {
        // What the client forgets at its logout is what somebody else may have kept.
        let kept = papers.jar.as_ref().map(|jar| jar.changed(str::to_owned));
        let mut leaving = papers.clone();
        let left = walk(registry, gate, Operation::Logout, &mut leaving, &|_| ()).await;
        left.map_err(|stuck| named(&papers, &stuck))?;
        papers.jar = kept;
    }
    Ok(papers)
}

/// Replaces what the spec's own holes are bound to, such as a CSRF token, by something made up.
fn forge(bindings: &mut Bindings, spec: &Spec) {
    let own = |hole: Hole| usize::from(hole.0) >= Hole::STANDARD.len();
    let bound: Vec<Hole> = bindings.iter().map(|(hole, _)| hole).collect();
    for hole in bound.into_iter().filter(|hole| own(*hole)) {
        if spec.constants.get(hole).is_none() {
            bindings.set(hole, Scalar::Text(GARBAGE.into()));
        }
    }
}

/// Takes the steps of an operation, if the spec has it; `change` is done before each.
async fn walk(
    registry: &Registry,
    gate: Gate<'_>,
    operation: Operation,
    papers: &mut Papers,
    change: &dyn Fn(&mut Bindings),
) -> Result<(), Stuck> {
    let spec = &registry.spec;
    let Some(deed) = spec.deed(operation) else { return Ok(()) };
    let steps = deed.channels.first().map_or(&[][..], |channel| &channel.steps);
    let mut line = Line { gate, session: None, asked: 0, operation };
    let mut end = Ok(());
    for (index, step) in steps.iter().enumerate() {
        change(&mut papers.bindings);
        let taken = match step.is_http() {
            true => take(spec, gate, step, papers).await,
            false => line.take(spec, step, papers).await,
        };
        if let Err((refused, why)) = taken {
            end = Err(Stuck {
                what: match operation {
                    Operation::Register => "register",
                    Operation::Logout => "log out",
                    _ => "log in",
                },
                step: (index + 1, steps.len()),
                request: spelled(step, &papers.bindings),
                refused,
                why: papers.mask(&why).into_owned(),
            });
            break;
        }
    }
    if let Some(session) = line.session {
        leave(spec, session).await;
    }
    end
}

/// The connection over which an operation's steps go, opened when one does.
struct Line<'a> {
    gate: Gate<'a>,
    session: Option<Session>,
    asked: u64,
    operation: Operation,
}

impl Line<'_> {
    /// Takes one step over the connection; what its answer binds is known from then on.
    async fn take(
        &mut self,
        spec: &Arc<Spec>,
        step: &Step,
        papers: &mut Papers,
    ) -> Result<(), (bool, String)> {
        if self.session.is_none() {
            // Who leaves is somebody; who comes is not yet.
            let caller = match self.operation {
                Operation::Logout => Caller::plain(papers),
                _ => Caller::stranger(papers),
            };
            let opened = self.gate.approach.open(self.gate.endpoint, spec, caller).await;
            self.session = Some(opened.map_err(|error| (false, error.to_string()))?);
        }
        let Some(session) = &mut self.session else { return Ok(()) };
        self.asked += 1;
        let (sent, number) = (&papers.bindings, self.asked);
        let known = &without_own(sent, spec, step);
        let question = Question { spec, step, sent, known, number };
        match errand::put(session, &question, self.gate.tap).await {
            Ok(bound) => {
                papers.bindings = completed(bound, sent);
                Ok(())
            }
            Err(Denied::No(error)) => Err((true, error)),
            Err(Denied::Nothing(why)) => Err((false, why)),
        }
    }
}

/// Takes one step; what its answer binds is known from then on.
async fn take(
    spec: &Spec,
    gate: Gate<'_>,
    step: &Step,
    papers: &mut Papers,
) -> Result<(), (bool, String)> {
    let (bindings, jar) = (&papers.bindings, papers.jar.as_ref());
    let Gate { http, tap, .. } = gate;
    let failed = |why: &dyn fmt::Display| (false, why.to_string());
    let answer = rest::request(http, spec, step, bindings, jar, None, tap).await;
    let answer = answer.map_err(|why| failed(&why))?;
    // What an answer says anew replaces what an earlier one said.
    let mut bound = without_own(bindings, spec, step);
    match meaning(step, answer.status, &answer.body, &mut bound) {
        Meaning::Yes(_) => {
            answer.take(step, &mut bound).map_err(|why| failed(&why))?;
            papers.bindings = completed(bound, bindings);
            Ok(())
        }
        Meaning::No(bound) => {
            let error = bound.get(Hole::ERROR).map(Scalar::id).unwrap_or_default();
            Err((true, format!("status {} {error}", answer.status).trim_end().to_owned()))
        }
        Meaning::Strange(mismatch) => {
            Err(failed(&rest::strange(answer.status, &answer.body, mismatch)))
        }
    }
}

/// What was bound, and what was known before and nothing said anew.
fn completed(mut bound: Bindings, known: &Bindings) -> Bindings {
    for (hole, value) in known.iter() {
        if bound.get(hole).is_none() {
            bound.set(hole, value.clone());
        }
    }
    bound
}

/// The bindings without what this step's answer may bind anew: a token, and the spec's own holes.
fn without_own(bindings: &Bindings, spec: &Spec, step: &Step) -> Bindings {
    let asked = step.request.holes();
    let renewed = |hole: Hole| {
        let own = usize::from(hole.0) >= Hole::STANDARD.len();
        (own || hole == Hole::TOKEN) && !asked.contains(&hole) && spec.constants.get(hole).is_none()
    };
    let mut rest = Bindings::new();
    for (hole, value) in bindings.iter().filter(|(hole, _)| !renewed(*hole)) {
        rest.set(hole, value.clone());
    }
    rest
}

/// `POST /login`
fn spelled(step: &Step, bindings: &Bindings) -> String {
    match &step.request {
        Request::Http(request) => {
            let mut path = String::new();
            let _ = request.path.fill(bindings, true, &mut path);
            format!("{} {path}", request.method)
        }
        Request::Emit { event, .. } => format!("emit {event}"),
        Request::Frame { .. } => "a frame".to_owned(),
    }
}

fn who(papers: &Papers) -> String {
    let text = |hole| papers.bindings.get(hole).map(|scalar| scalar.text().into_owned());
    let name = text(Hole::NAME).or_else(|| text(Hole::USER)).unwrap_or_default();
    format!("`{name}`")
}

fn named(papers: &Papers, stuck: &Stuck) -> NoCredential {
    NoCredential(format!("{} {stuck}", who(papers)))
}
