//! The bugs the reference server can be told to have: one row each.
//!
//! A bug is a place where the honest server is told to break one promise. The place asks
//! `bugs.has(Bug::…)`, so that reading the honest path shows where it can go wrong. Nothing here
//! knows how a bug is done. Start with [`Bug`].

mod set;

pub use set::{Bugs, UnknownBug, draw};

use std::fmt;

macro_rules! bugs {
    ($($variant:ident $name:literal breaks $property:literal $(on $spec:literal)?:
        $sentence:literal,)*) => {
        /// One deviation from honesty, named by what the server does wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Bug { $(#[doc = $sentence] $variant,)* }

        impl Bug {
            /// Every bug, by the property it breaks.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The property that must catch it.
            #[must_use]
            pub const fn property(self) -> &'static str {
                match self { $(Self::$variant => $property,)* }
            }

            /// The spec on which it strikes, where it needs what only some documents promise (a
            /// number for each message, a single delivery). By default it is `callback-ack`.
            #[must_use]
            pub const fn spec(self) -> &'static str {
                match self { $(Self::$variant => bugs!(@spec $($spec)?),)* }
            }

            /// What the server does wrong, as a user meets it.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
    (@spec) => { "callback-ack" };
    (@spec $spec:literal) => { $spec };
}

bugs! {
    DedupOff "dedup-off" breaks "idempotency":
        "the client message id is ignored: each attempt stores another message",
    DedupRace "dedup-race" breaks "idempotency":
        "the key is looked up first and the message inserted 100 ms later: two concurrent attempts make two messages",
    DedupRaceError "dedup-race-error" breaks "idempotency":
        "the key is looked up first and inserted 100 ms later under a unique index: of two concurrent attempts one is refused",
    DedupPerConnection "dedup-per-connection" breaks "idempotency":
        "keys are remembered per connection: a retry after a reconnect, or from a second device, makes another message",
    DedupTtl "dedup-ttl" breaks "idempotency":
        "a key is forgotten after half a second: a later retry makes another message",
    DedupRestart "dedup-restart" breaks "idempotency":
        "keys are forgotten by a restart: a retry after it makes another message",
    DedupGlobal "dedup-global" breaks "idempotency":
        "a key is unique over everybody: a stranger's key swallows yours, and your message is acked with the stranger's id",
    DedupGlobalRefuses "dedup-global-refuses" breaks "idempotency":
        "keys are unique over everybody: a message whose key somebody else has used is refused",
    DedupError "dedup-error" breaks "idempotency":
        "a repeated key is answered with a unique index's error in place of the first message's id",
    DedupByContent "dedup-by-content" breaks "idempotency":
        "two equal texts of one person in one conversation are taken for a repetition: the second is acked with the first one's id",
    DedupFreshId "dedup-fresh-id" breaks "idempotency":
        "a repetition is not stored again, but its ack names an id that no message has",
    DedupOverwrites "dedup-overwrites" breaks "idempotency":
        "a repeated key with another text replaces the text of the first message",
    DedupByRoom "dedup-by-room" breaks "idempotency":
        "a key is unique in its conversation only: the same key in another one makes another message",
    DedupBurnsKey "dedup-burns-key" breaks "idempotency":
        "a refused send uses up its key: the corrected text under the same key is refused as a repetition",
    DedupPushedAgain "dedup-pushed-again" breaks "idempotency" on "sequenced":
        "a repetition is not stored again, but pushed again to everybody",
    QueueTwice "queue-twice" breaks "idempotency" on "sequenced":
        "what was queued for a person who was away is pushed twice on their return",

    StampPerReceiver "stamp-per-receiver" breaks "ordering":
        "each receiver is told another time for the same message, up to 400 ms too early",
    StampLive "stamp-live" breaks "ordering":
        "the time in the pushed message is taken before the one that is stored: live and history disagree",
    ClockSkew "clock-skew" breaks "ordering":
        "every other member's messages are stamped by a node whose clock is 300 ms late",
    ClockJitter "clock-jitter" breaks "ordering":
        "a message is stamped when one of several concurrent handlers read the clock, up to 300 ms too early: an answer may stand before its question",
    HistoryOrder "history-order" breaks "ordering":
        "history exchanges the times of neighbouring messages",
    TieBreak "tie-break" breaks "ordering":
        "times are rounded to half a second, and history breaks the ties the other way round than live delivery",
    HistoryPageReversed "history-page-reversed" breaks "ordering":
        "the last of a history's pages comes newest first",
    SendsOvertaken "sends-overtaken" breaks "ordering" on "sequenced":
        "each send is handled by its own task, for up to 40 ms: what one client pipelines changes places",
    PushesOvertaken "pushes-overtaken" breaks "ordering" on "sequenced":
        "every third push to a receiver comes 30 ms late, and others overtake it",
    NumberGap "number-gap" breaks "ordering" on "sequenced":
        "a number is taken before the repetition is noticed, and given to no message",
    NumberTwice "number-twice" breaks "ordering" on "sequenced":
        "the counter is read and written in two steps: of two messages within 20 ms both may get one number",
    NumbersRestart "numbers-restart" breaks "ordering" on "sequenced":
        "a restart forgets the counter: numbers begin at 1 again",
    QueueBackwards "queue-backwards" breaks "ordering" on "sequenced":
        "what was queued for a person who was away is pushed on their return, the newest first",
    QueueLate "queue-late" breaks "ordering" on "sequenced":
        "what was queued for a person who was away is pushed 150 ms after their return, behind what comes live",

    AckBeforeStore "ack-before-store" breaks "at-least-once":
        "every eighth message is acked before it is stored, and the store fails",
    RestartLoses "restart-loses" breaks "at-least-once":
        "a restart loses the acked messages of the last three seconds",
    DropLong "drop-long" breaks "at-least-once":
        "a text of more than 500 characters is acked and dropped",
    DropBurst "drop-burst" breaks "at-least-once":
        "of more than five messages of one person within 200 ms the rest is acked and dropped",
    DropQueued "drop-queued" breaks "at-least-once":
        "what comes within a second of a reconnect is acked and dropped",
    KeyBeforeStore "key-before-store" breaks "at-least-once":
        "a key is noted 100 ms before its message is stored: if the connection dies in between, the retry is acked and nothing is stored",
    Truncate "truncate" breaks "at-least-once":
        "a text is cut after 100 characters",
    Charset "charset" breaks "at-least-once":
        "characters outside ASCII are stored as question marks",
    CharsetNarrow "charset-narrow" breaks "at-least-once":
        "characters beyond the basic plane, such as emoji, are stored as question marks",
    EscapedTwice "escaped-twice" breaks "at-least-once":
        "markup is made inert twice: a reader sees the escapes of the escapes",
    Phantom "phantom" breaks "at-least-once":
        "beside every eighth message, history has one that nobody sent",
    RefusedStored "refused-stored" breaks "at-least-once":
        "every eighth message is refused with an error and stored all the same",

    SyncRoundsUp "sync-rounds-up" breaks "no-loss-on-reconnect":
        "a sync rounds its start up to the next second and skips what lies between",
    SyncLastRow "sync-last-row" breaks "no-loss-on-reconnect":
        "a sync leaves out its last row",
    SyncCapped "sync-capped" breaks "no-loss-on-reconnect":
        "a sync ends after five rows, as if there were no more",
    SyncSinceConnect "sync-since-connect" breaks "no-loss-on-reconnect":
        "a sync shows only what was stored after the person connected",
    NoRejoin "no-rejoin" breaks "no-loss-on-reconnect":
        "a connection that is not the person's first is put into no room: nothing live comes after a reconnect",
    JoinGap "join-gap" breaks "no-loss-on-reconnect":
        "a connection hears nothing of a conversation before its join has come, and syncs do not wait for that",
    PollEdgeLost "poll-edge-lost" breaks "no-loss-on-reconnect" on "matrix":
        "a message that comes between an answer to a poll and the next poll is never told",
    PollRepeats "poll-repeats" breaks "idempotency" on "matrix":
        "a message that ends the answer to a poll comes with the next answer again",
    ReceiverSkipped "receiver-skipped" breaks "no-loss-on-reconnect":
        "one in twelve deliveries is left out",
    SyncExclusive "sync-exclusive" breaks "no-loss-on-reconnect":
        "times are rounded to a quarter of a second, and a sync begins after its start: what has the time of the last message seen is skipped",
    SyncPageLost "sync-page-lost" breaks "no-loss-on-reconnect":
        "a sync of several pages ends after the first: the second is empty",
    SyncDoubles "sync-doubles" breaks "no-loss-on-reconnect":
        "a sync brings each message twice",
    SyncOnce "sync-once" breaks "no-loss-on-reconnect":
        "what is missed is kept per person and handed out once: the second device to come back gets nothing",
    ResumeForgets "resume-forgets" breaks "no-loss-on-reconnect" on "lobby":
        "who comes back says where they had come to, and is told nothing of what was said since",
    SyncFirstEmpty "sync-first-empty" breaks "no-loss-on-reconnect":
        "the first time that a person asks for the messages of a conversation, there are none",

    NoPings "no-pings" breaks "connection-state":
        "after the first ping none follows: clients have to take the server for dead",
    DeadKept "dead-kept" breaks "connection-state":
        "a client that answers no ping is never taken for dead",
    IdleClosed "idle-closed" breaks "connection-state":
        "a connection over which nothing came for three quarters of a ping interval is closed, as a proxy in between does",
    DeafDevice "deaf-device" breaks "connection-state":
        "what a person's second device asks in its first eleven seconds is ignored",
    DeafReconnect "deaf-reconnect" breaks "connection-state":
        "what a client asks in the first eleven seconds after a reconnect is ignored",

    TypingStopLost "typing-stop-lost" breaks "typing-timeout":
        "a stop reaches only one of those who watch: the others see somebody type for ever",
    TypingStopSwallowed "typing-stop-swallowed" breaks "typing-timeout":
        "stops are held back for 100 ms, and dropped if a message overtakes them",
    TypingStartLate "typing-start-late" breaks "typing-timeout":
        "starts are handled 150 ms late by a task of their own: a stop that follows closely comes first",
    TypingSurvivesLoss "typing-survives-loss" breaks "typing-timeout":
        "who is disconnected while typing goes on typing: nobody is told the end",
    TypingDeviceForgotten "typing-device-forgotten" breaks "typing-timeout":
        "typing devices are counted, and one that stops while another types is not taken off the count: the end is never told",
    TypingStopWrongRoom "typing-stop-wrong-room" breaks "typing-timeout":
        "one conversation is remembered per typist: a stop goes to the one that was typed in last",
    TypingEcho "typing-echo" breaks "typing-timeout":
        "typing is shown to its author as well",
    TypingToAll "typing-to-all" breaks "typing-timeout":
        "typing is told to everybody who is connected",
    TypingNeverExpires "typing-never-expires" breaks "typing-timeout" on "rest-first":
        "a typing indicator does not end by itself, although that is documented",

    AckLate "ack-late" breaks "ack-timeout":
        "the first ack of every fifth message comes a second after the client's timeout",
    AckLost "ack-lost" breaks "ack-timeout":
        "the first ack of every fifth message never comes",
    AckSilentRepeat "ack-silent-repeat" breaks "ack-timeout":
        "a repeated key is not answered at all",
    AckSilentError "ack-silent-error" breaks "ack-timeout":
        "an error is never answered: neither a refusal, nor the failure that the first attempt of every fifth message meets",
    AckTwice "ack-twice" breaks "ack-timeout":
        "every fifth message is acked twice",
    AckByKey "ack-by-key" breaks "ack-timeout":
        "who waits for an ack is kept by key: of two attempts under one key within 50 ms the first is never answered",

    LimitOneLess "limit-one-less" breaks "input-limits":
        "a text of exactly the longest length is refused",
    LimitOneMore "limit-one-more" breaks "input-limits":
        "a text of one character more than the longest is taken",
    LimitMissing "limit-missing" breaks "input-limits":
        "a text of any length is taken",
    LimitInBytes "limit-in-bytes" breaks "input-limits":
        "the length of a text is counted in bytes",
    LimitInUtf16 "limit-in-code-units" breaks "input-limits":
        "the length of a text is counted in UTF-16 units: an emoji counts twice",
    HugeDisconnects "huge-disconnects" breaks "input-limits":
        "an event of more than 50,000 bytes costs the connection",
    BlankStored "blank-stored" breaks "input-limits":
        "a text without a visible character is refused and stored all the same",
    NullAsText "null-as-text" breaks "input-limits":
        "null is taken for the text `null`",
    NumberAsText "number-as-text" breaks "input-limits":
        "a number is taken for a text",
    BadInputCrash "bad-input-crash" breaks "input-limits":
        "a malformed send ends the handler of its conversation: everybody in it loses the connection",
    BadInputDisconnects "bad-input-disconnects" breaks "input-limits":
        "a malformed send costs its sender the connection, without an error",
    BadInputSilent "bad-input-silent" breaks "input-limits":
        "a malformed send is not answered",
    ErrorLeaksStack "error-leaks-stack" breaks "input-limits":
        "the error for a malformed request is a stack trace",
    UnknownRoomSilent "unknown-room-silent" breaks "input-limits":
        "a send to a conversation that does not exist is not answered",
    ExtraFieldsRefused "extra-fields-refused" breaks "input-limits":
        "a send with a field that is not documented is refused",
    MissingAckCrash "missing-ack-crash" breaks "input-limits":
        "a send without an acknowledgement function ends the handler of its conversation",
    UnknownEventDisconnects "unknown-event-disconnects" breaks "input-limits":
        "an event of an unknown name costs the connection",
    TypingCrash "typing-crash" breaks "input-limits":
        "a malformed typing event ends the handlers of its sender's conversations",
    ReadCrash "read-crash" breaks "input-limits":
        "a malformed receipt ends the handlers of its sender's conversations",
    MarkupAlive "markup-alive" breaks "input-limits":
        "markup is stored and shown as it came",

    RateStrict "rate-strict" breaks "rate-limit":
        "the last message that the rate allows is refused",
    RateWindowLong "rate-window-long" breaks "rate-limit":
        "the window of the rate is three times as long as documented",
    RateLax "rate-lax" breaks "rate-limit":
        "twice as many messages as the rate allows are taken",
    RateSilent "rate-silent" breaks "rate-limit":
        "what is beyond the rate is dropped without an answer",
    RateStores "rate-stores" breaks "rate-limit":
        "what is beyond the rate is refused and stored all the same",
    RatePerSocket "rate-per-socket" breaks "rate-limit":
        "each connection has an allowance of its own",
    RateHitsOthers "rate-hits-others" breaks "rate-limit":
        "who exceeds the rate mutes all members of the conversation for a second",
    RateForever "rate-forever" breaks "rate-limit":
        "who exceeds the rate once is refused for ever",
    RateDisconnects "rate-disconnects" breaks "rate-limit":
        "who exceeds the rate loses the connection",

    TokenMissing "token-missing" breaks "authentication":
        "who shows no token, or an empty one, is let in as a guest",
    TokenGarbage "token-garbage" breaks "authentication":
        "who shows something that is no token is let in as a guest",
    TokenExpired "token-expired" breaks "authentication":
        "the time at which a token expires is not looked at",
    TokenEarly "token-early" breaks "authentication":
        "the time from which a token is valid is not looked at",
    TokenWrongKey "token-wrong-key" breaks "authentication":
        "a token signed with a key that is long out of use is taken",
    TokenUnsigned "token-unsigned" breaks "authentication":
        "a token that names the algorithm `none` is taken without a signature",
    TokenUnsealed "token-unsealed" breaks "authentication":
        "a token with an empty signature is taken",
    TokenAltered "token-altered" breaks "authentication":
        "the signature is not compared: whoever changes the user in a token is that user",
    TokenMislabelled "token-mislabelled" breaks "authentication":
        "the algorithm that a token names is not looked at",
    TokenOtherAlgorithm "token-other-algorithm" breaks "authentication":
        "the token chooses with which algorithm it is checked",
    TokenConfused "token-confused" breaks "authentication" on "signed-tokens":
        "a token that names HS256 is checked with the public key as its secret, which everybody has",
    TokenUserless "token-userless" breaks "authentication":
        "a token that names no user lets in a guest",
    TokenOddUser "token-odd-user" breaks "authentication":
        "a token whose user is an object in place of an id lets in whomever a query finds",
    TokenHttpUnchecked "token-http-unchecked" breaks "authentication":
        "a request over HTTP is believed whatever its token says, signed or not, expired or not",
    TokenElsewhereUnchecked "token-elsewhere-unchecked" breaks "authentication":
        "a token is verified in the first place it may stand in, and only read in the other",
    TokenFirstOnly "token-first-only" breaks "authentication":
        "who was let in once is let in again, whatever the token says now",
    TokenOutlived "token-outlived" breaks "authentication" on "event-reply":
        "a token is looked at when its client connects, and never again: events are taken after it has expired",
    TokenLate "token-late" breaks "authentication":
        "a connection is let in first and thrown out when its token has been looked at",
    TokenWrongError "token-wrong-error" breaks "authentication":
        "a refusal tells of the server's insides in place of the documented error",
    LoginAnyPassword "login-any-password" breaks "authentication" on "sessions":
        "whoever knows a name is logged in, whatever the password",
    CsrfUnchecked "csrf-unchecked" breaks "authentication" on "sessions":
        "a CSRF token must be there, and may be any",
    CookieShared "cookie-shared" breaks "authentication" on "sessions":
        "a session's cookie lets in whomever its client says to be, not only who logged in",
    LogoutForgotten "logout-forgotten" breaks "authentication" on "sessions":
        "a logout takes the cookie from the client, and the session goes on for whoever kept it",

    JoinUnchecked "join-unchecked" breaks "authorization":
        "whoever asks to join a conversation hears what is said there",
    SendUnchecked "send-unchecked" breaks "authorization":
        "whoever knows a conversation's id can send into it",
    HistoryUnchecked "history-unchecked" breaks "authorization":
        "whoever knows a conversation's id can read it from the start",
    SyncUnchecked "sync-unchecked" breaks "authorization":
        "whoever knows a conversation's id can read what it has since a time",
    TypingUnchecked "typing-unchecked" breaks "authorization":
        "the members are told that a stranger types",
    TypingLeak "typing-leak" breaks "authorization":
        "whoever is connected and in no conversation is told who types anywhere",
    PresenceLeak "presence-leak" breaks "authorization":
        "whoever is connected and in no conversation is told who comes and goes",
    MessageLeak "message-leak" breaks "authorization":
        "a message is pushed to all of its sender's contacts, in the conversation or not",
    ReceiptUnchecked "receipt-unchecked" breaks "authorization":
        "whoever knows a message's id can say that it was read",
    ReceiptLeak "receipt-leak" breaks "authorization":
        "whoever is connected and in no conversation is told who has read what",
    RoomKept "room-kept" breaks "authorization" on "broadcast":
        "a connection that leaves a conversation goes on hearing it",
    ListForeign "list-foreign" breaks "authorization":
        "to somebody who is in no conversation the list shows those of everybody",
    HideUnchecked "hide-unchecked" breaks "authorization" on "broadcast":
        "whoever knows a message's id can delete it for themselves",
    UnreadForeign "unread-foreign" breaks "authorization" on "broadcast":
        "to somebody who is in no conversation the unread messages of everybody are counted",
    AnnounceUnchecked "announce-unchecked" breaks "authorization" on "rest-first":
        "who announces a message names the conversation that it is shown in: a stranger brings a message of others into a conversation of their own",
    RefusalTells "refusal-tells" breaks "authorization":
        "a refusal says whether there is a conversation of that id",

    CreateRace "create-race" breaks "conversation-identity":
        "a pair's conversation is looked for first and made 100 ms later: two who ask at once get two",
    CreateRaceError "create-race-error" breaks "conversation-identity":
        "a pair's conversation is looked for first and made 100 ms later under a unique index: of two who ask at once one is refused",
    CreateAlways "create-always" breaks "conversation-identity":
        "each request makes a conversation, also of two people who have one",
    CreateOrder "create-order" breaks "conversation-identity":
        "a conversation is found by its people in the order of the request: who asks first decides which of two it is",
    CreateDoubled "create-doubled" breaks "conversation-identity":
        "somebody who is named twice counts twice: two people get a conversation of three",
    CreateSelf "create-self" breaks "conversation-identity":
        "a conversation with oneself is made",
    MultikeyRefused "multikey-refused" breaks "conversation-identity":
        "the unique index is over each of the participants: a person's third direct conversation is refused",
    MultikeyFirst "multikey-first" breaks "conversation-identity":
        "a conversation is found by one of its participants: a person's third direct conversation is the first one",
    CreatorLeftOut "creator-left-out" breaks "conversation-identity":
        "a group's creator is in it only if the request names the creator among the others",
    ListMisses "list-misses" breaks "conversation-identity":
        "the list of conversations leaves out the newest",
    ListDoubles "list-doubles" breaks "conversation-identity":
        "the list of conversations has the newest twice",
    ListOtherIds "list-other-ids" breaks "conversation-identity":
        "the list of conversations calls them by other ids than the answer that made them",
    CreateRestart "create-restart" breaks "conversation-identity":
        "a restart forgets whose a direct conversation is: its two people get another one",
    ContactsOtherIds "contacts-other-ids" breaks "conversation-identity" on "sequenced":
        "a contact leads to another conversation than the one that the two people have",

    ReceiptRegresses "receipt-regresses" breaks "receipts" on "event-reply":
        "a late `delivered` puts a message that was read back to delivered",
    ReceiptDoubled "receipt-doubled" breaks "receipts":
        "one reader's receipt is told twice",
    ReceiptRace "receipt-race" breaks "receipts":
        "a message's readers are looked up first and stored 100 ms later: of readers at the same moment one is kept",
    ReceiptUntold "receipt-untold" breaks "receipts":
        "a receipt is stored, and nobody is told",
    ReceiptOneDevice "receipt-one-device" breaks "receipts":
        "only the device on which the sender connected first is told of receipts",
    ReceiptSenderOnly "receipt-sender-only" breaks "receipts" on "rest-first":
        "the reader's other devices are not told of a reading",
    ReceiptWrongMessage "receipt-wrong-message" breaks "receipts":
        "a receipt names the newest message of the conversation, whichever was read",
    ReceiptWrongReader "receipt-wrong-reader" breaks "receipts":
        "a receipt names another member than the one who read",
    ReceiptForgotten "receipt-forgotten" breaks "receipts" on "event-reply":
        "the status of a message is pushed and not stored: whoever was away reads `sent` for ever",

    ReceiptStaysSending "receipt-stays-sending" breaks "receipts" on "event-reply":
        "a message is stored as `sending`, and nothing ever stores that it was sent",
    ReceiptSlowest "receipt-slowest" breaks "receipts" on "event-reply":
        "a stored message is only as far as its slowest reader: whom it has reached puts it back to delivered",
    ReceiptDeliveredUntold "receipt-delivered-untold" breaks "receipts" on "event-reply":
        "nobody is told that a message arrived, only that it was read",

    UnreadOwn "unread-own" breaks "unread-count" on "broadcast":
        "one's own messages count as unread",
    UnreadCached "unread-cached" breaks "unread-count" on "broadcast":
        "the count is cached when it is first asked for, and no reading throws the cache away",
    UnreadNegative "unread-negative" breaks "unread-count" on "broadcast":
        "each reading takes one off, also of a message that was read before",
    UnreadDeleted "unread-deleted" breaks "unread-count" on "broadcast":
        "a message that somebody deleted for themselves still counts as unread for them",
    UnreadShared "unread-shared" breaks "unread-count" on "broadcast":
        "a message's first reader takes it off everybody's count",
    UnreadDrift "unread-drift" breaks "unread-count" on "broadcast":
        "of two messages to one conversation within 50 ms only one is counted",
    UnreadDoubled "unread-doubled" breaks "unread-count" on "broadcast":
        "what came while a person was away is counted once more when they come back",
    UnreadForgotten "unread-forgotten" breaks "unread-count" on "broadcast":
        "the count is kept in memory: after a restart it begins at nothing",
    UnreadBroadcast "unread-broadcast" breaks "unread-count" on "broadcast":
        "broadcasts are in nobody's count",

    BroadcastCopies "broadcast-copies" breaks "broadcast-reach" on "broadcast":
        "a broadcast is stored once for each of its readers: each sees another id",
    BroadcastMissesChapter "broadcast-misses-chapter" breaks "broadcast-reach" on "broadcast":
        "a broadcast to a chapter is pushed to nobody who was connected before it was made",
    BroadcastLeak "broadcast-leak" breaks "broadcast-reach" on "broadcast":
        "a broadcast is pushed to all with whom its maker shares a conversation, whomever it is meant for",
    BroadcastOpen "broadcast-open" breaks "broadcast-reach" on "broadcast":
        "whoever knows a broadcast's id can read it",
    BroadcastForgotten "broadcast-forgotten" breaks "broadcast-reach" on "broadcast":
        "a broadcast is for those who were there when it was made: whoever comes later is refused it",
    BroadcastReaderLost "broadcast-reader-lost" breaks "broadcast-reach" on "broadcast":
        "a broadcast's readers are looked up first and stored 100 ms later: of readers at the same moment one is kept",

    ContactsOneSided "contacts-one-sided" breaks "contacts" on "sequenced":
        "whoever wrote has the others as contacts, and whoever only read has none",
    ContactsDoubled "contacts-doubled" breaks "contacts" on "sequenced":
        "two first messages of a conversation within 100 ms make two contacts",
    ContactsNoGroups "contacts-no-groups" breaks "contacts" on "sequenced":
        "a group makes nobody contacts",
    ContactsPerConversation "contacts-per-conversation" breaks "contacts" on "sequenced":
        "a contact is there once for each conversation that the two people share",
    ContactsForeign "contacts-foreign" breaks "contacts" on "sequenced":
        "everybody who is in any conversation is everybody's contact",
    ContactsForgotten "contacts-forgotten" breaks "contacts" on "sequenced":
        "a restart forgets all contacts",

    PageSkips "page-skips" breaks "pagination":
        "a page after the first begins one row too late",
    PageRepeats "page-repeats" breaks "pagination":
        "a page after the first begins with the last two rows of the one before",
    PageLastMissing "page-last-missing" breaks "pagination":
        "a last page that is not full is not shown",
    PageUnlimited "page-unlimited" breaks "pagination":
        "the number of rows that a client asks for is ignored",
    PageExclusive "page-exclusive" breaks "pagination":
        "times are rounded to a quarter of a second, and a page begins after the time of the last row: other messages of that time are skipped",
    PageUnordered "page-unordered" breaks "pagination" on "rest-first":
        "rows have no order of their own: each page is cut from another one",
    PagesShift "pages-shift" breaks "pagination" on "rest-first":
        "pages are counted from the newest message: each new one moves a row onto the next page",
    PageShared "page-shared" breaks "pagination" on "rest-first":
        "where a reader is is kept per person: two walks of one person go on one's path",

    RestNeverTold "rest-never-told" breaks "channel-parity" on "rest-first":
        "what is sent by REST is stored and pushed to nobody",
    RestUntold "rest-untold" breaks "channel-parity" on "rest-first":
        "what is sent by REST is pushed when its sender announces it: a sender without a socket tells nobody",
    RestOtherId "rest-other-id" breaks "channel-parity" on "rest-first":
        "REST answers with another id than the message has",
    RestOtherClock "rest-other-clock" breaks "channel-parity" on "rest-first":
        "what is sent by REST is stamped by a clock that is 300 ms late",
    RestUnchecked "rest-unchecked" breaks "channel-parity" on "rest-first":
        "anybody can send by REST into any conversation",
    KeysPerChannel "keys-per-channel" breaks "channel-parity" on "rest-first":
        "each channel remembers its own keys: a message that falls back on the other one is stored twice",
    RateRestFree "rate-rest-free" breaks "channel-parity" on "rest-first":
        "what is sent over REST is not counted: the documented rate binds the socket alone",
    AnnounceRepeats "announce-repeats" breaks "channel-parity" on "rest-first":
        "an announced message is pushed again",
    AnnounceStores "announce-stores" breaks "channel-parity" on "rest-first":
        "an announced message is stored and pushed as another one",

    SearchLeak "search-leak" breaks "search" on "rest-first":
        "a search looks into everybody's conversations",
    SearchMisses "search-misses" breaks "search" on "rest-first":
        "a search finds only what the searcher wrote",
    SearchStale "search-stale" breaks "search" on "rest-first":
        "what is searched is an index that is two seconds behind",
    SearchFindsHidden "search-finds-hidden" breaks "search" on "rest-first":
        "a search finds what the searcher has deleted",
    SearchAnything "search-anything" breaks "search" on "rest-first":
        "a search that finds nothing shows the newest messages",
    SearchWildcards "search-wildcards" breaks "search" on "rest-first":
        "what is searched for is a pattern: `%` and `_` in it find anything",
    SearchPageLost "search-page-lost" breaks "search" on "rest-first":
        "of what a search finds only the first page is shown",
    SearchForgotten "search-forgotten" breaks "search" on "rest-first":
        "the index is kept in memory: nothing of before a restart is found",

    HealthAlways "health-always" breaks "health" on "sequenced":
        "two seconds after the first client its store fails for two seconds, and its health says that all is well",
    HealthBlind "health-blind" breaks "health" on "sequenced":
        "its health looks at its own process alone: it says that all is well while its store is out of reach",
    HealthNever "health-never" breaks "health":
        "its health says that it is down while it serves",
    HealthSilent "health-silent" breaks "health":
        "its health is not answered",
    HealthStuck "health-stuck" breaks "health" on "sequenced":
        "after a restart its health says that it is starting, for ever",

    EioAny "eio-any" breaks "engine-io":
        "any protocol version is taken for version 4, and so is none",
    SidUnknownAccepted "sid-unknown-accepted" breaks "engine-io":
        "a poll with an unknown session id is given a new session in place of a refusal",
    SidSame "sid-same" breaks "engine-io":
        "every session over WebSocket is told the same id",
    UpgradesMissing "upgrades-missing" breaks "engine-io":
        "the handshake over polling offers no upgrade, though WebSockets are taken",
    UpgradesRefused "upgrades-refused" breaks "engine-io":
        "the handshake over polling offers an upgrade that is then refused",
    PingNever "ping-never" breaks "engine-io":
        "after the first ping no other follows",
    PingLate "ping-late" breaks "engine-io":
        "pings come more than twice as late as the handshake announces",
    DeadClientKept "dead-client-kept" breaks "engine-io":
        "a client that answers no ping is never closed",
    PayloadUnlimited "payload-unlimited" breaks "engine-io":
        "the announced limit of a payload is not enforced",
    PayloadAnnouncedWrong "payload-announced-wrong" breaks "engine-io":
        "the handshake announces ten times the payload that is taken",
    PayloadReordered "payload-reordered" breaks "engine-io":
        "the packets of one polled payload come in reverse order",
    PollsAtOnce "polls-at-once" breaks "engine-io":
        "a second poll of a session is answered while the first is held",
    PollNotReleased "poll-not-released" breaks "engine-io":
        "a poll that is held during an upgrade is never answered",
    CloseIgnored "close-ignored" breaks "engine-io":
        "a close packet is ignored: the session stays until its heartbeat is missed",
    ProbeWrong "probe-wrong" breaks "engine-io":
        "the probe of an upgrade is answered by a pong without its data",
    BinaryRefused "binary-refused" breaks "engine-io":
        "a binary message over polling is refused",
    InvalidPacketTolerated "invalid-packet-tolerated" breaks "engine-io":
        "what is no Engine.IO packet is dropped without a word, and the session goes on",

    ConnectErrorMissing "connect-error-missing" breaks "socket-io":
        "a CONNECT to a namespace that does not exist is not answered",
    SocketIdSame "socket-id-same" breaks "socket-io":
        "every socket is told the same id",
    EarlyEventTolerated "early-event-tolerated" breaks "socket-io":
        "an event before the CONNECT is dropped without a word, and the connection goes on",
    MalformedTolerated "malformed-tolerated" breaks "socket-io":
        "what is no Socket.IO packet is dropped without a word, and the connection goes on",
    MalformedCrashes "malformed-crashes" breaks "socket-io":
        "what is no Socket.IO packet throws out all devices of its person",
    AckIdCut "ack-id-cut" breaks "socket-io":
        "the id of an acknowledgement loses what is beyond 32 bits",
    AckDoubled "ack-doubled" breaks "socket-io":
        "over polling every acknowledgement comes twice",

    MaskIgnored "mask-ignored" breaks "websocket" on "frames":
        "frames without a mask are taken",
    ReservedIgnored "reserved-ignored" breaks "websocket" on "frames":
        "reserved bits and opcodes are ignored, and the connection goes on",
    UtfUnchecked "utf-unchecked" breaks "websocket" on "frames":
        "text that is not UTF-8 is repaired and taken",
    FragmentsApart "fragments-apart" breaks "websocket" on "frames":
        "each frame of a fragmented message is taken for a message",
    PongEmpty "pong-empty" breaks "websocket" on "frames":
        "a ping is answered without its data",
    CloseUnanswered "close-unanswered" breaks "websocket" on "frames":
        "a close frame is ignored: the connection stays",
    UnfinishedBlocks "unfinished-blocks" breaks "websocket" on "frames":
        "while somebody's message is not finished, nobody's frames are read",
    FrameUnlimited "frame-unlimited" breaks "websocket" on "frames":
        "a message may be as long as its sender likes",
    MalformedDeafens "malformed-deafens" breaks "websocket" on "frames":
        "after a frame that is no JSON a connection stays open, and nothing that comes over it is heard",
    MalformedDisconnectsAll "malformed-disconnects-all" breaks "websocket" on "frames":
        "a frame that is no JSON ends all connections of its person",
    NullCrash "null-crash" breaks "websocket" on "frames":
        "a frame `null` ends the connections of everybody",
    KindUnknownDeafens "kind-unknown-deafens" breaks "websocket" on "frames":
        "after a frame of an unknown kind a connection stays open, and nothing that comes over it is heard",
    BinaryDeafens "binary-deafens" breaks "websocket" on "frames":
        "after a binary frame a connection stays open, and nothing that comes over it is heard",

    PresenceNeverOnline "presence-never-online" breaks "presence":
        "nobody is told that somebody came",
    PresenceGhost "presence-ghost" breaks "presence":
        "nobody is told that somebody went",
    PresenceOfflineEarly "presence-offline-early" breaks "presence":
        "offline is told when one device leaves, though another one is connected",
    PresenceOfflineLate "presence-offline-late" breaks "presence":
        "offline is told 2.2 s late",
    PresenceFlap "presence-flap" breaks "presence":
        "offline is put off by 2.2 s, and told then even if the person is back",
    PresenceOneRoom "presence-one-room" breaks "presence":
        "who comes and goes is told in the first of the person's conversations only",
    PresenceToAll "presence-to-all" breaks "presence":
        "that somebody went is told to everybody who is connected",

    PushPerNode "push-per-node" breaks "cross-node":
        "a message is pushed to members on the sender's node only",
    RoomPerNode "room-per-node" breaks "cross-node" on "sequenced":
        "a new conversation puts those of its members into its room who are on the creator's node",
    FailoverNoRejoin "failover-no-rejoin" breaks "cross-node":
        "who comes back on another node is put into no room there",
    StampsPerNode "stamps-per-node" breaks "cross-node":
        "each node stamps messages by its own clock, and the second one's is 300 ms late",
    NumbersPerNode "numbers-per-node" breaks "cross-node" on "sequenced":
        "each node counts the messages of a conversation by itself: two of them get one number",
    PresencePerNode "presence-per-node" breaks "cross-node":
        "who is online is known on the person's node only",
    GhostAfterCrash "ghost-after-crash" breaks "cross-node":
        "who was on a node that died stays online for ever",
    TypingPerNode "typing-per-node" breaks "cross-node":
        "typing is shown to members on the typist's node only",
    ReceiptPerNode "receipt-per-node" breaks "cross-node":
        "a receipt is told to the sender's devices on the reader's node only",
    DedupPerNode "dedup-per-node" breaks "cross-node":
        "keys are remembered per node: a retry on another node makes another message",
    RatePerNode "rate-per-node" breaks "cross-node":
        "the rate is counted per node: who uses two of them may send twice as much",
    UnsavedOnNode "unsaved-on-node" breaks "cross-node":
        "a node acks first and stores a second later: what it has not stored yet dies with it",
    BusForgets "bus-forgets" breaks "cross-node":
        "what one node tells another while the bus between them is down is lost",
}

