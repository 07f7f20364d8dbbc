//! Where people register, log in and log out, whatever carries the question.

use crate::reference::app::App;
use crate::reference::bugs::Bug;
use crate::reference::gullible::Door;
use crate::reference::model::*;
use crate::reference::play::{Account, Asked, Lines, Reply};
use crate::scalar::Scalar;
use crate::spec::Hole;

/// What a question about accounts is answered, and what stands beside the answer over HTTP; `None`: it
/// is no such question. `beside` is the token that the question was shown with.
pub(crate) fn serve(
    app: &App,
    asked: &Asked,
    beside: Option<&Scalar>,
) -> Option<Result<(Option<Reply>, Lines), Refusal>> {
    let wanted = app.play.account(asked)?;
    Some(wanted.and_then(|wanted| attend(app, asked, wanted, beside)))
}

/// Everything that must have come from a form here did.
pub(crate) fn is_vouched(app: &App, asked: &Asked) -> Result<(), Refusal> {
    if app.bugs.has(Bug::CsrfUnchecked) || app.play.vouched(asked, &app.accounts) {
        return Ok(());
    }
    Err(Refusal::new(RefusalKind::Forbidden, "the CSRF token is none of ours"))
}

fn attend(
    app: &App,
    asked: &Asked,
    wanted: Account,
    beside: Option<&Scalar>,
) -> Result<(Option<Reply>, Lines), Refusal> {
    let accounts = &app.accounts;
    let (user, token) = match wanted {
        Account::Form => (None, None),
        Account::Register(form) => (Some(accounts.register(form)?), None),
        Account::Login(form) => {
            let (user, token) = accounts.login(form, app.bugs)?;
            (Some(user), Some(token))
        }
        Account::Logout => {
            let token = asked.bindings.get(Hole::TOKEN).or(beside);
            let user = app.admit(token, asked.bindings.get(Hole::USER), Door::Http)?;
            token.iter().for_each(|token| accounts.logout(&token.text(), app.bugs));
            (Some(user), None)
        }
    };
    Ok(app.play.welcome(asked, user.as_ref(), token.as_deref(), accounts))
}
