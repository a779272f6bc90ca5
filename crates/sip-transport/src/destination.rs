//! From a URI to hops: what is to be reached, and from which of our addresses (RFC 3261 §8.1.2, RFC 3263 §4).
//!
//! Of RFC 3263 this does the part that needs no DNS records other than addresses: `maddr`, numeric hosts, explicit
//! ports and address lookups. NAPTR and SRV are not asked for, so a name without a port means port 5060.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use sip_message::{Host, Scheme, Uri};

use crate::flow::RouteError;

/// The port of `sip:` URIs and Via values without one (RFC 3261 §19.1.2, §18.2.2).
pub(crate) const DEFAULT_PORT: u16 = 5060;

/// What a URI asks to be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A numeric host: known at once.
    Address(SocketAddr),
    /// A name that has to be looked up.
    Name { host: Box<str>, port: u16 },
}

/// Reads the destination from a URI.
pub(crate) fn destination(uri: &Uri<'_>) -> Result<Destination, RouteError> {
    match uri.scheme() {
        Scheme::Sip => {}
        // A sips URI needs TLS on every hop (RFC 3261 §26.2.2); plain datagrams would be a downgrade.
        Scheme::Sips => return Err(RouteError::Transport),
        _ => return Err(RouteError::Scheme),
    }
    let is_udp = |name: Option<&str>| name.is_some_and(|name| name.eq_ignore_ascii_case("udp"));
    if !uri.param("transport").is_none_or(is_udp) {
        return Err(RouteError::Transport);
    }
    let port = uri.port().unwrap_or(DEFAULT_PORT);
    if port == 0 {
        return Err(RouteError::Unresolved);
    }
    // maddr overrides the host (RFC 3261 §19.1.1, RFC 3263 §4).
    match uri.param("maddr") {
        Some(Some(maddr)) => numeric(maddr).map_or_else(|| name(maddr, port), |ip| address(ip, port)),
        Some(None) => Err(RouteError::Unresolved),
        None => match uri.host() {
            Host::V4(ip) => address(IpAddr::V4(ip), port),
            Host::V6(ip) => address(IpAddr::V6(ip), port),
            Host::Name(host) => name(host, port),
        },
    }
}

fn name(host: &str, port: u16) -> Result<Destination, RouteError> {
    if host.is_empty() || host.len() > MAX_NAME {
        return Err(RouteError::Unresolved);
    }
    Ok(Destination::Name { host: host.into(), port })
}

/// Longest host name that is looked up, in characters: RFC 1035 §2.3.4 allows 255 octets on the wire.
const MAX_NAME: usize = 255;

fn address(ip: IpAddr, port: u16) -> Result<Destination, RouteError> {
    let ip = ip.to_canonical();
    if is_host(ip) {
        Ok(Destination::Address(SocketAddr::new(ip, port)))
    } else {
        Err(RouteError::Unresolved)
    }
}

/// Whether the address names one host: not `0.0.0.0`, not multicast, not broadcast.
///
/// A Contact or Refer-To comes from the peer; one datagram must not become many (catalogue SEC-08).
pub(crate) fn is_host(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4(Ipv4Addr::BROADCAST)
}

