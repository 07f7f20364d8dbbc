//! Who somebody is: tokens, verified as the spec says they are made.

use crate::reference::model::User;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Secret, Shape, Spec, TokenSource};
use compact_str::CompactString;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};

/// Believes tokens, or nobody's.
pub(crate) enum Doorman {
    /// The spec has no tokens: everybody is who they say.
    Open,
    Jwt(Box<Jwt>),
}

pub(crate) struct Jwt {
    pub(super) key: DecodingKey,
    pub(super) validation: Validation,
    claims: Shape,
    constants: Bindings,
    /// A key that is out of use; only a doorman with a bug still takes it.
    pub(super) forgotten: DecodingKey,
    /// Whom it has believed; kept only for doormen with a bug.
    believed: Mutex<FxHashSet<User>>,
    /// The chapters that tokens have named.
    chapters: Mutex<FxHashMap<User, CompactString>>,
}

impl Doorman {
    /// The doorman for a spec, or why the reference server can't be it.
    pub(crate) fn new(spec: &Spec) -> Result<Self, String> {
        match &spec.people.token {
            TokenSource::None => Ok(Self::Open),
            TokenSource::Jwt { algorithm, secret, claims, .. } => {
                let known = match algorithm.as_str() {
                    "HS256" => Algorithm::HS256,
                    "HS384" => Algorithm::HS384,
                    "HS512" => Algorithm::HS512,
                    other => return Err(format!("tokens signed with `{other}` are not verified")),
                };
                let mut validation = Validation::new(known);
                validation.leeway = 0;
                validation.validate_nbf = true;
                validation.validate_aud = false;
                let secret = reveal(secret)?;
                let forgotten = format!("not {secret}");
                Ok(Self::Jwt(Box::new(Jwt {
                    key: DecodingKey::from_secret(secret.as_bytes()),
                    forgotten: DecodingKey::from_secret(forgotten.as_bytes()),
                    validation,
                    claims: claims.clone(),
                    constants: spec.constants.clone(),
                    believed: Mutex::default(),
                    chapters: Mutex::default(),
                })))
            }
            TokenSource::ByServer => Err("`register` and `login` are not played".into()),
            TokenSource::File { .. } => Err("tokens from a file can't be verified".into()),
        }
    }

    pub(crate) const fn wants_token(&self) -> bool {
        matches!(self, Self::Jwt(_))
    }

    /// Whose token this is. `None`: nobody's, or no longer.
    pub(crate) fn user(&self, token: &str) -> Option<User> {
        let Self::Jwt(jwt) = self else { return None };
        let decoded = jsonwebtoken::decode::<Value>(token, &jwt.key, &jwt.validation);
        jwt.named_by(&decoded.ok()?.claims)
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
    /// Whom claims name, verified or not.
    pub(super) fn named_by(&self, claims: &Value) -> Option<User> {
        let mut bindings = self.constants.clone();
        self.claims.matches(&claims.to_string(), &mut bindings).ok()?;
        let user = match bindings.get(Hole::USER)? {
            user @ (Scalar::Int(_) | Scalar::Text(_)) => user.id(),
            _ => return None,
        };
        if let Some(chapter) = bindings.get(Hole::CHAPTER) {
            let mut chapters = self.chapters.lock().unwrap_or_else(PoisonError::into_inner);
            chapters.insert(user.clone(), chapter.id());
        }
        Some(user)
    }
}

fn reveal(secret: &Secret) -> Result<String, String> {
    let from_environment = |name: &String| std::env::var(name).ok();
    let variable = secret.variable.as_ref();
    variable.and_then(from_environment).or_else(|| secret.default.clone()).ok_or_else(|| {
        match variable {
            Some(name) => format!("the environment variable `{name}` is not set"),
            None => "the spec names no secret".into(),
        }
    })
}
