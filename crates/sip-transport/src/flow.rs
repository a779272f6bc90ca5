//! The values that cross the transport boundary: flows, origins, hops and what is sent on them.

use std::{fmt, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use sip_message::{Message, UriBuf, print::push_address};
use smallvec::SmallVec;
use thiserror::Error;

use crate::boundary::CloseCause;

identifier! {
    /// A flow: one UDP socket of ours, or one connection; also names the listening socket that connections come in by.
    FlowId, "flow-"
}

identifier! {
    /// A question where to send a request; answered by [`FlowEvent::Routed`].
    RouteId, "route-"
}

/// A SIP transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams (RFC 3261 §18).
    Udp,
    /// TCP streams (RFC 3261 §18).
    Tcp,
    /// TLS over TCP (RFC 3261 §26.2).
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket over TLS (RFC 7118).
    Wss,
}

impl Transport {
    /// The name in a Via (`UDP`).
    pub const fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// Whether the transport delivers by itself, so that transactions do not retransmit (RFC 3261 §17).
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether what it carries is encrypted and the server is who it says (RFC 3261 §26.2).
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// Whether each message is a frame of its own, so that `Content-Length` is not needed to find its end (RFC 7118 §5).
    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// The port of a URI or a sent-by without one (RFC 3261 §19.1.2, RFC 6455 §3).
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.via_name())
    }
}

/// Where a message came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The flow it came on.
    pub flow: FlowId,
    /// The flow's transport.
    pub transport: Transport,
    /// The sender's address as our socket saw it.
    pub source: SocketAddr,
    /// Our address on that flow.
    pub local: SocketAddr,
    /// Who sent it, as far as TLS has verified it.
    pub peer: Option<PeerIdentity>,
}

impl Origin {
    /// The name that TLS has verified, if any: the first of them.
    pub fn verified_name(&self) -> Option<Arc<str>> {
        self.peer.as_ref().map(|peer| Arc::from(peer.name()))
    }

    /// The way back to the sender.
    pub fn hop(&self) -> Hop {
        Hop {
            flow: self.flow,
            transport: self.transport,
            remote: self.source,
            local: self.local,
            above: None,
            alias: false,
        }
    }
}

/// One place a request may be sent to, with the address of ours that it will see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// The flow to use.
    pub flow: FlowId,
    /// The flow's transport.
    pub transport: Transport,
    /// The next element's address.
    pub remote: SocketAddr,
    /// Our address towards it: sent-by of Via, host and port of Contact, `c=` of SDP.
    pub local: SocketAddr,
    /// Use this hop only for requests longer than this many bytes on the next hop (RFC 3261 §18.1.1).
    pub above: Option<u16>,
    /// Whether requests back to us may use the connection of this hop, which our Via says by `alias` (RFC 5923 §8.1).
    pub alias: bool,
}

impl Hop {
    /// The Via value for a request on this hop, with `rport` (RFC 3581 §3), and `alias` where it is offered.
    pub fn via(&self, branch: &str) -> String {
        let mut via = String::with_capacity(USUAL_VALUE + branch.len());
        self.push_via(&mut via, &[branch]);
        via
    }

    /// Adds that Via value to a text, with a branch of these parts.
    pub fn push_via(&self, text: &mut String, branch: &[&str]) {
        for part in ["SIP/2.0/", self.transport.via_name(), " "] {
            text.push_str(part);
        }
        push_address(text, self.sent_by());
        text.push_str(";branch=");
        for part in branch {
            text.push_str(part);
        }
        text.push_str(if self.alias { ";rport;alias" } else { ";rport" });
    }

    /// Our address as a message names it: without the zone of a link-local address, which means nothing on another host
    /// and has no place in a SIP host (RFC 4007 §6, RFC 3261 §25.1).
    fn sent_by(&self) -> SocketAddr {
        SocketAddr::new(self.local.ip(), self.local.port())
    }

    /// The Contact value for messages on this hop, in angle brackets.
    ///
    /// A `sips` URI where the request's own URI is one (RFC 3261 §8.1.1.8, §12.1.1; RFC 5630 §5), else a `sip` URI with the
    /// transport.
    pub fn contact(&self, user: Option<&str>, secure: bool) -> String {
        let mut contact = String::with_capacity(USUAL_VALUE + user.map_or(0, str::len));
        self.push_contact(&mut contact, user, secure);
        contact
    }

    /// Adds that Contact value to a text.
    pub fn push_contact(&self, text: &mut String, user: Option<&str>, secure: bool) {
        let (scheme, parameter) = match (self.transport, secure) {
            (Transport::Udp, _) => ("sip", ""),
            (Transport::Tcp, _) => ("sip", ";transport=tcp"),
            (Transport::Tls, false) => ("sip", ";transport=tls"),
            (Transport::Tls, true) => ("sips", ""),
            (Transport::Ws, _) => ("sip", ";transport=ws"),
            (Transport::Wss, false) => ("sip", ";transport=wss"),
            (Transport::Wss, true) => ("sips", ";transport=ws"),
        };
        for part in ["<", scheme, ":", user.unwrap_or_default(), if user.is_some() { "@" } else { "" }] {
            text.push_str(part);
        }
        push_address(text, self.sent_by());
        text.push_str(parameter);
        text.push('>');
    }
}

/// Room for a Via or Contact with an IPv4 address, beside branch or user part.
const USUAL_VALUE: usize = "SIP/2.0/TCP 255.255.255.255:65535;branch=;rport;alias".len();

/// The hops of a request in the order they are to be tried; never empty.
pub type Hops = SmallVec<[Hop; 2]>;

/// Encoded bytes for a hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Where they go.
    pub hop: Hop,
    /// One whole message.
    pub wire: Bytes,
}

