//! Address blocks, and which addresses are not for strangers to have called.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use thiserror::Error;

/// A block of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address without a prefix length (RFC 4632 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    /// With all bits behind the prefix zero.
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no [`Network`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The part before the slash is no IPv4 or IPv6 address.
    #[error("not an IP address")]
    Address,
    /// The part behind the slash is no number from 0 to 32, or to 128 for IPv6.
    #[error("not a prefix length of this address family")]
    Prefix,
    /// Bits behind the prefix are set, so the text says two things at once: `10.0.0.1/8`.
    #[error("the address has bits behind its prefix")]
    HostBits,
}

impl Network {
    /// Makes a block of the first `prefix` bits of an address.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, NetworkError> {
        let width = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        if prefix > width {
            return Err(NetworkError::Prefix);
        }
        let network = Self { address, prefix };
        if network.masked(address) == address { Ok(network) } else { Err(NetworkError::HostBits) }
    }

    /// Whether an address lies in the block. An IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && self.masked(address) == self.address
    }

    fn masked(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let prefix = match prefix {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| NetworkError::Prefix)?
            }
            Some(_) => return Err(NetworkError::Prefix),
            None if address.is_ipv4() => 32,
            None => 128,
        };
        Self::new(address, prefix)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Whether an address is open to everybody: not loopback, private, link-local, unspecified, multicast, broadcast or
/// reserved. IPv6 addresses that carry an IPv4 address (mapped, NAT64, 6to4) are judged by that one, too.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            let carried = match address.octets() {
                // RFC 6052 §2.1: the well-known NAT64 prefix.
                [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => Some([a, b, c, d]),
                // RFC 3056 §2: 6to4.
                [0x20, 0x02, a, b, c, d, ..] => Some([a, b, c, d]),
                // RFC 4291 §2.5.5.1: IPv4-compatible, deprecated; `::` and `::1` fall in here.
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => Some([a, b, c, d]),
                [_, ..] => None,
            };
            carried.is_none_or(|octets| is_public_v4(octets.into()))
                && !address.is_multicast()
                && !address.is_unique_local()
                && !address.is_unicast_link_local()
                // RFC 3879: site-local, deprecated.
                && address.segments()[0] & 0xffc0 != 0xfec0
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // "This network", and what is reserved together with the broadcast address (RFC 1122 §3.2.1.3).
    let reserved = first == 0 || first >= 240;
    // Shared by the customers of a carrier (RFC 6598).
    let shared = first == 100 && second & 0xc0 == 64;
    let local = address.is_loopback() || address.is_private() || address.is_link_local();
    !(reserved || shared || local || address.is_multicast())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("invariant: a literal of the test")
    }

    fn network(text: &str) -> Network {
        text.parse().expect("invariant: a literal of the test")
    }

    #[test]
    fn a_block_contains_its_addresses_and_no_others() {
        assert!(network("10.0.0.0/8").contains(ip("10.255.255.255")));
        assert!(!network("10.0.0.0/8").contains(ip("11.0.0.0")));
        assert!(network("0.0.0.0/0").contains(ip("203.0.113.9")));
        assert!(!network("0.0.0.0/0").contains(ip("2001:db8::1")));
        assert!(network("2001:db8::/32").contains(ip("2001:db8:ffff::1")));
        assert!(!network("2001:db8::/32").contains(ip("2001:db9::1")));
        assert!(network("::/0").contains(ip("::1")));
        assert!(network("192.0.2.7").contains(ip("192.0.2.7")));
        assert!(!network("192.0.2.7").contains(ip("192.0.2.8")));
        assert!(network("2001:db8::7").contains(ip("2001:db8::7")));
        assert!(!network("2001:db8::7").contains(ip("2001:db8::8")));
        assert!(network("127.0.0.0/8").contains(ip("::ffff:127.0.0.1")));
    }

    #[test]
    fn a_block_that_says_two_things_is_refused() {
        assert_eq!("10.0.0.1/8".parse::<Network>(), Err(NetworkError::HostBits));
        assert_eq!("10.0.0.0/33".parse::<Network>(), Err(NetworkError::Prefix));
        assert_eq!("::/129".parse::<Network>(), Err(NetworkError::Prefix));
        assert_eq!("::/256".parse::<Network>(), Err(NetworkError::Prefix));
        assert_eq!("10.0.0.0/".parse::<Network>(), Err(NetworkError::Prefix));
        assert_eq!("10.0.0.0/+8".parse::<Network>(), Err(NetworkError::Prefix));
        assert_eq!("example.com/8".parse::<Network>(), Err(NetworkError::Address));
    }

    #[test]
    fn addresses_that_are_not_for_strangers_are_known() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "224.0.1.75",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "fe80::1",
            "fec0::1",
            "fd00::1",
            "ff02::1",
            "::ffff:192.168.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert!(!is_public(ip(text)), "{text}");
        }
        for text in
            ["192.0.2.1", "203.0.113.5", "100.128.0.1", "172.32.0.1", "2001:db8::1", "64:ff9b::c000:201"]
        {
            assert!(is_public(ip(text)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(bits in any::<u128>(), prefix in 0u8..=128, v4 in any::<bool>()) {
            let address = if v4 { IpAddr::V4(Ipv4Addr::from_bits(bits as u32)) } else { IpAddr::V6(Ipv6Addr::from_bits(bits)) };
            let prefix = if v4 { prefix % 33 } else { prefix };
            let masked = Network { address, prefix }.masked(address);
            let network = Network::new(masked, prefix).expect("invariant: nothing stands behind the prefix");
            prop_assert_eq!(network.to_string().parse::<Network>(), Ok(network));
            prop_assert_eq!(network.contains(address), !(matches!(address, IpAddr::V6(_)) && address.to_canonical().is_ipv4()));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Network>();
        }
    }
}
