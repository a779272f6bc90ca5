//! The lexical rules that the header grammars share (RFC 3261 §25.1).

/// A set of classes of bytes; one look into one table answers for all grammars.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Class(u16);

impl Class {
    /// `token`.
    pub(crate) const TOKEN: Class = Class(1);
    /// `LWS` without the line end, which the message index has already turned into blanks.
    pub(crate) const BLANK: Class = Class(1 << 1);
    pub(crate) const LINE_END: Class = Class(1 << 2);
    pub(crate) const DIGIT: Class = Class(1 << 3);
    /// Printable ASCII without blank.
    pub(crate) const VISIBLE: Class = Class(1 << 12);
    /// Neither blank nor control character; bytes of UTF-8 are in.
    pub(crate) const NO_BLANK: Class = Class(1 << 4);
    /// Name of a parameter: a token, or what `paramchar` adds to it (RFC 3261 §25.1).
    pub(crate) const PARAM_NAME: Class = Class(1 << 5);
    /// Value of a parameter that is not quoted.
    pub(crate) const PARAM_VALUE: Class = Class(1 << 6);
    /// Name of a host. `_` is no such character but is found in local domains and SRV-like names.
    pub(crate) const HOST: Class = Class(1 << 7);
    /// What a part of a URI ends at or must look at: separators, escapes, and what cannot stand in a URI.
    pub(crate) const URI_MARK: Class = Class(1 << 8);
    /// What cannot stand in a URI.
    pub(crate) const NOT_URI: Class = Class(1 << 10);
    /// What cannot stand in a display name without quotes.
    pub(crate) const NOT_DISPLAY: Class = Class(1 << 11);
    /// What stands between two items of a list.
    pub(crate) const BEFORE_ITEM: Class = Class(1 << 13);
    /// What stands between two parameters.
    pub(crate) const BEFORE_PARAM: Class = Class(1 << 9);
}

const CLASSES: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = classes_of(byte as u8);
        byte += 1;
    }
    table
};

const fn classes_of(byte: u8) -> u16 {
    let mut classes = 0;
    macro_rules! put {
        ($class:ident if $holds:expr) => {
            if $holds {
                classes |= Class::$class.0;
            }
        };
    }
    let letter_or_digit = byte.is_ascii_alphanumeric();
    let token = letter_or_digit
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
    let blank = matches!(byte, b' ' | b'\t');
    let no_blank = byte > b' ' && byte != 0x7f;
    let not_uri = !no_blank || matches!(byte, b'"' | b'<' | b'>');
    put!(TOKEN if token);
    put!(BLANK if blank);
    put!(LINE_END if matches!(byte, b'\r' | b'\n'));
    put!(DIGIT if byte.is_ascii_digit());
    put!(VISIBLE if byte.is_ascii_graphic());
    put!(NO_BLANK if no_blank);
    put!(PARAM_NAME if token || matches!(byte, b'[' | b']' | b'/' | b':' | b'&' | b'$' | b'(' | b')'));
    put!(PARAM_VALUE if no_blank && !matches!(byte, b'"' | b'<' | b'>' | b',' | b';'));
    put!(HOST if letter_or_digit || matches!(byte, b'-' | b'.' | b'_'));
    put!(NOT_URI if not_uri);
    put!(URI_MARK if not_uri || matches!(byte, b'%' | b'@' | b':' | b'?'));
    put!(NOT_DISPLAY if matches!(byte, b':' | b';' | b',' | b'"' | b'<' | b'>'));
    put!(BEFORE_ITEM if blank || byte == b',');
    put!(BEFORE_PARAM if blank || byte == b';');
    classes
}

/// Tells whether the byte is in the class.
#[inline]
pub(crate) const fn is(byte: u8, class: Class) -> bool {
    CLASSES[byte as usize] & class.0 != 0
}

/// Finds the first byte from `at` on that is not in the class; the length of the text if all are.
pub(crate) fn run(text: &[u8], at: usize, class: Class) -> usize {
    find::<false>(text, at, class)
}

/// Finds the first byte from `at` on that is in the class; the length of the text if none is.
pub(crate) fn until(text: &[u8], at: usize, class: Class) -> usize {
    find::<true>(text, at, class)
}

