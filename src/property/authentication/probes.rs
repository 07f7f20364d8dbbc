//! The cases of `authentication`: each way to hold a bad credential, and each door to show it at.

use crate::property::{Need, Probe, Severity};

const ANY_TOKENS: &[Need] = &[Need::Tokens];
const TOKENS: &[Need] = &[Need::MintedTokens];

/// A stranger who is offline, so that nobody else's business shows; then again with a good one.
macro_rules! refused_and_then_let_in {
    ($token:literal) => {
        concat!(
            "people: ann, mallory stranger offline\n",
            "mallory token ",
            $token,
            "\nmallory connect\nmallory disconnect\n",
            "mallory token good\nmallory connect\nuntil mallory is ready\n",
        )
    };
}

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "no-token",
        says: "A connection without a token is refused, in the documented words.",
        why: "A check that begins with `if (token)` and has no `else` lets everybody in.",
        needs: ANY_TOKENS,
        script: refused_and_then_let_in!("missing"),
        catches: &["token-missing", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "empty-token",
        says: "A connection with an empty token is refused.",
        why: "An empty text is there and says nothing: checks for `undefined` alone let it pass.",
        needs: ANY_TOKENS,
        script: refused_and_then_let_in!("empty"),
        catches: &["token-missing", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "garbage-token",
        says: "A connection with something that is no token is refused.",
        why: "An exception while decoding must not end up as a guest, nor tell of the server's insides.",
        needs: ANY_TOKENS,
        script: refused_and_then_let_in!("garbage"),
        catches: &["token-garbage", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "expired-token",
        says: "A connection with a token that has expired is refused.",
        why: "A token that was decoded and not verified never expires.",
        needs: TOKENS,
        script: refused_and_then_let_in!("expired"),
        catches: &["token-expired", "token-late", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "not-yet-valid-token",
        says: "A connection with a token whose time has not come is refused.",
        why: "Libraries check `exp` by default, and some check `nbf` only when asked to.",
        needs: TOKENS,
        script: refused_and_then_let_in!("early"),
        catches: &["token-early", "token-late", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "wrong-key",
        says: "A connection with a token signed with another key is refused.",
        why: "Keys of tests and keys that were replaced stay in lists of accepted ones.",
        needs: TOKENS,
        script: refused_and_then_let_in!("wrong-key"),
        catches: &["token-wrong-key", "token-altered", "token-late", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "altered-token",
        says: "A connection with a token whose user was changed after it was signed is refused.",
        why: "Decoding looks just like verifying, until somebody writes another id into the token.",
        needs: TOKENS,
        script: refused_and_then_let_in!("altered"),
        catches: &["token-altered", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "algorithm-none",
        says: "A connection with a token of the algorithm `none` is refused.",
        why: "The standard allows unsigned tokens, and some libraries believe them.",
        needs: TOKENS,
        script: refused_and_then_let_in!("unsigned"),
        catches: &["token-unsigned", "token-late", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "empty-signature",
        says: "A connection with a token whose signature is empty is refused.",
        why: "An empty signature compares equal to what a failed computation left behind.",
        needs: TOKENS,
        script: refused_and_then_let_in!("unsealed"),
        catches: &["token-unsealed", "token-late", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "mislabelled-algorithm",
        says: "A connection with a token that names another algorithm than it is signed with is refused.",
        why: "A header that is not looked at can say anything, and means that nothing else of it is looked at.",
        severity: Severity::Should,
        needs: TOKENS,
        script: refused_and_then_let_in!("mislabelled"),
        catches: &["token-mislabelled", "token-late", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "other-algorithm",
        says: "A connection with a token signed with another algorithm than the documented one is refused.",
        why: "A token that chooses how it is checked can choose the weakest way there is.",
        severity: Severity::Should,
        needs: TOKENS,
        script: refused_and_then_let_in!("other-algorithm"),
        catches: &["token-other-algorithm", "token-late", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "public-key-as-secret",
        says: "A connection with a token that is sealed with the server's public key, as if it were a secret, is refused.",
        why: "Where the token chooses the algorithm, HS256 makes a secret of the key that everybody may have.",
        needs: &[Need::PublicKey],
        script: refused_and_then_let_in!("confused"),
        catches: &["token-confused", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "somebody-elses-token",
        says: "A connection with somebody else's good token under one's own name is refused.",
        why: "A server that looks whether a token is good, and takes the user from beside it, knows nobody.",
        needs: &[Need::Tokens, Need::NamedToken],
        script: refused_and_then_let_in!("anothers"),
        catches: &["cookie-shared", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "wrong-password",
        says: "A login with another password than one's own gives nothing that lets in.",
        why: "An account that is found by its name looks like one that was proven.",
        needs: &[Need::Login],
        script: refused_and_then_let_in!("wrong-password"),
        catches: &["login-any-password"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "made-up-csrf-token",
        says: "A login with a made-up CSRF token gives nothing that lets in.",
        why: "A token that must only be there is no protection: whoever forges the request can forge it, too.",
        needs: &[Need::LoginVoucher],
        script: refused_and_then_let_in!("forged-csrf"),
        catches: &["csrf-unchecked"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "after-logout",
        says: "What a login gave lets nobody in after its logout.",
        why: "A logout that only takes the cookie back leaves the session to whoever copied it.",
        needs: &[Need::Logout],
        script: refused_and_then_let_in!("logged-out"),
        catches: &["logout-forgotten"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "token-without-user",
        says: "A connection with a good token that names no user is refused.",
        why: "The signature is right, so the server goes on with a user called `undefined`.",
        needs: TOKENS,
        script: refused_and_then_let_in!("userless"),
        catches: &["token-userless", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "token-with-odd-user",
        says: "A connection with a good token whose user is an object in place of an id is refused.",
        why: "Put into a query as it comes, `{ \"$ne\": null }` finds the first user there is.",
        needs: TOKENS,
        script: refused_and_then_let_in!("odd-user"),
        catches: &["token-odd-user", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "once-is-not-for-ever",
        says: "Somebody who was let in before is refused with a bad token like anybody else.",
        why: "A session that is remembered by its user outlives what proved it.",
        needs: TOKENS,
        script: "
            people: ann, mallory stranger offline
            mallory connect
            mallory disconnect
            mallory token expired
            mallory connect
            mallory disconnect
            mallory token wrong-key
            mallory connect
            mallory disconnect
            mallory token good
            mallory connect
            until mallory is ready
        ",
        catches: &["token-first-only", "token-expired", "token-wrong-key"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "second-device",
        says: "A second device is refused with a bad token though the first one is connected.",
        why: "A person who is here already is found by name, and nobody looks at the token again.",
        needs: TOKENS,
        script: "
            people: ann x2 stranger offline, bob, cat
            ann.1 connect
            ann.2 token expired
            ann.2 connect
            ann.2 disconnect
            ann.2 token good
            ann.2 connect
            until ann.2 is ready
        ",
        catches: &["token-first-only", "token-expired"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "good-token-elsewhere",
        says: "A valid token lets in from the other documented place as well.",
        why: "The second place is the one that nobody's own client uses.",
        needs: &[Need::MintedTokens, Need::TokenElsewhere],
        script: "
            people: ann, mallory stranger offline
            mallory token expired elsewhere
            mallory connect
            mallory disconnect
            mallory token good elsewhere
            mallory connect
            until mallory is ready
        ",
        catches: &["token-elsewhere-unchecked", "token-expired"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "bad-tokens-elsewhere",
        says: "A bad token in the other documented place is refused like one in the first.",
        why: "Two places mean two checks, and the second is the one that is forgotten.",
        needs: &[Need::MintedTokens, Need::TokenElsewhere],
        script: "
            people: ann, mallory stranger offline
            mallory token wrong-key elsewhere
            mallory connect
            mallory disconnect
            mallory token unsigned elsewhere
            mallory connect
            mallory disconnect
            mallory token garbage elsewhere
            mallory connect
            mallory disconnect
            mallory token good
            mallory connect
        ",
        catches: &["token-elsewhere-unchecked", "token-wrong-key", "token-garbage"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "requests-without-token",
        says: "A request over HTTP without a token is refused.",
        why: "The socket asks who is there, and the routes beside it do not.",
        needs: &[Need::Tokens, Need::TokenOnRequests],
        script: "
            people: ann, bob
            ann send a
            bob token missing
            bob history => refused
            bob list => refused
            bob token garbage
            bob history => refused
            bob list => refused
            bob token good
            bob history
        ",
        catches: &["token-missing"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "requests-with-bad-tokens",
        says: "Requests over HTTP are refused with each token that a connection is refused with.",
        why: "Routes have a middleware of their own, and its own way of decoding a token.",
        needs: &[Need::MintedTokens, Need::TokenOnRequests],
        script: "
            people: ann, bob
            ann send a
            bob token expired
            bob history => refused
            bob token early
            bob history => refused
            bob token wrong-key
            bob history => refused
            bob token altered
            bob history => refused
            bob token unsigned
            bob history => refused
            bob token unsealed
            bob history => refused
            bob token good
            bob history
        ",
        catches: &["token-http-unchecked", "token-expired", "token-early", "token-wrong-key"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "list-with-bad-tokens",
        says: "The list of conversations is shown to nobody with a bad token.",
        why: "A list needs no id, so whoever is taken for somebody else reads all they have.",
        needs: &[Need::MintedTokens, Need::TokenOnRequests],
        script: "
            people: ann, bob
            bob token expired
            bob list => refused
            bob token altered
            bob list => refused
            bob token good
            bob list
        ",
        catches: &["token-http-unchecked", "token-expired", "token-altered"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "others-go-on",
        says: "Bad tokens at the door disturb nobody who is inside.",
        why: "A handler that throws takes the process, or the room, with it.",
        needs: TOKENS,
        script: "
            people: ann, bob, mallory stranger offline
            mallory token garbage
            ann send a | mallory connect
            until bob sees a
            mallory disconnect
            mallory token odd-user
            bob send b | mallory connect
            until ann sees b
            mallory disconnect
        ",
        catches: &["token-garbage", "token-odd-user", "token-wrong-error"],
        ..Probe::DEFAULT
    },
    Probe {
        name: "expiry-while-connected",
        says: "When a token expires while its client is connected, the client's events are refused.",
        why: "A connection lives for days, and a token that is only looked at once lives as long.",
        quick: false,
        needs: &[Need::MintedTokens, Need::TokenOnEachEvent],
        script: "
            people: ann, bob offline
            bob token brief
            bob connect
            until bob is ready
            bob history
            pause 6500ms
            bob history => refused
            bob send a => refused
        ",
        catches: &["token-outlived"],
        ..Probe::DEFAULT
    },
];
