//! Receipts: who has, and who has read, which message.

use super::Core;
use crate::reference::bugs::Bug;
use crate::reference::model::*;

impl Core {
    pub(super) fn receipt(
        &mut self,
        user: &User,
        about: Marked,
        kind: ReceiptKind,
        looked: Option<i64>,
        now: i64,
        events: &mut Vec<Event>,
    ) -> Result<Answer, Refusal> {
        let messages = match about {
            Marked::Message(id) => vec![self.message(user, id, Bug::ReceiptUnchecked)?],
            Marked::UpTo(id) => {
                let last = self.message(user, id, Bug::ReceiptUnchecked)?;
                self.store.without_receipt(user, last.conversation, last.id, kind)?
            }
            Marked::All(conversation) => {
                self.member(user, conversation)?;
                self.store.without_receipt(user, conversation, i64::MAX, kind)?
            }
        };
        for message in messages {
            self.mark(user, message, kind, looked, now, events)?;
        }
        Ok(Answer::Done)
    }

    fn mark(
        &mut self,
        user: &User,
        message: Message,
        kind: ReceiptKind,
        looked: Option<i64>,
        now: i64,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let counts =
            !self.bugs.has(Bug::BroadcastReaderLost) || self.is_broadcast(message.conversation);
        let overtaken = looked
            .filter(|_| counts)
            .map(|looked| Ok::<_, Refusal>(self.store.receipts(message.id)? != looked));
        if message.sender == *user || overtaken.transpose()? == Some(true) {
            return Ok(());
        }
        let before = self.store.status(message.id)?;
        if !self.store.add_receipt(message.id, user, kind)? && !self.regresses(before, kind) {
            self.reads_again(user);
            return Ok(());
        }
        let after = if self.regresses(before, kind) { Some(kind) } else { before.max(Some(kind)) };
        events.push(Event::Receipt {
            message: self.named(&message)?,
            conversation: message.conversation,
            reader: self.reader(user, &message),
            sender: message.sender,
            kind,
            status: after.filter(|_| after != before),
            at: now,
        });
        Ok(())
    }

    /// The message that the receipt names.
    fn named(&self, message: &Message) -> Result<i64, Refusal> {
        match self.bugs.has(Bug::ReceiptWrongMessage) {
            true => Ok(self.store.newest(message.conversation)?),
            false => Ok(message.id),
        }
    }

    /// The reader that the receipt names.
    fn reader(&self, user: &User, message: &Message) -> User {
        let members = self.conversations.get(&message.conversation).map(|it| &it.members);
        let mut others = members.into_iter().flatten();
        let other = others.find(|other| *other != user && **other != message.sender);
        other.filter(|_| self.bugs.has(Bug::ReceiptWrongReader)).unwrap_or(user).clone()
    }

    fn regresses(&self, before: Option<ReceiptKind>, kind: ReceiptKind) -> bool {
        self.bugs.has(Bug::ReceiptRegresses) && before > Some(kind)
    }

    /// Notes on each row how far it has come, where readers are shown it.
    pub(super) fn add_statuses(&self, rows: &mut [Message]) -> Result<(), Refusal> {
        if self.rules.shows_status && !self.bugs.has(Bug::ReceiptForgotten) {
            for row in rows {
                row.status = self.shown_status(row.id)?;
            }
        }
        Ok(())
    }

