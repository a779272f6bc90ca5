use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::ParseErrorKind;

/// The host of a URI or a Via.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host<'a> {
    /// A domain name as written; compare without regard to case.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; written in square brackets.
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// Reads `host`, with brackets around an IPv6 address.
    pub(crate) fn parse(text: &'a str) -> Option<Host<'a>> {
        if let Some(inner) = text.strip_prefix('[') {
            return inner.strip_suffix(']')?.parse().ok().map(Host::V6);
        }
        if let Ok(address) = text.parse() {
            return Some(Host::V4(address));
        }
        // `_` is no host name character but is found in local domains and SRV-like names.
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        (!text.is_empty() && text.bytes().all(legal)).then_some(Host::Name(text))
    }

    /// Reads `host[:port]`, with blanks around the colon as Via allows them.
    pub(crate) fn parse_with_port(text: &'a str) -> Result<(Host<'a>, Option<u16>), ParseErrorKind> {
        let colon = match text.rfind(']') {
            Some(bracket) => text[bracket..].find(':').map(|colon| bracket + colon),
            None => text.find(':'),
        };
        let (host, port) = match colon {
            Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
            None => (text, None),
        };
        let blank = [' ', '\t'];
        let host = Host::parse(host.trim_end_matches(blank)).ok_or(ParseErrorKind::Host)?;
        let port = match port.map(|digits| digits.trim_start_matches(blank)) {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| ParseErrorKind::Port)?)
            }
            Some(_) => return Err(ParseErrorKind::Port),
            None => None,
        };
        Ok((host, port))
    }

    /// The address, if the host is one.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::V4(address) => Some(IpAddr::V4(*address)),
            Host::V6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// Compares without regard to case.
    pub fn same_as(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Host::Name(one), Host::Name(two)) => one.eq_ignore_ascii_case(two),
            (Host::V4(one), Host::V4(two)) => one == two,
            (Host::V6(one), Host::V6(two)) => one == two,
            (Host::Name(_) | Host::V4(_) | Host::V6(_), _) => false,
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::V4(address) => address.fmt(f),
            Host::V6(address) => write!(f, "[{address}]"),
        }
    }
}
