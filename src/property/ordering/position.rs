//! Positions, when one is before another, and how they are told.

use crate::history::Order;

/// Times from 2001 on, in nanoseconds: no sequence number is that large.
const TIMES: Order = 1_000_000_000_000_000_000;

const MILLISECOND: Order = 1_000_000;

/// Equal, or one is the other rounded down to a millisecond.
pub(super) fn same(one: Order, two: Order) -> bool {
    let rounded = |order: Order| order >= TIMES && order % MILLISECOND == 0;
    one == two || (rounded(one) || rounded(two)) && one / MILLISECOND == two / MILLISECOND
}

/// Lower, and not only by rounding.
pub(super) fn earlier(one: Order, two: Order) -> bool {
    one < two && !same(one, two)
}

pub(super) fn saw(id: &str, order: Order) -> String {
    format!("saw the message {id}, {}", at_place(order))
}

pub(super) fn at_place(order: Order) -> String {
    format!("its position is {order}")
}