    fn shown_status(&self, id: i64) -> Result<Option<ReceiptKind>, Refusal> {
        let status = self.store.status(id)?;
        if self.bugs.has(Bug::ReceiptStaysSending) {
            return Ok(status.or(Some(ReceiptKind::Sending)));
        }
        let slowest = self.bugs.has(Bug::ReceiptSlowest)
            && self.store.has_receipt(id, ReceiptKind::Delivered)?;
        Ok(if slowest { Some(ReceiptKind::Delivered) } else { status })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::super::tests::{Chat, rules};
    use super::*;
    use ReceiptKind::{Delivered, Read};

    struct Told {
        chat: Chat,
        place: Conversation,
        ids: Vec<i64>,
    }

    /// Ann has sent three messages to Bob and Cat.
    fn told(bugs: &[Bug]) -> Told {
        let mut chat = Chat::new(Rules { shows_status: true, ..rules() }, bugs);
        let place = chat.create("ann", &["bob", "cat"]);
        let ids =
            ["a", "b", "c"].map(|key| chat.send("ann", place, key, key).unwrap().0.id).to_vec();
        chat.events.clear();
        Told { chat, place, ids }
    }

    impl Told {
        /// Message, kind and status of each receipt that the sender hears of.
        fn mark(
            &mut self,
            user: &str,
            about: Marked,
            kind: ReceiptKind,
        ) -> Vec<(i64, ReceiptKind, Option<ReceiptKind>)> {
            let command = Command::Receipt { about, kind, looked: None };
            self.chat.ask(user, command).unwrap();
            let events = self.chat.events.drain(..);
            let told = events.filter_map(|event| match event {
                Event::Receipt { message, kind, status, .. } => Some((message, kind, status)),
                _ => None,
            });
            told.collect()
        }
    }

    #[test]
    fn a_receipt_is_told_once_and_not_to_oneself() {
        let mut told = told(&[]);
        let first = told.ids[0];
        let about = Marked::Message(first);
        assert_eq!(told.mark("bob", about, Read), [(first, Read, Some(Read))]);
        assert_eq!(told.mark("bob", about, Read), []);
        assert_eq!(told.mark("ann", about, Read), []);
        assert_eq!(told.mark("cat", about, Read), [(first, Read, None)], "a reader more");
        let unread = told.chat.ask("bob", Command::Unread { conversation: None });
        assert_eq!(unread.unwrap(), Answer::Count(2));
    }

    #[test]
    fn a_status_goes_forward_only() {
        let mut told = told(&[]);
        let first = told.ids[0];
        let about = Marked::Message(first);
        assert_eq!(told.mark("bob", about, Delivered), [(first, Delivered, Some(Delivered))]);
        assert_eq!(told.mark("bob", about, Read), [(first, Read, Some(Read))]);
        assert_eq!(told.mark("bob", about, Delivered), []);
        assert_eq!(told.mark("cat", about, Delivered), [(first, Delivered, None)]);
        let place = told.place;
        let rows = told.chat.read("ann", place, Window::default());
        assert_eq!(rows[0].status, Some(Read));
        assert_eq!(rows[1].status, None);
    }

    #[test]
    fn one_receipt_may_be_about_many_messages() {
        let mut told = told(&[]);
        let (ids, place) = (told.ids.clone(), told.place);
        let row = |id| (id, Read, Some(Read));
        assert_eq!(told.mark("bob", Marked::UpTo(ids[1]), Read), [row(ids[0]), row(ids[1])]);
        assert_eq!(told.mark("bob", Marked::All(place), Read), [row(ids[2])]);
        assert_eq!(told.mark("bob", Marked::All(place), Read), []);
        let all = Command::Receipt { about: Marked::All(place), kind: Read, looked: None };
        assert!(told.chat.ask("eve", all).is_err());
    }

    #[test]
    fn each_bug_of_the_store_shows() {
        let mut back = told(&[Bug::ReceiptRegresses]);
        let first = back.ids[0];
        let about = Marked::Message(first);
        back.mark("bob", about, Read);
        assert_eq!(back.mark("bob", about, Delivered), [(first, Delivered, Some(Delivered))]);
        let mut raced = told(&[Bug::ReceiptRace]);
        let late = Command::Receipt { about, kind: Read, looked: Some(0) };
        for user in ["bob", "cat"] {
            raced.chat.ask(user, late.clone()).unwrap();
        }
        assert_eq!(raced.chat.events.len(), 1);
    }
}
