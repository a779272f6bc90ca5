//! The values of the lines that a call depends on.

use std::fmt;
use std::net::IpAddr;

use crate::direction::Direction;

/// Holds one line: `type=value`. Its `Debug` shows no key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The type, a letter.
    pub kind: u8,
    /// What stands behind the equals sign, in any character set; no CR, LF or NUL.
    pub value: &'a [u8],
}

/// What stands before a secret in an attribute: keys of SRTP (RFC 4568, RFC 4567), the password of ICE.
const SECRETS: [&[u8]; 3] = [b"crypto:", b"ice-pwd:", b"key-mgmt:"];

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = SECRETS.iter().find(|name| self.kind == b'a' && self.value.starts_with(name));
        let (shown, hidden) = match (self.kind, secret) {
            (b'k', _) => (&b""[..], "***"),
            (_, Some(name)) => (*name, "***"),
            (_, None) => (self.value, ""),
        };
        write!(f, "{}={}{hidden}", char::from(self.kind), shown.escape_ascii())
    }
}

/// Holds the `o=` line (RFC 8866 §5.2); numbers stay text because peers exceed 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The user name, `-` when there is none, in any character set.
    pub username: &'a [u8],
    /// The session's id, digits.
    pub session_id: &'a str,
    /// The version of this description, digits.
    pub version: &'a str,
    /// The address of the describing host; a host name is allowed.
    pub address: Connection<'a>,
}

impl<'a> Origin<'a> {
    pub(super) fn parse(value: &'a [u8]) -> Option<Self> {
        let first = value.iter().position(|&byte| byte != b' ')?;
        let (username, rest) = value[first..].split_at(value[first..].iter().position(|&byte| byte == b' ')?);
        let mut words = split_words(std::str::from_utf8(rest).ok()?);
        let session_id = words.next().filter(|word| is_digits(word))?;
        let version = words.next().filter(|word| is_digits(word))?;
        let address = Connection::of_words(&mut words)?;
        words.next().is_none().then_some(Self { username, session_id, version, address })
    }
}

/// Holds an address as `c=`, `o=` and `a=rtcp` write it: `IN IP4 192.0.2.7` (RFC 8866 §5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection<'a> {
    /// The network type, `IN` for the Internet.
    pub network: &'a str,
    /// The address type, `IP4` or `IP6` in the Internet.
    pub kind: &'a str,
    /// The address as written: numeric, a host name, or with a multicast suffix `/ttl`.
    pub address: &'a str,
}

impl<'a> Connection<'a> {
    pub(super) fn parse(value: &'a str) -> Option<Self> {
        let mut words = split_words(value);
        let connection = Self::of_words(&mut words)?;
        words.next().is_none().then_some(connection)
    }

    pub(crate) fn of_words(words: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        Some(Self { network: words.next()?, kind: words.next()?, address: words.next()? })
    }

    /// Returns the numeric address; `None` for a host name, an address with a suffix, or another network. The
    /// address tells its version itself, whatever the address type says.
    pub fn ip(&self) -> Option<IpAddr> {
        let internet = self.network == "IN" && matches!(self.kind, "IP4" | "IP6");
        self.address.parse().ok().filter(|_| internet)
    }
}

impl fmt::Display for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.network, self.kind, self.address)
    }
}

/// Holds an `a=` line: a name, and a value if there is a colon (RFC 8866 §5.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// What stands before the colon.
    pub name: &'a str,
    /// What stands behind the first colon.
    pub value: Option<&'a str>,
}

impl<'a> Attribute<'a> {
    pub(super) fn parse(value: &'a str) -> Self {
        match split_at_byte(value, b':') {
            Some((name, value)) => Self { name, value: Some(value) },
            // Some senders leave a blank behind a flag; it would hide the direction.
            None => Self { name: value.trim_ascii_end(), value: None },
        }
    }

    /// The direction, where it names one.
    pub(crate) fn direction(self) -> Option<Direction> {
        Direction::from_attribute(self.name).filter(|_| self.value.is_none())
    }
}

/// Holds what `a=rtpmap` binds to a payload type: `PCMU/8000` or `L16/44100/2` (RFC 8866 §6.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding<'a> {
    /// The encoding's name, in any case.
    pub name: &'a str,
    /// The RTP clock rate in Hz.
    pub clock_rate: u32,
    /// The channels, 1 where nothing is said.
    pub channels: u8,
}

impl<'a> Encoding<'a> {
    /// Parses what `a=rtpmap` says: a payload type and its encoding.
    pub(crate) fn bound(value: &'a str) -> Option<(u8, Self)> {
        let (number, encoding) = split_word(value)?;
        Some((parse_number(number).filter(|&number: &u8| number < 128)?, Self::parse(encoding)?))
    }

    /// Parses `name/clock[/channels]`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (name, rest) = split_at_byte(text.trim_ascii(), b'/')?;
        if name.is_empty() {
            return None;
        }
        let (clock_rate, channels) = match split_at_byte(rest, b'/') {
            Some((clock_rate, channels)) => (clock_rate, parse_number(channels)?),
            None => (rest, 1),
        };
        Some(Self { name, clock_rate: parse_number(clock_rate)?, channels })
    }
}

/// Blanks divide words, several as one does; nothing else does, lest two readers see two lists.
pub(crate) fn split_words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (word, behind) = split_word(rest)?;
        rest = behind;
        Some(word)
    })
}

/// Splits at the first byte of that value, an ASCII character, which is left out. Parts are short, and the general search
/// for a character costs more than it finds.
pub(crate) fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|other| other == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Splits off the first word; `None` where there is none.
pub(super) fn split_word(text: &str) -> Option<(&str, &str)> {
    let start = text.bytes().position(|byte| byte != b' ')?;
    let text = &text[start..];
    Some(text.split_at(text.bytes().position(|byte| byte == b' ').unwrap_or(text.len())))
}

pub(super) fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses digits only: `str::parse` would take a plus sign.
pub(crate) fn parse_number<T: TryFrom<u32>>(word: &str) -> Option<T> {
    let mut digits = word.bytes();
    let mut number = digit(digits.next()?)?;
    for byte in digits {
        number = number.checked_mul(10)?.checked_add(digit(byte)?)?;
    }
    T::try_from(number).ok()
}

fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}
