//! The bugs of a doorman: tokens that an honest one does not believe.
//!
//! Each bug is one way of not looking. What a token says is read here without being verified, which
//! the honest server never does.

use crate::reference::auth::{Doorman, Jwt};
use crate::reference::bugs::{Bug, Bugs};
use crate::reference::model::User;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, DecodingKey, decode_header};
use serde_json::Value;

/// The name of somebody who has shown nothing that names them.
const GUEST: &str = "0";

/// Where a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// The handshake, in the first place where a token stands.
    Socket,
    /// The handshake, in the other place.
    Elsewhere,
    /// A request over HTTP.
    Http,
}

/// Who is let in though an honest doorman lets nobody in.
pub(crate) fn believed(
    doorman: &Doorman,
    bugs: Bugs,
    token: Option<&str>,
    door: Door,
) -> Option<User> {
    let Doorman::Jwt(jwt) = doorman else { return None };
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return bugs.has(Bug::TokenMissing).then(|| GUEST.into());
    };
    let Some(claims) = token.split('.').nth(1).and_then(json) else {
        return bugs.has(Bug::TokenGarbage).then(|| GUEST.into());
    };
    let claimed = || claimed(doorman, token);
    if (bugs.has(Bug::TokenHttpUnchecked) && door == Door::Http)
        || (bugs.has(Bug::TokenElsewhereUnchecked) && door == Door::Elsewhere)
    {
        return claimed();
    }
    if bugs.has(Bug::TokenFirstOnly) {
        return claimed().filter(|user| doorman.knows(user));
    }
    if passes(jwt, bugs, token) {
        return claimed().or_else(|| nameless(bugs, &claims));
    }
    claimed().filter(|_| signed_badly(jwt, bugs, token))
}

/// Whom a token names, verified or not.
pub(crate) fn claimed(doorman: &Doorman, token: &str) -> Option<User> {
    let Doorman::Jwt(jwt) = doorman else { return None };
    jwt.named_by(&token.split('.').nth(1).and_then(json)?)
}

/// The token is verified, but for what a bug leaves out.
fn passes(jwt: &Jwt, bugs: Bugs, token: &str) -> bool {
    let mut validation = jwt.validation.clone();
    validation.validate_exp &= !bugs.has(Bug::TokenExpired);
    validation.validate_nbf &= !bugs.has(Bug::TokenEarly);
    if bugs.has(Bug::TokenOtherAlgorithm) {
        validation.algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    }
    jwt.verified(token, &validation).is_some()
}

/// The signature is none, or is not looked at as it should be.
fn signed_badly(jwt: &Jwt, bugs: Bugs, token: &str) -> bool {
    let Some((message, signature)) = token.rsplit_once('.') else { return false };
    let Ok(header) = decode_header(token) else {
        let head = message.split('.').next().and_then(json).unwrap_or_default();
        return bugs.has(Bug::TokenUnsigned) && head["alg"] == "none";
    };
    let documented = jwt.validation.algorithms[0];
    let signed =
        |key: &DecodingKey| verify(signature, message.as_bytes(), key, documented).unwrap_or(false);
    if signature.is_empty() {
        bugs.has(Bug::TokenUnsealed)
    } else if header.alg != documented {
        (bugs.has(Bug::TokenMislabelled) && signed(&jwt.keys.verifying))
            || (bugs.has(Bug::TokenConfused) && confused(jwt, message, signature, header.alg))
    } else {
        let forgotten = || jwt.keys.stranger().is_ok_and(|stranger| signed(&stranger.verifying));
        bugs.has(Bug::TokenAltered) || (bugs.has(Bug::TokenWrongKey) && forgotten())
    }
}

/// The public key is taken for the secret of the algorithm that the token names.
fn confused(jwt: &Jwt, message: &str, signature: &str, named: Algorithm) -> bool {
    let Some(public) = &jwt.keys.public else { return false };
    let secret = DecodingKey::from_secret(public.as_bytes());
    named == Algorithm::HS256
        && verify(signature, message.as_bytes(), &secret, named).unwrap_or(false)
}

/// The JSON of one part of a token.
fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// Whom a verified token is taken for that names nobody.
fn nameless(bugs: Bugs, claims: &Value) -> Option<User> {
    let odd = claims.as_object()?.values().any(Value::is_object);
    let bug = if odd { Bug::TokenOddUser } else { Bug::TokenUserless };
    bugs.has(bug).then(|| GUEST.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::auth::accounts;
    use crate::reference::tests::spec;
    use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
    use serde_json::json;

    fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    #[test]
    fn each_bug_believes_its_own_kind_of_token_and_an_honest_doorman_none() {
        let doorman = Doorman::new(&spec(), &accounts(&spec()).unwrap()).unwrap();
        let (secret, now) = ("assize-callback-ack", get_current_timestamp());
        let good = json!({ "userId": 7, "exp": now + 60 });
        let hs256 = |claims| signed(Algorithm::HS256, secret, &claims);
        let tokens = [
            (Bug::TokenMissing, String::new()),
            (Bug::TokenGarbage, "garbage".into()),
            (Bug::TokenExpired, hs256(json!({ "userId": 7, "exp": now - 60 }))),
            (Bug::TokenEarly, hs256(json!({ "userId": 7, "exp": now + 60, "nbf": now + 30 }))),
            (Bug::TokenUserless, hs256(json!({ "exp": now + 60 }))),
            (Bug::TokenOddUser, hs256(json!({ "userId": { "$ne": null }, "exp": now + 60 }))),
            (Bug::TokenOtherAlgorithm, signed(Algorithm::HS512, secret, &good)),
            (Bug::TokenWrongKey, signed(Algorithm::HS256, &format!("not {secret}"), &good)),
        ];
        assert_eq!(doorman.user(&hs256(good)), Some("7".into()));
        for (bug, token) in &tokens {
            assert_eq!(doorman.user(token), None, "{bug}");
            for (other, _) in &tokens {
                let bugs = Bugs::NONE.with(*other);
                let let_in = believed(&doorman, bugs, Some(token), Door::Socket).is_some();
                assert_eq!(let_in, bug == other, "{other} and the token of {bug}");
            }
        }
    }
}
