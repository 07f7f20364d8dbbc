//! The cases of the wire, one file per part of the protocols.

mod acks;
mod closing;
mod frames;
mod handshake;
mod heartbeat;
mod json;
mod namespaces;
mod packets;
mod polling;
mod upgrade;
mod websocket;

use super::WireCase;
use std::sync::LazyLock;

static ALL: LazyLock<Vec<WireCase>> = LazyLock::new(|| {
    let parts = [
        handshake::CASES,
        polling::CASES,
        heartbeat::CASES,
        closing::CASES,
        upgrade::CASES,
        frames::CASES,
        namespaces::CASES,
        packets::CASES,
        acks::CASES,
        websocket::CASES,
        json::CASES,
    ];
    parts.concat()
});

/// Every case of the wire, in the order of the protocols' documents.
#[must_use]
pub fn cases() -> &'static [WireCase] {
    &ALL
}
