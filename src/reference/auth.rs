//! Who somebody is: tokens, verified as the spec says they are made.

use crate::engine::keys::Keys;
use crate::engine::people::Registry;
use crate::operation::Operation;
use crate::reference::accounts::Accounts;
use crate::reference::model::User;
use crate::reference::play::has_accounts;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Shape, Spec, TokenSource};
use crate::world;
use compact_str::CompactString;
use jsonwebtoken::Validation;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// Believes tokens, or nobody's.
pub(crate) enum Doorman {
    /// The spec has no tokens: everybody is who they say.
    Open,
    Jwt(Box<Jwt>),
    /// It hands out the tokens itself.
    Accounts(Arc<Accounts>),
}

pub(crate) struct Jwt {
    pub(super) keys: Keys,
    pub(super) validation: Validation,
    claims: Shape,
    constants: Bindings,
    /// Whom it has believed; kept only for doormen with a bug.
    believed: Mutex<FxHashSet<User>>,
    /// The chapters that tokens have named.
    chapters: Mutex<FxHashMap<User, CompactString>>,
}

impl Doorman {
    /// The doorman for a spec, or why the reference server can't be it.
    pub(crate) fn new(spec: &Spec, accounts: &Arc<Accounts>) -> Result<Self, String> {
        if has_accounts(spec) {
            return Ok(Self::Accounts(Arc::clone(accounts)));
        }
        match &spec.people.token {
            TokenSource::None => Ok(Self::Open),
            TokenSource::Jwt { algorithm, secret, claims, .. } => {
                let keys = Keys::of(algorithm, secret)?;
                let mut validation = Validation::new(keys.algorithm);
                validation.leeway = 0;
                validation.validate_nbf = true;
                validation.validate_aud = false;
                Ok(Self::Jwt(Box::new(Jwt {
                    keys,
                    validation,
                    claims: claims.clone(),
                    constants: spec.constants.clone(),
                    believed: Mutex::default(),
                    chapters: Mutex::default(),
                })))
            }
            TokenSource::ByServer => Err("nothing says how a token is had: no `login`".into()),
            TokenSource::File { .. } => Ok(Self::Accounts(Arc::clone(accounts))),
        }
    }

    pub(crate) const fn wants_token(&self) -> bool {
        !matches!(self, Self::Open)
    }

    /// Whose token this is. `None`: nobody's, or no longer.
    pub(crate) fn user(&self, token: &str) -> Option<User> {
        let jwt = match self {
            Self::Open => return None,
            Self::Accounts(accounts) => return accounts.user(token),
            Self::Jwt(jwt) => jwt,
        };
        let claims = jwt.verified(token, &jwt.validation)?;
        let user = jwt.named_by(&claims)?;
        jwt.note_chapter(&user, &claims);
        Some(user)
    }

    /// The chapter of this person, if a token has named it.
    pub(crate) fn chapter(&self, user: &User) -> Option<CompactString> {
        let Self::Jwt(jwt) = self else { return None };
        jwt.chapters.lock().unwrap_or_else(PoisonError::into_inner).get(user).cloned()
    }

    /// Remembers whom it has believed.
    pub(crate) fn remember(&self, user: &User) {
        if let Self::Jwt(jwt) = self {
            jwt.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(user.clone());
        }
    }

    /// It has believed this person before.
    pub(super) fn knows(&self, user: &User) -> bool {
        let Self::Jwt(jwt) = self else { return false };
        jwt.believed.lock().unwrap_or_else(PoisonError::into_inner).contains(user)
    }
}

impl Jwt {
    /// The claims of a token that is good by these rules; what time it is, the world says.
    pub(super) fn verified(&self, token: &str, rules: &Validation) -> Option<Value> {
        let mut timeless = rules.clone();
        (timeless.validate_exp, timeless.validate_nbf) = (false, false);
        let decoded = jsonwebtoken::decode::<Value>(token, &self.keys.verifying, &timeless);
        let (claims, now) = (decoded.ok()?.claims, world::wall().as_secs() as f64);
        let late = rules.validate_exp && claims["exp"].as_f64().is_none_or(|until| until < now);
        let early = rules.validate_nbf && claims["nbf"].as_f64().is_some_and(|from| from > now);
        (!late && !early).then_some(claims)
    }

    /// Whom claims name, verified or not.
    pub(super) fn named_by(&self, claims: &Value) -> Option<User> {
        match self.bound(claims)?.get(Hole::USER)? {
            user @ (Scalar::Int(_) | Scalar::Text(_)) => Some(user.id()),
            _ => None,
        }
    }

    /// A verified token says which chapter its person belongs to, or nothing of it.
    fn note_chapter(&self, user: &User, claims: &Value) {
        let bindings = self.bound(claims);
        if let Some(chapter) = bindings.as_ref().and_then(|bound| bound.get(Hole::CHAPTER)) {
            let mut chapters = self.chapters.lock().unwrap_or_else(PoisonError::into_inner);
            chapters.insert(user.clone(), chapter.id());
        }
    }

    fn bound(&self, claims: &Value) -> Option<Bindings> {
        let mut bindings = self.constants.clone();
        self.claims.matches(&claims.to_string(), &mut bindings).ok()?;
        Some(bindings)
    }
}

/// The accounts of a spec's server: nobody's yet, or those of a file.
pub(crate) fn accounts(spec: &Spec) -> Result<Arc<Accounts>, String> {
    let accounts = Accounts::new(spec.deed(Operation::Register).is_none());
    if let TokenSource::File { .. } = &spec.people.token {
        let registry = Registry::open(&Arc::new(spec.clone())).map_err(|why| why.0)?;
        accounts.admit(registry.listed());
    }
    Ok(Arc::new(accounts))
}
