//! A datagram as an IP packet: with the headers that the system puts before it, or takes off.

use std::net::{IpAddr, SocketAddr};

const UDP_HEADER: usize = 8;
const IPV4_HEADER: usize = 20;
/// The most that the length field of an IPv4 packet can say, and that of an IPv6 packet, which does not count its header.
const LONGEST: usize = 65_535;
const UDP: u8 = 17;
/// The usual first value; how far a packet has come is not known here.
const HOPS: u8 = 64;
/// Not fragmented. Such a packet needs no identification (RFC 6864 §4.1).
const DONT_FRAGMENT: u16 = 0x4000;

/// Appends a datagram as one packet with IP and UDP headers; fragments are not shown.
///
/// Gives `false` and appends nothing if no IP packet is so long.
pub(super) fn append(packet: &mut Vec<u8>, from: SocketAddr, to: SocketAddr, payload: &[u8]) -> bool {
    let udp_length = UDP_HEADER + payload.len();
    let mut addresses = Sum::default();
    match (from.ip(), to.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            if IPV4_HEADER + udp_length > LONGEST {
                return false;
            }
            let (source, destination) = (source.octets(), destination.octets());
            addresses.add(&source);
            addresses.add(&destination);
            ipv4(packet, source, destination, udp_length as u16);
        }
        (source, destination) => {
            if udp_length > LONGEST {
                return false;
            }
            let (source, destination) = (ipv6_octets(source), ipv6_octets(destination));
            addresses.add(&source);
            addresses.add(&destination);
            ipv6(packet, source, destination, udp_length as u16);
        }
    }
    udp(packet, [from.port(), to.port()], addresses, payload);
    true
}

/// A socket of both families tells IPv4 addresses in this form anyway.
fn ipv6_octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// RFC 791 §3.1.
fn ipv4(packet: &mut Vec<u8>, source: [u8; 4], destination: [u8; 4], udp_length: u16) {
    let start = packet.len();
    packet.extend_from_slice(&[0x45, 0]);
    packet.extend_from_slice(&(IPV4_HEADER as u16 + udp_length).to_be_bytes());
    packet.extend_from_slice(&[0, 0]);
    packet.extend_from_slice(&DONT_FRAGMENT.to_be_bytes());
    packet.extend_from_slice(&[HOPS, UDP, 0, 0]);
    packet.extend_from_slice(&source);
    packet.extend_from_slice(&destination);
    let mut sum = Sum::default();
    sum.add(&packet[start..]);
    packet[start + 10..start + 12].copy_from_slice(&sum.checksum().to_be_bytes());
}

/// RFC 8200 §3.
fn ipv6(packet: &mut Vec<u8>, source: [u8; 16], destination: [u8; 16], udp_length: u16) {
    packet.extend_from_slice(&[0x60, 0, 0, 0]);
    packet.extend_from_slice(&udp_length.to_be_bytes());
    packet.extend_from_slice(&[UDP, HOPS]);
    packet.extend_from_slice(&source);
    packet.extend_from_slice(&destination);
}

/// RFC 768. The checksum covers a pseudo header with the addresses; IPv6 demands it (RFC 8200 §8.1).
fn udp(packet: &mut Vec<u8>, ports: [u16; 2], addresses: Sum, payload: &[u8]) {
    let start = packet.len();
    let length = (UDP_HEADER + payload.len()) as u16;
    for field in [ports[0], ports[1], length, 0] {
        packet.extend_from_slice(&field.to_be_bytes());
    }
    packet.extend_from_slice(payload);
    let mut sum = addresses;
    sum.add(&[0, UDP]);
    sum.add(&length.to_be_bytes());
    sum.add(&packet[start..]);
    // Zero would say that there is none.
    let checksum = match sum.checksum() {
        0 => u16::MAX,
        checksum => checksum,
    };
    packet[start + 6..start + 8].copy_from_slice(&checksum.to_be_bytes());
}

