//! Tokens, good and bad: JWTs as the spec says they are made, and each way of getting one wrong.
//!
//! Nothing here knows who needs them or what a server makes of them. Start with [`Mint::token`].

use crate::engine::keys::Keys;
use crate::plan::Credential;
use crate::plan::credential::BRIEF_S;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value, json};

/// What is no token, wherever it stands.
pub(super) const GARBAGE: &str = "this-is-no-token";
/// How far off a time is that is to be past, or to come, in seconds.
const FAR: u64 = 3600;

/// What tokens are made of.
pub(super) struct Mint<'a> {
    /// What they are signed with, and how.
    pub(super) keys: &'a Keys,
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
    /// There is no such token for this algorithm.
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
        let Keys { algorithm, signing, public, .. } = self.keys;
        let token = match credential {
            Credential::Missing => return Ok(None),
            Credential::Empty => String::new(),
            Credential::Garbage => GARBAGE.into(),
            Credential::Unsigned => format!("{}.{body}.", header("none")),
            Credential::Unsealed => format!("{}.{body}.", header(name(*algorithm))),
            Credential::WrongKey => {
                let stranger = self.keys.stranger()?;
                sealed(name(*algorithm), &body, *algorithm, &stranger.signing)?
            }
            Credential::Mislabelled => {
                sealed(name(self.other_algorithm()), &body, *algorithm, signing)?
            }
            Credential::OtherAlgorithm => {
                let other = self.other_algorithm();
                let key = match public {
                    // No other algorithm takes the key of an elliptic curve; it takes its text.
                    Some(public) if *algorithm == Algorithm::ES256 => {
                        &EncodingKey::from_secret(public.as_bytes())
                    }
                    _ => signing,
                };
                sealed(name(other), &body, other, key)?
            }
            Credential::Confused => {
                let public = public.as_ref().ok_or("the algorithm has no public key")?;
                let key = EncodingKey::from_secret(public.as_bytes());
                sealed("HS256", &body, Algorithm::HS256, &key)?
            }
            Credential::Altered => {
                let good = sealed(name(*algorithm), &body, *algorithm, signing)?;
                let forged = dated(bearer.other.clone(), from, until, false);
                good.replacen(&body, &forged, 1)
            }
            _ => sealed(name(*algorithm), &body, *algorithm, signing)?,
        };
        Ok(Some(token))
    }

    /// An algorithm that is not the documented one, and takes the same key where there is such.
    fn other_algorithm(&self) -> Algorithm {
        match self.keys.algorithm {
            Algorithm::HS512 => Algorithm::HS256,
            Algorithm::RS256 => Algorithm::RS512,
            _ => Algorithm::HS512,
        }
    }
}

/// As headers spell it.
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HS384 => "HS384",
        Algorithm::HS512 => "HS512",
        Algorithm::RS256 => "RS256",
        Algorithm::RS512 => "RS512",
        Algorithm::ES256 => "ES256",
        _ => "HS256",
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

fn sealed(
    named: &str,
    body: &str,
    algorithm: Algorithm,
    key: &EncodingKey,
) -> Result<String, String> {
    let message = format!("{}.{body}", header(named));
    let signature = crypto::sign(message.as_bytes(), key, algorithm);
    Ok(format!("{message}.{}", signature.map_err(|error| error.to_string())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Secret;
    use jsonwebtoken::{DecodingKey, Validation, decode, get_current_timestamp};
    use p256::pkcs8::LineEnding;
    use std::collections::HashSet;

    fn claims(user: u64) -> Map<String, Value> {
        let Value::Object(claims) = json!({ "userId": user }) else { unreachable!() };
        claims
    }

    /// Keys of every algorithm.
    fn all_keys() -> Vec<Keys> {
        let spec = include_str!("../../specs/signed-tokens.yaml").lines().map(str::trim);
        let key = spec.skip_while(|line| !line.starts_with("-----BEGIN"));
        let key: Vec<&str> =
            key.take_while(|line| *line != "claims: { sub: $user, name: $name }").collect();
        let rsa = key.join("\n");
        let elliptic = p256::SecretKey::random(&mut rsa::rand_core::OsRng);
        let elliptic = elliptic.to_sec1_pem(LineEnding::LF).unwrap();
        let secrets = [("RS256", rsa.as_str()), ("ES256", elliptic.as_str())].into_iter();
        let secrets = secrets.chain(["HS256", "HS384", "HS512"].map(|name| (name, "secret")));
        let keys = secrets.map(|(algorithm, text)| {
            let secret = Secret { default: Some(text.to_owned()), ..Secret::default() };
            Keys::of(algorithm, &secret).unwrap()
        });
        keys.collect()
    }

    /// The user that a strict server finds in a token of this kind, or why it takes it not.
    fn found(keys: &Keys, credential: Credential) -> Result<Value, String> {
        let mint = Mint { keys, lives: 60, now: get_current_timestamp() };
        let bearer = Bearer { claims: claims(7), user: 7.into(), other: claims(8) };
        let token = mint.token(&bearer, credential)?.ok_or("none")?;
        let mut validation = Validation::new(keys.algorithm);
        validation.validate_nbf = true;
        let decoded = decode::<Value>(&token, &keys.verifying, &validation);
        decoded.map(|token| token.claims["userId"].clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_strict_server_takes_the_good_ones_and_each_bad_one_is_bad_in_its_own_way() {
        for keys in &all_keys() {
            for credential in [Credential::Good, Credential::Brief] {
                assert_eq!(found(keys, credential), Ok(7.into()), "{keys:?}");
            }
            assert_eq!(found(keys, Credential::Userless), Ok(Value::Null));
            assert_eq!(found(keys, Credential::OddUser), Ok(json!({ "$ne": null })));
            let mut reasons = HashSet::new();
            for credential in Credential::ALL.iter().filter(|one| !one.is_asked_for()) {
                if !credential.is_valid() {
                    reasons.extend(found(keys, *credential).err());
                }
            }
            for reason in ["none", "ExpiredSignature", "ImmatureSignature", "InvalidSignature"] {
                assert!(reasons.contains(reason), "{keys:?}: {reasons:?}");
            }
        }
    }

    #[test]
    fn who_takes_the_public_key_for_a_secret_believes_everybody() {
        for keys in all_keys().iter().filter(|keys| keys.public.is_some()) {
            let mint = Mint { keys, lives: 60, now: get_current_timestamp() };
            let bearer = Bearer { claims: claims(7), user: 7.into(), other: claims(8) };
            let token = mint.token(&bearer, Credential::Confused).unwrap().unwrap();
            let taken = DecodingKey::from_secret(keys.public.as_ref().unwrap().as_bytes());
            let gullible = Validation::new(Algorithm::HS256);
            assert!(decode::<Value>(&token, &taken, &gullible).is_ok(), "{keys:?}");
            assert!(found(keys, Credential::Confused).is_err(), "{keys:?}");
        }
    }

    #[test]
    fn what_was_altered_keeps_its_old_signature() {
        let keys = all_keys().pop().unwrap();
        let mint = Mint { keys: &keys, lives: 60, now: 1_000_000 };
        let bearer = Bearer { claims: claims(7), user: 7.into(), other: claims(8) };
        let [good, forged] = [Credential::Good, Credential::Altered]
            .map(|credential| mint.token(&bearer, credential).unwrap().unwrap());
        let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
        let (good, forged) = (parts(&good), parts(&forged));
        assert_eq!((&good[0], &good[2]), (&forged[0], &forged[2]));
        assert_ne!(good[1], forged[1]);
    }
}
