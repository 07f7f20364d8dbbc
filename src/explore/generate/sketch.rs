//! The strategies: how many people, rooms and acts there are, and what the acts are like. Whom and what
//! they are about is left open, as a share of whoever and whatever is there.

use super::palette::Palette;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// A script whose numbers mean nothing yet.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    /// How many devices each person has.
    pub(super) devices: Vec<usize>,
    pub(super) rooms: Vec<Room>,
    pub(super) acts: Vec<Act>,
}

#[derive(Clone, Debug)]
pub(super) struct Room {
    /// How many are in it.
    pub(super) size: usize,
    /// Who they are.
    pub(super) members: Index,
    /// It is there before the first step.
    pub(super) made: bool,
    /// Only one of them writes in it.
    pub(super) broadcast: bool,
}

/// One thing after the other.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Steps released together, and whether the next act waits for them.
    Race(Knot, bool),
    /// One step.
    Alone(Move),
    /// Something goes wrong for somebody: one of so many kinds.
    Trouble {
        who: Index,
        which: Index,
    },
    /// A device goes away, or comes back.
    Leave(Index),
    Return(Index),
    Pause(u16),
    Rest,
    /// The server's process is restarted.
    Restart,
    /// Something happens to the server in the middle of what people do.
    Strike(Strike),
}

/// Somebody speaks without a pause, and meanwhile something happens to a node of the server, or to a part.
#[derive(Clone, Debug)]
pub(super) struct Strike {
    /// What happens.
    pub(super) which: Index,
    /// Who speaks, how many messages, and so many milliseconds from one to the next.
    pub(super) who: Index,
    pub(super) count: Index,
    pub(super) pace: u16,
    /// So many milliseconds later it happens.
    pub(super) after: u16,
    /// What is done while it lasts, and whether each is awaited.
    pub(super) meanwhile: Vec<(Move, bool)>,
    /// How much longer it lasts, in milliseconds.
    pub(super) lasts: u16,
}

/// What racing steps share.
#[derive(Clone, Debug)]
pub(super) enum Knot {
    /// One message, sent several times; perhaps one that was sent before.
    Message { message: Index, again: bool, by: Vec<Index> },
    /// One pair of people, who ask for their conversation.
    Pair { room: Index, by: Vec<Index> },
    /// A message that several people do something with.
    About { message: Index, what: Index, by: Vec<Index> },
    /// A conversation in which several people speak.
    Talk { room: Index, by: Vec<Index> },
    /// A conversation, and whatever happens in it.
    Anything { room: Index, moves: Vec<Move> },
}

/// What one device does.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) who: Index,
    pub(super) what: What,
    /// The message or operation that it is about.
    pub(super) which: Index,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Send,
    Repeat,
    Burst,
    Ask,
    About,
    Type,
    Cut,
    Disconnect,
    Connect,
}

/// Sketches that have a meaning with this palette.
pub(super) fn sketches(palette: &Palette) -> BoxedStrategy<Sketch> {
    let people =
        prop_oneof![4 => Just(2_usize), 3 => Just(3), 2 => Just(4), 1 => Just(5), 1 => Just(6)];
    let devices =
        people.prop_flat_map(|people| vec(prop_oneof![2 => Just(1_usize), 1 => Just(2)], people));
    (devices, vec(rooms(palette), 1..=4), vec(acts(palette), 1..=5))
        .prop_map(|(devices, rooms, acts)| Sketch { devices, rooms, acts })
        .boxed()
}

/// Sketches of what people do while something happens to the server's nodes and parts. Each takes a server
/// of its own, so they are small as they are.
pub(super) fn struck(palette: &Palette) -> BoxedStrategy<Sketch> {
    let devices = prop_oneof![2 => Just(2_usize), 3 => Just(3)].prop_map(|people| vec![1; people]);
    let room = (any::<Index>(), 2..=3_usize).prop_map(|(members, size)| Room {
        size,
        members,
        made: true,
        broadcast: false,
    });
    let strike = strikes(palette).prop_map(Act::Strike);
    let acts = (strike, prop::option::of(moves(palette).prop_map(Act::Alone)));
    (devices, vec(room, 1..=2), acts)
        .prop_map(|(devices, rooms, (strike, after))| Sketch {
            devices,
            rooms,
            acts: std::iter::once(strike).chain(after).collect(),
        })
        .boxed()
}