impl Bug {
    /// The bug of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bug| bug.name() == name)
    }

    /// The stamps this bug makes lie up to this many milliseconds before the order of storing.
    /// A sync looks back as far, so that only order is broken and nothing is lost.
    #[must_use]
    pub const fn stamp_lag_ms(self) -> i64 {
        match self {
            Self::ClockSkew | Self::ClockJitter | Self::StampsPerNode => 300,
            _ => 0,
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_named_once_and_says_what_it_breaks() {
        assert!(Bug::ALL.len() <= 512, "`Bugs` is a set of 512");
        for (index, bug) in Bug::ALL.iter().enumerate() {
            assert_eq!(*bug as usize, index);
            assert_eq!(Bug::parse(bug.name()), Some(*bug), "{bug} is named twice");
            assert!(!bug.sentence().is_empty() && !bug.sentence().ends_with('.'));
            assert!(!bug.property().is_empty());
            let kebab = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(bug.name().chars().all(kebab), "{bug}");
        }
    }

    #[test]
    fn a_set_has_what_was_named_and_nothing_else() {
        let bugs = Bugs::parse(["ack-late", "phantom"]).unwrap();
        assert_eq!(bugs.iter().collect::<Vec<_>>(), [Bug::Phantom, Bug::AckLate]);
        assert_eq!(Bugs::parse([]).unwrap(), Bugs::NONE);
        let unknown = Bugs::parse(["ack-late", "bug-7"]).unwrap_err();
        assert_eq!(unknown, UnknownBug("bug-7".into()));
    }

    #[test]
    fn a_bug_strikes_about_as_often_as_it_says() {
        let bugs = Bugs::NONE.with(Bug::AckLost);
        let struck = (0..10_000)
            .filter(|key| bugs.strikes(Bug::AckLost, 25, &["17", &key.to_string()]))
            .count();
        assert!((300..500).contains(&struck), "{struck} of 10000");
        assert!(!bugs.strikes(Bug::AckLate, 1, &["17"]));
    }
}
