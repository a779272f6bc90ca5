//! Addresses and other values that the tests agree on.

use std::{net::SocketAddr, time::Duration};

use dialog_core::Invite;
use sip_message::{NameAddrBuf, StatusCode, UriBuf};
use sip_transport::{FlowId, Hop, Origin, Transport};

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(crate) fn local() -> SocketAddr {
    address("192.0.2.1:5060")
}

pub(crate) fn remote() -> SocketAddr {
    address("192.0.2.20:5060")
}

pub(crate) fn hop() -> Hop {
    Hop {
        flow: FlowId::from(1),
        transport: Transport::Udp,
        remote: remote(),
        local: local(),
        above: None,
        alias: false,
    }
}

pub(crate) fn origin() -> Origin {
    Origin { flow: FlowId::from(1), transport: Transport::Udp, source: remote(), local: local(), peer: None }
}

pub(crate) fn uri(text: &str) -> UriBuf {
    UriBuf::parse(text).expect("a URI")
}

pub(crate) fn address_of(text: &str) -> NameAddrBuf {
    text.parse().expect("an address")
}

pub(crate) fn code(number: u16) -> StatusCode {
    StatusCode::new(number).expect("a status code")
}

pub(crate) fn invite() -> Invite {
    Invite {
        target: uri("sip:bob@example.com"),
        to: address_of("<sip:bob@example.com>"),
        from: address_of("\"Alice\" <sip:alice@example.com>"),
        contact_user: Some("alice".into()),
        registration: None,
        headers: Vec::new(),
        extensions: Vec::new(),
        ring_limit: Duration::from_mins(1),
        redirects: 0,
        offerless: false,
    }
}
