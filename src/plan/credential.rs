//! Credentials, good and bad: what a client of a script may hold out to the server.
//!
//! A name and what is wrong, nothing else: how such a token is made is the engine's business.

use std::time::Duration;

/// How long a token lives that is to run out while it is used, in seconds.
pub const BRIEF_S: u64 = 4;

macro_rules! credentials {
    ($($variant:ident $name:literal $valid:literal: $about:literal,)*) => {
        /// What a client proves with who it is.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum Credential { #[default] $(#[doc = $about] $variant,)* }

        impl Credential {
            /// Every credential there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word in scripts.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What is special about it.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// The server must take it.
            #[must_use]
            pub const fn is_valid(self) -> bool {
                match self { $(Self::$variant => $valid,)* }
            }
        }
    };
}

credentials! {
    Good "good" true: "a valid token",
    Brief "brief" true: "a token that is valid for a few seconds",
    Missing "missing" false: "no token at all",
    Empty "empty" false: "an empty token",
    Garbage "garbage" false: "something that is no token",
    Expired "expired" false: "a token that expired an hour ago",
    Early "early" false: "a token that is valid in an hour",
    WrongKey "wrong-key" false: "a token signed with another key",
    Unsigned "unsigned" false: "a token of the algorithm `none`",
    Unsealed "unsealed" false: "a token whose signature is empty",
    Mislabelled "mislabelled" false: "a token that names another algorithm than it is signed with",
    OtherAlgorithm "other-algorithm" false: "a token signed with another algorithm than documented",
    Altered "altered" false: "a token whose user was changed after it was signed",
    Userless "userless" false: "a token that names no user",
    OddUser "odd-user" false: "a token whose user is an object in place of an id",
    Confused "confused" false: "a token sealed with the public key, as if it were a secret",
    Anothers "anothers" false: "somebody else's token under one's own name",
    WrongPassword "wrong-password" false: "what a login with another password gave",
    ForgedCsrf "forged-csrf" false: "what a login with a made-up CSRF token gave",
    LoggedOut "logged-out" false: "a token whose holder has logged out",
}

impl Credential {
    /// It comes of talking to the server; the others are made without it.
    #[must_use]
    pub const fn is_asked_for(self) -> bool {
        matches!(self, Self::Anothers | Self::WrongPassword | Self::ForgedCsrf | Self::LoggedOut)
    }

    /// How long a server may take it, at most; `None`: longer than any case lasts.
    #[must_use]
    pub const fn lasts(self) -> Option<Duration> {
        match self {
            // Tokens count whole seconds.
            Self::Brief => Some(Duration::from_secs(BRIEF_S + 1)),
            _ => None,
        }
    }

    /// The credential of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_a_credential_is_good_unless_something_is_said() {
        for known in Credential::ALL {
            assert_eq!(Credential::parse(known.name()), Some(*known));
        }
        assert_eq!(Credential::parse("golden"), None);
        assert_eq!(Credential::default(), Credential::Good);
    }
}
