//! The way back of a response: the Via with `received` and `rport`, and the hop (RFC 3261 §18.2, RFC 3581 §4).

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use sip_message::{Host, ParseError, Via};

use crate::{
    address::DEFAULT_PORT,
    flow::{Hop, Origin, Transport},
};

/// The Via of a request as responses carry it: with `received` and `rport` as the datagram's source shows them.
///
/// What the sender wrote into either is replaced: only the receiver knows it. An error if the Via has no room for it.
pub(crate) fn stamped(via: &Via<'_>, source: SocketAddr) -> Result<Arc<str>, ParseError> {
    via.received_from(source.ip().to_canonical(), source.port()).map(Arc::from)
}

/// Where the response goes: over the same connection; of a datagram from the same socket, to the source address, and there
/// to the source port if `rport` was asked for, else to the port of sent-by or 5060. `None` if that port is 0.
///
/// `maddr` is not followed (RFC 3261 §18.2.2 second item): it is the sender's word only, and following it would let
/// anybody aim our responses at a third host or a multicast group. Whoever sends over multicast has the response
/// sent to its own address instead.
pub(crate) fn reply(via: &Via<'_>, origin: &Origin) -> Option<Hop> {
    if origin.transport.is_reliable() {
        return Some(origin.hop());
    }
    let port = if via.has_rport() { origin.source.port() } else { via.port.unwrap_or(DEFAULT_PORT) };
    let mut hop = origin.hop();
    hop.remote.set_port(port);
    (port != 0).then_some(hop)
}

/// The sent-by of a Via as an address; `None` if it is a name, which is none that we insert.
pub(crate) fn sent_by(via: &Via<'_>, transport: Transport) -> Option<(IpAddr, u16)> {
    let ip = match via.host {
        Host::V4(ip) => IpAddr::V4(ip),
        Host::V6(ip) => IpAddr::V6(ip),
        Host::Name(_) => return None,
    };
    Some((ip.to_canonical(), via.port.unwrap_or(transport.default_port())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(raw: &str, source: &str) -> String {
        let via = Via::parse(raw).expect("test Via");
        stamped(&via, source.parse().expect("test address")).expect("there is room").as_ref().into()
    }

    #[test]
    fn received_is_added_when_the_sender_is_not_where_it_says() {
        assert_eq!(
            stamp("SIP/2.0/UDP bobspc.biloxi.com:5060", "192.0.2.4:5060"),
            "SIP/2.0/UDP bobspc.biloxi.com:5060;received=192.0.2.4"
        );
        assert_eq!(
            stamp("SIP/2.0/UDP 192.0.2.4;branch=z9hG4bKa", "192.0.2.4:6000"),
            "SIP/2.0/UDP 192.0.2.4;branch=z9hG4bKa"
        );
    }

    #[test]
    fn rport_brings_received_even_if_the_address_is_the_same() {
        assert_eq!(
            stamp("SIP/2.0/UDP 192.0.2.4;rport;branch=z9hG4bKa", "192.0.2.4:6000"),
            "SIP/2.0/UDP 192.0.2.4;branch=z9hG4bKa;received=192.0.2.4;rport=6000"
        );
    }

    #[test]
    fn what_the_sender_claims_is_replaced() {
        assert_eq!(
            stamp(
                "SIP/2.0/UDP a.example ; received=203.0.113.9 ;rport=9;branch=z9hG4bKa;x=\"a;rport=1\"",
                "192.0.2.4:6000"
            ),
            "SIP/2.0/UDP a.example;branch=z9hG4bKa;x=\"a;rport=1\";received=192.0.2.4;rport=6000"
        );
    }

    #[test]
    fn ipv6_is_written_without_brackets() {
        assert_eq!(
            stamp("SIP/2.0/UDP [2001:db8::1]:5061;rport;branch=z9hG4bKa", "[2001:db8::2]:6000"),
            "SIP/2.0/UDP [2001:db8::1]:5061;branch=z9hG4bKa;received=2001:db8::2;rport=6000"
        );
    }
}
