//! The addresses of this host, for wildcard listen addresses.
//!
//! Linux tells them in `/proc/net/fib_trie` and `/proc/net/if_inet6`, readable without privileges and without any
//! dependency. Where those files are missing (other systems, restricted containers) the routing table is asked instead,
//! by connecting datagram sockets, which sends nothing: this finds the address of the default route and loopback.

use std::{
    collections::BTreeSet,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};

/// The unicast addresses of this host that a wildcard listen address stands for, in ascending order.
///
/// `0.0.0.0` gives the IPv4 addresses, `::` the IPv6 addresses without link-local ones, which mean nothing in a Via or a
/// Contact (RFC 4007 §6); any other address gives itself. Fails if the system cannot be asked at all.
pub fn local_addresses(listen: IpAddr) -> io::Result<Vec<IpAddr>> {
    if !listen.is_unspecified() {
        return Ok(vec![listen]);
    }
    let found = match listen {
        IpAddr::V4(_) => fs::read_to_string("/proc/net/fib_trie").map(|text| fib_trie(&text)),
        IpAddr::V6(_) => fs::read_to_string("/proc/net/if_inet6").map(|text| if_inet6(&text)),
    };
    match found {
        Ok(addresses) if !addresses.is_empty() => Ok(addresses.into_iter().collect()),
        Ok(_) | Err(_) => by_routes(listen),
    }
}

/// A local IPv4 address stands as `|-- ADDRESS`, followed by a line `/32 host LOCAL`.
fn fib_trie(text: &str) -> BTreeSet<IpAddr> {
    let mut addresses = BTreeSet::new();
    let mut leaf = None;
    for line in text.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            addresses.extend(leaf.map(IpAddr::V4));
        }
    }
    addresses
}

/// An address is the first field, 32 hexadecimal digits; the fourth is its scope, `20` being link-local.
fn if_inet6(text: &str) -> BTreeSet<IpAddr> {
    text.lines()
        .filter_map(|line| u128::from_str_radix(line.split_whitespace().next()?, 16).ok())
        .map(Ipv6Addr::from_bits)
        .filter(|ip| !ip.is_unicast_link_local() && !ip.is_multicast())
        .map(IpAddr::V6)
        .collect()
}

/// The addresses that the system would send from, to a documentation address and to loopback.
fn by_routes(listen: IpAddr) -> io::Result<Vec<IpAddr>> {
    let remotes: [IpAddr; 2] = match listen {
        // RFC 5737 and RFC 3849: never in use, so only the default route fits them.
        IpAddr::V4(_) => [Ipv4Addr::new(192, 0, 2, 1).into(), Ipv4Addr::LOCALHOST.into()],
        IpAddr::V6(_) => [Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(), Ipv6Addr::LOCALHOST.into()],
    };
    let mut addresses = BTreeSet::new();
    let mut failure = None;
    for remote in remotes {
        match source_towards(SocketAddr::new(remote, 9)) {
            Ok(ip) => addresses.extend(ip),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if addresses.is_empty() => Err(error),
        _ => Ok(addresses.into_iter().collect()),
    }
}

fn source_towards(remote: SocketAddr) -> io::Result<Option<IpAddr>> {
    let socket = Socket::new(Domain::for_address(remote), Type::DGRAM, Some(Protocol::UDP))?;
    socket.connect(&remote.into())?;
    Ok(socket.local_addr()?.as_socket().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIB_TRIE: &str = "Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.7
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
Local:
     |-- 192.0.2.7
        /32 host LOCAL
";

    #[test]
    fn local_ipv4_addresses_are_the_host_leaves() {
        let addresses: Vec<_> = fib_trie(FIB_TRIE).into_iter().map(|ip| ip.to_string()).collect();
        assert_eq!(addresses, ["127.0.0.1", "192.0.2.7"]);
    }

    #[test]
    fn local_ipv6_addresses_are_not_link_local() {
        let text = "00000000000000000000000000000001 01 80 10 80       lo\n\
                    20010db8000000000000000000000007 02 40 00 80     eth0\n\
                    fe800000000000000000000000000001 02 40 20 80     eth0\n";
        let addresses: Vec<_> = if_inet6(text).into_iter().map(|ip| ip.to_string()).collect();
        assert_eq!(addresses, ["::1", "2001:db8::7"]);
    }

    #[test]
    fn unreadable_tables_give_nothing() {
        assert!(fib_trie("|-- x\n/32 host LOCAL\n\u{e4}").is_empty());
        assert!(if_inet6("zz\n\n01 02").iter().all(|ip| !ip.is_unspecified()));
    }

    #[test]
    fn a_concrete_address_stands_for_itself_and_a_wildcard_includes_loopback() {
        let own: IpAddr = Ipv4Addr::new(192, 0, 2, 7).into();
        assert_eq!(local_addresses(own).expect("no system call"), [own]);
        let all = local_addresses(Ipv4Addr::UNSPECIFIED.into()).expect("IPv4 is there");
        assert!(all.contains(&Ipv4Addr::LOCALHOST.into()), "{all:?}");
        assert!(all.iter().all(|ip| !ip.is_unspecified()));
        let routed = by_routes(Ipv4Addr::UNSPECIFIED.into()).expect("loopback is there");
        assert!(routed.contains(&Ipv4Addr::LOCALHOST.into()), "{routed:?}");
    }
}
