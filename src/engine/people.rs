//! Who the people are to the server: ids, names, credentials.

use crate::engine::mint::{Bearer, Mint};
use crate::history::PersonId;
use crate::plan::Credential;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Shape, Spec, TokenSource, UserIds};
use serde_json::{Map, Value};
use std::time::{SystemTime, UNIX_EPOCH};

/// Makes people's credentials.
#[derive(Debug)]
pub struct Registry<'a> {
    spec: &'a Spec,
}

/// Why a person has no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoCredential(pub String);

impl<'a> Registry<'a> {
    /// A registry of a spec's people.
    #[must_use]
    pub const fn new(spec: &'a Spec) -> Self {
        Self { spec }
    }

    /// The user id that the harness chooses for a person.
    #[must_use]
    pub fn user(&self, person: PersonId) -> Scalar {
        let number = i64::from(person.0);
        match &self.spec.people.ids {
            UserIds::Integer { from } => Scalar::Int(from + number),
            UserIds::Text { pattern } => {
                Scalar::Text(pattern.replacen('#', &number.to_string(), 1).into())
            }
            UserIds::ObjectId => Scalar::Text(format!("a551{number:020x}").into()),
            UserIds::Uuid => {
                let name = format!("assize-person-{number}");
                let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes());
                Scalar::Text(id.hyphenated().to_string().into())
            }
            UserIds::ByServer => Scalar::Null,
        }
    }

    /// The chapter that a person belongs to: of every 32 people in a row there are two, in turn.
    #[must_use]
    pub fn chapter(&self, person: PersonId) -> Scalar {
        let number = i64::from(person.0 / 32 * 2 + person.0 % 2);
        match &self.spec.people.ids {
            UserIds::Integer { .. } => Scalar::Int(number + 1),
            UserIds::ObjectId => Scalar::Text(format!("a552{number:020x}").into()),
            _ => Scalar::Text(format!("chapter-{number}").into()),
        }
    }

    /// A person's id, name and credential, and the spec's constants.
    ///
    /// # Errors
    /// The credential cannot be made here; says why.
    pub fn passport(&self, person: PersonId) -> Result<Bindings, NoCredential> {
        self.passport_with(person, Credential::Good)
    }

    /// The same with a credential of this kind. Where people have none it makes no difference.
    ///
    /// # Errors
    /// As [`Registry::passport`].
    pub fn passport_with(
        &self,
        person: PersonId,
        credential: Credential,
    ) -> Result<Bindings, NoCredential> {
        let mut bindings = self.spec.constants.clone();
        bindings.set(Hole::USER, self.user(person));
        bindings.set(Hole::NAME, Scalar::Text(format!("Person {}", person.0).into()));
        bindings.set(Hole::CHAPTER, self.chapter(person));
        match &self.spec.people.token {
            TokenSource::None => {}
            TokenSource::Jwt { algorithm, secret, claims, lives } => {
                let secret = reveal(secret)?;
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                let (lives, now) = (lives.as_secs(), now.map_or(0, |now| now.as_secs()));
                let mint = Mint { algorithm, secret: &secret, lives, now };
                let other = Bindings::clone(&bindings).with(Hole::USER, self.somebody_else(person));
                let bearer = Bearer {
                    claims: self.claims(claims, &bindings)?,
                    user: json(&self.user(person)),
                    other: self.claims(claims, &other)?,
                };
                let token = mint.token(&bearer, credential).map_err(unmade)?;
                if let Some(token) = token {
                    bindings.set(Hole::TOKEN, Scalar::Text(token.into()));
                }
            }
            TokenSource::ByServer | TokenSource::File { .. } => {
                return Err(NoCredential(
                    "tokens that the server hands out or that stand in a file are not supported \
                     by this version; hint: let the harness mint a `jwt`"
                        .into(),
                ));
            }
        }
        Ok(bindings)
    }

    /// Whose id somebody would write who wants to be taken for another person.
    fn somebody_else(&self, person: PersonId) -> Scalar {
        self.user(PersonId(person.0.checked_sub(1).unwrap_or(person.0 + 1)))
    }

    fn claims(
        &self,
        claims: &Shape,
        bindings: &Bindings,
    ) -> Result<Map<String, Value>, NoCredential> {
        let mut json = String::new();
        claims.fill(bindings, &mut json).map_err(|unbound| {
            let name = self.spec.holes.name(unbound.0);
            NoCredential(format!("the token's claims need `${name}`"))
        })?;
        serde_json::from_str(&json).map_err(unmade)
    }
}

fn reveal(secret: &crate::spec::Secret) -> Result<String, NoCredential> {
    let from_environment = secret.variable.as_ref().and_then(|name| std::env::var(name).ok());
    from_environment.or_else(|| secret.default.clone()).ok_or_else(|| {
        let name = secret.variable.as_deref().unwrap_or("the secret");
        NoCredential(format!("environment variable `{name}` with the token secret is not set"))
    })
}

fn unmade(reason: impl std::fmt::Display) -> NoCredential {
    NoCredential(format!("token could not be made: {reason}"))
}

/// A user id as it stands in a token.
fn json(user: &Scalar) -> Value {
    match user {
        Scalar::Int(number) => (*number).into(),
        other => other.text().into(),
    }
}
