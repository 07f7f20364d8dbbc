//! Who the people are to the server: ids, names, credentials.

use crate::history::PersonId;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Spec, TokenSource, UserIds};
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

    /// A person's id, name and credential, and the spec's constants.
    ///
    /// # Errors
    /// The credential cannot be made here; says why.
    pub fn passport(&self, person: PersonId) -> Result<Bindings, NoCredential> {
        let mut bindings = self.spec.constants.clone();
        bindings.set(Hole::USER, self.user(person));
        bindings.set(Hole::NAME, Scalar::Text(format!("Person {}", person.0).into()));
        match &self.spec.people.token {
            TokenSource::None => {}
            TokenSource::Jwt { algorithm, secret, claims, lives } => {
                let secret = reveal(secret)?;
                let mut json = String::new();
                claims.fill(&bindings, &mut json).map_err(|unbound| {
                    let name = self.spec.holes.name(unbound.0);
                    NoCredential(format!("the token's claims need `${name}`"))
                })?;
                let token = mint(algorithm, &secret, &json, lives.as_secs())?;
                bindings.set(Hole::TOKEN, Scalar::Text(token.into()));
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
}

fn reveal(secret: &crate::spec::Secret) -> Result<String, NoCredential> {
    let from_environment = secret.variable.as_ref().and_then(|name| std::env::var(name).ok());
    from_environment.or_else(|| secret.default.clone()).ok_or_else(|| {
        let name = secret.variable.as_deref().unwrap_or("the secret");
        NoCredential(format!("environment variable `{name}` with the token secret is not set"))
    })
}

fn mint(algorithm: &str, secret: &str, claims: &str, lives: u64) -> Result<String, NoCredential> {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let failed = |reason: String| NoCredential(format!("token could not be made: {reason}"));
    let algorithm: Algorithm =
        algorithm.parse().map_err(|_| failed(format!("`{algorithm}` is not a known algorithm")))?;
    let mut claims: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(claims).map_err(|error| failed(error.to_string()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), (now + lives).into());
    let key = match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            Ok(EncodingKey::from_secret(secret.as_bytes()))
        }
        Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(secret.as_bytes()),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(secret.as_bytes()),
        _ => EncodingKey::from_rsa_pem(secret.as_bytes()),
    };
    let key = key.map_err(|error| failed(error.to_string()))?;
    encode(&Header::new(algorithm), &claims, &key).map_err(|error| failed(error.to_string()))
}
