//! The vocabulary: what a client can do, what it can see, and the names of the holes both use.
//!
//! A scenario speaks only of these; a spec says how each looks on one server's wire. Nothing here
//! knows a wire, a clock or a server. Start with [`Operation`].

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! vocabulary {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $word:literal: $about:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $(#[doc = $about] $variant,)* }

        impl $name {
            /// Every word of this vocabulary, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word as files, reports and the command line spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// The word's meaning, if it is one of this vocabulary.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.name() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

vocabulary! {
    /// What a client can do to a server. A spec's `do:` maps each to a request and its answers.
    Operation {
        Connect => "connect": "opens a connection and proves who the client is",
        Register => "register": "makes the person known to the server, before any connection",
        Login => "login": "fetches the person's token",
        Logout => "logout": "ends what a login gave",
        Create => "create": "makes a conversation of its members, or finds the one they have",
        Broadcast => "broadcast": "makes a conversation that one person writes to everybody, to a chapter or to a list of people",
        Join => "join": "asks to receive a conversation's events",
        Leave => "leave": "stops receiving a conversation's events",
        Send => "send": "sends one message into a conversation",
        Sync => "sync": "reads what a conversation has since a cursor",
        History => "history": "reads a conversation's messages from the start",
        TypingStart => "typing-start": "tells the others that the person types",
        TypingStop => "typing-stop": "tells the others that the person stopped typing",
        Read => "read": "says that a message was read",
        Delivered => "delivered": "says that a message arrived",
        List => "list": "lists the person's conversations",
        Search => "search": "finds messages by their text",
        Unread => "unread": "asks how many messages are unread",
        Contacts => "contacts": "lists the person's contacts",
        Announce => "announce": "tells the others of a message that was sent over another channel",
        Hide => "hide": "deletes a message for oneself",
        Health => "health": "asks the server whether it is well",
    }
}

vocabulary! {
    /// What a client can see without having asked. A spec's `see:` maps each to event shapes.
    Sight {
        Message => "message": "a message of a conversation",
        TypingStart => "typing-start": "somebody types",
        TypingStop => "typing-stop": "somebody stopped typing",
        Typing => "typing": "the set of those who type, as a state",
        Online => "online": "a person came online",
        Offline => "offline": "a person went offline",
        Presence => "presence": "a person's presence, as a state",
        Receipt => "receipt": "somebody read a message",
        Status => "status": "a message's delivery status changed",
        Conversation => "conversation": "a conversation was made or changed",
        Notice => "notice": "a notification beside the message itself",
        Error => "error": "an error that answers no particular request",
    }
}

vocabulary! {
    /// The states of a connection, as the documented clients show them.
    ConnectionState {
        Connecting => "connecting": "a connection is being opened",
        Connected => "connected": "the connection is open and the server accepted the client",
        Disconnected => "disconnected": "there is no connection; another attempt is due",
        Error => "error": "the last attempt failed",
    }
}

impl Operation {
    /// Holes the harness fills before it asks.
    #[must_use]
    pub const fn given(self) -> &'static [&'static str] {
        match self {
            Self::Connect => &["user", "name", "token", "cursor", "wait"],
            Self::Health => &["user", "name", "token", "cursor"],
            Self::Register | Self::Login => &["user", "name", "password"],
            Self::Logout => &["user", "name"],
            Self::Create => &["user", "peer", "members", "others", "name"],
            Self::Broadcast => &["user", "others", "chapter", "name"],
            Self::Join | Self::Leave | Self::TypingStart | Self::TypingStop => {
                &["user", "conversation"]
            }
            Self::Send => &["user", "conversation", "text", "key", "peer"],
            Self::Sync | Self::History => {
                &["user", "conversation", "since", "cursor", "limit", "page"]
            }
            Self::Read | Self::Delivered | Self::Announce | Self::Hide => {
                &["user", "conversation", "message"]
            }
            Self::List | Self::Contacts | Self::Unread => {
                &["user", "limit", "page", "conversation"]
            }
            Self::Search => &["user", "query", "limit", "page", "conversation"],
        }
    }

    /// Its answer is rows: it may have pages.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::Sync | Self::History | Self::List | Self::Contacts | Self::Search)
    }

    /// Holes without which an `ok` answer would say nothing to a judge.
    #[must_use]
    pub const fn yields(self) -> &'static [&'static str] {
        match self {
            Self::Login => &["token"],
            Self::Create | Self::Broadcast => &["conversation"],
            Self::Sync | Self::History => &["message", "text"],
            Self::Search => &["message"],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_read_back() {
        for operation in Operation::ALL {
            assert_eq!(Operation::parse(operation.name()), Some(*operation));
        }
        for sight in Sight::ALL {
            assert_eq!(Sight::parse(sight.name()), Some(*sight));
        }
        assert_eq!(Operation::parse("message:send"), None);
    }
}
