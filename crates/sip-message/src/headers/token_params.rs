use core::fmt;

use super::event::lex_value;
use crate::{Params, ParseError};

/// `token *(;param)`: Answer-Mode and Priv-Answer-Mode (RFC 5373 §2), Geolocation-Routing (RFC 6442 §4.2),
/// P-Access-Network-Info (RFC 7315 §5.4), Request-Disposition (RFC 3841 §9.1).
///
/// `require` of Answer-Mode is a parameter. Words that a recipient does not know mean nothing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenParams<'a> {
    /// The token as written; compare without regard to case.
    pub token: &'a str,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> TokenParams<'a> {
    /// Parses one value; errors are [`Value`](crate::ParseErrorKind::Value) for the token and those of
    /// [`Params::parse`].
    pub fn parse(value: &'a str) -> Result<TokenParams<'a>, ParseError> {
        lex_value(value).map(|(token, params)| TokenParams { token, params })
    }

    /// Tells whether this is that token, in any case.
    pub fn is(&self, token: &str) -> bool {
        self.token.eq_ignore_ascii_case(token)
    }
}

impl fmt::Display for TokenParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.token, self.params.as_str())
    }
}
