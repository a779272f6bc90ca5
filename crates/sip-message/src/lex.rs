//! The lexical rules that the header grammars share (RFC 3261 §25.1).

/// `token` characters.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

pub(crate) fn is_token(text: &str) -> bool {
    is_token_bytes(text.as_bytes())
}

pub(crate) fn is_token_bytes(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

/// `LWS` without the line end, which the message index has already turned into blanks.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

pub(crate) fn has_line_breaker(text: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, text).is_some()
}

/// Finds the end of a quoted string that starts at byte 0; the result is the index after the closing quote.
pub(crate) fn quoted_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Some(at + 1),
            // A backslash at the very end escapes nothing and leaves the string open.
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// Finds the first `stop` byte outside quoted strings; an open quote hides everything after it.
pub(crate) fn find_unquoted(text: &str, stop: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr2(stop, b'"', &bytes[at..])?;
        if bytes[at] == stop {
            return Some(at);
        }
        at += quoted_end(&text[at..])?;
    }
}

/// Reads `1*DIGIT` up to `u32::MAX`; larger values stand for "very long" and are capped (RFC 3261 §20.19).
pub(crate) fn delta_seconds(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.bytes().fold(0u32, |sum, digit| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0'))))
}

/// Takes the quotes and quoted pairs off a quoted string; other text is given as it is.
pub(crate) fn unquote(text: &str) -> std::borrow::Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return text.into();
    };
    if !inner.contains('\\') {
        return inner.into();
    }
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(character) = chars.next() {
        let literal = if character == '\\' { chars.next() } else { Some(character) };
        plain.extend(literal);
    }
    plain.into()
}

/// The items of a comma list, split outside quoted strings and angle brackets; empty items are skipped.
#[derive(Debug, Clone)]
pub struct List<'a> {
    rest: &'a str,
}

impl<'a> List<'a> {
    /// Splits one header value.
    pub fn new(value: &'a str) -> Self {
        List { rest: value }
    }
}

impl<'a> Iterator for List<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        while !self.rest.is_empty() {
            let end = item_end(self.rest);
            let item = trim(&self.rest[..end]);
            self.rest = self.rest.get(end + 1..).unwrap_or("");
            if !item.is_empty() {
                return Some(item);
            }
        }
        None
    }
}

/// An open quote or bracket takes the rest of the value with it, so that the item's own parser refuses it.
fn item_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr3(b',', b'"', b'<', &bytes[at..]) {
        at += found;
        match bytes[at] {
            b',' => return at,
            b'"' => match quoted_end(&text[at..]) {
                Some(length) => at += length,
                None => return text.len(),
            },
            _ => match memchr::memchr(b'>', &bytes[at..]) {
                Some(length) => at += length + 1,
                None => return text.len(),
            },
        }
    }
    text.len()
}
