//! Single packets, bent: what a client says that the server never hears, and what it says itself.

use super::Bend;
use crate::reference::bugs::Bug;
use serde_json::Value;

/// What one client has said so far.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// Its CONNECT packet, by which all devices of a person are alike.
    pub(super) connect: Option<String>,
}

impl Client {
    /// One of whom only this is known, that it has connected.
    pub(super) fn known() -> Self {
        Self { connect: Some(String::new()) }
    }

    /// Whether the server is to hear this packet.
    pub(super) fn passes(&mut self, bend: &Bend, packet: &str) -> bool {
        let bugs = bend.bugs;
        let mut kinds = packet.bytes();
        let (engine, socket) = (kinds.next(), kinds.next());
        if packet.starts_with("40") {
            self.connect = Some(packet.to_owned());
        }
        let unknown = |kind: Option<u8>| kind.is_none_or(|kind| !(b'0'..=b'6').contains(&kind));
        let malformed = engine == Some(b'4') && unknown(socket);
        if malformed
            && bugs.has(Bug::MalformedCrashes)
            && let Some(connect) = &self.connect
        {
            // Without anybody who listens nobody is thrown out.
            let _ = bend.thrown_out.send(connect.clone());
        }
        let early = packet.starts_with("42") && self.connect.is_none();
        let invalid = unknown(engine) && engine != Some(b'b');
        !(malformed && bugs.has(Bug::MalformedTolerated)
            || early && bugs.has(Bug::EarlyEventTolerated)
            || invalid && bugs.has(Bug::InvalidPacketTolerated)
            || packet == "1" && bugs.has(Bug::CloseIgnored))
    }
}

/// What becomes of a packet of the server; `None`: nobody hears it.
pub(super) fn by_server(bend: &Bend, packet: &str, on_websocket: bool) -> Option<String> {
    let bugs = bend.bugs;
    match packet.as_bytes() {
        [b'0', b'{', ..] => Some(open(bend, packet, on_websocket)),
        b"3probe" if bugs.has(Bug::ProbeWrong) => Some("3".to_owned()),
        [b'4', b'4', ..]
            if bugs.has(Bug::ConnectErrorMissing) && packet.contains("Invalid namespace") =>
        {
            None
        }
        [b'4', b'0', ..] if bugs.has(Bug::SocketIdSame) => Some(with_one_id(packet)),
        [b'4', b'3', ..] if bugs.has(Bug::AckIdCut) => Some(with_cut_id(packet)),
        _ => Some(packet.to_owned()),
    }
}

/// The open packet, with the figures that are told.
fn open(bend: &Bend, packet: &str, on_websocket: bool) -> String {
    let Ok(Value::Object(mut open)) = serde_json::from_str(&packet[1..]) else {
        return packet.to_owned();
    };
    let (told, bugs) = (bend.told, bend.bugs);
    let millis = |time: std::time::Duration| Value::from(time.as_millis() as u64);
    open.insert("pingInterval".into(), millis(told.ping_interval));
    open.insert("pingTimeout".into(), millis(told.ping_timeout));
    let factor = if bugs.has(Bug::PayloadAnnouncedWrong) { 10 } else { 1 };
    open.insert("maxPayload".into(), (told.max_payload * factor).into());
    if bugs.has(Bug::UpgradesMissing) {
        open.insert("upgrades".into(), Value::Array(Vec::new()));
    }
    if on_websocket && bugs.has(Bug::SidSame) {
        open.insert("sid".into(), "AAAAAAAAAAAAAAAAAAAA".into());
    }
    format!("0{}", Value::Object(open))
}

/// `40{"sid":"…"}` with the id that everybody has.
fn with_one_id(packet: &str) -> String {
    let (beginning, json) = packet.split_at(packet.find('{').unwrap_or(packet.len()));
    match serde_json::from_str(json) {
        Ok(Value::Object(mut grant)) => {
            grant.insert("sid".into(), "AAAAAAAAAAAAAAAAAAAA".into());
            format!("{beginning}{}", Value::Object(grant))
        }
        _ => packet.to_owned(),
    }
}

/// `43` with an id that has lost what is beyond 32 bits.
fn with_cut_id(packet: &str) -> String {
    let (head, json) = packet.split_at(packet.find('[').unwrap_or(packet.len()));
    let digits = head[2..].rfind(|c: char| !c.is_ascii_digit()).map_or(2, |at| at + 3);
    match head[digits..].parse::<u64>() {
        Ok(id) => format!("{}{}{json}", &head[..digits], id as u32),
        Err(_) => packet.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lose_what_is_beyond_32_bits() {
        for (packet, bent) in [
            ("437[]", "437[]"),
            ("434294967301[1]", "435[1]"),
            ("43/a7,4294967301[1]", "43/a7,5[1]"),
            ("43[1]", "43[1]"),
        ] {
            assert_eq!(with_cut_id(packet), bent);
        }
    }

    #[test]
    fn grants_lose_their_own_id() {
        let bent = with_one_id(r#"40/chat,{"sid":"x"}"#);
        assert_eq!(bent, r#"40/chat,{"sid":"AAAAAAAAAAAAAAAAAAAA"}"#);
        assert_eq!(with_one_id("40"), "40");
    }
}
