use core::fmt;

use crate::{ParseError, ParseErrorKind, lex};

/// A challenge or credentials of another scheme than Digest, kept as written: `Bearer realm="x"`,
/// `Basic QWxhZGRpbg==`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OtherAuth<'a> {
    /// The scheme; compare without regard to case.
    pub scheme: &'a str,
    /// What follows; [`AuthParams::parse`](super::AuthParams::parse) reads it where the scheme has parameters.
    pub text: &'a str,
}

impl<'a> OtherAuth<'a> {
    /// Splits the scheme, a token, from what follows.
    pub(super) fn split(value: &'a str) -> Result<OtherAuth<'a>, ParseError> {
        let trimmed = lex::trim(value);
        let (scheme, text) = trimmed.split_at(trimmed.find([' ', '\t']).unwrap_or(trimmed.len()));
        if !lex::is_token(scheme) {
            return Err(ParseError::of(ParseErrorKind::Value, value, scheme));
        }
        Ok(OtherAuth { scheme, text: lex::trim(text) })
    }

    pub(super) fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Digest")
    }
}

impl fmt::Display for OtherAuth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blank = if self.text.is_empty() { "" } else { " " };
        write!(f, "{}{blank}{}", self.scheme, self.text)
    }
}

/// Shows the scheme alone: what follows may be a password.
impl fmt::Debug for OtherAuth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtherAuth").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}
