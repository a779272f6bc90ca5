use core::fmt;
use std::borrow::Cow;

use super::{Algorithm, AuthParams, OtherAuth};
use crate::{ParseError, ParseErrorKind, escape};

/// `Digest username="bob", realm="biloxi.com", ...`: Authorization and Proxy-Authorization (RFC 3261 §20.7,
/// §20.28).
///
/// `Debug` shows the scheme and the names of the parameters, no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// The scheme that SIP uses.
    Digest(DigestCredentials<'a>),
    /// Any other.
    Other(OtherAuth<'a>),
}

impl<'a> Credentials<'a> {
    /// Parses one set of credentials.
    ///
    /// Errors as for [`AuthParams::parse`], and for a Digest [`Missing`](ParseErrorKind::Missing) without
    /// user name, realm, nonce, uri or response, or with `qop` and without `nc` or `cnonce`;
    /// [`Duplicate`](ParseErrorKind::Duplicate) for `username` beside `username*`;
    /// [`Number`](ParseErrorKind::Number) for an `nc` that is not eight hexadecimal digits;
    /// [`Parameter`](ParseErrorKind::Parameter) for a response that is not hexadecimal;
    /// [`Escape`](ParseErrorKind::Escape) for a `username*` that cannot be decoded.
    pub fn parse(value: &'a str) -> Result<Credentials<'a>, ParseError> {
        let auth = OtherAuth::split(value)?;
        if !auth.is_digest() {
            return Ok(Credentials::Other(auth));
        }
        let base = auth.text.as_ptr().addr() - value.as_ptr().addr();
        let params = AuthParams::parse(auth.text).map_err(|error| error.shifted(base))?;
        match (params.value("username"), params.plain("username*")) {
            (Some(_), Some(extended)) => {
                return Err(ParseError::of(ParseErrorKind::Duplicate, value, extended));
            }
            (None, Some(extended)) if extended_value(extended).is_none() => {
                return Err(ParseError::of(ParseErrorKind::Escape, value, extended));
            }
            (None, Some(_)) => {}
            (_, None) => params.require(value, &["username"])?,
        }
        params.require(value, &["realm", "nonce", "uri", "response"])?;
        if params.value("qop").is_some() {
            params.require(value, &["nc", "cnonce"])?;
        }
        params.check_hash(value, "response")?;
        let nc = params.nc(value)?;
        Ok(Credentials::Digest(DigestCredentials { params, nc }))
    }

    /// The credentials, if they are a Digest.
    pub const fn digest(&self) -> Option<DigestCredentials<'a>> {
        match self {
            Credentials::Digest(digest) => Some(*digest),
            Credentials::Other(_) => None,
        }
    }
}

impl fmt::Display for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::Digest(digest) => write!(f, "Digest {}", digest.params),
            Credentials::Other(other) => other.fmt(f),
        }
    }
}

/// The parameters of a Digest response (RFC 7616 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestCredentials<'a> {
    params: AuthParams<'a>,
    nc: Option<u32>,
}

impl<'a> DigestCredentials<'a> {
    /// The user, from `username` or decoded from `username*`; a hash if [`userhash`](Self::userhash) says
    /// so.
    pub fn username(&self) -> Cow<'a, str> {
        let extended = self.params.plain("username*").and_then(extended_value);
        extended.or_else(|| self.params.unquoted("username")).unwrap_or_default()
    }

    /// For which users the name is meant.
    pub fn realm(&self) -> Cow<'a, str> {
        self.params.unquoted("realm").unwrap_or_default()
    }

    /// The nonce of the challenge; empty before the first challenge.
    pub fn nonce(&self) -> Cow<'a, str> {
        self.params.unquoted("nonce").unwrap_or_default()
    }

    /// The URI that was hashed, as text: it has to be hashed byte for byte.
    pub fn uri(&self) -> Cow<'a, str> {
        self.params.unquoted("uri").unwrap_or_default()
    }

    /// The proof: hexadecimal digits; empty before the first challenge (RFC 8760 §2.7).
    pub fn response(&self) -> &'a str {
        self.params.plain("response").unwrap_or_default()
    }

    /// The algorithm, MD5 if none is named; `None` if it is not understood.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.params.plain("algorithm").map_or(Some(Algorithm::Md5), Algorithm::of)
    }

    /// The quality of protection as written; [`Qop::of`](super::Qop::of) knows the registered ones.
    pub fn qop(&self) -> Option<&'a str> {
        self.params.plain("qop")
    }

    /// How often the nonce was used, this time included.
    pub const fn nc(&self) -> Option<u32> {
        self.nc
    }

    /// The client's unique text.
    pub fn cnonce(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("cnonce")
    }

    /// What the challenge wanted back.
    pub fn opaque(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("opaque")
    }

    /// Tells whether the user name is a hash of it (RFC 7616 §3.4.4).
    pub fn userhash(&self) -> bool {
        self.params.is_true("userhash")
    }

    /// All parameters.
    pub const fn params(&self) -> AuthParams<'a> {
        self.params
    }
}

/// Decodes `UTF-8'language'text` (RFC 5987 §3.2); no other charset is allowed here.
fn extended_value(text: &str) -> Option<Cow<'_, str>> {
    let (charset, rest) = text.split_once('\'')?;
    let (_language, escaped) = rest.split_once('\'')?;
    charset.eq_ignore_ascii_case("UTF-8").then(|| escape::unescape(escaped).ok()).flatten()
}
