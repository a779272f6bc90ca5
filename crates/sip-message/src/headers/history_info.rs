use core::fmt;
use std::borrow::Cow;

use super::checks;
use crate::{NameAddr, ParseError, ParseErrorKind, escape, lex};

/// `<sip:bob@example.com?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1` (RFC 7044 §5), one item of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryInfo<'a> {
    /// Where the request was sent, with the parameters of the header.
    pub name_addr: NameAddr<'a>,
    /// The place in the tree of targets: numbers and dots.
    pub index: &'a str,
    /// How the target came about.
    pub target: Option<HistoryTarget<'a>>,
}

/// How a target came about, with the index of the one it was made from (RFC 7044 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HistoryTarget<'a> {
    /// `rc`: another address of the same user.
    RegisteredContact(&'a str),
    /// `mp`: another user.
    Mapped(&'a str),
    /// `np`: the same address, sent on.
    NoChange(&'a str),
}

impl<'a> HistoryInfo<'a> {
    /// Parses one entry: an `index` must stand once, and at most one of `rc`, `mp` and `np`.
    ///
    /// Errors: [`ParseErrorKind::Missing`], [`Duplicate`](ParseErrorKind::Duplicate), and
    /// [`Number`](ParseErrorKind::Number) for an index that is not numbers between dots. Leading zeros are
    /// read, as RFC 4244 allowed them.
    pub fn parse(value: &'a str) -> Result<HistoryInfo<'a>, ParseError> {
        let name_addr = NameAddr::parse(value)?;
        let index = |name| match checks::once(value, name_addr.params, name)? {
            Some(index) if !is_index(index) => Err(ParseError::of(ParseErrorKind::Number, value, index)),
            index => Ok(index),
        };
        let fail = |kind| Err(ParseError::of(kind, value, name_addr.params.as_str()));
        let target = match (index("rc")?, index("mp")?, index("np")?) {
            (None, None, None) => None,
            (Some(from), None, None) => Some(HistoryTarget::RegisteredContact(from)),
            (None, Some(from), None) => Some(HistoryTarget::Mapped(from)),
            (None, None, Some(from)) => Some(HistoryTarget::NoChange(from)),
            _ => return fail(ParseErrorKind::Duplicate),
        };
        match index("index")? {
            Some(index) => Ok(HistoryInfo { name_addr, index, target }),
            None => fail(ParseErrorKind::Missing),
        }
    }

    /// Why the request went on from this target: each `Reason` of the URI, decoded once (RFC 3326).
    ///
    /// Errors: [`ParseErrorKind::Escape`], and [`Injection`](ParseErrorKind::Injection) if the decoded text
    /// holds CR, LF or NUL; offsets count in the URI header's value.
    pub fn reasons(&self) -> impl Iterator<Item = Result<Cow<'a, str>, ParseError>> + use<'a> {
        self.uri_headers("Reason")
    }

    /// Tells whether the entry is to be kept from others: `Privacy=history` in the URI.
    pub fn is_private(&self) -> bool {
        self.uri_headers("Privacy")
            .flatten()
            .any(|value| value.split([';', ',']).any(|word| lex::trim(word).eq_ignore_ascii_case("history")))
    }

    fn uri_headers(
        &self,
        wanted: &'static str,
    ) -> impl Iterator<Item = Result<Cow<'a, str>, ParseError>> + use<'a> {
        let named = self.name_addr.uri.headers().filter(move |(name, _)| escape::is_name(name, wanted));
        named.map(|(_, value)| {
            let plain = escape::unescape(value)?;
            if lex::has_line_breaker(plain.as_bytes()) {
                return Err(ParseError::new(ParseErrorKind::Injection, 0));
            }
            Ok(plain)
        })
    }
}

impl fmt::Display for HistoryInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name_addr.fmt(f)
    }
}

/// `number *("." number)`
fn is_index(text: &str) -> bool {
    text.split('.').all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}