fn strikes(palette: &Palette) -> impl Strategy<Value = Strike> + use<> {
    let says = (any::<Index>(), any::<Index>()).prop_map(|(who, which)| Move {
        who,
        what: What::Send,
        which,
    });
    let meanwhile = prop_oneof![3 => says, 1 => moves(palette)];
    let pace = prop_oneof![1 => Just(0_u16), 2 => 10..=120_u16];
    // Leases, locks and heartbeats run out after a second or some.
    let lasts = prop_oneof![1 => 0..=500_u16, 2 => 500..=4_000_u16];
    let numbers = (any::<Index>(), any::<Index>(), any::<Index>(), pace, 0..=400_u16, lasts);
    (numbers, vec((meanwhile, prop::bool::weighted(0.6)), 1..=3)).prop_map(
        |((which, who, count, pace, after, lasts), meanwhile)| Strike {
            which,
            who,
            count,
            pace,
            after,
            meanwhile,
            lasts,
        },
    )
}

fn rooms(palette: &Palette) -> impl Strategy<Value = Room> + use<> {
    let made = if palette.creates { prop::bool::weighted(0.6).boxed() } else { Just(true).boxed() };
    let size = prop_oneof![3 => Just(2_usize), 2 => 3..=6_usize];
    let broadcast = if palette.broadcasts { 0.3 } else { 0.0 };
    (size, any::<Index>(), made, prop::bool::weighted(broadcast))
        .prop_map(|(size, members, made, broadcast)| Room { size, members, made, broadcast })
}

fn acts(palette: &Palette) -> BoxedStrategy<Act> {
    let restart = u32::from(palette.restarts);
    prop_oneof![
        60 => (knots(palette), prop::bool::weighted(0.9)).prop_map(|(knot, awaited)| Act::Race(knot, awaited)),
        15 => moves(palette).prop_map(Act::Alone),
        8 => any::<(Index, Index)>().prop_map(|(who, which)| Act::Trouble { who, which }),
        4 => any::<Index>().prop_map(Act::Leave),
        4 => any::<Index>().prop_map(Act::Return),
        6 => prop_oneof![1..=60_u16, 60..=800_u16].prop_map(Act::Pause),
        6 => Just(Act::Rest),
        restart => Just(Act::Restart),
    ]
    .boxed()
}

fn knots(palette: &Palette) -> BoxedStrategy<Knot> {
    let several = || vec(any::<Index>(), 2..=4);
    let weight = |is: bool, weight: u32| if is { weight } else { 0 };
    prop_oneof![
        weight(palette.repeats.is_some(), 6) => (any::<Index>(), prop::bool::weighted(0.2), several())
            .prop_map(|(message, again, by)| Knot::Message { message, again, by }),
        weight(palette.creates, 5) => (any::<Index>(), several())
            .prop_map(|(room, by)| Knot::Pair { room, by }),
        weight(!palette.about.is_empty(), 5) => (any::<Index>(), any::<Index>(), several())
            .prop_map(|(message, what, by)| Knot::About { message, what, by }),
        5 => (any::<Index>(), several()).prop_map(|(room, by)| Knot::Talk { room, by }),
        5 => (any::<Index>(), vec(moves(palette), 2..=4))
            .prop_map(|(room, moves)| Knot::Anything { room, moves }),
    ]
    .boxed()
}

fn moves(palette: &Palette) -> BoxedStrategy<Move> {
    let weight = |is: bool, weight: u32| if is { weight } else { 0 };
    let what = prop_oneof![
        6 => Just(What::Send),
        weight(palette.repeats.is_some(), 3) => Just(What::Repeat),
        1 => Just(What::Burst),
        weight(!palette.asks.is_empty(), 4) => Just(What::Ask),
        weight(!palette.about.is_empty(), 4) => Just(What::About),
        weight(palette.types, 2) => Just(What::Type),
        1 => Just(What::Cut),
        1 => Just(What::Disconnect),
        2 => Just(What::Connect),
    ];
    (any::<Index>(), what, any::<Index>())
        .prop_map(|(who, what, which)| Move { who, what, which })
        .boxed()
}
