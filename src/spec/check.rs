//! What is wrong with a spec as a whole: parts that don't fit together.

use crate::operation::{Operation, Sight};
use crate::scalar::Scalar;
use crate::source::Span;
use crate::spec::action::Answers;
use crate::spec::bindings::{Bindings, Hole};
use crate::spec::contract::ContractSpans;
use crate::spec::load::{Loader, Mention, Place};
use crate::spec::model::{
    DedupBy, Deed, Protocol, Pushed, Reception, Request, SocketPer, Spec, Step, SyncFrom,
    TokenSource, Via,
};
use crate::spec::promise::TraitSpans;
use crate::spec::shape::Shape;

/// Answers that mean different things must look different.
pub(super) fn answers(answers: &Answers, loader: &mut Loader<'_>) {
    let Answers { yes, no, limited, .. } = answers;
    shadowed(limited, no, "`limited`", loader);
    shadowed(limited, yes, "`limited`", loader);
    shadowed(no, yes, "an answer that means no", loader);
}

/// Complains of answers in `later` that one in `earlier`, which is tried first, takes.
fn shadowed(
    earlier: &[(Reception, Span)],
    later: &[(Reception, Span)],
    what: &str,
    loader: &mut Loader<'_>,
) {
    for (late, span) in later {
        let taken = earlier.iter().find(|(early, _)| takes(early, late));
        if let Some((_, by)) = taken {
            let (line, column) = (by.start.line, by.start.column);
            loader
                .found
                .error(*span, "this answer can't be told from another")
                .hint(format!(
                    "{what}, at {line}:{column}, fits it too and is tried first; name a field that differs"
                ));
        }
    }
}

/// Whether everything that `late` describes fits `early` too.
fn takes(early: &Reception, late: &Reception) -> bool {
    let same_way = match (&early.via, &late.via) {
        (Via::Status(a, b), Via::Status(c, d)) => a <= c && d <= b,
        (Via::Ack, Via::Ack) | (Via::Frame, Via::Frame) => true,
        (Via::Event(a), Via::Event(b)) => a == b,
        _ => false,
    };
    same_way && covers(&early.shape, &late.shape)
}

/// Whether an example of `late` fits `early`.
fn covers(early: &Shape, late: &Shape) -> bool {
    let mut example = Bindings::new();
    for (hole, _) in late.holes() {
        example.set(hole, Scalar::from(&*format!("example-{}", hole.0)));
    }
    let mut json = String::new();
    late.fill(&example, &mut json).is_ok() && early.fits(&json, &mut Bindings::new())
}

/// Pushed events of different meaning must look different.
pub(super) fn sights(sees: &[(Pushed, Span)], loader: &mut Loader<'_>) {
    for (index, (late, span)) in sees.iter().enumerate() {
        let taken =
            sees[..index].iter().find(|(early, _)| takes(&early.reception, &late.reception));
        let Some((early, _)) = taken else { continue };
        let complaint = if early.sight == late.sight {
            loader.found.warn(*span, "this event is described twice")
        } else {
            let message = format!("this event can't be told from `{}`", early.sight);
            loader.found.error(*span, message)
        };
        complaint.hint("the first one that fits is taken; put the narrower one first, or name a field that differs");
    }
}

/// Holes without which a sight says nothing to a judge.
const fn sight_needs(sight: Sight) -> &'static [&'static str] {
    match sight {
        Sight::Message => &["text"],
        Sight::TypingStart | Sight::TypingStop | Sight::Online | Sight::Offline => &["sender"],
        Sight::Receipt => &["message"],
        Sight::Status => &["message", "status"],
        Sight::Conversation => &["conversation"],
        _ => &[],
    }
}

