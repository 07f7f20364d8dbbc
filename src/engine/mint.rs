//! Tokens, good and bad: JWTs as the spec says they are made, and each way of getting one wrong.
//!
//! Nothing here knows who needs them or what a server makes of them. Start with [`Mint::token`].

use crate::plan::Credential;
use crate::plan::credential::BRIEF_S;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value, json};

/// How far off a time is that is to be past, or to come, in seconds.
const FAR: u64 = 3600;

/// What tokens are made of.
pub(super) struct Mint<'a> {
    /// The documented algorithm, e.g. `HS256`.
    pub(super) algorithm: &'a str,
    pub(super) secret: &'a str,
    /// How long a good token lives, in seconds.
    pub(super) lives: u64,
    /// The time, in seconds since 1970.
    pub(super) now: u64,
}

/// Whose token it is.
pub(super) struct Bearer {
    /// The claims about the person.
    pub(super) claims: Map<String, Value>,
    /// The person's id.
    pub(super) user: Value,
    /// The claims about somebody else.
    pub(super) other: Map<String, Value>,
}

impl Mint<'_> {
    /// A token for this person; `None`: none at all.
    ///
    /// # Errors
    /// The algorithm is unknown or does not take the secret.
    pub(super) fn token(
        &self,
        bearer: &Bearer,
        credential: Credential,
    ) -> Result<Option<String>, String> {
        let now = self.now;
        let (from, until) = match credential {
            Credential::Expired => (now - 2 * FAR, now - FAR),
            Credential::Early => (now + FAR, now + 2 * FAR),
            Credential::Brief => (now, now + BRIEF_S),
            _ => (now, now + self.lives),
        };
        let mut claims = bearer.claims.clone();
        match credential {
            Credential::Userless => claims.retain(|_, value| *value != bearer.user),
            Credential::OddUser => {
                claims.values_mut().filter(|value| **value == bearer.user).for_each(|value| {
                    *value = json!({ "$ne": null });
                });
            }
            _ => {}
        }
        let body = dated(claims, from, until, credential == Credential::Early);
        let token = match credential {
            Credential::Missing => return Ok(None),
            Credential::Empty => String::new(),
            Credential::Garbage => "this-is-no-token".into(),
            Credential::Unsigned => format!("{}.{body}.", header("none")),
            Credential::Unsealed => format!("{}.{body}.", header(self.algorithm)),
            Credential::WrongKey => {
                let secret = format!("not {}", self.secret);
                sealed(&header(self.algorithm), &body, self.algorithm, &secret)?
            }
            Credential::Mislabelled => {
                sealed(&header(self.other_algorithm()), &body, self.algorithm, self.secret)?
            }
            Credential::OtherAlgorithm => {
                let other = self.other_algorithm();
                sealed(&header(other), &body, other, self.secret)?
            }
            Credential::Altered => {
                let good = sealed(&header(self.algorithm), &body, self.algorithm, self.secret)?;
                let forged = dated(bearer.other.clone(), from, until, false);
                good.replacen(&body, &forged, 1)
            }
            _ => sealed(&header(self.algorithm), &body, self.algorithm, self.secret)?,
        };
        Ok(Some(token))
    }

    /// An algorithm that takes the same secret and is not the documented one.
    fn other_algorithm(&self) -> &'static str {
        if self.algorithm == "HS512" { "HS256" } else { "HS512" }
    }
}

fn header(algorithm: &str) -> String {
    part(&json!({ "typ": "JWT", "alg": algorithm }))
}

/// The payload with its times.
fn dated(mut claims: Map<String, Value>, from: u64, until: u64, not_before: bool) -> String {
    claims.insert("iat".into(), from.into());
    claims.insert("exp".into(), until.into());
    if not_before {
        claims.insert("nbf".into(), from.into());
    }
    part(&Value::Object(claims))
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn sealed(header: &str, body: &str, algorithm: &str, secret: &str) -> Result<String, String> {
    let known: Algorithm =
        algorithm.parse().map_err(|_| format!("`{algorithm}` is not a known algorithm"))?;
    let message = format!("{header}.{body}");
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature =
        crypto::sign(message.as_bytes(), &key, known).map_err(|error| error.to_string())?;
    Ok(format!("{message}.{signature}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation, decode, get_current_timestamp};
    use std::collections::HashSet;

    fn claims(user: u64) -> Map<String, Value> {
        let Value::Object(claims) = json!({ "userId": user }) else { unreachable!() };
        claims
    }

    /// The user that a strict server finds in a token of this kind, or why it takes it not.
    fn found(credential: Credential) -> Result<Value, String> {
        let now = get_current_timestamp();
        let mint = Mint { algorithm: "HS256", secret: "secret", lives: 60, now };
        let bearer = Bearer { claims: claims(7), user: 7.into(), other: claims(8) };
        let token = mint.token(&bearer, credential).unwrap().ok_or("none")?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_nbf = true;
        let key = DecodingKey::from_secret(b"secret");
        let decoded = decode::<Value>(&token, &key, &validation);
        decoded.map(|token| token.claims["userId"].clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_strict_server_takes_the_good_ones_and_each_bad_one_is_bad_in_its_own_way() {
        for credential in [Credential::Good, Credential::Brief] {
            assert_eq!(found(credential), Ok(7.into()));
        }
        assert_eq!(found(Credential::Userless), Ok(Value::Null));
        assert_eq!(found(Credential::OddUser), Ok(json!({ "$ne": null })));
        let mut reasons = HashSet::new();
        for credential in Credential::ALL {
            if !credential.is_valid() {
                reasons.extend(found(*credential).err());
            }
        }
        for reason in ["none", "ExpiredSignature", "ImmatureSignature", "InvalidSignature"] {
            assert!(reasons.contains(reason), "{reasons:?}");
        }
    }

    #[test]
    fn what_was_altered_keeps_its_old_signature() {
        let mint = Mint { algorithm: "HS256", secret: "secret", lives: 60, now: 1_000_000 };
        let bearer = Bearer { claims: claims(7), user: 7.into(), other: claims(8) };
        let [good, forged] = [Credential::Good, Credential::Altered]
            .map(|credential| mint.token(&bearer, credential).unwrap().unwrap());
        let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
        let (good, forged) = (parts(&good), parts(&forged));
        assert_eq!((&good[0], &good[2]), (&forged[0], &forged[2]));
        assert_ne!(good[1], forged[1]);
    }
}
