//! What tokens are signed with: a secret or a private key, found once, and the public key of it.
//!
//! Knows neither claims nor who holds a token. Nothing of it is ever printed. Start with
//! [`Keys::of`].

use crate::spec::Secret;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::pkcs1::DecodeRsaPrivateKey;
use std::fs;
use std::sync::OnceLock;

/// Bits of an RSA key that is made up.
const RSA_BITS: usize = 2048;

/// What tokens of one algorithm are signed and verified with.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) algorithm: Algorithm,
    pub(crate) signing: EncodingKey,
    pub(crate) verifying: DecodingKey,
    /// The secret of an HMAC.
    secret: Option<String>,
    /// The public key as PEM, where there is one.
    pub(crate) public: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({:?})", self.algorithm)
    }
}

impl Keys {
    /// The keys of a spec's algorithm and secret.
    ///
    /// # Errors
    /// The secret is nowhere, or no key of this algorithm; says where it was looked for.
    pub(crate) fn of(algorithm: &str, secret: &Secret) -> Result<Self, String> {
        let known: Algorithm =
            algorithm.parse().map_err(|_| format!("`{algorithm}` is not a known algorithm"))?;
        let (text, place) = reveal(secret)?;
        Self::read(known, &text)
            .map_err(|reason| format!("{place} holds no private key for {algorithm}: {reason}"))
    }

    /// Another key of the same kind: that of somebody who has nothing to say here.
    pub(crate) fn stranger(&self) -> Result<Self, String> {
        // It takes a while to find one, and it stays the same as long as the program runs.
        static RSA: OnceLock<Result<Keys, String>> = OnceLock::new();
        static CURVE: OnceLock<Result<Keys, String>> = OnceLock::new();
        match (&self.secret, self.algorithm) {
            (Some(secret), algorithm) => Self::read(algorithm, &format!("not {secret}")),
            (None, Algorithm::ES256) => CURVE
                .get_or_init(|| {
                    Self::elliptic(&p256::SecretKey::random(&mut rsa::rand_core::OsRng))
                })
                .clone(),
            (None, _) => RSA
                .get_or_init(|| {
                    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, RSA_BITS);
                    Self::of_rsa(&key.map_err(|error| error.to_string())?)
                })
                .clone(),
        }
    }

    fn read(algorithm: Algorithm, text: &str) -> Result<Self, String> {
        match algorithm {
            Algorithm::RS256 => {
                let key = rsa::RsaPrivateKey::from_pkcs8_pem(text)
                    .or_else(|_| rsa::RsaPrivateKey::from_pkcs1_pem(text));
                Self::of_rsa(&key.map_err(|error| error.to_string())?)
            }
            Algorithm::ES256 => {
                let key = p256::SecretKey::from_pkcs8_pem(text)
                    .or_else(|_| p256::SecretKey::from_sec1_pem(text));
                Self::elliptic(&key.map_err(|error| error.to_string())?)
            }
            algorithm => Ok(Self {
                algorithm,
                signing: EncodingKey::from_secret(text.as_bytes()),
                verifying: DecodingKey::from_secret(text.as_bytes()),
                secret: Some(text.to_owned()),
                public: None,
            }),
        }
    }

    fn of_rsa(key: &rsa::RsaPrivateKey) -> Result<Self, String> {
        let private = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| error.to_string())?;
        let public = key.to_public_key().to_public_key_pem(LineEnding::LF);
        let public = public.map_err(|error| error.to_string())?;
        let signing = EncodingKey::from_rsa_pem(private.as_bytes());
        let verifying = DecodingKey::from_rsa_pem(public.as_bytes());
        Self::pair(Algorithm::RS256, signing, verifying, public)
    }

    fn elliptic(key: &p256::SecretKey) -> Result<Self, String> {
        let private = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| error.to_string())?;
        let public = key.public_key().to_public_key_pem(LineEnding::LF);
        let public = public.map_err(|error| error.to_string())?;
        let signing = EncodingKey::from_ec_pem(private.as_bytes());
        let verifying = DecodingKey::from_ec_pem(public.as_bytes());
        Self::pair(Algorithm::ES256, signing, verifying, public)
    }

    fn pair(
        algorithm: Algorithm,
        signing: jsonwebtoken::errors::Result<EncodingKey>,
        verifying: jsonwebtoken::errors::Result<DecodingKey>,
        public: String,
    ) -> Result<Self, String> {
        Ok(Self {
            algorithm,
            signing: signing.map_err(|error| error.to_string())?,
            verifying: verifying.map_err(|error| error.to_string())?,
            secret: None,
            public: Some(public),
        })
    }
}

/// The secret, and the place that had it: the environment, a file, the spec.
fn reveal(secret: &Secret) -> Result<(String, String), String> {
    if let Some(name) = &secret.variable
        && let Ok(value) = std::env::var(name)
    {
        return Ok((value, format!("the environment variable `{name}`")));
    }
    if let Some(path) = &secret.file {
        let text = fs::read_to_string(path)
            .map_err(|error| format!("the key file `{}` cannot be read: {error}", path.display()));
        match (text, &secret.default) {
            // A line of its own is how editors end a file, not a part of a secret.
            (Ok(text), _) => {
                let place = format!("the file `{}`", path.display());
                return Ok((text.trim_end_matches(['\r', '\n']).to_owned(), place));
            }
            (Err(unread), None) => return Err(unread),
            (Err(_), Some(_)) => {}
        }
    }
    match (&secret.default, &secret.variable) {
        (Some(default), _) => Ok((default.clone(), "the spec's default".to_owned())),
        (None, Some(name)) => Err(format!(
            "the environment variable `{name}`, which holds the secret of tokens, is not set"
        )),
        (None, None) => Err("the spec names no secret".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_before_the_default_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "from the file\n").unwrap();
        let mut secret = Secret {
            variable: Some("ASSIZE_NO_SUCH_VARIABLE".into()),
            file: Some(path),
            default: Some("the default".into()),
        };
        assert_eq!(reveal(&secret).unwrap().0, "from the file");
        secret.file = None;
        assert_eq!(reveal(&secret).unwrap().0, "the default");
        secret.default = None;
        assert!(reveal(&secret).unwrap_err().contains("`ASSIZE_NO_SUCH_VARIABLE`"));
    }

    #[test]
    fn keys_are_read_in_both_usual_forms_and_what_is_none_is_said_without_showing_it() {
        let key = p256::SecretKey::random(&mut rsa::rand_core::OsRng);
        let forms =
            [key.to_pkcs8_pem(LineEnding::LF).unwrap(), key.to_sec1_pem(LineEnding::LF).unwrap()];
        let [one, other] = forms.map(|pem| Keys::read(Algorithm::ES256, &pem).unwrap());
        assert_eq!(one.public, other.public);
        assert_ne!(one.stranger().unwrap().public, one.public);
        let secret = Secret { default: Some("not-a-key".into()), ..Secret::default() };
        for algorithm in ["RS256", "ES256"] {
            let why = Keys::of(algorithm, &secret).unwrap_err();
            assert!(why.contains("no private key") && !why.contains("not-a-key"), "{why}");
        }
        assert!(!format!("{:?}", Keys::of("HS256", &secret).unwrap()).contains("not-a-key"));
    }
}