/// Each event of a sight must bind what the sight is about.
pub(super) fn sight(sight: Sight, sees: &[(Pushed, Span)], loader: &mut Loader<'_>) {
    let own = sees.iter().filter(|(pushed, _)| pushed.sight == sight);
    for (pushed, span) in own.filter(|(pushed, _)| !pushed.alias) {
        let bound = names(&pushed.reception.shape, loader);
        let needs = sight_needs(sight).iter();
        for missing in needs.filter(|need| !bound.iter().any(|name| name == *need)) {
            // A whole conversation may be marked as read without naming a message.
            if *missing == "message" && bound.iter().any(|name| name == "conversation") {
                continue;
            }
            let message = format!("`{sight}` doesn't bind `${missing}`");
            loader
                .found
                .error(*span, message)
                .hint(format!("put `${missing}` where the event carries it"));
        }
    }
}

fn names(shape: &Shape, loader: &Loader<'_>) -> Vec<String> {
    let holes = shape.holes();
    let names = holes.iter().map(|(hole, _)| loader.holes.name(*hole).to_owned());
    names.collect()
}

/// An operation where it stands, and whether it was read without an error.
pub(super) struct Placed {
    pub(super) deed: Deed,
    pub(super) span: Span,
    pub(super) sound: bool,
}

/// Operations must answer what is learnt from them, and be possible at all.
pub(super) fn deeds(does: &[Placed], sees: &[Pushed], loader: &mut Loader<'_>) {
    for Placed { deed, span, .. } in does.iter().filter(|placed| placed.sound) {
        for channel in &deed.channels {
            let answers = channel.steps.iter().flat_map(|step| &step.yes);
            let bound: Vec<String> = answers.flat_map(|one| names(&one.shape, loader)).collect();
            let yields = deed.operation.yields().iter();
            let missing: Vec<&str> =
                yields.filter(|need| !bound.iter().any(|name| name == *need)).copied().collect();
            if !missing.is_empty() {
                let operation = deed.operation;
                let missing = listed(&missing);
                loader
                    .found
                    .error(*span, format!("no answer of `{operation}` binds {missing}"))
                    .hint("put it into `ack`, `reply` or `ok`, where the answer carries it");
            }
        }
    }
    conversation_is_known(does, sees, loader);
}

/// Whatever needs a `$conversation` needs something that gives one.
fn conversation_is_known(does: &[Placed], sees: &[Pushed], loader: &mut Loader<'_>) {
    let constant =
        loader.mentions.iter().any(|m| m.place == Place::Constants && m.hole == Hole::CONVERSATION);
    let gives = |shape: &Shape| shape.holes().iter().any(|(hole, _)| *hole == Hole::CONVERSATION);
    let seen = sees.iter().any(|p| p.sight == Sight::Conversation && gives(&p.reception.shape));
    let answered = does.iter().any(|Placed { deed, sound, .. }| {
        let giver = matches!(
            deed.operation,
            Operation::Create | Operation::List | Operation::Join | Operation::Contacts
        );
        let gives = || steps(deed).any(|step| step.yes.iter().any(|one| gives(&one.shape)));
        giver && (!sound || gives())
    });
    if constant || seen || answered {
        return;
    }
    let needing = does.iter().find(|Placed { deed, .. }| {
        let mut requests = steps(deed).map(|step| &step.request);
        deed.operation != Operation::Create
            && requests.any(|request| request.holes().contains(&Hole::CONVERSATION))
    });
    if let Some(Placed { deed, span, .. }) = needing {
        let operation = deed.operation;
        loader
            .found
            .error(*span, format!("`{operation}` needs a `$conversation`, and nothing gives one"))
            .hint(
                "let `create` or `list` bind it in an answer, or give it as a constant under `let`",
            );
    }
}

fn steps(deed: &Deed) -> impl Iterator<Item = &Step> {
    deed.channels.iter().flat_map(|channel| &channel.steps)
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`${name}`")).collect();
    quoted.join(" and ")
}