fn numeric(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match bare {
        Some(text) => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

/// Whether a socket at `local` can send to `remote`: same family, and a loopback address stays on the host.
pub(crate) fn reaches(local: IpAddr, remote: IpAddr) -> bool {
    local.is_ipv4() == remote.is_ipv4() && (!local.is_loopback() || remote.is_loopback())
}

/// How well `local` fits `remote`; more is better: the same address, both loopback, then the longest common prefix.
pub(crate) fn fit(local: IpAddr, remote: IpAddr) -> (bool, bool, u32) {
    let prefix = match (local, remote) {
        (IpAddr::V4(local), IpAddr::V4(remote)) => (local.to_bits() ^ remote.to_bits()).leading_zeros(),
        (IpAddr::V6(local), IpAddr::V6(remote)) => (local.to_bits() ^ remote.to_bits()).leading_zeros(),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => 0,
    };
    (local == remote, local.is_loopback() && remote.is_loopback(), prefix)
}

/// The remote address as a socket at `local` has to name it: link-local IPv6 needs the interface (RFC 4007 §6).
pub(crate) fn scoped(remote: SocketAddr, local: SocketAddr) -> SocketAddr {
    match (remote, local) {
        (SocketAddr::V6(remote), SocketAddr::V6(local)) if remote.ip().is_unicast_link_local() => {
            SocketAddr::V6(SocketAddrV6::new(*remote.ip(), remote.port(), 0, local.scope_id()))
        }
        _ => remote,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str) -> Result<Destination, RouteError> {
        destination(&Uri::parse(uri).expect("test URI"))
    }

    fn at(address: &str) -> Destination {
        Destination::Address(address.parse().expect("test address"))
    }

    #[test]
    fn numeric_hosts_are_known_at_once() {
        assert_eq!(of("sip:bob@192.0.2.7"), Ok(at("192.0.2.7:5060")));
        assert_eq!(of("sip:bob@192.0.2.7:5070;transport=UDP;lr"), Ok(at("192.0.2.7:5070")));
        assert_eq!(of("sip:[2001:db8::1]:5062"), Ok(at("[2001:db8::1]:5062")));
        assert_eq!(of("sip:[::ffff:192.0.2.7]"), Ok(at("192.0.2.7:5060")));
    }

    #[test]
    fn maddr_overrides_the_host_and_keeps_the_port() {
        assert_eq!(of("sip:bob@example.com:5070;maddr=192.0.2.9"), Ok(at("192.0.2.9:5070")));
        assert_eq!(
            of("sip:bob@192.0.2.7;maddr=proxy.example.com"),
            Ok(Destination::Name { host: "proxy.example.com".into(), port: 5060 })
        );
    }

    #[test]
    fn names_ask_the_resolver() {
        assert_eq!(
            of("sip:bob@example.com"),
            Ok(Destination::Name { host: "example.com".into(), port: 5060 })
        );
    }

    #[test]
    fn what_cannot_be_sent_to_is_told_by_reason() {
        assert_eq!(of("sips:bob@192.0.2.7"), Err(RouteError::Transport));
        assert_eq!(of("sip:bob@192.0.2.7;transport=tcp"), Err(RouteError::Transport));
        assert_eq!(of("sip:bob@192.0.2.7;transport"), Err(RouteError::Transport));
        assert_eq!(of("tel:+15551234"), Err(RouteError::Scheme));
        for host in ["0.0.0.0", "[::]", "224.0.1.75", "255.255.255.255", "[ff02::1]"] {
            assert_eq!(of(&format!("sip:{host}")), Err(RouteError::Unresolved), "{host}");
        }
        assert_eq!(of("sip:192.0.2.7;maddr=224.0.1.75"), Err(RouteError::Unresolved));
    }

    #[test]
    fn the_longest_host_name_is_255_characters() {
        let longest = "a".repeat(MAX_NAME);
        assert!(name(&longest, 5060).is_ok());
        assert_eq!(name(&format!("{longest}a"), 5060), Err(RouteError::Unresolved));
    }

    #[test]
    fn loopback_stays_on_the_host() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("test address");
        assert!(reaches(ip("127.0.0.1"), ip("127.0.0.2")));
        assert!(!reaches(ip("127.0.0.1"), ip("192.0.2.1")));
        assert!(reaches(ip("192.0.2.1"), ip("127.0.0.1")));
        assert!(!reaches(ip("::1"), ip("127.0.0.1")));
        assert!(fit(ip("10.1.2.3"), ip("10.1.9.9")) > fit(ip("10.2.2.3"), ip("10.1.9.9")));
        assert!(fit(ip("127.0.0.1"), ip("127.0.0.9")) > fit(ip("192.0.2.1"), ip("127.0.0.9")));
    }
}
