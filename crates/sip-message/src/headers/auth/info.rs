use core::fmt;
use std::borrow::Cow;

use super::AuthParams;
use crate::{ParseError, ParseErrorKind};

/// `nextnonce="47364c23", qop=auth, rspauth="6629fae4", cnonce="0a4f113b", nc=00000001`: Authentication-Info
/// (RFC 3261 §20.6, RFC 7616 §3.5) and Proxy-Authentication-Info (RFC 7615 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticationInfo<'a> {
    params: AuthParams<'a>,
    nc: Option<u32>,
}

impl<'a> AuthenticationInfo<'a> {
    /// Parses one line of at least one parameter; errors as for [`AuthParams::parse`], and those of `nc` and
    /// of a hash that is not hexadecimal.
    pub fn parse(value: &'a str) -> Result<AuthenticationInfo<'a>, ParseError> {
        let params = AuthParams::parse(value)?;
        if params.iter().next().is_none() {
            return Err(ParseError::of(ParseErrorKind::Value, value, value));
        }
        params.check_hash(value, "rspauth")?;
        let nc = params.nc(value)?;
        Ok(AuthenticationInfo { params, nc })
    }

    /// The nonce to use from now on.
    pub fn nextnonce(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("nextnonce")
    }

    /// The quality of protection of the response, as written.
    pub fn qop(&self) -> Option<&'a str> {
        self.params.plain("qop")
    }

    /// The server's proof that it knows the password: hexadecimal digits.
    pub fn rspauth(&self) -> Option<&'a str> {
        self.params.plain("rspauth")
    }

    /// The client's unique text, from the request.
    pub fn cnonce(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("cnonce")
    }

    /// The nonce count, from the request.
    pub const fn nc(&self) -> Option<u32> {
        self.nc
    }

    /// All parameters.
    pub const fn params(&self) -> AuthParams<'a> {
        self.params
    }
}

impl fmt::Display for AuthenticationInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.params.fmt(f)
    }
}
