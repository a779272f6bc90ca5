use core::fmt;
use std::borrow::Cow;

use super::{Algorithm, AuthParams, OtherAuth, Qop};
use crate::ParseError;

/// `Digest realm="atlanta.com", nonce="84a4cc6f", qop="auth"`: WWW-Authenticate and Proxy-Authenticate (RFC
/// 3261 §20.44, §20.27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge<'a> {
    /// The scheme that SIP uses.
    Digest(DigestChallenge<'a>),
    /// Any other.
    Other(OtherAuth<'a>),
}

impl<'a> Challenge<'a> {
    /// Parses one challenge; errors as for [`AuthParams::parse`], and
    /// [`Missing`](crate::ParseErrorKind::Missing) for a Digest without realm or nonce.
    pub fn parse(value: &'a str) -> Result<Challenge<'a>, ParseError> {
        let auth = OtherAuth::split(value)?;
        if !auth.is_digest() {
            return Ok(Challenge::Other(auth));
        }
        let base = auth.text.as_ptr().addr() - value.as_ptr().addr();
        let params = AuthParams::parse(auth.text).map_err(|error| error.shifted(base))?;
        params.require(value, &["realm", "nonce"])?;
        Ok(Challenge::Digest(DigestChallenge { params }))
    }

    /// The challenge, if it is a Digest.
    pub const fn digest(&self) -> Option<DigestChallenge<'a>> {
        match self {
            Challenge::Digest(digest) => Some(*digest),
            Challenge::Other(_) => None,
        }
    }
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Challenge::Digest(digest) => write!(f, "Digest {}", digest.params),
            Challenge::Other(other) => other.fmt(f),
        }
    }
}

/// The parameters of a Digest challenge (RFC 7616 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestChallenge<'a> {
    params: AuthParams<'a>,
}

impl<'a> DigestChallenge<'a> {
    /// For which users and passwords it asks.
    pub fn realm(&self) -> Cow<'a, str> {
        self.params.unquoted("realm").unwrap_or_default()
    }

    /// The server's unique text.
    pub fn nonce(&self) -> Cow<'a, str> {
        self.params.unquoted("nonce").unwrap_or_default()
    }

    /// What is to be sent back unchanged.
    pub fn opaque(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("opaque")
    }

    /// Tells whether only the nonce was too old; any word but `true` means no.
    pub fn stale(&self) -> bool {
        self.params.is_true("stale")
    }

    /// The algorithm, MD5 if none is named; `None` if it is not understood and the challenge is to be
    /// passed over. Its text is in [`params`](Self::params).
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.params.plain("algorithm").map_or(Some(Algorithm::Md5), Algorithm::of)
    }

    /// The qualities of protection that are offered and understood, in order; none if the peer follows RFC
    /// 2069.
    pub fn qop(&self) -> impl Iterator<Item = Qop> + use<'a> {
        self.params.plain("qop").unwrap_or("").split([',', ' ', '\t']).filter_map(Qop::of)
    }

    /// Tells whether the server takes hashed user names.
    pub fn userhash(&self) -> bool {
        self.params.is_true("userhash")
    }

    /// In what encoding user name and password are hashed; `UTF-8` is the one allowed value.
    pub fn charset(&self) -> Option<&'a str> {
        self.params.plain("charset")
    }

    /// The URIs that the same credentials open, as written.
    pub fn domain(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.params.plain("domain").unwrap_or("").split_ascii_whitespace()
    }

    /// All parameters.
    pub const fn params(&self) -> AuthParams<'a> {
        self.params
    }
}
