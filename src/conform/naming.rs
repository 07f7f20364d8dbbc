//! Arguments in the words of their script: `ann.2` for a client, `a` for the message `a`.

use crate::history::ClientId;
use crate::verdict::{Exhibit, Violation};

/// What the clients and messages of one play are called.
pub(crate) struct Names<'a> {
    pub(crate) clients: &'a [(ClientId, String)],
    /// Tokens, and the labels of their messages.
    pub(crate) messages: &'a [(String, String)],
}

impl Names<'_> {
    /// Puts the names into an argument.
    pub(crate) fn put_into(&self, violation: &mut Violation) {
        self.put_into_lines(&mut violation.exhibits);
        violation.therefore = self.named(&violation.therefore);
        violation.but = self.named(&violation.but);
    }

    /// Puts the names into lines of an argument.
    pub(crate) fn put_into_lines(&self, lines: &mut [Exhibit]) {
        for exhibit in lines {
            exhibit.text = self.named(&exhibit.text);
        }
    }

    fn named(&self, text: &str) -> String {
        let mut text = self.with_clients(text);
        for (token, label) in self.messages {
            if text.contains(token.as_str()) {
                text = text.replace(token.as_str(), label);
            }
        }
        text
    }

    fn with_clients(&self, text: &str) -> String {
        const WORD: &str = "client ";
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(WORD) {
            let (before, after) = rest.split_at(at);
            out.push_str(before);
            let digits = &after[WORD.len()..];
            let length = digits.bytes().take_while(u8::is_ascii_digit).count();
            let id = digits[..length].parse().ok().map(ClientId);
            let known = id.and_then(|id| self.clients.iter().find(|(known, _)| *known == id));
            match known {
                Some((_, name)) => out.push_str(name),
                None => out.push_str(&after[..WORD.len() + length]),
            }
            rest = &digits[length..];
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_messages_have_their_names() {
        let names = Names {
            clients: &[(ClientId(3), "ann".into()), (ClientId(37), "bob.2".into())],
            messages: &[("qzbsaaaeaaaade".into(), "a".into())],
        };
        let exhibit =
            Exhibit { at: 0, client: ClientId(3), text: "sent \"qzbsaaaeaaaade\"".into() };
        let mut violation = Violation {
            summary: String::new(),
            exhibits: vec![exhibit],
            therefore: "client 37 misses it, client 3 and client 9 do not".into(),
            but: "a client has everything".into(),
        };
        names.put_into(&mut violation);
        assert_eq!(violation.exhibits[0].text, "sent \"a\"");
        assert_eq!(violation.therefore, "bob.2 misses it, ann and client 9 do not");
        assert_eq!(violation.but, "a client has everything");
    }
}