/// Every hole that is sent must be bound before, and every own hole must serve something.
pub(super) fn holes(spec: &Spec, loader: &mut Loader<'_>) {
    let mentions = std::mem::take(&mut loader.mentions);
    for mention in mentions.iter().filter(|m| m.sent && !m.optional) {
        let name = loader.holes.name(mention.hole).to_owned();
        if !is_given(&name, mention, &mentions, spec) {
            let complaint =
                loader.found.error(mention.span, format!("nothing gives `${name}` here"));
            let given = given_names(mention.place);
            match crate::source::suggestion(&name, given.iter().copied()) {
                Some(near) => complaint.hint(format!("did you mean `${near}`?")),
                None => complaint.expected(format!(
                    "{}, a constant of `let`, or what an earlier step binds",
                    listed(&given).replace(" and ", ", ")
                )),
            };
        }
    }
    let own = |mention: &&Mention| usize::from(mention.hole.0) >= Hole::STANDARD.len();
    for mention in mentions.iter().filter(own) {
        let of_it = || mentions.iter().filter(|m| m.hole == mention.hole);
        let first = of_it().next().is_some_and(|first| std::ptr::eq(first, mention));
        let ordered = spec.traits.order.as_ref().is_some_and(|o| o.by == mention.hole);
        if !first || ordered || of_it().any(|m| m.sent) || of_it().count() > 1 {
            continue;
        }
        let name = loader.holes.name(mention.hole).to_owned();
        let complaint = loader.found.warn(mention.span, format!("nothing uses `${name}`"));
        let standard = Hole::STANDARD.iter().map(|(name, ..)| *name);
        match crate::source::suggestion(&name, standard) {
            _ if mention.place == Place::Constants => complaint.hint("remove the constant"),
            Some(near) => complaint.hint(format!("did you mean `${near}`?")),
            None => complaint.hint("write `$_` if its value doesn't matter"),
        };
    }
}

/// What the harness binds before anything of this place is sent.
fn given_names(place: Place) -> Vec<&'static str> {
    match place {
        Place::Constants => Vec::new(),
        Place::People => vec!["user", "name"],
        Place::Http => vec!["user", "name", "token"],
        Place::Connect | Place::Seen => Operation::Connect.given().to_vec(),
        Place::Deed(operation, ..) => operation.given().to_vec(),
    }
}

fn is_given(name: &str, mention: &Mention, mentions: &[Mention], spec: &Spec) -> bool {
    let credentials = ["user", "name", "token", "password"];
    let always = match mention.place {
        Place::People => &credentials[..2],
        _ => &credentials[..],
    };
    if given_names(mention.place).contains(&name) || always.contains(&name) {
        return true;
    }
    let framed = matches!(spec.connect.protocol, Protocol::WebSocket { .. });
    if name == "request" && framed {
        return true;
    }
    // A socket of its own per conversation knows which one.
    let per_conversation = spec.connect.per == SocketPer::Conversation;
    if name == "conversation" && per_conversation && mention.place != Place::People {
        return true;
    }
    if let TokenSource::File { columns, .. } = &spec.people.token
        && columns.contains(&mention.hole)
    {
        return true;
    }
    let binders = mentions.iter().filter(|m| !m.sent && m.hole == mention.hole);
    binders.into_iter().any(|m| match (m.place, mention.place) {
        (Place::Constants, _) => true,
        // What is learnt while coming in stays known.
        (Place::Deed(Operation::Register | Operation::Login, ..), place) => {
            comes_before(m.place, place)
        }
        (Place::Connect, Place::Connect | Place::Http | Place::Deed(..)) => true,
        (earlier, later) => comes_before(earlier, later),
    })
}

/// Whether an answer at `earlier` is there before something at `later` is sent.
fn comes_before(earlier: Place, later: Place) -> bool {
    match (earlier, later) {
        (Place::Deed(a, channel, step), Place::Deed(b, other, later)) if a == b => {
            channel == other && step < later
        }
        (Place::Deed(Operation::Register, ..), Place::Deed(..)) => true,
        (Place::Deed(Operation::Login, ..), Place::Deed(b, ..)) => b != Operation::Register,
        (Place::Deed(Operation::Register | Operation::Login, ..), Place::Connect | Place::Http) => {
            true
        }
        _ => false,
    }
}

