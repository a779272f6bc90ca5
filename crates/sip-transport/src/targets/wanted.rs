//! What a URI asks for.

use std::net::{IpAddr, Ipv6Addr};

use sip_message::{Host, Scheme, Uri};

use crate::flow::{RouteError, Transport};

use super::{domain::domain_name, offered::Offered};

/// What is done with a URI that has `maddr`, which makes a request go to another host than the one the URI names
/// (RFC 3261 §19.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Maddr {
    /// It is refused with [`RouteError::Maddr`]: a peer could send our requests anywhere.
    #[default]
    Refused,
    /// The request goes to the host that it names.
    Followed,
}

/// The transports in the order of preference where nothing else decides: UDP for a `sip:` URI, TLS for a `sips:` URI
/// (RFC 3263 §4.1), the others where we have none of these.
pub(super) const PREFERENCE: [Transport; 5] =
    [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

/// The TARGET of RFC 3263 §4.
pub(super) enum Place {
    Address(IpAddr),
    Name(Box<str>),
}

/// What a URI asks for besides its host, and what we have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    secure: bool,
    pub(super) transport: Option<Transport>,
    pub(super) port: Option<u16>,
    offered: Offered,
}

impl Wanted {
    /// Reads a URI, as a `sips` URI if it is to be `secure`. [`RouteError::Transport`] if nothing that it allows is offered.
    pub(super) fn read(uri: &Uri<'_>, secure: bool, offered: Offered) -> Result<Self, RouteError> {
        let secure = match uri.scheme() {
            Scheme::Sip => secure,
            Scheme::Sips => true,
            Scheme::Tel | Scheme::Other => return Err(RouteError::Scheme),
        };
        let transport = match uri.param("transport") {
            Some(name) => Some(name.and_then(|name| transport(name, secure)).ok_or(RouteError::Transport)?),
            None => None,
        };
        if uri.port() == Some(0) {
            return Err(RouteError::Unresolved);
        }
        let wanted = Self { secure, transport, port: uri.port(), offered };
        if !PREFERENCE.into_iter().any(|transport| wanted.allows(transport)) {
            return Err(RouteError::Transport);
        }
        Ok(wanted)
    }

    /// Whether the URI may go by this transport, and we have it. A `sips` URI needs TLS on every hop (RFC 3261 §26.2.2).
    pub(super) fn allows(self, transport: Transport) -> bool {
        (transport.is_secure() || !self.secure)
            && self.transport.is_none_or(|wanted| wanted == transport)
            && self.offered.has(transport)
    }

    /// The transport to this address: the one that was chosen, or else the most preferred.
    pub(super) fn transport_to(self, remote: IpAddr, chosen: Option<Transport>) -> Option<Transport> {
        PREFERENCE.into_iter().find(|transport| {
            chosen.is_none_or(|chosen| chosen == *transport)
                && self.allows(*transport)
                && self.offered.reaches(*transport, remote)
        })
    }
}

/// The transport that a parameter asks for. RFC 3261 §26.2.2 deprecates `tls`, and it is in wide use.
fn transport(name: &str, secure: bool) -> Option<Transport> {
    Some(match (name.to_ascii_lowercase().as_str(), secure) {
        ("udp", false) => Transport::Udp,
        ("tcp", false) => Transport::Tcp,
        ("tcp", true) | ("tls", _) => Transport::Tls,
        ("ws", false) => Transport::Ws,
        ("ws", true) | ("wss", _) => Transport::Wss,
        _ => return None,
    })
}

/// Where the request is to go, and the host that the URI names, which is what TLS has to verify (RFC 5922 §7.3).
pub(super) fn place(uri: &Uri<'_>, maddr: Maddr) -> Result<(Place, Box<str>), RouteError> {
    let (host, name) = match uri.host() {
        Host::V4(ip) => (Place::Address(ip.into()), uri.host_str().into()),
        Host::V6(ip) => (Place::Address(ip.to_canonical()), ip.to_canonical().to_string().into()),
        Host::Name(name) => {
            let name = domain_name(name).ok_or(RouteError::Unresolved)?;
            (Place::Name(name.clone()), name)
        }
    };
    let place = match (uri.param("maddr"), maddr) {
        (None, _) => host,
        (Some(_), Maddr::Refused) => return Err(RouteError::Maddr),
        (Some(other), Maddr::Followed) => {
            let other = other.ok_or(RouteError::Unresolved)?;
            match numeric(other) {
                Some(ip) => Place::Address(ip),
                None => Place::Name(domain_name(other).ok_or(RouteError::Unresolved)?),
            }
        }
    };
    Ok((place, name))
}

fn numeric(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match bare {
        Some(text) => text.parse::<Ipv6Addr>().ok().map(|ip| ip.to_canonical()),
        None => text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()),
    }
}
