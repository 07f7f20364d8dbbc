//! Registration, login and logout as the spec has them: forms in, tokens, vouchers and cookies out.

use super::answer::reply;
use super::{Asked, Play, Reply, Route};
use crate::operation::Operation;
use crate::reference::accounts::{Accounts, Form};
use crate::reference::model::*;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Spec, Step, TakeFrom, Text, UserIds};
use compact_str::ToCompactString;

/// The cookie of a session where the spec keeps cookies and names none.
const SESSION: &str = "sid";

/// What is asked of the accounts.
#[derive(Clone, Debug)]
pub(crate) enum Account {
    /// A step on the way: a form is handed out.
    Form,
    Register(Form),
    Login(Form),
    Logout,
}

/// Headers and cookies beside an answer's body, as lines of a header's name and value.
pub(crate) type Lines = Vec<(String, String)>;

impl Play {
    /// What a request asks of the accounts; `None`: nothing.
    pub(crate) fn account(&self, asked: &Asked) -> Option<Result<Account, Refusal>> {
        let operation = self.operation(asked.route);
        use Operation::{Login, Logout, Register};
        if !matches!(operation, Register | Login | Logout) {
            return None;
        }
        if let Some(wrong) = &asked.wrong {
            return Some(Err(wrong.clone()));
        }
        if !self.is_last(asked.route) {
            return Some(Ok(Account::Form));
        }
        if operation == Logout {
            return Some(Ok(Account::Logout));
        }
        let text = |hole| asked.bindings.get(hole).map(|scalar: &Scalar| scalar.text());
        let (name, user) = (text(Hole::NAME), text(Hole::USER));
        let Some(name) = name.clone().or_else(|| user.clone()) else {
            return Some(Err(Refusal::malformed("the name is missing")));
        };
        let form = Form {
            name: name.into_owned(),
            password: text(Hole::PASSWORD).unwrap_or_default().into_owned(),
            user: user.map(|user| user.to_compact_string()),
        };
        Some(Ok(if operation == Login { Account::Login(form) } else { Account::Register(form) }))
    }

    /// Everything that a client must have got from a form here is what the server handed out.
    pub(crate) fn vouched(&self, asked: &Asked, accounts: &Accounts) -> bool {
        let sent = |hole: &&Hole| !matches!(asked.bindings.get(**hole), None | Some(Scalar::Null));
        let mut sent = self.vouchers.iter().filter(sent);
        sent.all(|hole| {
            asked.bindings.get(*hole).is_some_and(|scalar| accounts.vouches(&scalar.text()))
        })
    }

    /// The answer to a step that went well: what it hands out stands where the spec says.
    pub(crate) fn welcome(
        &self,
        asked: &Asked,
        user: Option<&User>,
        token: Option<&str>,
        accounts: &Accounts,
    ) -> (Option<Reply>, Lines) {
        let step = self.step(asked.route);
        let mut frame = asked.bindings.clone();
        if let Some(user) = user {
            frame.set(Hole::USER, self.user(user));
        }
        if let Some(token) = token {
            frame.set(Hole::TOKEN, Scalar::Text(token.into()));
        }
        for hole in bound_by(step).filter(|hole| self.vouchers.contains(hole)) {
            frame.set(hole, Scalar::Text(accounts.voucher().into()));
        }
        let mut lines = lines(step, &frame);
        let operation = self.operation(asked.route);
        if self.spec.http.cookies && self.is_last(asked.route) {
            if operation == Operation::Logout {
                lines.extend(self.session_cookies().map(|(name, _)| {
                    ("set-cookie".to_owned(), format!("{name}=; Path=/; Max-Age=0"))
                }));
            } else if let Some(token) = token
                && self.session_cookies().next().is_none_or(|(name, _)| name == SESSION)
            {
                lines.push(("set-cookie".into(), format!("{SESSION}={token}; Path=/; HttpOnly")));
            }
        }
        (reply(&step.yes, 200, &frame, &[]), lines)
    }

    /// The token that a `Cookie` header carries, if any.
    pub(crate) fn cookie_token(&self, header: &str) -> Option<Scalar> {
        if !self.spec.http.cookies {
            return None;
        }
        let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find_map(|(name, value)| {
            let (_, text) = self.session_cookies().find(|(known, _)| *known == name)?;
            let mut bindings = Bindings::new();
            match text {
                Some(text) => text.matches(value, false, &mut bindings),
                None => bindings.unify(Hole::TOKEN, value.into()),
            };
            bindings.get(Hole::TOKEN).cloned()
        })
    }

    /// The cookies that carry a session: those from which the spec takes a token, or else the usual.
    fn session_cookies(&self) -> impl Iterator<Item = (&str, Option<&Text>)> {
        let named = takes_of_login(&self.spec)
            .filter(|(from, _, text)| {
                let token = |(hole, _): &(Hole, bool)| *hole == Hole::TOKEN;
                *from == TakeFrom::Cookie && text.holes().iter().any(token)
            })
            .map(|(_, name, text)| (name, Some(text)));
        let named: Vec<_> = named.collect();
        let usual = named.is_empty().then_some((SESSION, None));
        named.into_iter().chain(usual)
    }

    fn is_last(&self, route: Route) -> bool {
        route.step + 1 == self.spec.does[route.deed].channels[route.channel].steps.len()
    }
}

/// The holes of a spec's own that forms hand out, to be sent back.
pub(super) fn vouchers(spec: &Spec) -> Vec<Hole> {
    let coming_in = [Operation::Register, Operation::Login].into_iter();
    let deeds = coming_in.filter_map(|operation| spec.deed(operation));
    let steps = deeds.flat_map(|deed| &deed.channels).flat_map(|channel| &channel.steps);
    let own = |hole: &Hole| usize::from(hole.0) >= Hole::STANDARD.len();
    let bound = steps.flat_map(|step| bound_by(step).collect::<Vec<_>>());
    bound.filter(own).filter(|hole| spec.constants.get(*hole).is_none()).collect()
}

/// What the answers of a step bind.
fn bound_by(step: &Step) -> impl Iterator<Item = Hole> {
    let shown = step.yes.iter().flat_map(|one| one.shape.holes());
    let taken = step.takes.iter().flat_map(|take| take.value.holes());
    shown.chain(taken).map(|(hole, _)| hole)
}

fn takes_of_login(spec: &Spec) -> impl Iterator<Item = (TakeFrom, &str, &Text)> {
    let deed = spec.deed(Operation::Login).into_iter();
    let steps = deed.flat_map(|deed| &deed.channels).flat_map(|channel| &channel.steps);
    steps.flat_map(|step| &step.takes).map(|take| (take.from, take.name.as_str(), &take.value))
}

/// What stands beside the body of a step's answer.
fn lines(step: &Step, frame: &Bindings) -> Lines {
    let mut lines = Lines::new();
    for take in &step.takes {
        let mut value = String::new();
        if take.value.fill(frame, false, &mut value).is_err() {
            continue;
        }
        lines.push(match take.from {
            TakeFrom::Header => (take.name.clone(), value),
            TakeFrom::Cookie => {
                ("set-cookie".into(), format!("{}={value}; Path=/; HttpOnly", take.name))
            }
        });
    }
    lines
}

/// Only accounts say who somebody is: the server chooses ids, or hands out tokens.
pub(crate) fn has_accounts(spec: &Spec) -> bool {
    spec.deed(Operation::Login).is_some()
        || spec.says_password()
        || (spec.deed(Operation::Register).is_some() && spec.people.ids == UserIds::ByServer)
}