/// A call of its own, so that the loop has the registers to itself; four bytes a turn.
#[inline(never)]
fn find<const IN: bool>(text: &[u8], at: usize, class: Class) -> usize {
    let Some(mut rest) = text.get(at..) else { return text.len() };
    while let Some((four, after)) = rest.split_first_chunk::<4>() {
        for (skip, byte) in four.iter().enumerate() {
            if is(*byte, class) == IN {
                return text.len() - rest.len() + skip;
            }
        }
        rest = after;
    }
    let skip = rest.iter().position(|byte| is(*byte, class) == IN).unwrap_or(rest.len());
    text.len() - rest.len() + skip
}

/// As [`run`], for what is a few bytes long in most places: without a call.
#[inline]
pub(crate) fn short_run(text: &[u8], at: usize, class: Class) -> usize {
    let Some(rest) = text.get(at..) else { return text.len() };
    at + rest.iter().position(|byte| !is(*byte, class)).unwrap_or(rest.len())
}

/// As [`until`], for what is a few bytes away in most places: without a call.
#[inline]
pub(crate) fn short_until(text: &[u8], at: usize, class: Class) -> usize {
    let Some(rest) = text.get(at..) else { return text.len() };
    at + rest.iter().position(|byte| is(*byte, class)).unwrap_or(rest.len())
}

/// Passes over blanks, of which there are one or none in most places.
#[inline]
pub(crate) fn blanks(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && is_blank(text[at]) {
        at += 1;
    }
    at
}

/// `token` characters.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    is(byte, Class::TOKEN)
}

pub(crate) fn is_token(text: &str) -> bool {
    is_token_bytes(text.as_bytes())
}

pub(crate) fn is_token_bytes(text: &[u8]) -> bool {
    !text.is_empty() && run(text, 0, Class::TOKEN) == text.len()
}

pub(crate) const fn is_blank(byte: u8) -> bool {
    is(byte, Class::BLANK)
}

pub(crate) fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    let start = blanks(bytes, 0);
    let mut end = bytes.len();
    while end > start && is_blank(bytes[end - 1]) {
        end -= 1;
    }
    &text[start..end]
}

pub(crate) fn has_line_breaker(text: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, text).is_some()
}

/// The items of a comma list, none of which holds a comma; empty ones are skipped.
pub(crate) fn tokens(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    core::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = rest.bytes().position(|byte| byte == b',').unwrap_or(rest.len());
            let item = trim(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
            if !item.is_empty() {
                return Some(item);
            }
        }
        None
    })
}

/// Finds the end of a quoted string that starts at byte 0; the result is the index after the closing quote.
pub(crate) fn quoted_end(text: &str) -> Option<usize> {
    quoted_end_at(text.as_bytes(), 0)
}

/// Finds the end of a quoted string that starts at `at`; the result is the index after the closing quote.
pub(crate) fn quoted_end_at(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
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
    digits(text.as_bytes())
}

/// As [`delta_seconds`], of bytes.
pub(crate) fn digits(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |sum, &byte| {
        byte.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u32::from(byte - b'0')))
    })
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
    text: &'a str,
    at: usize,
}

impl<'a> List<'a> {
    /// Splits one header value.
    pub const fn new(value: &'a str) -> Self {
        List { text: value, at: 0 }
    }

    /// What is left of the value; empty if no item is.
    pub(crate) fn rest(&self) -> &'a str {
        let bytes = self.text.as_bytes();
        &self.text[run(bytes, self.at.min(bytes.len()), Class::BEFORE_ITEM)..]
    }

    /// The next item and where it starts.
    #[inline]
    pub(crate) fn next_at(&mut self) -> Option<(usize, &'a str)> {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            let mut start = blanks(bytes, self.at);
            if bytes.get(start) == Some(&b',') {
                start = run(bytes, start, Class::BEFORE_ITEM);
            }
            // Most lists have one item; only where there is a comma, quotes and brackets before it matter.
            let mut end = match memchr::memchr(b',', &bytes[start..]) {
                Some(comma) if memchr::memchr2(b'"', b'<', &bytes[start..start + comma]).is_none() => {
                    start + comma
                }
                Some(_) => start + item_end(&self.text[start..]),
                None => bytes.len(),
            };
            self.at = end + 1;
            while end > start && is_blank(bytes[end - 1]) {
                end -= 1;
            }
            if start < end {
                return Some((start, &self.text[start..end]));
            }
        }
        None
    }
}

impl<'a> Iterator for List<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.next_at().map(|(_, item)| item)
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
