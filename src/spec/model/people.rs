//! `people:` who the users are, and where their credentials come from.

use crate::spec::bindings::Hole;
use crate::spec::shape::Shape;
use std::path::PathBuf;
use std::time::Duration;

/// `people:`
#[derive(Clone, Debug)]
pub struct People {
    /// What a user id looks like when the harness chooses it.
    pub ids: UserIds,
    /// What people are called: a text with `#` for the person's number, e.g. `Person #`.
    pub names: String,
    /// Where the credential comes from.
    pub token: TokenSource,
}

/// What a user id looks like when the harness chooses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserIds {
    /// Integers from this number on.
    Integer {
        /// The first person's id.
        from: i64,
    },
    /// A text with `#` for the person's number, e.g. `assize-#`.
    Text {
        /// The pattern.
        pattern: String,
    },
    /// 24 hex characters.
    ObjectId,
    /// Version 5 UUIDs of the person's number.
    Uuid,
    /// The server chooses it: bound by `register` or `login`.
    ByServer,
}

/// Where a person's credential comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// There is none.
    None,
    /// The harness mints a JWT.
    Jwt {
        /// The signing algorithm, e.g. `HS256`.
        algorithm: String,
        /// The secret of an HMAC, or the private key (PEM), and where it is found.
        secret: Secret,
        /// The claims; a shape to fill.
        claims: Shape,
        /// Lifetime (claims `iat` and `exp` are added).
        lives: Duration,
    },
    /// `register` or `login` binds `$token`.
    ByServer,
    /// Read from a CSV file with a header line; each column binds the hole of its name.
    File {
        /// The file's path; a relative one was written relative to the spec's file.
        path: PathBuf,
        /// The columns that are used.
        columns: Vec<Hole>,
    },
}

/// A secret is named, never printed. The first place that has one counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret {
    /// The environment variable.
    pub variable: Option<String>,
    /// The file; a relative one was written relative to the spec's file.
    pub file: Option<PathBuf>,
    /// The value in the file, for test servers.
    pub default: Option<String>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
