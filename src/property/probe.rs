//! Probes: the cases of the conformance catalogue, as data beside the property that they provoke.
//!
//! A probe is a sentence, a small script of exact steps for a few clients, and the bugs that it must
//! catch. What happened is judged by the property's own judge, from the history alone. A probe knows
//! no wire: it runs on every server whose spec can do its operations.

use crate::verdict::Severity;

/// One case of the catalogue. Its name is `property/name`, and never changes its meaning.
#[derive(Debug)]
pub struct Probe {
    /// The second half of the case's name.
    pub name: &'static str,
    /// What the server must do, in one sentence.
    pub says: &'static str,
    /// Why it is worth a case: where servers get it wrong.
    pub why: &'static str,
    /// How much a failure weighs.
    pub severity: Severity,
    /// It takes part in `--quick`: over in a few seconds on an honest server.
    pub quick: bool,
    /// What the server must have beside the operations of the script.
    pub needs: &'static [Need],
    /// How many times it runs side by side, with other people each time. A race wants several.
    pub copies: u32,
    /// The steps; the language is described in [`crate::plan::script`].
    pub script: &'static str,
    /// The reference server's bugs that it must catch. The first probe of a property that lists a
    /// bug is the one that must catch it by itself.
    pub catches: &'static [&'static str],
}

/// What a probe asks of a server beside the operations of its script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The spec tells messages apart by a client message id.
    Keys,
    /// A repetition is told also when it comes from another of the person's devices.
    SharedKeys,
    /// The spec states the longest text.
    TextLimit,
    /// The spec says that a text without a visible character is refused.
    BlankRefused,
    /// The spec says that markup comes back inert.
    Sanitises,
    /// The spec states a rate of sends.
    RateLimit,
    /// The rate's window is short enough to wait for it.
    ShortRateWindow,
    /// People have tokens, whoever makes them.
    Tokens,
    /// People have tokens that the harness mints.
    MintedTokens,
    /// Tokens are signed with a private key, so that there is a public one.
    PublicKey,
    /// Whoever connects says who they are beside the token that proves it.
    NamedToken,
    /// People log in with a password.
    Login,
    /// A login sends back what a step before it handed out.
    LoginVoucher,
    /// What a login gave can be ended.
    Logout,
    /// The spec knows another place for the token.
    TokenElsewhere,
    /// The server looks at the token on each event.
    TokenOnEachEvent,
    /// The whole history goes over HTTP, and each request shows a token.
    TokenOnRequests,
    /// The spec says what a refused connection looks like.
    Refusal,
    /// The spec numbers messages without gaps.
    Numbers,
    /// Sends are answered, yes or no.
    Answers,
    /// A client can ask for what it missed.
    Sync,
    /// A client joins its conversations itself.
    Join,
    /// Those who read messages are shown how far each has come.
    Statuses,
    /// People are shown who is online.
    Presence,
    /// People are shown who types.
    Typing,
    /// Senders are told who read their messages, or how far they have come.
    Receipts,
    /// The spec says that a reader's other devices are told of a reading.
    ReaderTold,
    /// The harness started the server and can stop, kill and restart it; the case has it for itself.
    OwnServer,
}

impl Probe {
    /// A case with one copy, quick, a must, and nothing else said: to be completed with `..`.
    pub const DEFAULT: Self = Self {
        name: "",
        says: "",
        why: "",
        severity: Severity::Must,
        quick: true,
        needs: &[],
        copies: 1,
        script: "",
        catches: &[],
    };
}
