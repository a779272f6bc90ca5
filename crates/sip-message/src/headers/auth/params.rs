use core::fmt;
use std::borrow::Cow;

use crate::headers::checks;
use crate::{Limits, ParseError, ParseErrorKind, lex};

/// The parameters of a challenge or of credentials: `realm="atlanta.com", stale=FALSE` (RFC 3261 §25.1).
///
/// Names are compared without regard to case; every name stands once. Values are given as written, quotes
/// included; whether a value is quoted makes no difference to what it says, because peers quote `algorithm`
/// and `nc` and leave the quotes of `qop`, `uri` and `response` away.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct AuthParams<'a> {
    raw: &'a str,
}

impl<'a> AuthParams<'a> {
    /// Takes the text behind the scheme; empty items of the list are passed over.
    ///
    /// Errors: [`ParseErrorKind::Parameter`] for an item that is not `name=value` or has an open quote,
    /// [`Duplicate`](ParseErrorKind::Duplicate) for a name that stands twice,
    /// [`TooManyParts`](ParseErrorKind::TooManyParts) above [`Limits::PARAMETERS`].
    pub fn parse(raw: &'a str) -> Result<AuthParams<'a>, ParseError> {
        let params = AuthParams { raw: lex::trim(raw) };
        for (count, item) in params.items().enumerate() {
            let (name, value) = split(item);
            if count >= Limits::PARAMETERS {
                return Err(ParseError::of(ParseErrorKind::TooManyParts, raw, item));
            }
            if !lex::is_token(name) || !checks::is_gen_value(value) {
                return Err(ParseError::of(ParseErrorKind::Parameter, raw, item));
            }
        }
        if let Some(name) = checks::repeated(params.iter().map(|(name, _)| name)) {
            return Err(ParseError::of(ParseErrorKind::Duplicate, raw, name));
        }
        Ok(params)
    }

    /// The value as written.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value without quotes and quoted pairs.
    pub fn unquoted(&self, name: &str) -> Option<Cow<'a, str>> {
        self.value(name).map(lex::unquote)
    }

    /// Every parameter in order: name, and value as written.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.items().map(split)
    }

    /// The value without quotes, for values in which nothing is escaped: tokens, lists, numbers.
    pub(super) fn plain(&self, name: &str) -> Option<&'a str> {
        self.value(name).map(|value| value.trim_matches('"'))
    }

    /// Tells whether the value is `true` in any case; anything else counts as `false` (RFC 7616 §3.3).
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.plain(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Fails with [`ParseErrorKind::Missing`] unless all of those names are there.
    pub(super) fn require(&self, whole: &str, names: &[&str]) -> Result<(), ParseError> {
        if names.iter().any(|name| self.value(name).is_none()) {
            return Err(ParseError::of(ParseErrorKind::Missing, whole, self.raw));
        }
        Ok(())
    }

    /// Checks a hash: hexadecimal digits in either case, or nothing (RFC 8760 §2.7).
    pub(super) fn check_hash(&self, whole: &str, name: &str) -> Result<(), ParseError> {
        match self.plain(name) {
            Some(hash) if !checks::is_hex(hash) => {
                Err(ParseError::of(ParseErrorKind::Parameter, whole, hash))
            }
            _ => Ok(()),
        }
    }

    /// Reads the nonce count: exactly eight hexadecimal digits (RFC 7616 §3.4).
    pub(super) fn nc(&self, whole: &str) -> Result<Option<u32>, ParseError> {
        let Some(digits) = self.plain("nc") else { return Ok(None) };
        match u32::from_str_radix(digits, 16) {
            Ok(count) if digits.len() == 8 && checks::is_hex(digits) => Ok(Some(count)),
            _ => Err(ParseError::of(ParseErrorKind::Number, whole, digits)),
        }
    }

    fn items(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = self.raw;
        core::iter::from_fn(move || {
            while !rest.is_empty() {
                let end = lex::find_unquoted(rest, b',').unwrap_or(rest.len());
                let item = lex::trim(&rest[..end]);
                rest = rest.get(end + 1..).unwrap_or("");
                if !item.is_empty() {
                    return Some(item);
                }
            }
            None
        })
    }
}

fn split(item: &str) -> (&str, &str) {
    let (name, value) = item.split_once('=').unwrap_or((item, ""));
    (lex::trim(name), lex::trim(value))
}

impl fmt::Display for AuthParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().enumerate().try_for_each(|(at, (name, value))| {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value}")
        })
    }
}

/// Shows the names alone: values say who is calling and prove it, and must not reach a log.
impl fmt::Debug for AuthParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}