/// The sum of 16-bit words of the Internet's checksum (RFC 1071).
#[derive(Debug, Clone, Copy, Default)]
struct Sum(u64);

impl Sum {
    /// Adds words; after an odd byte at the end a zero is thought.
    fn add(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(2) {
            self.0 += u64::from(u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or_default()]));
        }
    }

    fn checksum(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        !(sum as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(from: &str, to: &str, payload: &[u8]) -> Option<Vec<u8>> {
        let (from, to) = (from.parse().expect("an address"), to.parse().expect("an address"));
        let mut packet = Vec::new();
        let fits = append(&mut packet, from, to, payload);
        assert_eq!(fits, !packet.is_empty());
        fits.then_some(packet)
    }

    #[test]
    fn the_example_of_rfc_1071_adds_up() {
        let mut sum = Sum::default();
        sum.add(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.checksum(), !0xddf2);
    }

    #[test]
    fn an_ipv4_packet_is_as_computed_by_hand() {
        // Header: 4500 + 001f + 4000 + 4011 + c000 + 0201 + c000 + 0202 = 24933, folded 4935, complement b6ca.
        // UDP: c000 + 0201 + c000 + 0202 + 0011 + 000b = 1841f for the pseudo header,
        // 13c4 + 13ce + 000b + 6869 + 2100 = b106 for the rest; 23525 folded is 3527, complement cad8.
        let packet = packet("192.0.2.1:5060", "192.0.2.2:5070", b"hi!").expect("short enough");
        let header = [0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17, 0xb6, 0xca, 192, 0, 2, 1, 192, 0, 2, 2];
        assert_eq!(packet[..20], header);
        assert_eq!(packet[20..], [0x13, 0xc4, 0x13, 0xce, 0, 11, 0xca, 0xd8, b'h', b'i', b'!']);
    }

    #[test]
    fn an_ipv6_packet_is_as_computed_by_hand() {
        // 2 (2001 + 0db8) + 0001 + 0002 + 000a + 0011 = 5b90 for the pseudo header,
        // 13c4 + 13ce + 000a + 6f6b = 9707 for the rest; f297, complement 0d68.
        let packet = packet("[2001:db8::1]:5060", "[2001:db8::2]:5070", b"ok").expect("short enough");
        let mut header = vec![0x60, 0, 0, 0, 0, 10, 17, 64];
        for last in [1, 2] {
            header.extend_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        }
        assert_eq!(packet[..40], header);
        assert_eq!(packet[40..], [0x13, 0xc4, 0x13, 0xce, 0, 10, 0x0d, 0x68, b'o', b'k']);
    }

    #[test]
    fn a_checksum_of_zero_is_written_as_ones() {
        // The words without this payload add up to abbb; 5444 makes it ffff, whose complement is zero.
        let packet = packet("192.0.2.1:5060", "192.0.2.2:5070", &[0x54, 0x44]).expect("short enough");
        assert_eq!(packet[26..28], [0xff, 0xff]);
    }

    #[test]
    fn the_longest_datagram_fits_and_a_longer_one_does_not() {
        let payload = vec![7; 65_528];
        let longest = packet("192.0.2.1:1", "192.0.2.2:2", &payload[..65_507]).expect("the longest");
        assert_eq!(longest[2..4], [0xff, 0xff]);
        assert!(packet("192.0.2.1:1", "192.0.2.2:2", &payload[..65_508]).is_none());
        let longest = packet("[::1]:1", "[::1]:2", &payload[..65_527]).expect("the longest");
        assert_eq!(longest[4..6], [0xff, 0xff]);
        assert!(packet("[::1]:1", "[::1]:2", &payload).is_none());
    }

    #[test]
    fn mixed_families_are_told_as_the_system_maps_them() {
        let packet = packet("[::1]:1", "192.0.2.2:2", b"").expect("short enough");
        assert_eq!(packet[36..40], [192, 0, 2, 2]);
        assert_eq!(packet[34..36], [0xff, 0xff]);
    }
}
