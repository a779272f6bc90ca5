//! Numbers and addresses as they stand in messages, written without the formatter: they are in every message, and it costs
//! more than they do.

use core::fmt::Write as _;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Adds a number in decimal.
pub fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// Adds an IP address as `Display` prints it: `192.0.2.1`, `2001:db8::1`.
pub fn push_ip(text: &mut String, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => push_v4(text, ip),
        IpAddr::V6(ip) => {
            // A string takes everything.
            let _ = write!(text, "{ip}");
        }
    }
}

/// Adds an IP address with its port as `Display` prints them: `192.0.2.1:5060`, `[2001:db8::1]:5060`.
pub fn push_address(text: &mut String, address: SocketAddr) {
    match address {
        SocketAddr::V4(address) => {
            push_v4(text, *address.ip());
            text.push(':');
            push_number(text, address.port().into());
        }
        SocketAddr::V6(address) => {
            // A string takes everything.
            let _ = write!(text, "{address}");
        }
    }
}

fn push_v4(text: &mut String, ip: Ipv4Addr) {
    let [first, rest @ ..] = ip.octets();
    push_number(text, first.into());
    for octet in rest {
        text.push('.');
        push_number(text, octet.into());
    }
}

/// A number in decimal.
#[derive(Debug, Clone)]
pub(crate) struct Digits {
    bytes: [u8; LONGEST_NUMBER],
    start: usize,
}

/// Digits of the largest `u64`.
const LONGEST_NUMBER: usize = 20;

impl Digits {
    pub(crate) fn of(mut number: u64) -> Digits {
        let mut digits = Digits { bytes: [b'0'; LONGEST_NUMBER], start: LONGEST_NUMBER };
        loop {
            digits.start -= 1;
            digits.bytes[digits.start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return digits;
            }
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_are_printed_as_the_formatter_prints_them() {
        for number in [0, 9, 10, 70, 255, 5060, 65_535, 1_000_000, u64::MAX] {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, number.to_string());
            assert_eq!(Digits::of(number).as_bytes(), number.to_string().as_bytes());
        }
        for address in ["0.0.0.0:0", "192.0.2.1:5060", "255.255.255.255:65535", "[2001:db8::1]:5061"] {
            let address: SocketAddr = address.parse().expect("an address");
            let (mut whole, mut ip) = (String::new(), String::new());
            push_address(&mut whole, address);
            push_ip(&mut ip, address.ip());
            assert_eq!((whole, ip), (address.to_string(), address.ip().to_string()));
        }
    }
}
