use core::fmt;
use std::borrow::Cow;

use super::number;
use crate::{Params, ParseError, ParseErrorKind, lex};

/// `Geolocation-Error: 200;code="Permission To Use Location Information"` (RFC 6442 §4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeolocationError<'a> {
    /// The `location-error-code`, below 1000. One that is not known counts as the first of its hundred: 202 as 200.
    pub code: u16,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> GeolocationError<'a> {
    /// Parses `1*3DIGIT *(;param)`; another code is [`ParseErrorKind::Number`].
    pub fn parse(value: &'a str) -> Result<GeolocationError<'a>, ParseError> {
        let (head, tail) = value.split_at(value.find(';').unwrap_or(value.len()));
        let digits = lex::trim(head);
        let code = match number(digits) {
            Ok(code) if digits.len() <= 3 => code,
            _ => return Err(ParseError::of(ParseErrorKind::Number, value, digits)),
        };
        let params = Params::parse(tail).map_err(|error| error.shifted(head.len()))?;
        Ok(GeolocationError { code, params })
    }

    /// The `code` parameter, which is no code but the text for people, without quotes.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("code")
    }
}

impl fmt::Display for GeolocationError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.code, self.params.as_str())
    }
}