/// Traits must speak of what there is.
pub(super) fn traits(spec: &Spec, spans: &TraitSpans, loader: &mut Loader<'_>) {
    if let (Some(order), Some(span)) = (&spec.traits.order, spans.order) {
        let messages = spec.sees.iter().filter(|p| p.sight == Sight::Message);
        let pushed = messages.map(|p| &p.reception.shape);
        let read = spec
            .does
            .iter()
            .filter(|d| matches!(d.operation, Operation::Sync | Operation::History))
            .flat_map(steps)
            .flat_map(|step| step.yes.iter().map(|one| &one.shape));
        let bound =
            pushed.chain(read).any(|shape| shape.holes().iter().any(|(hole, _)| *hole == order.by));
        if !bound {
            let name = loader.holes.name(order.by).to_owned();
            loader
                .found
                .error(span, format!("no message carries `${name}`, so nothing is ordered by it"))
                .hint("bind it in `see: message` and in the answers of `history` and `sync`");
        }
    }
    if let (Some(dedup), Some(span)) = (&spec.traits.dedup, spans.dedup) {
        let send = spec.deed(Operation::Send);
        let keyed = send.is_some_and(|d| steps(d).any(|s| s.request.holes().contains(&Hole::KEY)));
        if dedup.by == DedupBy::Key && !keyed {
            loader
                .found
                .error(span, "no `send` carries `$key`, so nothing is deduplicated by it")
                .hint("send `$key`, or say `by: content`, or leave `dedup` out");
        }
    }
    if let Some(span) = spans.join
        && spec.traits.join == crate::spec::Join::Explicit
        && spec.deed(Operation::Join).is_none()
    {
        loader
            .found
            .error(span, "`join` is explicit, but `do` has no `join`")
            .hint("describe `do: join`, or say `join: by-server`");
    }
}

/// Figures must not contradict each other.
pub(super) fn contract(spec: &Spec, spans: &ContractSpans, loader: &mut Loader<'_>) {
    let contract = &spec.contract;
    if let Some(span) = spans.reconnect {
        if contract.reconnect.is_empty() {
            loader
                .found
                .error(span, "a client that never reconnects ends the run")
                .expected("at least one pause");
        }
        if contract.reconnect.windows(2).any(|w| w[0] > w[1]) {
            loader.found.warn(span, "the pauses before reconnecting shrink");
        }
        if contract.reconnect.iter().any(std::time::Duration::is_zero) {
            loader.found.warn(span, "a pause of zero makes all clients reconnect at once");
        }
    }
    if let Some(span) = spans.retries {
        let attempts = contract.retries.len() as u32 + 1;
        let longest = contract.retries.iter().sum::<std::time::Duration>()
            + contract.ack_timeout * attempts.min(10_000);
        if longest > std::time::Duration::from_secs(600) {
            let minutes = longest.as_secs() / 60;
            let message = format!("a send may take {minutes} minutes until it has failed");
            loader.found.warn(span, message).hint("pauses and ack timeouts of all attempts add up");
        }
        if contract.retries.windows(2).any(|w| w[0] > w[1]) {
            loader.found.warn(span, "the pauses before retries shrink");
        }
    }
    if let Some(span) = spans.typing_batch
        && contract.typing_batch >= contract.typing_stop
    {
        loader
            .found
            .error(span, "`typing-batch` is not shorter than `typing-stop`")
            .hint("an indicator would stop before it was sent");
    }
    if let Some(span) = spans.sync_from {
        sync_from(spec, span, loader);
    }
}

