use core::fmt;
use std::borrow::Cow;

use super::event::lex_value;
use crate::{Params, ParseError, ParseErrorKind};

/// `Reason: SIP;cause=200;text="Call completed elsewhere"` (RFC 3326 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850` or another token; compare without regard to case.
    pub protocol: &'a str,
    /// The protocol's cause number.
    pub cause: Option<u16>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Reason<'a> {
    /// Parses one reason value; a `cause` that is no number up to 65535 is an error.
    pub fn parse(value: &'a str) -> Result<Reason<'a>, ParseError> {
        let (protocol, params) = lex_value(value)?;
        let cause = match params.value("cause") {
            None => None,
            Some(digits) => match digits.parse() {
                Ok(cause) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(cause),
                _ => return Err(ParseError::of(ParseErrorKind::Number, value, digits)),
            },
        };
        Ok(Reason { protocol, cause, params })
    }

    /// The `text` parameter without quotes.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("text")
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.protocol, self.params.as_str())
    }
}
