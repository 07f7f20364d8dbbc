//! What server and client say first over a Socket.IO session, where the spec has a first message: the
//! welcome, the login, and the answer that lets somebody in.
//!
//! Without a first message nothing needs to be said, and a welcome is an event as any other. Nothing
//! here knows a socket.

use super::tongue::Word;
use crate::engine::login_text;
use crate::engine::people::Papers;
use crate::spec::{Bindings, Reception, Shape, Spec, Step, Via};
use crate::wire::socket_io::Packet;

/// The number under which the login asks for its acknowledgement.
const LOGIN: u64 = 1;

/// One person's first words, and those of the server.
#[derive(Clone, Debug)]
pub(super) struct Greeting {
    /// The login, as a packet.
    pub(super) login: String,
    welcome: Option<Shape>,
    let_in: Vec<Reception>,
    known: Bindings,
}

impl Greeting {
    /// What the one with these papers says first in the namespace, as `$ns` has it; `None`: nothing.
    pub(super) fn of(spec: &Spec, papers: &Papers, namespace: &str) -> Option<Self> {
        let first = spec.connect.first.as_ref()?;
        let event = login_text(first, &papers.bindings)?;
        let number = if is_acknowledged(first) { LOGIN.to_string() } else { String::new() };
        Some(Self {
            login: format!("42{namespace}{number}{event}"),
            welcome: spec.connect.welcome.clone().filter(|shape| shape.event().is_some()),
            let_in: first.yes.clone(),
            known: papers.bindings.clone(),
        })
    }

    /// Whether the server ever says this word.
    pub(super) fn awaits(&self, word: Word) -> bool {
        match word {
            Word::Welcome => self.welcome.is_some(),
            Word::LetIn => !self.let_in.is_empty(),
            Word::Answer => false,
        }
    }

    /// Whether this packet of Engine.IO is the word.
    pub(super) fn is(&self, word: Word, packet: &str) -> bool {
        let Some(Ok(packet)) = packet.strip_prefix('4').map(Packet::decode) else { return false };
        let fits = |shape: &Shape| shape.fits(packet.data, &mut self.known.clone());
        match word {
            Word::Welcome => packet.kind.is_event() && self.welcome.as_ref().is_some_and(fits),
            Word::LetIn => {
                let mut answers = self.let_in.iter().filter(|one| carries(&packet, &one.via));
                answers.any(|one| fits(&one.shape))
            }
            Word::Answer => false,
        }
    }
}

fn is_acknowledged(first: &Step) -> bool {
    first.yes.iter().chain(&first.no).any(|one| one.via == Via::Ack)
}

fn carries(packet: &Packet<'_>, via: &Via) -> bool {
    match via {
        Via::Ack => packet.kind.is_ack() && packet.ack == Some(LOGIN),
        Via::Event(name) => packet.kind.is_event() && packet.event_name().as_deref() == Some(name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Scalar;
    use crate::spec::Hole;

    fn greeting(yaml: &str) -> Option<Greeting> {
        let spec = crate::spec::load("spec.yaml", yaml, &crate::property::ids()).unwrap().spec;
        let mut bindings = Bindings::new();
        bindings.set(Hole::USER, Scalar::Text("ann".into()));
        bindings.set(Hole::TOKEN, Scalar::Text("t".into()));
        Greeting::of(&spec, &Papers { bindings, ..Papers::default() }, "")
    }

    #[test]
    fn the_welcome_is_awaited_and_the_login_answered_under_its_number() {
        let greeting = greeting(include_str!("../../../specs/lobby.yaml")).unwrap();
        assert_eq!(greeting.login, r#"421["hello",{"token":"t"}]"#);
        assert!(greeting.awaits(Word::Welcome) && greeting.awaits(Word::LetIn));
        assert!(greeting.is(Word::Welcome, r#"42["welcome",{"version":3}]"#));
        assert!(!greeting.is(Word::Welcome, r#"42["news",{"version":3}]"#));
        let let_in = r#"431[{"ok":true,"user":"ann","cursor":7}]"#;
        assert!(greeting.is(Word::LetIn, let_in));
        assert!(!greeting.is(Word::LetIn, &let_in.replace("431", "432")));
        assert!(!greeting.is(Word::LetIn, r#"431[{"ok":false,"error":"no"}]"#));
    }

    #[test]
    fn without_a_first_message_nothing_needs_to_be_said() {
        assert!(greeting(include_str!("../../../specs/callback-ack.yaml")).is_none());
    }
}