/// A question where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Identifies the answer.
    pub route: RouteId,
    /// The topmost Route or the Request-URI (RFC 3261 §8.1.2).
    pub uri: UriBuf,
    /// Whether the request is for a `sips` URI, so that it goes by TLS whatever the topmost Route says (RFC 3261 §8.1.2).
    pub secure: bool,
    /// The flow of the dialog: a live connection is used again whatever the URI says, short of a downgrade from `sips`; a
    /// UDP socket where it reaches the address.
    pub flow: Option<FlowId>,
}

/// Why a request cannot be routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RouteError {
    /// The scheme is none that SIP is sent over; use a `sip:` URI.
    #[error("the URI scheme cannot be routed")]
    Scheme,
    /// The URI asks for a transport that is not offered here; use another or listen on it.
    #[error("no listener for the URI's transport")]
    Transport,
    /// The host has no address (RFC 3263 §4.2).
    #[error("the host does not resolve")]
    Unresolved,
    /// No listening address can reach the host's address family.
    #[error("no listening address of the host's family")]
    Family,
    /// Too many questions are waiting for the resolver, or too many connections are open; try again later.
    #[error("too many names are being resolved or connections are open")]
    Overload,
    /// The URI has `maddr`, and following it is not allowed here (see [`Config::maddr`](crate::Config)).
    #[error("the URI has an maddr, which is not followed")]
    Maddr,
    /// No connection to any address of the host could be made; why the last could not.
    #[error("the host cannot be connected to: {0}")]
    Unreachable(CloseCause),
}

/// What transport tells the transaction layer.
#[derive(Debug, Clone)]
pub enum FlowEvent {
    /// A well-formed message arrived; a request's top Via already carries `received` and `rport` in
    /// [`Inbound::via`].
    Inbound(Inbound),
    /// The answer to a [`Route`].
    Routed {
        /// The question.
        route: RouteId,
        /// The hops, or why there are none.
        result: Result<Hops, RouteError>,
    },
    /// A message could not be sent (RFC 3261 §18.4): one request where it is named, else whatever goes to this remote.
    /// A response that cannot be sent is not told: its transaction has nothing to do about it.
    Unreachable {
        /// The flow it was sent on.
        flow: FlowId,
        /// The address that it was sent to.
        remote: SocketAddr,
        /// The branch of the one request of ours that was not sent, because it is longer than a datagram, its flow is gone or
        /// it was withdrawn: other messages to the remote are not concerned. `None` if only the remote is known, as with an error
        /// of the socket.
        branch: Option<Box<str>>,
    },
    /// The flow is gone, or could not be opened. Nothing that was sent on it and is not answered will be.
    Ended {
        /// Which.
        flow: FlowId,
        /// Why.
        cause: CloseCause,
    },
    /// A remote of a UDP socket that was to be kept ([`TransportCommand::Keep`](crate::TransportCommand)) does not answer
    /// keep-alives any more, or sees us at another address: the way between us is not what it was, and requests do not come to
    /// us by it (RFC 5626 §4.4.2). It is not kept any longer.
    Failed {
        /// The socket.
        flow: FlowId,
        /// The remote.
        remote: SocketAddr,
    },
    /// A connection that was to be kept ([`TransportCommand::Keep`](crate::TransportCommand)) is there again under a new
    /// name: whoever registered over it does so again (RFC 5626 §4.5).
    Recovered {
        /// The flow that ended.
        was: FlowId,
        /// The flow that takes its place.
        now: FlowId,
    },
}

/// The names of the other side that TLS has verified: what its certificate says it is (RFC 5922 §7).
///
/// Domains in lower case, those from SIP URIs in front of those from DNS names. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerIdentity(Arc<[Box<str>]>);

impl PeerIdentity {
    /// Makes an identity of verified domains; `None` without any.
    pub fn new(domains: impl IntoIterator<Item = Box<str>>) -> Option<Self> {
        let domains: Arc<[Box<str>]> = domains.into_iter().collect();
        (!domains.is_empty()).then_some(Self(domains))
    }

    /// The first of its domains.
    pub fn name(&self) -> &str {
        self.0.first().map_or("", |domain| domain)
    }

    /// Whether the other side is this domain; compared without regard to case, no wildcards (RFC 5922 §7.2).
    pub fn is(&self, domain: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(domain))
    }

    /// All its domains.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|domain| &**domain)
    }
}

/// A message with its origin.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// Where it came from.
    pub origin: Origin,
    /// The message, shared by the layers that keep it.
    pub message: Arc<Message>,
    /// Of a request: the top Via value to put into responses, with `received` and `rport` filled in
    /// (RFC 3261 §18.2.1, RFC 3581 §4). `None` for a response.
    pub via: Option<Arc<str>>,
    /// Of a request: where responses to it go (RFC 3261 §18.2.2, RFC 3581 §4).
    pub reply: Hop,
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use super::*;

    #[test]
    fn a_link_local_address_is_told_without_its_zone() {
        let local = SocketAddrV6::new("fe80::1".parse().expect("test address"), 5060, 7, 2);
        assert_eq!(local.to_string(), "[fe80::1%2]:5060");
        let hop = Hop {
            flow: FlowId::from(1),
            transport: Transport::Udp,
            remote: SocketAddrV6::new("fe80::2".parse().expect("test address"), 5060, 0, 2).into(),
            local: local.into(),
            above: None,
            alias: false,
        };
        assert_eq!(hop.via("z9hG4bKa"), "SIP/2.0/UDP [fe80::1]:5060;branch=z9hG4bKa;rport");
        assert_eq!(hop.contact(Some("bob"), false), "<sip:bob@[fe80::1]:5060>");
        assert_eq!(hop.contact(None, false), "<sip:[fe80::1]:5060>");
    }
}