fn sync_from(spec: &Spec, span: Span, loader: &mut Loader<'_>) {
    let (hole, name) = match spec.contract.sync_from {
        SyncFrom::NewestSeen | SyncFrom::ClientClock => (Hole::SINCE, "since"),
        SyncFrom::Cursor => (Hole::CURSOR, "cursor"),
        SyncFrom::Start => return,
    };
    let Some(sync) = spec.deed(Operation::Sync) else {
        loader
            .found
            .error(span, "`sync-from` says where a sync starts, but `do` has no `sync`")
            .hint("describe `do: sync`, or leave `sync-from` out");
        return;
    };
    if !steps(sync).any(|step| step.request.holes().contains(&hole)) {
        loader
            .found
            .error(span, format!("`sync` doesn't send `${name}`, so it can't start there"))
            .hint("say `sync-from: start`, or send the position in `sync`");
    }
}

/// A promise needs what it is about.
pub(super) fn promise(property: &str, span: Span, spec: &Spec, loader: &mut Loader<'_>) {
    let does = |operation| spec.deed(operation).is_some();
    let sees = |sight| spec.sees.iter().any(|p| p.sight == sight);
    let reads = does(Operation::History) || does(Operation::Sync);
    let answered = spec
        .deed(Operation::Send)
        .is_some_and(|deed| steps(deed).any(|step| !step.is_unanswered()));
    let (holds, lacks) = match property {
        "idempotency" => (spec.traits.dedup.is_some(), "`traits: dedup`"),
        "ordering" => (spec.traits.order.is_some(), "`traits: order`"),
        "at-least-once" => (reads, "`do: history` or `do: sync`, to see what was stored"),
        "no-loss-on-reconnect" => (reads, "`do: sync` or `do: history`"),
        "ack-timeout" => (answered, "an answer to `do: send`"),
        "typing-timeout" => (
            sees(Sight::TypingStop) || sees(Sight::Typing) || spec.traits.typing_expires.is_some(),
            "`see: typing-stop`",
        ),
        "presence" => (
            sees(Sight::Presence) || sees(Sight::Online) && sees(Sight::Offline),
            "`see: online` and `see: offline`",
        ),
        "receipts" => {
            (sees(Sight::Receipt) || sees(Sight::Status), "`see: receipt` or `see: status`")
        }
        "conversation-identity" => (does(Operation::Create), "`do: create`"),
        "unread-count" => (does(Operation::Unread), "`do: unread`"),
        "search" => (does(Operation::Search), "`do: search`"),
        "contacts" => (does(Operation::Contacts), "`do: contacts`"),
        "input-limits" => (spec.limits.text_characters.is_some(), "`limits: text`"),
        "rate-limit" => (spec.limits.send_rate.is_some(), "`limits: send-rate`"),
        "channel-parity" => (
            spec.deed(Operation::Send).is_some_and(|d| d.channels.len() > 1),
            "two `channels` of `do: send`",
        ),
        "pagination" => (
            spec.does.iter().flat_map(steps).any(|step| step.paging.is_some()),
            "`pages:` in `do: history`",
        ),
        "health" => (spec.http.health.is_some() || does(Operation::Health), "`http: health`"),
        _ => (true, ""),
    };
    if !holds {
        loader
            .found
            .error(span, format!("`{property}` is promised without what it is about"))
            .expected(lacks);
    }
}

impl Request {
    /// The holes that are filled to send it.
    #[must_use]
    pub fn holes(&self) -> Vec<Hole> {
        let shape = |shape: &Shape| shape.holes().into_iter().map(|(hole, _)| hole).collect();
        match self {
            Self::Emit { shape: one, .. } | Self::Frame { shape: one } => shape(one),
            Self::Http(http) => {
                let fields = http.query.iter().chain(&http.headers).chain(&http.form);
                let texts = fields.map(|field| &field.value).chain([&http.path]);
                let mut holes: Vec<Hole> = http.body.as_ref().map(shape).unwrap_or_default();
                holes.extend(texts.flat_map(|text| text.holes()).map(|(hole, _)| hole));
                holes
            }
        }
    }
}
