//! Percent-escapes of URI parts (RFC 3261 §19.1.2): one part is escaped or unescaped, once.

use std::borrow::Cow;

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
    let Some(first) = part.find('%') else {
        return Ok(Cow::Borrowed(part));
    };
    let bytes = part.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    plain.extend_from_slice(&bytes[..first]);
    let mut at = first;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            plain.push(bytes[at]);
            at += 1;
            continue;
        }
        plain.push(pair(bytes, at).ok_or(ParseError::new(ParseErrorKind::Escape, at))?);
        at += 3;
    }
    match String::from_utf8(plain) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(_) => Err(ParseError::new(ParseErrorKind::Escape, first)),
    }
}

/// Decodes the escape whose `%` stands at `at`.
pub(crate) fn pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    Some((digit(at + 1)? << 4 | digit(at + 2)?) as u8)
}
