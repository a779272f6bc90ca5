//! Addresses: which can be sent to, and which of ours fits a remote one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};

/// The port of `sip:` URIs and Via values without one (RFC 3261 §19.1.2, §18.2.2).
pub(crate) const DEFAULT_PORT: u16 = 5060;

/// Whether the address names one host: not `0.0.0.0`, not multicast, not broadcast.
///
/// A Contact or Refer-To comes from the peer; one datagram must not become many (catalogue SEC-08).
pub(crate) fn is_host(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4(Ipv4Addr::BROADCAST)
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
