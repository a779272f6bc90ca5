use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use memchr::memchr;

use crate::lex::{self, Class};
use crate::{ParseError, ParseErrorKind};

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

/// `host[:port]` at some place of a text.
pub(crate) struct HostPort<'a> {
    pub(crate) host: Host<'a>,
    pub(crate) port: Option<u16>,
    /// Where the host ends.
    pub(crate) host_end: usize,
    /// Where the port ends, or the host if there is none.
    pub(crate) end: usize,
}

impl<'a> HostPort<'a> {
    /// Reads from `at` on, with blanks around the colon as Via allows them.
    pub(crate) fn read(text: &'a str, at: usize) -> Result<HostPort<'a>, ParseError> {
        let bytes = text.as_bytes();
        let (host, host_end) = Host::read(text, at).ok_or(ParseError::new(ParseErrorKind::Host, at))?;
        let colon = lex::blanks(bytes, host_end);
        if bytes.get(colon) != Some(&b':') {
            return Ok(HostPort { host, port: None, host_end, end: host_end });
        }
        let digits = lex::blanks(bytes, colon + 1);
        let end = lex::short_run(bytes, digits, Class::DIGIT);
        let port = lex::digits(&bytes[digits..end]).and_then(|port| u16::try_from(port).ok());
        let port = port.ok_or(ParseError::new(ParseErrorKind::Port, digits))?;
        Ok(HostPort { host, port: Some(port), host_end, end })
    }

    /// The fault where something else stands behind.
    pub(crate) const fn stray(&self) -> ParseError {
        let kind = if self.port.is_some() { ParseErrorKind::Port } else { ParseErrorKind::Host };
        ParseError::new(kind, self.end)
    }
}

impl<'a> Host<'a> {
    /// Reads a host from `at` on, with brackets around an IPv6 address; gives where it ends.
    pub(crate) fn read(text: &'a str, at: usize) -> Option<(Host<'a>, usize)> {
        let bytes = text.as_bytes();
        match bytes.get(at)? {
            b'[' => {
                let end = at + memchr(b']', &bytes[at..])?;
                let inner = &text[at + 1..end];
                let address = inner.parse().ok().or_else(|| with_third_colon(inner))?;
                return Some((Host::V6(address), end + 1));
            }
            byte if byte.is_ascii_digit() => {
                if let Some((address, end)) = v4(bytes, at) {
                    return Some((Host::V4(address), end));
                }
            }
            _ => {}
        }
        let end = lex::run(bytes, at, Class::HOST);
        let name = &text[at..end];
        is_name(name.as_bytes()).then_some((Host::Name(name), end))
    }
}

/// A name that ends in a number is no name: its last label cannot be one (RFC 3261 §25.1), and resolvers differ in
/// which address they take it for. A number alone passes, as dial strings stand where the host should.
#[inline]
fn is_name(text: &[u8]) -> bool {
    let Some(last) = text.last() else { return false };
    if !last.is_ascii_digit() && *last != b'.' {
        return true;
    }
    let text = text.strip_suffix(b".").unwrap_or(text);
    match memchr::memrchr(b'.', text) {
        Some(dot) => !text[dot + 1..].iter().all(u8::is_ascii_digit),
        None => true,
    }
}

/// Reads `2001:db8:::192.0.2.1`, which the grammar of RFC 3261 makes of two colons and one (RFC 5118 §4.10).
#[cold]
fn with_third_colon(text: &str) -> Option<Ipv6Addr> {
    let (head, v4) = text.split_at_checked(text.find(":::")? + 2)?;
    let head = u128::from(head.parse::<Ipv6Addr>().ok()?);
    let v4 = u128::from(u32::from(v4[1..].parse::<Ipv4Addr>().ok()?));
    (head & u128::from(u32::MAX) == 0).then(|| Ipv6Addr::from(head | v4))
}

impl Host<'_> {
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

/// Reads four numbers up to 255, none with a leading zero, which some would read as octal; gives where they end.
fn v4(text: &[u8], at: usize) -> Option<(Ipv4Addr, usize)> {
    let (first, at) = octet(text, at)?;
    let (second, at) = octet(text, dot(text, at)?)?;
    let (third, at) = octet(text, dot(text, at)?)?;
    let (fourth, at) = octet(text, dot(text, at)?)?;
    let ends = text.get(at).is_none_or(|&byte| !lex::is(byte, Class::HOST));
    ends.then(|| (Ipv4Addr::new(first, second, third, fourth), at))
}

#[inline]
fn dot(text: &[u8], at: usize) -> Option<usize> {
    (text.get(at) == Some(&b'.')).then_some(at + 1)
}

#[inline]
fn octet(text: &[u8], mut at: usize) -> Option<(u8, usize)> {
    let digit = |at: usize| text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10);
    let mut value = u32::from(digit(at)?);
    at += 1;
    while let Some(next) = digit(at) {
        if value == 0 || value > 25 {
            return None;
        }
        value = value * 10 + u32::from(next);
        at += 1;
    }
    Some((u8::try_from(value).ok()?, at))
}
