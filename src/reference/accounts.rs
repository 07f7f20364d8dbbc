//! Accounts and sessions: who has registered, who is logged in, and the small proofs on the way.
//!
//! What a form hands out and wants back (a CSRF token, say) is a voucher: the server knows its own
//! without keeping them. Accounts live as long as the server object, restarts included. Nothing here
//! knows a wire. Start with [`Accounts::login`].

use crate::reference::bugs::{Bug, Bugs};
use crate::reference::model::{Refusal, RefusalKind, User};
use crate::world;
use rustc_hash::FxHashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Everybody who has an account.
pub(crate) struct Accounts {
    /// Nobody needs to register: who comes first with a name has the account.
    open: bool,
    /// Makes this server's vouchers unlike another's.
    seal: Uuid,
    register: Mutex<Register>,
}

#[derive(Default)]
struct Register {
    by_name: FxHashMap<String, Account>,
    sessions: FxHashMap<String, User>,
    vouchers: u64,
}

struct Account {
    user: User,
    password: String,
}

/// What a form says.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// The name of the account.
    pub(crate) name: String,
    pub(crate) password: String,
    /// The id that the client chose, where it is the client that chooses.
    pub(crate) user: Option<User>,
}

impl Accounts {
    /// Accounts of nobody; `open` where the spec has no way to register.
    pub(crate) fn new(open: bool) -> Self {
        Self { open, seal: world::id(), register: Mutex::default() }
    }

    /// Lets these people in with tokens that somebody else handed out.
    pub(crate) fn admit(&self, sessions: impl IntoIterator<Item = (String, User)>) {
        self.lock().sessions.extend(sessions);
    }

    /// Makes an account.
    pub(crate) fn register(&self, form: Form) -> Result<User, Refusal> {
        let mut register = self.lock();
        if register.by_name.contains_key(&form.name) {
            return Err(Refusal::new(RefusalKind::Repeated, "the name is taken"));
        }
        Ok(register.add(form))
    }

    /// The user, and the token of a new session.
    pub(crate) fn login(&self, form: Form, bugs: Bugs) -> Result<(User, String), Refusal> {
        let mut register = self.lock();
        let user = match register.by_name.get(&form.name) {
            Some(account)
                if account.password == form.password || bugs.has(Bug::LoginAnyPassword) =>
            {
                account.user.clone()
            }
            None if self.open => register.add(form),
            _ => {
                let text = "there is no such account, or the password is another";
                return Err(Refusal::new(RefusalKind::Unauthenticated, text));
            }
        };
        let token = world::id().simple().to_string();
        register.sessions.insert(token.clone(), user.clone());
        Ok((user, token))
    }

    /// Ends a session.
    pub(crate) fn logout(&self, token: &str, bugs: Bugs) {
        if !bugs.has(Bug::LogoutForgotten) {
            self.lock().sessions.remove(token);
        }
    }

    /// Whose session this is.
    pub(crate) fn user(&self, token: &str) -> Option<User> {
        self.lock().sessions.get(token).cloned()
    }

    /// A new voucher.
    pub(crate) fn voucher(&self) -> String {
        let mut register = self.lock();
        register.vouchers += 1;
        let number = register.vouchers.to_string();
        format!("{number}.{}", self.sealed(&number))
    }

    /// The voucher is one of this server's.
    pub(crate) fn vouches(&self, voucher: &str) -> bool {
        voucher.split_once('.').is_some_and(|(number, seal)| self.sealed(number) == seal)
    }

    fn sealed(&self, number: &str) -> String {
        Uuid::new_v5(&self.seal, number.as_bytes()).simple().to_string()
    }

    fn lock(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Register {
    fn add(&mut self, form: Form) -> User {
        let made = || format!("u{:07x}", self.by_name.len() + 1).into();
        let user: User = form.user.unwrap_or_else(made);
        let account = Account { user: user.clone(), password: form.password };
        self.by_name.insert(form.name, account);
        user
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(name: &str, password: &str) -> Form {
        Form { name: name.into(), password: password.into(), user: None }
    }

    #[test]
    fn a_session_is_had_by_the_right_password_and_lasts_until_the_logout() {
        let accounts = Accounts::new(false);
        let none = Bugs::NONE;
        assert!(accounts.login(form("ann", "a"), none).is_err());
        let ann = accounts.register(form("ann", "a")).unwrap();
        assert!(accounts.register(form("ann", "b")).is_err());
        assert!(accounts.login(form("ann", "b"), none).is_err());
        let (user, token) = accounts.login(form("ann", "a"), none).unwrap();
        assert_eq!((&user, accounts.user(&token)), (&ann, Some(ann.clone())));
        accounts.logout(&token, none.with(Bug::LogoutForgotten));
        assert!(accounts.user(&token).is_some());
        accounts.logout(&token, none);
        assert_eq!(accounts.user(&token), None);
        let bug = none.with(Bug::LoginAnyPassword);
        assert!(accounts.login(form("ann", "b"), bug).is_ok());
    }

    #[test]
    fn vouchers_are_known_again_by_the_server_that_made_them_alone() {
        let (one, other) = (Accounts::new(true), Accounts::new(true));
        let voucher = one.voucher();
        assert!(one.vouches(&voucher) && one.voucher() != voucher);
        assert!(!other.vouches(&voucher) && !one.vouches("this-is-no-token"));
    }
}
