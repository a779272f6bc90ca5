use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use super::{Scheme, Uri, scheme_of};
use crate::{ParseError, escape};

/// An owned URI: checked text behind a shared pointer, so that a clone costs one counter.
///
/// `==` compares bytes; [`equivalent`](Self::equivalent) compares by RFC 3261 §19.1.4.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UriBuf {
    text: Arc<str>,
}

impl UriBuf {
    /// Parses and copies; see [`Uri::parse`].
    pub fn parse(text: &str) -> Result<UriBuf, ParseError> {
        Uri::parse(text).map(|uri| uri.to_owned())
    }

    /// Takes text that [`Uri::parse`] accepts.
    pub(super) fn from_checked(text: &str) -> UriBuf {
        UriBuf { text: text.into() }
    }

    /// The parts of the URI.
    #[expect(clippy::missing_panics_doc, reason = "cannot happen: see the invariant")]
    pub fn as_uri(&self) -> Uri<'_> {
        // invariant: every constructor takes text that was parsed, or parts of such text put together again.
        Uri::parse(&self.text).expect("invariant: text was checked when the value was made")
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        let colon = self.text.find(':').unwrap_or_default();
        scheme_of(&self.text.as_bytes()[..colon]).unwrap_or(Scheme::Other)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Compares by the rules of RFC 3261 §19.1.4.
    pub fn equivalent(&self, other: &UriBuf) -> bool {
        self.as_uri().equivalent(&other.as_uri())
    }

    /// The URI as a Request-URI: neither headers nor a `method` parameter (RFC 3261 §19.1.1, table 1).
    #[must_use]
    pub fn without_headers_and_method(&self) -> UriBuf {
        // Without a parameter or header there is nothing to take away.
        match memchr::memchr2(b';', b'?', self.text.as_bytes()) {
            None => self.clone(),
            Some(_) => self.as_uri().without_headers_and_method(),
        }
    }

    /// The URI with these headers and no others, without `method`, as it stands in Refer-To (RFC 3261 §19.1.1): each
    /// value is given plain and escaped here, everything but letters, digits and `-_.~`.
    ///
    /// Another scheme than `sip` and `sips` has no headers; such a URI comes back as it is. So it does without headers.
    ///
    /// Fails with [`TooManyParts`](crate::ParseErrorKind::TooManyParts) above [`Limits::PARAMETERS`](crate::Limits) headers.
    pub fn with_headers<'h>(
        &self,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    ) -> Result<UriBuf, ParseError> {
        let plain = self.without_headers_and_method();
        if !plain.as_uri().is_sip() {
            return Ok(plain);
        }
        let mut text = String::from(plain.as_str());
        for (index, (name, value)) in headers.into_iter().enumerate() {
            text.push(if index == 0 { '?' } else { '&' });
            text.push_str(&escape::escape_header(name));
            text.push('=');
            text.push_str(&escape::escape_header(value));
        }
        UriBuf::parse(&text)
    }
}

impl FromStr for UriBuf {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        UriBuf::parse(text)
    }
}

impl From<Uri<'_>> for UriBuf {
    fn from(uri: Uri<'_>) -> UriBuf {
        uri.to_owned()
    }
}

impl AsRef<str> for UriBuf {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for UriBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text as a string literal, but for the value of a `Replaces` in it: who knows the identifiers of a call can name it
/// (RFC 3891 §8).
impl fmt::Debug for UriBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((uri, headers)) = self.text.split_once('?') else { return fmt::Debug::fmt(&*self.text, f) };
        let masked: Vec<&str> = headers
            .split('&')
            .map(|header| match header.split_once('=') {
                Some((name, _)) if !is_shown(name) => "Replaces=***",
                Some(_) | None => header,
            })
            .collect();
        fmt::Debug::fmt(&format!("{uri}?{}", masked.join("&")), f)
    }
}

/// Whether the value of a URI header may be seen in logs; a name that is escaped is one that hides.
fn is_shown(name: &str) -> bool {
    escape::unescape(name).is_ok_and(|name| !name.eq_ignore_ascii_case("Replaces"))
}
