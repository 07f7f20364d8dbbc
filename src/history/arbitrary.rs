//! Entries of every kind and content, for tests.

use crate::history::{
    About, Answer, Carrier, ClientId, ConversationId, Damage, Due, Entry, Event, MessageRef, Nanos,
    OpId, Order, PersonId, Seen, Token,
};
use crate::operation::{ConnectionState, Operation, Sight};
use compact_str::CompactString;
use proptest::option;
use proptest::prelude::*;

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![9 => 0..4_u32, 1 => any::<u32>()]
}

fn time() -> impl Strategy<Value = Nanos> {
    prop_oneof![9 => 0..100_000_000_000_u64, 1 => any::<u64>()]
}

fn position() -> impl Strategy<Value = Order> {
    prop_oneof![9 => 0..9_i64, 1 => any::<i64>()]
}

fn text() -> impl Strategy<Value = CompactString> {
    prop_oneof![3 => "[ab]", 1 => "\\PC{0,30}|[\\x00-\\x7f]{0,30}"].prop_map(CompactString::from)
}

fn conversation() -> impl Strategy<Value = Option<ConversationId>> {
    option::of(number().prop_map(ConversationId))
}

fn op() -> impl Strategy<Value = OpId> {
    number().prop_map(OpId)
}

fn token() -> impl Strategy<Value = Token> {
    (0..3_u16, 0..4_u64).prop_map(|(run, number)| Token::new(run, number))
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        (option::of(text()), option::of(position()))
            .prop_map(|(id, order)| Answer::Ack { id, order }),
        text().prop_map(Answer::Nack),
        Just(Answer::TimedOut),
        Just(Answer::Lost),
    ]
}

fn seen() -> impl Strategy<Value = Seen> {
    let by = prop_oneof![
        Just(Carrier::Live),
        op().prop_map(Carrier::Sync),
        op().prop_map(Carrier::History)
    ];
    let damage = prop_oneof![
        Just(Damage::Intact),
        text().prop_map(Damage::Changed),
        Just(Damage::Alive),
        Just(Damage::NotShown)
    ];
    let ids = (option::of(text()), option::of(text()), option::of(text()));
    (by, conversation(), option::of(token()), ids, option::of(position()), damage).prop_map(
        |(by, conversation, token, (key, id, sender), order, text)| Seen {
            by,
            conversation,
            token,
            key,
            id,
            order,
            sender,
            text,
        },
    )
}

fn doing() -> impl Strategy<Value = Event> {
    let message = option::of(
        (token(), text()).prop_map(|(token, key)| MessageRef { token, key: key.into() }),
    );
    let about = prop_oneof![
        text().prop_map(About::Message),
        proptest::collection::vec(text(), 0..3).prop_map(About::People),
        text().prop_map(About::Query),
    ];
    let operation = proptest::sample::select(Operation::ALL);
    prop_oneof![
        (
            (op(), operation, conversation(), message),
            (option::of(about), option::of(text()), time())
        )
            .prop_map(|((op, operation, conversation, message), (about, via, planned))| {
                Event::Invoke { op, operation, conversation, message, about, via, planned }
            }),
        (
            op(),
            proptest::sample::select(&[Due::Accepted, Due::Refused, Due::Harmless]),
            text(),
            any::<bool>(),
        )
            .prop_map(|(op, due, why, odd)| Event::Due { op, due, why, odd }),
        (number(), time()).prop_map(|(conversation, planned)| Event::Keystroke {
            conversation: ConversationId(conversation),
            planned
        }),
        (op(), number()).prop_map(|(op, attempt)| Event::Attempt { op, attempt }),
        (op(), number(), answer(), any::<bool>()).prop_map(|(op, attempt, answer, excused)| {
            Event::Answered { op, attempt, answer, excused }
        }),
        (op(), number()).prop_map(|(op, rows)| Event::Ok { op, rows }),
        (op(), text(), any::<bool>()).prop_map(|(op, error, certain)| Event::Failed {
            op,
            error,
            certain
        }),
    ]
}

fn saw() -> impl Strategy<Value = Event> {
    let sight = proptest::sample::select(Sight::ALL);
    let words = (option::of(text()), option::of(text()), option::of(text()));
    let users = option::of(proptest::collection::vec(text(), 0..3));
    (sight, conversation(), words, users, option::of(op())).prop_map(
        |(sight, conversation, (user, id, state), users, row)| Event::Saw {
            sight,
            conversation,
            user,
            id,
            state,
            users,
            row,
        },
    )
}

fn happening() -> impl Strategy<Value = Event> {
    let state = proptest::sample::select(ConnectionState::ALL);
    prop_oneof![
        (number(), text())
            .prop_map(|(person, user)| Event::Person { person: PersonId(person), user }),
        (number(), text()).prop_map(|(conversation, id)| Event::Member {
            conversation: ConversationId(conversation),
            id
        }),
        seen().prop_map(Event::Message),
        saw(),
        (op(), option::of(text()), option::of(text())).prop_map(|(op, id, user)| Event::Listed {
            op,
            id,
            user
        }),
        (op(), number(), number(), number(), proptest::collection::vec(text(), 0..3))
            .prop_map(|(op, number, of, rows, again)| Event::Page { op, number, of, rows, again }),
        (op(), conversation(), option::of(token()), option::of(text()))
            .prop_map(|(op, conversation, token, id)| Event::Found { op, conversation, token, id }),
        (op(), any::<i64>(), conversation()).prop_map(|(op, count, conversation)| Event::Counted {
            op,
            count,
            conversation
        }),
        (number(), text()).prop_map(|(conversation, id)| Event::Addressed {
            conversation: ConversationId(conversation),
            id
        }),
        (state, text(), any::<bool>()).prop_map(|(state, why, caused)| Event::Connection {
            state,
            why,
            caused
        }),
        (time(), time(), any::<bool>()).prop_map(|(ping_interval, ping_timeout, polling)| {
            Event::Session { ping_interval, ping_timeout, polling }
        }),
        (text(), any::<bool>(), option::of(time()))
            .prop_map(|(what, valid, until)| Event::Credential { what, valid, until }),
        (text(), any::<bool>(), number()).prop_map(|(said, documented, before)| Event::Refused {
            said,
            documented,
            before
        }),
        number().prop_map(|node| Event::Node { node }),
        Just(Event::Ready),
        text().prop_map(|what| Event::Garbage { what }),
        (text(), any::<bool>()).prop_map(|(what, begins)| Event::Fault { what, begins }),
        text().prop_map(|name| Event::Phase { name }),
        time().prop_map(|nanos| Event::Lag { nanos }),
    ]
}

/// Any entry. Numbers are small mostly, so that entries have to do with each other.
pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    let event = prop_oneof![doing(), happening()];
    (time(), number(), event).prop_map(|(at, client, event)| Entry {
        at,
        client: ClientId(client),
        event,
    })
}
