//! Percent-escapes of URI parts (RFC 3261 §19.1.2): one part is escaped or unescaped, once.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::{ParseError, ParseErrorKind};

/// Escapes a header value for a URI: everything but letters, digits and `-_.~`.
///
/// RFC 3261 §19.1.1 lets more characters stand; peers exist that decode `+` as a blank or stop at `?`.
pub fn escape_header(value: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = String::with_capacity(value.len() + value.len() / 4);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push(char::from(HEX[usize::from(byte >> 4)]));
            escaped.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    escaped
}

/// Decodes the escapes of one URI part, once: `%2525` becomes `%25`.
///
/// Fails with [`ParseErrorKind::Escape`] if `%` is not followed by two hexadecimal digits or if the decoded
/// bytes are not UTF-8. Control characters are decoded; whoever writes them on must refuse them.
pub fn unescape(part: &str) -> Result<Cow<'_, str>, ParseError> {
    match decode(part)? {
        Decoded::AsIs(text) => Ok(Cow::Borrowed(text)),
        plain @ Decoded::Plain(..) => plain.text().map(|text| Cow::Owned(text.into())),
    }
}

/// A decoded part: octets that need not be UTF-8.
#[expect(clippy::large_enum_variant, reason = "lives on the stack only, to spare the heap")]
pub(crate) enum Decoded<'a> {
    /// It has no escapes.
    AsIs(&'a str),
    /// What the escapes stand for, and where the first of them was; without memory of its own while short.
    Plain(SmallVec<[u8; INLINE]>, usize),
}

/// Longer than the Replaces headers of most stacks.
const INLINE: usize = 256;

impl Decoded<'_> {
    /// The part as text; fails with [`ParseErrorKind::Escape`] if it is not UTF-8.
    pub(crate) fn text(&self) -> Result<&str, ParseError> {
        match self {
            Decoded::AsIs(text) => Ok(text),
            Decoded::Plain(octets, first) => {
                core::str::from_utf8(octets).map_err(|_| ParseError::new(ParseErrorKind::Escape, *first))
            }
        }
    }
}

impl AsRef<[u8]> for Decoded<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Decoded::AsIs(text) => text.as_bytes(),
            Decoded::Plain(octets, _) => octets,
        }
    }
}

/// As [`unescape`], before it is known whether the octets are text.
pub(crate) fn decode(part: &str) -> Result<Decoded<'_>, ParseError> {
    let bytes = part.as_bytes();
    let Some(first) = memchr::memchr(b'%', bytes) else {
        return Ok(Decoded::AsIs(part));
    };
    let mut plain = SmallVec::from_slice(&bytes[..first]);
    let mut at = first;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            plain.push(pair(bytes, at).ok_or(ParseError::new(ParseErrorKind::Escape, at))?);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    Ok(Decoded::Plain(plain, first))
}

/// Tells whether a name as it is written is that name: without regard to case, and escapes decoded (RFC 3261 §19.1.4).
pub(crate) fn is_name(written: &str, name: &str) -> bool {
    written.eq_ignore_ascii_case(name)
        || (written.contains('%') && unescape(written).is_ok_and(|plain| plain.eq_ignore_ascii_case(name)))
}

/// Decodes the escape whose `%` stands at `at`.
pub(crate) fn pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    Some((digit(at + 1)? << 4 | digit(at + 2)?) as u8)
}
